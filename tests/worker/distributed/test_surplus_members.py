"""Which members of a sink's group are gone for good, and when the leader looks for them."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.errors import FerrymanError, RefusedError, RetriableError
from ferryman.facts.config_records import ConnectorConfig, TargetStateRecord, TaskConfig, TasksCommit
from ferryman.facts.fold import Facts
from ferryman.facts.states import TargetState
from ferryman.kafka.clients import instance_id, task_of
from ferryman.worker.control.wanted import Task
from ferryman.worker.distributed import surplus_members as module
from ferryman.worker.distributed.surplus_members import SurplusMembers, surplus
from tests.worker.played_worker import PlayedPool
from tests.worker.simulated_time import simulated

SINK = {"connector.class": "FileStreamSink", "topics": "t"}
SOURCE = {"connector.class": "FileStreamSource", "topic": "t"}


@pytest.mark.parametrize("whose", ["g", "a-group"])
@pytest.mark.parametrize("connector", ["c", "c-1", "ein Käse", "x" * 300])
def test_the_task_of_a_member_is_found_by_its_id(whose: str, connector: str) -> None:
    for number in (0, 7, 23):
        assert task_of(instance_id(whose, connector, number), whose, connector) == number


@pytest.mark.parametrize(
    "other",
    [
        "consumer-1",
        "",
        "g-c",
        "g-c-x",
        "g-c-01",
        "h-c-1",
        "g-d-1",
        "g-c-1-1",
        "g-c-99999999999",
        "g-c-1-0123456789abcdef",
    ],
)
def test_who_is_no_task_of_the_connector_is_let_be(other: str) -> None:
    assert task_of(other, "g", "c") is None


def test_only_tasks_of_the_connector_that_are_not_kept_are_surplus() -> None:
    members = {"g-c-0": "m0", "g-c-1": "m1", "g-c-3": "m3", "g-d-3": "other", "consumer": "java"}
    assert surplus(members, "g", "c", {0}) == {"g-c-1": "m1", "g-c-3": "m3"}
    assert surplus(members, "g", "c", {0, 1, 2, 3}) == {}


class Story:
    """A leader and what it hears, in simulated time."""

    def __init__(self, patches: pytest.MonkeyPatch) -> None:
        self.facts = Facts()
        self.running: Collection[Task] | None = frozenset()
        self.members: dict[str, dict[str, str]] = {}
        """The static members of each connector's group."""
        self.answers: Callable[[str], FerrymanError | None] = lambda connector: None
        self.looks: list[tuple[str, float]] = []
        self.removed: list[str] = []
        story = self

        class Groups:
            def __init__(self, resources: object) -> None: ...

            def members(self, connector: str, config: Mapping[str, str]) -> Mapping[str, str]:
                story.looks.append((connector, asyncio.get_running_loop().time()))
                if error := story.answers(connector):
                    raise error
                return dict(story.members.get(connector, {}))

            def remove(self, connector: str, config: Mapping[str, str], members: Mapping[str, str]) -> None:
                story.removed += members
                for each in members:
                    del story.members[connector][each]

            def close(self) -> None: ...

        patches.setattr(module, "_Groups", Groups)

    def begin(self) -> None:
        journal: Any = SimpleNamespace(facts=self.facts, leads=lambda: self.running is not None)
        resources: Any = SimpleNamespace(identity="g")
        pool: Any = PlayedPool()
        self.surplus = SurplusMembers(resources, journal, lambda: self.running, pool)

    def hear(self, connector: str, *records: Any) -> None:
        for record in records:
            self.facts.apply(record, self.facts.offset + 1)
        self.surplus.note([connector])
        if self.running is not None:
            self.surplus.look()

    def has_tasks(self, connector: str, count: int, config: Mapping[str, str] = SINK) -> None:
        tasks = [TaskConfig(connector, number, dict(config)) for number in range(count)]
        self.hear(connector, ConnectorConfig(connector, dict(config)), *tasks, TasksCommit(connector, count))


Played = Callable[[Callable[[Story], Awaitable[None]]], Story]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Played:
    def played(events: Callable[[Story], Awaitable[None]]) -> Story:
        story = Story(monkeypatch)

        async def run() -> None:
            story.begin()
            await events(story)

        simulated(run())
        return story

    return played


def test_members_of_tasks_that_are_not_wanted_are_removed_when_no_worker_has_them(play: Played) -> None:
    async def events(story: Story) -> None:
        story.has_tasks("c", 4)
        story.members["c"] = {f"g-c-{number}": f"m{number}" for number in range(4)}
        story.running = {("c", number) for number in range(4)}
        story.has_tasks("c", 1)
        await asyncio.sleep(60)
        assert story.looks == []
        story.running = {("c", 0)}
        await asyncio.sleep(60)

    story = play(events)
    assert story.removed == ["g-c-1", "g-c-2", "g-c-3"]
    assert len(story.looks) == 2


@pytest.mark.parametrize(
    "end",
    [ConnectorConfig("c", None), TargetStateRecord("c", TargetState.STOPPED)],
    ids=["it is deleted", "it is stopped"],
)
def test_nobody_of_a_connector_stays_when(play: Played, end: Any) -> None:
    async def events(story: Story) -> None:
        story.has_tasks("c", 2)
        story.members["c"] = {"g-c-0": "m0", "g-c-1": "m1"}
        story.hear("c", end)
        await asyncio.sleep(60)

    assert play(events).members == {"c": {}}


def test_a_process_that_slept_and_joins_once_more_is_removed_again(play: Played) -> None:
    async def events(story: Story) -> None:
        story.has_tasks("c", 2)
        story.members["c"] = {"g-c-1": "m1"}
        story.has_tasks("c", 1)
        await asyncio.sleep(5)
        assert story.members == {"c": {}}
        story.members["c"] = {"g-c-1": "phantom"}
        await asyncio.sleep(60)

    story = play(events)
    assert story.members == {"c": {}}
    assert len(story.looks) == 3


def test_tasks_that_are_wanted_again_keep_their_places(play: Played) -> None:
    async def events(story: Story) -> None:
        story.has_tasks("c", 4)
        story.members["c"] = {"g-c-3": "m3"}
        story.has_tasks("c", 1)
        story.has_tasks("c", 4)
        await asyncio.sleep(60)

    assert play(events).removed == []


def test_no_group_is_asked_where_nothing_was_lost(play: Played) -> None:
    async def events(story: Story) -> None:
        for number in range(100):
            story.has_tasks(f"c{number}", 1)
        for number in range(100):
            story.has_tasks(f"c{number}", 3)
        story.has_tasks("source", 3, SOURCE)
        story.has_tasks("source", 1, SOURCE)
        await asyncio.sleep(3600)

    assert play(events).looks == []


def test_a_group_without_surplus_members_is_looked_at_once(play: Played) -> None:
    async def events(story: Story) -> None:
        story.has_tasks("c", 4)
        story.has_tasks("c", 1)
        await asyncio.sleep(3600)

    assert len(play(events).looks) == 1


def test_what_the_former_leader_has_not_done_is_done_by_the_next(play: Played) -> None:
    async def events(story: Story) -> None:
        story.running = None
        story.has_tasks("c", 2)
        story.members["c"] = {"g-c-1": "m1"}
        story.has_tasks("c", 1)
        await asyncio.sleep(60)
        assert story.looks == []
        story.running = {("c", 0)}
        story.surplus.look()
        await asyncio.sleep(60)

    assert play(events).removed == ["g-c-1"]


def test_a_cluster_that_is_away_is_asked_again(play: Played) -> None:
    async def events(story: Story) -> None:
        away = iter([RetriableError("away"), RetriableError("away")])
        story.answers = lambda connector: next(away, None)
        story.has_tasks("c", 2)
        story.members["c"] = {"g-c-1": "m1"}
        story.has_tasks("c", 1)
        await asyncio.sleep(120)

    assert play(events).removed == ["g-c-1"]


def test_a_cluster_that_never_answers_is_not_asked_for_ever(play: Played) -> None:
    async def events(story: Story) -> None:
        story.answers = lambda connector: RetriableError("away")
        story.has_tasks("c", 2)
        story.has_tasks("c", 1)
        await asyncio.sleep(3600)

    assert len(play(events).looks) == module.MOST_LOOKS


def test_a_missing_right_is_warned_of_once_by_name(play: Played, caplog: pytest.LogCaptureFixture) -> None:
    async def events(story: Story) -> None:
        story.answers = lambda connector: RefusedError("no Read on group connect-c", key="consumer.override.x")
        for _ in range(3):
            story.has_tasks("c", 2)
            story.has_tasks("c", 1)
            await asyncio.sleep(60)

    with caplog.at_level(logging.WARNING):
        story = play(events)
    (warning,) = [each.getMessage() for each in caplog.records]
    assert "connector c" in warning
    assert "no Read on group connect-c" in warning
    assert len(story.looks) == 3
