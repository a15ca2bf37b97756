"""One task from process to process: what restarts it and what does not, and that two of them never run at once."""

import asyncio
from collections.abc import Callable

import pytest

from ferryman.errors import RequestError
from ferryman.facts.states import State
from tests.worker.conftest import Story
from tests.worker.lively_processes import Habits
from tests.worker.played_worker import GRACE, PlayedWorker, until

Tell = Callable[[Story], None]


def test_a_put_of_the_same_config_restarts_nothing(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        before = await worker.created("c", 2, colour=worker.provided)
        for _ in range(3):
            await worker.commands.put("c", worker.config("c", 2, colour=worker.provided))
        await asyncio.sleep(60)
        assert worker.forks.live() == before
        assert all("stop" not in each.wishes for each in before)
        assert worker.states("c") == [State.RUNNING] * 3

    tell(story)


def test_only_tasks_whose_config_is_another_are_restarted(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        kept = await worker.created("kept")
        first = await worker.created("c", 2)
        await worker.commands.put("c", worker.config("c", 2, colour="red"))
        await until(lambda: len(worker.forks.of("c")) == 4)
        await worker.runs("c", 2)
        assert not any(each.lives for each in first)
        assert [each.config["colour"] for each in worker.forks.live("c")] == ["red", "red"]
        assert worker.forks.live("kept") == kept

    tell(story)


def test_more_tasks_leave_those_that_run_alone_unless_their_config_says_how_many(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.moods["c"] = 1
        await worker.commands.create("c", worker.config("c", 3))
        await worker.runs("c")
        (first,) = worker.forks.live("c")
        worker.moods["c"] = 3
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.runs("c", 3)
        assert worker.forks.live("c-0") == [first]
        worker.moods["c"] = 2
        await worker.commands.restart("c", include_tasks=False, only_failed=False)
        await worker.runs("c", 2)
        assert worker.forks.live("c-0") == [first]
        assert worker.forks.live("c-2") == []

    tell(story)


def test_a_rotated_secret_restarts_with_a_put_of_the_same_config(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", colour=worker.provided)
        worker.provides(colour="green-as-provided")
        await worker.commands.put("c", worker.config("c", colour=worker.provided))
        await worker.runs("c")
        assert [each.config["colour"] for each in worker.forks.of("c")] == ["blue-as-provided", "green-as-provided"]

    tell(story)


def test_a_restart_takes_up_a_rotated_secret_and_a_pause_does_not(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", colour=worker.provided)
        worker.provides(colour="green-as-provided")
        await worker.commands.pause("c")
        await worker.commands.resume("c")
        assert len(worker.forks.of("c")) == 1
        await worker.commands.restart_task("c", 0)
        await until(lambda: len(worker.forks.of("c")) == 2)
        await worker.runs("c")
        assert worker.forks.live("c")[0].config["colour"] == "green-as-provided"

    tell(story)


def test_a_task_that_is_refused_takes_up_a_rotated_secret_by_itself_and_one_that_waits_goes_on(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("c", colour=worker.provided)
        worker.provides(colour="green-as-provided")
        first.says("away", since="s", reason="away", next_try="n", refuses=False)
        await asyncio.sleep(60)
        assert worker.forks.live("c") == [first]
        first.says("away", since="s", reason="refused", next_try="n", refuses=True)
        await until(lambda: len(worker.forks.of("c")) == 2)
        await worker.runs("c")
        assert worker.forks.live("c")[0].config["colour"] == "green-as-provided"
        await asyncio.sleep(60)
        assert len(worker.forks.of("c")) == 2

    tell(story)


def test_a_task_that_has_failed_starts_again_with_the_secret_that_is_there_by_then(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("c", colour=worker.provided)
        first.says("failed", trace="it was refused", may_recover=True)
        first.dies()
        await until(lambda: worker.states("c")[1] is State.FAILED)
        worker.secrets.rename(worker.secrets.with_suffix(".away"))  # whoever rotates may take the file away first
        await asyncio.sleep(15)
        worker.provides(colour="green-as-provided")
        await until(lambda: len(worker.forks.live("c")) == 1)
        await worker.runs("c")
        assert [each.config["colour"] for each in worker.forks.of("c")] == ["blue-as-provided", "green-as-provided"]

    tell(story)


def test_a_successor_starts_only_when_the_old_process_is_gone_even_when_the_kernel_takes_its_time(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=None, dies_in=100)
        (old,) = await worker.created("c")
        put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red")))
        await asyncio.sleep(GRACE - 1)
        assert not old.killed
        await asyncio.sleep(90)
        assert old.killed
        assert old.lives
        assert len(worker.forks.of("c")) == 1
        assert worker.states("c")[1] is State.UNASSIGNED
        await put
        assert not old.lives
        await worker.runs("c")
        assert len(worker.forks.of("c")) == 2

    tell(story)


def test_the_latest_wish_wins_while_an_old_process_ends(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=4)
        await worker.created("c")
        for colour in ("red", "green", "blue"):
            put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour=colour)))
            await asyncio.sleep(0.5)
            put.cancel()  # whoever has asked may go away; what was written counts
        await until(lambda: len(worker.forks.of("c")) == 2)
        await worker.runs("c")
        await asyncio.sleep(60)
        assert [each.config["colour"] for each in worker.forks.of("c")] == ["plain", "blue"]

    tell(story)


def test_nothing_starts_for_a_wish_that_is_over_when_the_old_process_is_gone(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(ends_in=4)
        await worker.created("c")
        put = asyncio.create_task(worker.commands.put("c", worker.config("c", colour="red")))
        await asyncio.sleep(1)
        put.cancel()
        await worker.commands.delete("c")
        await asyncio.sleep(60)
        assert len(worker.forks.of("c")) == 1
        assert worker.forks.live("c") == []

    tell(story)


def test_a_paused_task_begins_paused(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        await worker.commands.pause("c")
        await worker.shows("c", State.PAUSED, State.PAUSED)
        await worker.commands.restart_task("c", 0)
        await worker.shows("c", State.PAUSED, State.PAUSED)
        assert worker.forks.live("c")[0].wishes == ["pause"]
        await worker.commands.resume("c")
        await worker.runs("c")
        assert len(worker.forks.of("c")) == 2

    tell(story)


def test_a_reference_that_is_gone_fails_the_start_and_is_named(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c", colour=worker.provided)
        worker.provides(other="x")
        await worker.commands.restart_task("c", 0)
        await worker.shows("c", State.RUNNING, State.FAILED)
        assert worker.forks.live("c") == []
        assert "colour cannot be resolved" in (worker.board.tasks("c")[0].trace or "")
        await asyncio.sleep(600)
        assert worker.states("c")[1] is State.FAILED
        worker.provides(colour="back-as-provided")
        await worker.commands.restart_task("c", 0)
        await worker.runs("c")

    tell(story)


def test_a_task_that_runs_goes_on_when_what_it_refers_to_is_gone(tell: Tell, caplog: pytest.LogCaptureFixture) -> None:
    async def story(worker: PlayedWorker) -> None:
        before = await worker.created("c", colour=worker.provided)
        worker.provides(other="x")
        await worker.commands.pause("c")
        await worker.shows("c", State.PAUSED, State.PAUSED)
        await worker.commands.resume("c")
        await worker.runs("c")
        # Another worker may have checked the config, with a file of its own.
        worker.checks_nothing()
        await worker.commands.put("c", worker.config("c", colour=worker.provided))
        await asyncio.sleep(600)
        assert worker.forks.live("c") == before
        assert worker.states("c")[1] is State.RUNNING

    tell(story)
    assert any("task c-0 keeps running as it is" in message for message in caplog.messages)


def test_a_start_that_could_not_be_looked_up_in_time_is_tried_again(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.pool.takes = lambda stage: 1000.0 if stage == "starting task c-0" else 0.0
        create = asyncio.create_task(worker.commands.create("c", worker.config("c")))
        await worker.shows("c", State.RUNNING, State.FAILED)
        assert "The worker is currently starting task c-0" in (worker.board.tasks("c")[0].trace or "")
        await create
        worker.pool.takes = lambda stage: 0.0
        await worker.runs("c")

    tell(story)


def test_whatever_is_raised_when_a_task_is_prepared_is_its_trace(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(worker: PlayedWorker) -> None:
        def named(*_: object) -> None:
            raise OSError("the disk is gone")

        worker.checks_nothing()
        with monkeypatch.context() as patched:
            patched.setattr("ferryman.plugins.named.named", named)
            await worker.commands.create("c", worker.config("c"))
            await worker.shows("c", State.RUNNING, State.FAILED)
            assert worker.board.tasks("c")[0].trace == "OSError: the disk is gone"
        await worker.runs("c")

    tell(story)


def test_a_task_that_has_failed_stays_so_until_it_is_restarted(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        (first,) = await worker.created("c")
        first.fails("it broke")
        await worker.shows("c", State.RUNNING, State.FAILED)
        await worker.commands.put("c", worker.config("c"))
        await asyncio.sleep(600)
        assert worker.states("c") == [State.RUNNING, State.FAILED]
        assert worker.board.tasks("c")[0].trace == "it broke"
        assert len(worker.forks.of("c")) == 1
        await worker.commands.restart_task("c", 0)
        await worker.runs("c")

    tell(story)


def test_a_restart_is_shown_until_the_task_runs_again(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.forks.habits["c"] = Habits(starts_in=30)
        await worker.created("c")
        await worker.commands.restart_task("c", 0)
        assert worker.states("c") == [State.RUNNING, State.RESTARTING]
        await asyncio.sleep(20)
        assert worker.states("c") == [State.RUNNING, State.RESTARTING]
        await worker.runs("c")
        states = [state for name, task, state in worker.shown if task == 0]
        assert states[0] is State.UNASSIGNED  # the first start is none anew
        assert State.FAILED not in states

    tell(story)


def test_what_a_restart_finds_out_waits_for_its_turn(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        await worker.created("c")
        worker.forks.habits["c"].ends_in = 3
        await asyncio.gather(*(worker.commands.restart_task("c", 0) for _ in range(3)))
        await worker.runs("c")
        assert len(worker.forks.of("c")) == 4
        assert len(worker.forks.live("c")) == 1

    tell(story)


def test_a_config_is_no_longer_wanted_when_its_lookup_comes_back(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        worker.pool.takes = lambda stage: 20.0 if stage.startswith("starting") else 0.0
        create = asyncio.create_task(worker.commands.create("c", worker.config("c")))
        await asyncio.sleep(5)
        create.cancel()
        await worker.commands.delete("c")
        await asyncio.sleep(60)
        assert worker.forks.processes == []
        assert worker.states("c") == []

    tell(story)


def test_a_lookup_that_takes_its_time_keeps_no_task_from_ending(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        for name, ends in (
            ("deleted", worker.commands.delete),
            ("stopped", worker.commands.stop),
            ("closed", lambda name: worker.commands.close()),
        ):
            worker.pool.takes = lambda stage: 0.0
            (process,) = await worker.created(name)
            worker.pool.takes = lambda stage: 60.0 if stage.startswith("starting") else 0.0
            restart = asyncio.create_task(worker.commands.restart_task(name, 0))
            await asyncio.sleep(1)
            restart.cancel()  # it has not been looked up yet what the task is to be started with
            assert process.lives
            await asyncio.wait_for(ends(name), 1)
            assert not process.lives
            assert not process.killed

    tell(story)


def test_a_pool_that_is_full_fails_no_task_that_runs(tell: Tell) -> None:
    async def story(worker: PlayedWorker) -> None:
        before = await worker.created("c")
        run = worker.pool.run

        async def full(stage: str, *rest: object) -> object:
            if stage == "starting task c-0":
                raise RequestError(503, "too many others wait")
            return await run(stage, *rest)  # type: ignore[arg-type]

        worker.patches.setattr(worker.pool, "run", full)
        await worker.commands.put("c", worker.config("c"))
        await asyncio.sleep(1)
        assert worker.forks.live("c") == before
        assert worker.states("c") == [State.RUNNING, State.RUNNING]

    tell(story)
