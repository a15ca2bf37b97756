"""What a worker's place in its group lets it do: write as the leader only while it surely leads."""

import asyncio
from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.assignment.protocol import NO_WORK
from ferryman.facts.config_records import ConnectorConfig
from ferryman.facts.fold import Facts
from ferryman.leases import lease
from ferryman.leases.lease import Lease
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.group_view import GroupView
from ferryman.membership.member import Member
from ferryman.membership.rebalances import Rebalances
from ferryman.metrics.windows import Sampling
from ferryman.worker.distributed.group import Group
from ferryman.worker.distributed.share import ShareOfWork
from tests.worker.simulated_time import simulated

SETTINGS = GroupSettings("g", "http://me/", "sessioned", 6000, 200, 60_000, 1000, 3000, 500, {})
LEADS = GroupView(member_id="me", generation=1, leader="me", leader_url="http://me/")
FOLLOWS = replace(LEADS, leader="other", leader_url="http://other/")


@pytest.mark.parametrize(
    ("view", "holds", "may_write"),
    [(LEADS, True, True), (LEADS, False, False), (FOLLOWS, True, False), (GroupView(), True, False)],
    ids=["who leads", "who led and slept", "who led once and is back", "who is in no group"],
)
def test_only_who_surely_leads_writes_what_the_leader_writes(view: GroupView, holds: bool, may_write: bool) -> None:
    async def told() -> bool:
        journal: Any = SimpleNamespace()
        group = placed(view, journal)
        group.lease = Lease(lease.now() + (1000 if holds else -1), lease.now() + 1001)
        return bool(journal.leads())

    assert asyncio.run(told()) is may_write


def placed(view: GroupView, journal: Any) -> Group:
    nothing: Any = None
    group = Group(nothing, SETTINGS, journal, nothing, ShareOfWork())
    group.member._participant.stands(view)
    return group


def test_all_processes_are_told_of_a_longer_lease_when_that_is_worth_it() -> None:
    """And whatever starts meanwhile has the longest. A rebalance for each of a thousand connectors would else tell all
    the others each time."""

    async def told() -> list[float]:
        group, told = placed(LEADS, SimpleNamespace()), list[float]()
        plane: Any = SimpleNamespace(reconciler=SimpleNamespace(renew=lambda lease: told.append(lease.ends)))
        group._plane, group._config = plane, SimpleNamespace(session_timeout_ms=10_000)  # type: ignore[assignment]
        for tenths in range(100):
            group._renew(Lease(9 + tenths / 10, 10 + tenths / 10))
            assert group.lease.ends == 9 + tenths / 10
        return told

    ends = asyncio.run(told())
    assert len(ends) == 10
    assert all(later - earlier >= 1 for earlier, later in pairwise(ends))


def test_connectors_that_come_in_a_row_are_shared_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rebalance goes through all that there are: were there one for each, a thousand would be a million steps."""
    asked: list[float] = []

    def rebalances(connectors: int, cost: float) -> int:
        async def story() -> None:
            loop, journal = asyncio.get_running_loop(), SimpleNamespace(facts=Facts())
            monkeypatch.setattr(Member, "rejoin", lambda self, reason: asked.append(loop.time()))
            group = placed(LEADS, journal)
            group.member._participant.rebalances = Rebalances(Sampling(clock=loop.time))
            asked.clear()
            for number in range(connectors):
                journal.facts.apply(ConnectorConfig(f"c{number}", {}), number)
                group.facts_changed([f"c{number}"])
                if asked and asked[-1] == loop.time():
                    group.member.rebalances.begins()
                    with group.member.rebalances.at_work():
                        await asyncio.sleep(cost * (number + 1))
                    group.member.rebalances.ends()
                await asyncio.sleep(0.01)
            await asyncio.sleep(60)
            assert group._shared.keys() == {f"c{number}" for number in range(connectors)}

        simulated(story())
        return len(asked)

    assert rebalances(40, cost=0.0) == 40
    assert rebalances(400, cost=0.001) < 2 * rebalances(200, cost=0.001) < 200


def test_a_connector_that_comes_while_a_new_leader_shares_out_the_work_is_shared_out_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Member, "rejoin", lambda self, reason: asked.append(reason))

    async def story(*, late: bool) -> int:
        asked.clear()
        journal = SimpleNamespace(facts=Facts(), write=no_key)
        group = placed(FOLLOWS, journal)
        nothing: Any = SimpleNamespace(facts_changed=no_matter, clear=no_matter)
        group._plane, group._board = SimpleNamespace(reconcile=no_matter, members=nothing), nothing  # type: ignore[assignment]
        group._config = SimpleNamespace(  # type: ignore[assignment]
            inter_worker_key_generation_algorithm="HmacSHA256",
            inter_worker_key_size=None,
            inter_worker_key_ttl_ms=3_600_000,
        )
        group.joined.set()
        journal.facts.apply(ConnectorConfig("a", {}), 1)
        group.snapshot()
        if late:
            journal.facts.apply(ConnectorConfig("b", {}), 2)
            group.facts_changed(["b"])
        group.member._participant.stands(LEADS)
        await group._take(NO_WORK)
        await asyncio.sleep(60)
        return len(asked)

    assert simulated(story(late=True)) == 1
    assert simulated(story(late=False)) == 0


def no_matter(told: object) -> None:
    """Nobody listens."""


async def no_key(record: object) -> None:
    """Nothing is written."""


def test_who_waits_for_the_group_is_told_when_it_counts_on_this_worker_again() -> None:
    async def told() -> float:
        group = placed(LEADS, SimpleNamespace())
        plane: Any = SimpleNamespace(reconciler=SimpleNamespace(renew=lambda lease: None))
        group._plane, group._config = plane, SimpleNamespace(session_timeout_ms=10_000)  # type: ignore[assignment]
        loop = asyncio.get_running_loop()
        loop.call_later(3.0, group._renew, Lease(lease.now() + 10.0, lease.now() + 11.0))
        await group.moves(20.0)
        return loop.time()

    assert simulated(told()) == pytest.approx(3.0)
