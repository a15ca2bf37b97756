"""A connector itself: it makes its tasks' configs, or shows why it cannot, and holds nobody else up."""

import asyncio
from collections.abc import Callable, Sequence

import pytest

from ferryman.errors import RequestError, RetriableError
from ferryman.facts.config_records import Properties, TaskConfig, TasksCommit
from ferryman.facts.states import State, TargetState
from ferryman.retry.tries import LONGEST_WAIT
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits
from tests.worker.played_worker import DISLIKES, PlayedWorker

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
        await asyncio.sleep(3600)
        assert len(worker.forks.connectors) == 1
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
        tries = len(worker.forks.connectors)
        assert 600 / LONGEST_WAIT - 1 < tries < 100
        assert worker.board.status("c").trace.endswith("ConnectionError: the database is away\n")  # type: ignore[union-attr]
        del worker.moods["c"]
        await asyncio.sleep(LONGEST_WAIT + 1)
        assert worker.states("c") == [State.RUNNING, State.RUNNING]
        begun = len(worker.pool.stages)
        await asyncio.sleep(600)
        assert len(worker.pool.stages) == begun

    tell(story)


def test_task_configs_that_the_leader_does_not_take_yet_are_offered_again_and_nothing_has_failed(
    tell: Tell, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(worker: PlayedWorker) -> None:
        write, refusals = worker.plane.write_tasks, [RetriableError("it has no leader now"), RequestError(409, "busy")]

        async def refused(connector: str, configs: Sequence[Properties]) -> None:
            if refusals:
                raise refusals.pop()
            await write(connector, configs)

        worker.patches.setattr(worker.plane, "write_tasks", refused)
        await worker.commands.create("c", worker.config("c"))
        await worker.runs("c")
        assert State.FAILED not in {state for *_, state in worker.shown}

    tell(story)
    assert "connector c: its tasks' configs are not taken yet and will be offered again: busy" in caplog.text
    assert "Traceback" not in caplog.text


def test_more_tasks_than_tasks_max_fail_it_and_are_said_in_kafkas_words(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = 3
        await worker.commands.create("c", worker.config("c", 2))
        await worker.shows("c", State.FAILED)
        assert worker.board.status("c").trace.endswith(  # type: ignore[union-attr]
            "TaskError: The connector c has generated 3 tasks, which is greater than 2, the maximum number of tasks it "
            "is configured to create.\n"
        )
        await worker.commands.put("c", worker.config("c", 2) | {"tasks.max.enforce": "false"})
        await worker.runs("c", 3)

    tell(story)


def test_a_class_that_is_not_there_is_named(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.checks_nothing()
        await worker.commands.create("c", worker.config("c") | {"connector.class": "Gone"})
        await worker.shows("c", State.FAILED)
        assert "no connector is called Gone" in (worker.board.status("c").trace or "")  # type: ignore[union-attr]

    tell(story)


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


def test_a_call_that_does_not_come_back_shows_after_a_while_and_is_waited_for(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(answers_in=None)
        create = asyncio.create_task(worker.commands.create("c", worker.config("c")))
        await worker.created("other")
        await worker.shows("c", State.UNASSIGNED)
        await create
        await worker.shows("c", State.FAILED)
        assert "generating task configs for connector c, which began at" in (worker.board.status("c").trace or "")  # type: ignore[union-attr]
        await asyncio.sleep(3600)
        (asked,) = worker.forks.objects("c")
        asked.habits.answers_in = 0.0
        asked.asks()
        await worker.runs("c")
        assert worker.forks.objects() == []

    tell(story)


def test_configs_that_were_made_of_a_config_that_is_no_more_are_not_written(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits.update({name: Habits(answers_in=10.0) for name in "csd"})
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
        worker.forks.habits.update({name: Habits(answers_in=10.0) for name in "csd"})
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


@pytest.mark.parametrize("target", [TargetState.STOPPED, TargetState.PAUSED])
def test_a_connector_that_has_never_run_shows_its_version_too(tell: Tell, target: TargetState) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.commands.create("c", worker.config("c"), target)
        await worker.shows("c", State(target.value))
        stood = (await worker.commands.status("c")).connector.version
        await worker.commands.resume("c")
        await worker.runs("c")
        assert stood is not None
        assert stood == (await worker.commands.status("c")).connector.version

    tell(story)


def test_a_version_that_takes_long_to_find_holds_no_stop_up(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.pool.takes = lambda stage: 70.0 if "looking up the version" in stage else 0.0
        await worker.created("c")
        await worker.commands.stop("c")
        async with asyncio.timeout(5):
            await worker.shows("c", State.STOPPED)
        assert (await worker.commands.status("c")).connector.version is not None

    tell(story)
