"""The control plane of a worker: restarts, statuses on every path, levels, topics, and its end."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from ferryman.facts.config_records import (
    ConfigRecord,
    ConnectorConfig,
    LoggerLevel,
    RestartRequest,
    TargetStateRecord,
    TaskConfig,
    TasksCommit,
)
from ferryman.facts.states import State, TargetState
from ferryman.telemetry import logs
from ferryman.worker.control.plane import LAST_WORDS
from ferryman.worker.control.wanted import Instance
from ferryman.worker.herder import Status
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits
from tests.worker.played_worker import DISLIKES, GRACE, MoodySink, PlayedWorker, until

Tell = Callable[[Story], None]
DEBUG = {"root": "DEBUG", "ferryman": "DEBUG"}


# Restarts.


@pytest.mark.parametrize(
    ("include_tasks", "only_failed", "connector", "tasks"),
    [
        (False, False, True, []),
        (True, False, True, [0, 1, 2]),
        (False, True, False, []),
        (True, True, False, [1]),
    ],
)
def test_a_request_restarts_what_it_names_once(
    tell: Tell, include_tasks: bool, only_failed: bool, connector: bool, tasks: list[int]
) -> None:
    async def story(worker: PlayedWorker) -> None:
        processes = await worker.created("c", 3)
        processes[1].fails()
        await worker.shows("c", State.RUNNING, State.RUNNING, State.FAILED, State.RUNNING)
        made = worker.pool.stages.count("generating task configs for connector c")
        await worker.journal.write(RestartRequest("c", include_tasks, only_failed))
        await asyncio.sleep(60)
        again = [number for number in range(3) if len(worker.forks.of(f"c-{number}")) == 2]
        assert again == tasks
        assert len(worker.forks.processes) == 3 + len(tasks)
        assert worker.pool.stages.count("generating task configs for connector c") == made + connector
        await worker.commands.put("c", worker.config("c", 3))  # which asks for no restart
        await asyncio.sleep(60)
        assert len(worker.forks.processes) == 3 + len(tasks)

    tell(story)


def test_a_failed_connector_is_restarted_by_a_request_for_what_has_failed(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = DISLIKES
        await worker.commands.create("c", worker.config("c"))
        await worker.journal.write(RestartRequest("c", include_tasks=False, only_failed=True))
        await worker.shows("c", State.FAILED)
        del worker.moods["c"]
        await worker.journal.write(RestartRequest("c", include_tasks=False, only_failed=True))
        await worker.runs("c")

    tell(story)


def test_a_restart_of_what_is_not_there_leaves_nothing_behind(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.journal.write(RestartRequest("c", include_tasks=True, only_failed=False))
        await worker.created("gone")
        await worker.commands.delete("gone")
        await worker.journal.write(RestartRequest("gone", include_tasks=True, only_failed=False))
        await asyncio.sleep(60)
        assert worker.states("c") == worker.states("gone") == []
        assert worker.shown[-1] == ("gone", 0, None)

    tell(story)


def test_a_task_that_has_failed_is_shown_as_failed_again_after_a_former_owners_late_word(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (process,) = await worker.created("c")
        process.fails("it broke")
        await worker.shows("c", State.RUNNING, State.FAILED)
        worker.board.show(("c", 0), Status(State.UNASSIGNED, "10.0.0.2:8083"))  # it was cut off when it wrote this
        worker.plane.said(("c", 0), "10.0.0.2:8083", late=True)
        assert worker.board.tasks("c")[0].trace == "it broke"
        told = len(worker.shown)
        worker.plane.said(
            ("c", 0), worker.resources.worker_id, late=True
        )  # this worker's own word comes by the same way
        assert len(worker.shown) == told
        worker.plane.said(
            ("c", 0), "10.0.0.2:8083", late=True
        )  # all here have passed it over, and it lies in the topic
        assert worker.shown[told:] == [("c", 0, State.FAILED)]

    tell(story)


@pytest.mark.parametrize("state", list(State))
def test_a_word_of_a_task_that_is_no_more_does_not_stay_though_its_request_came_twice(tell: Tell, state: State) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        await worker.commands.stop("c")
        await worker.shows("c", State.STOPPED)
        worker.board.show(("c", 1), Status(state, worker.resources.worker_id))
        worker.plane.said(("c", 1), worker.resources.worker_id, late=False)
        await worker.shows("c", State.STOPPED)
        told = len(worker.shown)
        worker.plane.said(("c", 1), None, late=True)  # what is forgotten comes by the same way
        assert len(worker.shown) == told

    tell(story)


def test_a_workers_own_word_that_comes_again_behind_what_it_said_since_does_not_stay(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        await worker.shows("c", State.RUNNING, State.RUNNING)
        worker.board.show(("c", 0), Status(State.PAUSED, worker.resources.worker_id))
        worker.plane.said(("c", 0), worker.resources.worker_id, late=False)
        await worker.shows("c", State.RUNNING, State.RUNNING)

    tell(story)


def test_a_connector_that_is_stopped_while_its_tasks_configs_are_on_their_way_has_none(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        write = worker.journal.write

        async def overtaken(*records: ConfigRecord) -> None:
            if TasksCommit("c", 3) in records:
                await write(TasksCommit("c", 0), TargetStateRecord("c", TargetState.STOPPED))
            await write(*records)

        worker.patches.setattr(worker.journal, "write", overtaken)
        await worker.plane.write_tasks("c", [{"task": str(number)} for number in range(3)])
        facts = worker.journal.facts.of("c")
        assert (facts.target, facts.tasks) == (TargetState.STOPPED, ())

    tell(story)


def test_a_restart_of_what_is_not_assigned_here_is_somebody_elses(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        assigned = Share()
        worker.patches.setattr(worker.members, "assigned", assigned)
        await worker.created("c", 2)
        assigned.without = {("c", 1)}
        worker.plane.reconcile()
        await worker.shows("c", State.RUNNING, State.RUNNING, State.UNASSIGNED)
        await worker.journal.write(RestartRequest("c", include_tasks=True, only_failed=False))
        await asyncio.sleep(60)
        assert [len(worker.forks.of("c-0")), len(worker.forks.of("c-1"))] == [2, 1]
        assert worker.states("c")[2] is State.UNASSIGNED

    tell(story)


class Share:
    """All but some."""

    def __init__(self) -> None:
        self.without: set[Instance] = set()

    def has(self, connector: str, task: int | None = None) -> bool:
        return (connector, task) not in self.without


# Assignment.


def test_what_is_assigned_elsewhere_is_shown_unassigned_when_it_is_gone_and_starts_when_it_is_back(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        assigned = Share()
        worker.patches.setattr(worker.members, "assigned", assigned)
        kept, moved = await worker.created("c", 2)
        assigned.without = {("c", 1), ("c", None)}
        worker.plane.reconcile()
        await worker.plane.reconciler.gone([("c", 1), ("c", None)])
        assert not moved.lives
        assert worker.states("c") == [State.UNASSIGNED, State.RUNNING, State.UNASSIGNED]
        assigned.without = set()
        worker.plane.reconcile()
        await worker.runs("c", 2)
        assert worker.forks.live("c-0") == [kept]
        assert len(worker.forks.of("c-1")) == 2

    tell(story)


# Statuses.


def test_fewer_tasks_leave_no_status_behind(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=3)
        await worker.created("c", 3)
        await worker.commands.put("c", worker.config("c", 1))
        await worker.runs("c", 1)
        assert (await worker.commands.status("c")).tasks.keys() == {0}

    tell(story)


def test_a_status_that_somebody_else_has_left_is_cleared_with_the_next_task_configs(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 1)
        left = worker.board.tasks("c")[0]
        worker.board.show(("c", 7), left)
        await worker.commands.put("c", worker.config("c", 2))
        await worker.runs("c", 2)
        assert worker.board.tasks("c").keys() == {0, 1}

    tell(story)


def test_a_stopped_connector_has_no_tasks_and_no_status_of_any(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        await worker.commands.stop("c")
        assert worker.states("c") == [State.STOPPED]
        assert worker.forks.live() == []
        assert (await worker.commands.info("c")).tasks == range(0)
        await worker.commands.resume("c")
        await worker.runs("c", 2)

    tell(story)


def test_tasks_of_a_connector_that_is_stopped_with_their_configs_kept_leave_no_status_either(tell: Tell) -> None:
    """As a worker of another kind may have written it."""

    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        await worker.journal.write(TargetStateRecord("c", TargetState.STOPPED))
        await worker.plane.reconciler.settle("c")
        assert worker.states("c") == [State.STOPPED]

    tell(story)


def test_a_deleted_connector_leaves_nothing_behind(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2, colour=worker.provided)
        await worker.commands.restart("c", include_tasks=True, only_failed=False)
        await worker.runs("c", 2)
        await until(lambda: len(worker.board.topics("c")) == 2)
        deletion = asyncio.create_task(worker.commands.delete("c"))
        await asyncio.sleep(0)
        for process in worker.forks.live("c"):
            process.says("topic", topic="last words")
        await deletion
        await asyncio.sleep(60)
        assert worker.states("c") == []
        assert worker.board.topics("c") == []
        plane = worker.plane
        left = (plane._restarts, plane.reconciler.connectors, plane.reconciler.tasks, plane.owners._owners)
        assert [dict(each) for each in left] == [{}] * 4

    tell(story)


def test_what_takes_the_name_of_a_deleted_connector_starts_anew_even_with_its_config(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("c")
        first.fails()
        await worker.shows("c", State.RUNNING, State.FAILED)
        raw = worker.config("c")
        # In one breath, as a worker reads them that was cut off for a while.
        records: list[ConfigRecord] = [
            ConnectorConfig("c", None),
            TargetStateRecord("c", None),
            ConnectorConfig("c", raw),
            *(TaskConfig("c", number, each) for number, each in enumerate(worker.journal.facts.of("c").tasks)),
            TasksCommit("c", 1),
        ]
        await worker.journal.write(*records)
        await worker.runs("c")
        assert len(worker.forks.of("c")) == 2

    tell(story)


def test_a_connector_that_is_created_while_its_namesake_ends_waits_for_its_tasks(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=3)
        (first,) = await worker.created("c")
        deletion = asyncio.create_task(worker.commands.delete("c"))
        await asyncio.sleep(1)
        creation = asyncio.create_task(worker.commands.create("c", worker.config("c")))
        await asyncio.sleep(1)
        assert first.lives
        assert len(worker.forks.processes) == 1
        await deletion
        await creation
        await worker.runs("c")
        assert len(worker.forks.live("c")) == 1

    tell(story)


# Secrets.


def test_the_secrets_of_a_config_are_kept_until_what_ran_with_them_is_gone(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=None, dies_in=30)
        await worker.created("c", colour=worker.provided)
        owner = worker.plane.owner("c")
        assert owner.held
        released = list[float]()
        loop = asyncio.get_running_loop()
        worker.patches.setattr(owner, "release", lambda: released.append(loop.time()))
        began = loop.time()
        await worker.commands.delete("c")
        await asyncio.sleep(1)
        assert [at - began > GRACE + 29 for at in released] == [True]
        assert [spec.connector for spec in worker.left] == ["c"]

    tell(story)


# The worker as a whole.


def test_a_level_reaches_the_tasks_that_run_and_those_to_come(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("a")
        await worker.commands.set_level("ferryman.x", "DEBUG")
        await worker.journal.write(LoggerLevel("ferryman.y", "TRACE"))
        await until(lambda: first.levels == {"ferryman.x": "DEBUG", "ferryman.y": "TRACE"})
        (second,) = await worker.created("b")
        assert second.played.spec is not None
        told = [*second.played.spec.levels.items()]
        assert told == [("root", logs.level()), ("ferryman.x", "DEBUG"), ("ferryman.y", "TRACE")]
        first.dies(-9)
        await until(lambda: len(worker.forks.of("a")) == 2)
        await worker.runs("a")
        assert worker.forks.live("a")[0].played.spec.levels == second.played.spec.levels  # type: ignore[union-attr]

    tell(story)


def test_a_level_that_comes_from_another_worker_holds_here_and_is_shown(
    tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.journal.write(LoggerLevel("ferryman.tests.z", "TRACE"), LoggerLevel("ferryman.tests", "LOUD"))
        assert logging.getLogger("ferryman.tests.z").level == logs.LEVELS["TRACE"]
        shown = worker.commands.loggers.all()["ferryman.tests.z"]
        assert shown["level"] == "TRACE"
        assert shown["last_modified"]
        assert "invalid log level 'LOUD'" in caplog.text

    tell(story)


def test_where_topics_are_not_tracked_none_is_noted(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.plane.resources = replace(worker.resources, settings=worker.with_settings(topic_tracking_enable="false"))
        worker.plane.resources.plugins = worker.resources.plugins
        await worker.created("a")
        await asyncio.sleep(60)
        assert worker.board.topics("a") == []

    tell(story)


def test_the_level_of_one_connector_reaches_its_tasks_and_no_others(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("a")
        (other,) = await worker.created("b")
        await worker.commands.set_level("connector.a", "DEBUG")
        await worker.commands.set_level("ferryman", "WARN")
        await until(lambda: (first.levels, other.levels) == (DEBUG, {"ferryman": "WARN"}))
        first.dies(-9)
        await until(lambda: len(worker.forks.of("a")) == 2)
        await worker.runs("a")
        assert worker.forks.live("a")[0].played.spec.levels == DEBUG  # type: ignore[union-attr]

    tell(story)


def test_topics_that_are_forgotten_are_told_again_by_the_tasks_that_use_them(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("a")
        await worker.created("b")
        await until(lambda: worker.board.topics("a") == ["of a-0"])
        await worker.commands.reset_topics("a")
        assert await worker.commands.topics("a") == []
        await until(lambda: worker.board.topics("a") == ["of a-0"])
        assert await worker.commands.topics("b") == ["of b-0"]

    tell(story)


def test_it_ends_when_its_tasks_have_ended(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        for name in ("a", "b"):
            worker.forks.habits[name] = Habits(ends_in=2)
            await worker.created(name, 2)
        before = asyncio.get_running_loop().time()
        await worker.commands.close()
        assert 2 <= asyncio.get_running_loop().time() - before < 2.5
        assert worker.forks.live() == []
        assert worker.states("a") == worker.states("b") == [State.UNASSIGNED] * 3

    tell(story)


@pytest.mark.parametrize("dies_in", [0.5, 600, None])
def test_it_ends_in_time_with_processes_that_refuse_to_die(tell: Tell, dies_in: float | None) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["bad"] = Habits(ends_in=None, dies_in=dies_in)
        (bad,) = await worker.created("bad")
        await worker.created("good")
        before = asyncio.get_running_loop().time()
        await worker.commands.close()
        assert asyncio.get_running_loop().time() - before <= GRACE + LAST_WORDS + 0.01
        assert bad.killed
        assert worker.forks.live() == ([] if dies_in == 0.5 else [bad])

    tell(story)


def test_it_ends_in_time_while_connectors_are_created_restarted_and_stand_still(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        worker.forks.habits["c"].ends_in = 3
        worker.pool.takes = lambda stage: 20.0 if "slow" in stage else 0.0
        requests = [
            asyncio.create_task(worker.commands.create("slow", worker.config("slow"))),
            asyncio.create_task(worker.commands.restart("c", include_tasks=True, only_failed=False)),
            asyncio.create_task(worker.commands.put("c", worker.config("c", 3))),
        ]
        await asyncio.sleep(1)
        before = asyncio.get_running_loop().time()
        await worker.commands.close()
        assert asyncio.get_running_loop().time() - before <= GRACE + LAST_WORDS + 0.01
        known = len(worker.forks.processes)
        await asyncio.gather(*requests, return_exceptions=True)
        await asyncio.sleep(600)
        assert worker.forks.live() == []
        assert len(worker.forks.processes) == known

    tell(story)


def test_nothing_starts_when_it_has_ended(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = ConnectionError("away")
        await worker.commands.create("c", worker.config("c"))
        await worker.commands.close()
        del worker.moods["c"]
        await worker.journal.write(ConnectorConfig("d", worker.config("d")), TasksCommit("d", 0))
        worker.plane.reconcile()
        await asyncio.sleep(600)
        assert worker.forks.processes == []

    tell(story)


def test_a_connectors_new_config_reaches_tasks_whose_own_configs_stay_the_same(tell: Tell) -> None:
    """As those of plugins that give their tasks only what is theirs."""

    async def story(worker: PlayedWorker) -> None:
        worker.patches.setattr(MoodySink, "task_configs", lambda config, raw: [{"share": "all"}])
        await worker.created("c")
        await worker.commands.put("c", worker.config("c", colour="red"))
        await until(lambda: len(worker.forks.of("c")) == 2)
        await worker.runs("c")
        assert worker.forks.live("c")[0].config["colour"] == "red"

    tell(story)


def test_a_config_has_the_owner_who_looked_at_it_and_not_that_of_the_one_before(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", colour=worker.provided)
        before = worker.plane.owner("c")
        worker.provides(colour="other-as-provided")
        await worker.commands.put("c", worker.config("c", colour=worker.provided) | {"errors.log.enable": "true"})
        await worker.runs("c")
        assert "other-as-provided" in worker.plane.owner("c").held
        assert "other-as-provided" not in before.held

    tell(story)
