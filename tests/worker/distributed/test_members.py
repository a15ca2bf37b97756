"""Who leads: only who has lately heard that the group still counts on it."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.assignment.protocol import Work
from ferryman.errors import RequestError
from ferryman.worker import askers
from ferryman.worker.distributed import members as module
from ferryman.worker.distributed.members import Members
from ferryman.worker.distributed.share import Share, ShareOfWork
from ferryman.worker.herder import Forward

ME, OTHER = "http://me/", "http://other/"


class Place:
    """A worker's place in its group, as a test says."""

    def __init__(self, leader: str | None, holds: bool = True) -> None:
        self.holds = holds
        self.member = SimpleNamespace(url=ME, leader_url=leader, leads=leader == ME, owner=lambda *_: None)

    async def moves(self, within: float) -> None:
        await asyncio.sleep(min(within, 0.05))

    @property
    def holds_place(self) -> bool:
        return self.holds

    @property
    def leads(self) -> bool:
        return bool(self.member.leads) and self.holds


def members(place: Place, share: ShareOfWork | None = None) -> Members:
    given: Any = place
    nothing: Any = None
    settings: Any = SimpleNamespace(distributed=None)
    return Members(settings, given, nothing, share or ShareOfWork(), nothing, nothing)


def forwarded(place: Place) -> str | None:
    with pytest.raises(Forward) as found:
        asyncio.run(members(place).lead())
    return found.value.url


def test_who_leads_decides() -> None:
    asyncio.run(members(Place(ME)).lead())


def test_a_follower_names_the_leader() -> None:
    assert forwarded(Place(OTHER)) == OTHER


def test_nobody_is_named_when_no_leader_is_known_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REBALANCE_SECONDS", 0.1)
    assert forwarded(Place(None)) is None


def test_who_led_before_it_slept_waits_until_it_knows_whether_it_still_does(monkeypatch: pytest.MonkeyPatch) -> None:
    async def slept(leader: str, holds: bool) -> str | None:
        place = Place(ME, holds=False)
        asked = asyncio.ensure_future(members(place).lead())
        await asyncio.sleep(0.2)
        assert not asked.done()
        place.member.leader_url, place.member.leads, place.holds = leader, leader == ME, holds
        try:
            await asked
        except Forward as found:
            return found.url
        return "here"

    assert asyncio.run(slept(ME, True)) == "here"
    assert asyncio.run(slept(OTHER, True)) == OTHER
    monkeypatch.setattr(module, "REBALANCE_SECONDS", 0.3)
    place = Place(ME, holds=False)
    assert forwarded(place) is None


def test_who_ran_a_task_before_it_slept_waits_until_it_knows_whether_it_still_does() -> None:
    async def slept(keeps: bool) -> str | None:
        place, share = Place(OTHER, holds=False), ShareOfWork()
        share.now = Share(Work((), (("c", 0),)))
        asked = asyncio.ensure_future(members(place, share).own("c", 0))
        await asyncio.sleep(0.2)
        assert not asked.done()
        place.holds, share.now = True, share.now if keeps else Share()
        try:
            await asked
        except Forward as found:
            return found.url
        return "here"

    assert asyncio.run(slept(keeps=True)) == "here"
    assert asyncio.run(slept(keeps=False)) == OTHER


@pytest.mark.parametrize(("waited", "gone", "done"), [(True, True, False), (True, False, True), (False, True, True)])
def test_what_waited_for_the_end_of_a_rebalance_is_not_done_for_who_has_gone(
    waited: bool, gone: bool, done: bool
) -> None:
    async def has_gone() -> bool:
        return gone

    async def asks() -> None:
        place = Place(None if waited else ME)
        with askers.on_behalf_of(has_gone):
            asking = asyncio.ensure_future(members(place).lead())
            await asyncio.sleep(0)
            place.member.leader_url, place.member.leads = ME, True
            await asking

    if done:
        asyncio.run(asks())
    else:
        with pytest.raises(RequestError) as found:
            asyncio.run(asks())
        assert found.value.status == 409
