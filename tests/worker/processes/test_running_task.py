"""A task through the processes that run it: its states, its deaths and restarts, and how it is ended."""

import asyncio
import gc
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ferryman.facts.states import State
from ferryman.retry.restarts import Policy
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.processes import supervised_process
from ferryman.worker.processes.running_task import RunningTask
from tests.worker.played_processes import PlayedForks, PlayedProcess, true

LONG = 60.0


class Play:
    """A task, its played processes and the topics that it told of."""

    def __init__(self) -> None:
        self.forks = PlayedForks()
        self.topics: list[str] = []
        forks: Any = self.forks
        rows = [("sink", "S", "ferryman.connectors.s", "S"), ("converter", "B", "birds.converter", "B")]
        self.task = RunningTask(forks, TaskSpec("c", 3, "w", {}, {}, plugins=rows), self.topics.append)

    async def running(self, number: int = 1) -> PlayedProcess:
        """The process of that number, when it has said that it runs."""
        process = await self.forks.started(number)
        process.says("running")
        await self.state(State.RUNNING)
        return process

    async def state(self, state: State) -> None:
        await true(lambda: self.task.state is state)

    async def ended(self, process: PlayedProcess) -> None:
        """Ends the task in order."""
        stop = asyncio.create_task(self.task.stop(LONG))
        await true(lambda: {"wish": "stop"} in process.heard())
        process.says("stopped")
        process.dies()
        assert await stop is False


Story = Callable[[Play], Awaitable[None]]


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deaths are followed by the next process at once."""
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: 0.0)
    monkeypatch.setattr("ferryman.retry.breaker.LONGEST_WAIT", 0.0)
    monkeypatch.setattr(supervised_process, "SIGTERM_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(supervised_process, "AFTER_KILL", 0.2)


@pytest.fixture
def play() -> Callable[[Story], Play]:
    """Plays a story with a task."""

    def run(story: Story) -> Play:
        async def played() -> Play:
            made = Play()
            await story(made)
            return made

        return asyncio.run(played())

    return run


def test_a_task_is_what_its_process_says_of_itself(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        assert play.task.state is State.UNASSIGNED
        play.task.start()
        process = await play.running()
        assert play.task.pid == process.pid
        play.task.pause()
        process.says("paused")
        await play.state(State.PAUSED)
        play.task.resume()
        process.says("running")
        await play.state(State.RUNNING)
        await true(lambda: process.heard() == [{"wish": "pause"}, {"wish": "run"}])
        await play.ended(process)
        assert play.task.state is State.UNASSIGNED
        assert play.task.pid is None

    assert len(play(story).forks.processes) == 1


def test_a_task_that_has_been_stopped_holds_no_memory_for_notes(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        before = notes()
        play.task.start()
        process = await play.running()
        assert notes() == before + 1
        await play.ended(process)
        assert notes() == before

    gc.collect()
    gc.disable()
    try:
        play(story)
    finally:
        gc.enable()


def notes() -> int:
    """How many descriptors of such memory are open here."""
    return sum("at-work" in os.readlink(each) for each in Path("/proc/self/fd").iterdir() if os.path.lexists(each))


def test_a_process_is_told_first_what_it_is_and_only_our_own_modules_are_imported_for_all(
    play: Callable[[Story], Play],
) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        process = await play.forks.started(1)
        await true(lambda: process.heard() == [] and process.spec is not None)
        assert process.spec is not None
        assert (process.spec.connector, process.spec.task) == ("c", 3)
        assert process.modules == ["ferryman.connectors.s"]
        await play.ended(process)

    play(story)


def test_a_task_that_is_to_begin_paused_is_told_so_first(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.start("pause")
        process = await play.forks.started(1)
        await true(process.heard)
        assert process.heard() == [{"wish": "pause"}]
        await play.ended(process)

    play(story)


def test_a_failure_is_shown_with_its_trace_and_is_not_started_again(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        process = await play.running()
        process.says("failed", trace="it broke")
        process.dies()
        await true(lambda: play.task.pid is None)
        assert (play.task.state, play.task.shown.trace) == (State.FAILED, "it broke")
        assert await play.task.stop(LONG) is False
        assert play.task.state is State.UNASSIGNED

    assert len(play(story).forks.processes) == 1


def test_the_last_word_of_a_process_is_heard_though_it_is_told_something_after_its_end(
    play: Callable[[Story], Play],
) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        process = await play.running()
        process.says("failed", trace="it is broken")
        process.dies()
        for _ in range(3):
            play.task.set_level("a", "DEBUG")
        await play.state(State.FAILED)
        assert play.task.shown.trace == "it is broken"
        await play.task.gone()
        assert len(play.forks.processes) == 1

    play(story)


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (-signal.SIGKILL, "was killed by SIGKILL"),
        (1, "ended without an error, with exit code 1"),
        (0, "with exit code 0"),
    ],
)
def test_a_process_that_dies_without_a_word_is_followed_by_another(
    play: Callable[[Story], Play], code: int, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        (await play.running()).dies(code)
        second = await play.forks.started(2)
        assert (play.task.state, play.task.shown.trace) == (State.RESTARTING, None)
        await play.running(2)
        await play.ended(second)

    assert len(play(story).forks.processes) == 2
    assert any(how in message and message.endswith("started again in 0.0 s") for message in caplog.messages)


def test_a_task_that_dies_again_and_again_has_failed_until_a_process_of_it_lives(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        for number in range(1, 6):
            (await play.forks.started(number)).dies(-signal.SIGSEGV)
        process = await play.forks.started(6)
        assert play.task.state is State.FAILED
        assert "was killed by SIGSEGV; it has died 5 times in a row" in (play.task.shown.trace or "")
        process.says("running")
        process.says("topic", topic="t")
        await true(lambda: play.topics)
        assert play.task.state is State.FAILED
        play.task.processes.alive()
        assert (play.task.state, play.task.shown.trace) == (State.RUNNING, None)
        await play.ended(process)

    play(story)


def test_a_process_that_cannot_be_started_has_died(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.forks.fails = OSError("no memory")
        play.task.start()
        await play.ended(await play.running())
        assert play.task.processes.breaker.deaths == 1

    play(story)


def test_somebody_elses_sigterm_is_no_wish_of_the_workers(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        first = await play.running()
        first.says("stopped")
        first.dies()
        await play.ended(await play.running(2))

    assert len(play(story).forks.processes) == 2


def test_a_stop_while_the_next_start_is_waited_for_ends_the_task(
    play: Callable[[Story], Play], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: LONG)

    async def story(play: Play) -> None:
        play.task.start()
        (await play.running()).dies(1)
        (await play.forks.started(2)).dies(1)
        await true(lambda: play.task.pid is None and play.task.processes.breaker.deaths == 2)
        assert await play.task.stop(LONG) is False

    assert len(play(story).forks.processes) == 2


def test_a_process_that_does_not_end_in_time_is_killed(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        await play.running()
        assert await play.task.stop(0.0) is True
        assert play.task.state is State.UNASSIGNED
        assert play.task.pid is None

    (process,) = play(story).forks.processes
    assert process.ended.result() == -signal.SIGKILL


def test_one_that_not_even_a_kill_ends_is_not_waited_for(
    play: Callable[[Story], Play], caplog: pytest.LogCaptureFixture
) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        process = await play.running()
        process.mortal = False
        assert await play.task.stop(0.0) is True
        assert play.task.state is State.UNASSIGNED
        process.dies()
        await true(lambda: play.task.pid is None)

    play(story)
    assert any("cannot be killed" in message for message in caplog.messages)


def test_a_task_that_was_never_started_is_stopped_at_once(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        assert await play.task.stop(LONG) is False

    play(story)


@pytest.mark.parametrize("text", [b"no json\n", b'{"event": \n'])
def test_a_process_that_cannot_be_understood_is_killed_and_followed(play: Callable[[Story], Play], text: bytes) -> None:
    async def story(play: Play) -> None:
        play.task.start()
        (await play.running()).writes(text)
        await play.ended(await play.running(2))

    assert play(story).forks.processes[0].ended.result() == -signal.SIGKILL


def test_topics_levels_and_what_is_to_be_forgotten_pass_through(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        play.task.set_level("a", "DEBUG")
        play.task.start()
        process = await play.running()
        process.says("topic", topic="t")
        process.says("topic", topic="u")
        await true(lambda: play.topics == ["t", "u"])
        play.task.set_level("ferryman", "DEBUG")
        play.task.forget_topics()
        await true(lambda: len(process.heard()) == 2)
        assert process.heard() == [{"logger": "ferryman", "level": "DEBUG"}, {"forget": "topics"}]
        await play.ended(process)

    play(story)


# Tasks that have failed, and are started again.


async def failed(play: Play, number: int = 1, **facts: Any) -> None:
    """Plays that the process of that number fails, with an error that may pass, and ends."""
    process = await play.running(number)
    process.says("failed", **{"trace": f"failure {number}", "may_recover": True} | facts)
    process.dies()


def policy(play: Play, first: float = 0.0, most: int | None = 2, longest: float = LONG) -> None:
    play.task.restarts.policy = Policy(most, first, longest)


def test_a_task_that_fails_with_what_may_pass_is_started_again_and_knows_that_it_has_failed(
    play: Callable[[Story], Play],
) -> None:
    async def story(play: Play) -> None:
        policy(play)
        play.task.start()
        await failed(play)
        second = await play.running(2)
        assert (play.task.shown.trace, play.task.shown.restart) == (None, None)
        await true(lambda: second.heard() == [] and second.spec is not None)
        assert second.spec is not None
        assert second.spec.failed
        await play.ended(second)

    play(story)


def test_while_it_waits_it_is_failed_with_its_trace_and_says_when_it_is_started_again(
    play: Callable[[Story], Play],
) -> None:
    async def story(play: Play) -> None:
        policy(play, LONG)
        play.task.start()
        began = datetime.now(UTC)
        await failed(play)
        await true(lambda: play.task.shown.restart)
        shown = play.task.shown
        assert (shown.state, shown.trace) == (State.FAILED, "failure 1")
        assert shown.restart is not None
        assert shown.restart.failures == 1
        assert datetime.fromisoformat(shown.restart.next_try) > began + timedelta(seconds=LONG * 0.7)
        assert await play.task.stop(LONG) is False

    assert len(play(story).forks.processes) == 1


def test_a_pause_while_it_waits_holds_the_next_start_until_it_is_resumed(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        policy(play, LONG)
        play.task.start()
        await failed(play)
        await true(lambda: play.task.shown.restart)
        play.task.pause()
        await true(lambda: play.task.shown.restart is None)
        assert (play.task.state, play.task.shown.trace) == (State.FAILED, "failure 1")
        play.task.resume()
        await play.ended(await play.running(2))

    play(story)


def test_one_that_fails_while_it_is_paused_waits_to_be_resumed(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        policy(play)
        play.task.start("pause")
        await failed(play)
        await true(lambda: play.task.pid is None and play.task.state is State.FAILED)
        assert await play.task.stop(LONG) is False

    assert len(play(story).forks.processes) == 1


def test_it_stays_failed_after_so_many_failures_in_a_row(
    play: Callable[[Story], Play], caplog: pytest.LogCaptureFixture
) -> None:
    async def story(play: Play) -> None:
        policy(play)
        play.task.start()
        for number in (1, 2, 3):
            await failed(play, number)
        await play.task.gone()
        assert (play.task.state, play.task.shown.trace) == (State.FAILED, "failure 3")
        assert play.task.shown.restart is None

    assert len(play(story).forks.processes) == 3
    assert "task c-3 has failed 3 times in a row and stays FAILED" in caplog.messages


def test_an_error_that_lasts_is_not_tried_again(play: Callable[[Story], Play]) -> None:
    async def story(play: Play) -> None:
        policy(play)
        play.task.start()
        await failed(play, may_recover=False)
        await play.task.gone()

    assert len(play(story).forks.processes) == 1
