"""A connector itself: it makes its tasks' configs, or shows why it cannot, and holds nobody else up."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from ferryman.errors import RequestError
from ferryman.facts.config_records import TaskConfig, TasksCommit
from ferryman.facts.states import State, TargetState
from ferryman.worker.control.connector_place import LONGEST_WAIT
from tests.worker.control.conftest import Story
from tests.worker.control.played_worker import DISLIKES, MoodySink, PlayedWorker

Tell = Callable[[Story], None]


def test_a_connector_that_cannot_make_its_tasks_configs_has_failed_and_says_why(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = DISLIKES
        await worker.commands.create("c", worker.config("c"))
        assert worker.states("c") == [State.FAILED]
        status = await worker.commands.status("c")
        assert status.connector.trace is not None
        assert "it does not like it" in status.connector.trace
        assert status.connector.version is not None
        await worker.created("other")

    tell(story)


def test_what_its_config_makes_impossible_is_not_tried_again_until_somebody_acts(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = DISLIKES
        await worker.commands.create("c", worker.config("c"))
        begun = worker.pool.stages.count("generating task configs for connector c")
        await asyncio.sleep(3600)
        assert worker.pool.stages.count("generating task configs for connector c") == begun == 1
        del worker.moods["c"]
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.runs("c")
        assert (await worker.commands.status("c")).connector.trace is None

    tell(story)


def test_what_may_go_away_by_itself_is_tried_again_ever_more_rarely(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = ConnectionError("the database is away")
        await worker.commands.create("c", worker.config("c"))
        await worker.shows("c", State.FAILED)
        await asyncio.sleep(600)
        tries = worker.pool.stages.count("generating task configs for connector c")
        assert 600 / LONGEST_WAIT - 1 < tries < 100
        assert worker.board.status("c").trace == "ConnectionError: the database is away"  # type: ignore[union-attr]
        del worker.moods["c"]
        await asyncio.sleep(LONGEST_WAIT + 1)
        assert worker.states("c") == [State.RUNNING, State.RUNNING]
        begun = len(worker.pool.stages)
        await asyncio.sleep(600)
        assert len(worker.pool.stages) == begun

    tell(story)


def test_more_tasks_than_tasks_max_fail_it_and_are_said_in_kafkas_words(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = 3
        await worker.commands.create("c", worker.config("c", 2))
        await worker.shows("c", State.FAILED)
        assert worker.board.status("c").trace == (  # type: ignore[union-attr]
            "TaskError: The connector c has generated 3 tasks, which is greater than 2, the maximum number of tasks it "
            "is configured to create."
        )
        await worker.commands.put("c", worker.config("c", 2) | {"tasks.max.enforce": "false"})
        await worker.runs("c", 3)

    tell(story)


def test_a_class_that_is_not_there_is_named(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.patches.setattr("ferryman.validation.connector_config.check", lambda raw, settings: Unchecked())
        await worker.commands.create("c", worker.config("c") | {"connector.class": "Gone"})
        await worker.shows("c", State.FAILED)
        assert "no connector is called Gone" in (worker.board.status("c").trace or "")  # type: ignore[union-attr]

    tell(story)


class Unchecked:
    """The outcome of no check at all."""

    warnings = ()


def test_tasks_of_a_connector_that_fails_go_on_as_they_were(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        before = await worker.created("c", 2)
        worker.moods["c"] = DISLIKES
        await worker.commands.put("c", worker.config("c", 2, colour="red"))
        assert worker.states("c") == [State.FAILED, State.RUNNING, State.RUNNING]
        await asyncio.sleep(60)
        assert worker.forks.live("c") == before
        assert worker.forks.processes == before

    tell(story)


def test_a_call_that_does_not_come_back_is_not_made_again_for_the_same_config(tell: Tell) -> None:
    gate, inside = threading.Event(), list[str]()

    def stands_still(config: object, raw: dict[str, str]) -> list[dict[str, str]]:
        inside.append(raw["colour"])
        gate.wait()
        return [raw]

    async def story(worker: PlayedWorker) -> None:
        async def run(stage: str, work: Callable[[], object], *_: object) -> object:
            if not stage.startswith("generating"):
                return work()
            begun = len(inside)
            threading.Thread(target=work, daemon=True).start()
            while len(inside) == begun:
                time.sleep(0.001)
            await asyncio.sleep(80)
            raise RequestError(500, "Request timed out.")

        worker.patches.setattr(MoodySink, "task_configs", stands_still)
        worker.patches.setattr(worker.pool, "run", run)
        await worker.commands.create("c", worker.config("c"))
        await worker.shows("c", State.FAILED)
        await asyncio.sleep(3600)
        assert inside == ["plain"]
        assert worker.states("c") == [State.FAILED]
        await worker.commands.put("c", worker.config("c", colour="red"))
        assert inside == ["plain", "red"]

    try:
        tell(story)
    finally:
        gate.set()


def test_configs_that_were_made_of_a_config_that_is_no_more_are_not_written(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.pool.takes = lambda stage: 10.0 if stage.startswith("generating") else 0.0
        create = asyncio.create_task(worker.commands.create("c", worker.config("c", 3)))
        await asyncio.sleep(5)
        create.cancel()
        await worker.commands.put("c", worker.config("c", 1, colour="red"))
        await worker.runs("c", 1)
        assert [each.tasks for each in worker.written if isinstance(each, TasksCommit)] == [1]
        assert [each.properties["colour"] for each in worker.written if isinstance(each, TaskConfig)] == ["red"]
        assert len(worker.forks.processes) == 1

    tell(story)


def test_configs_that_come_after_a_stop_or_a_deletion_are_not_written(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.pool.takes = lambda stage: 10.0 if stage.startswith("generating") else 0.0
        for name, ends in (("s", worker.commands.stop), ("d", worker.commands.delete)):
            create = asyncio.create_task(worker.commands.create(name, worker.config(name)))
            await asyncio.sleep(5)
            create.cancel()
            await ends(name)
            await asyncio.sleep(60)
        assert worker.states("s") == [State.STOPPED]
        assert worker.states("d") == []
        assert [each for each in worker.written if isinstance(each, TaskConfig)] == []
        assert worker.forks.processes == []

    tell(story)


def test_the_same_configs_are_not_written_again(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", 2)
        before = len([each for each in worker.written if isinstance(each, TasksCommit)])
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        assert len([each for each in worker.written if isinstance(each, TasksCommit)]) == before
        assert len(worker.forks.processes) == 2

    tell(story)


@pytest.mark.parametrize("target", list(TargetState))
def test_a_connector_is_in_the_state_that_is_wanted(tell: Tell, target: TargetState) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.commands.create("c", worker.config("c", 2), target)
        expected = [State(target.value)] * (3 if target is TargetState.RUNNING else 1)
        await worker.shows("c", *expected)
        assert len(worker.forks.processes) == len(expected) - 1
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.shows("c", *expected)
        await worker.commands.restart("c", include_tasks=True, only_failed=False)
        await worker.shows("c", *expected)
        await worker.commands.put("c", worker.config("c", 2))
        await worker.shows("c", *expected)
        await worker.commands.resume("c")
        await worker.runs("c", 2)

    tell(story)
