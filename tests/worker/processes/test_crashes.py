"""Crashes: what makes records suspect, how the guilty ones are found, and that no innocent one is taken for one."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.facts.states import State
from ferryman.task.crash_evidence.at_work import CONVERT, POLLED, PUT, AtWork, Note, Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.setup.spec import TaskSpec
from ferryman.worker.processes.crashes import Search, Suspicion
from ferryman.worker.processes.running_task import RunningTask
from tests.worker.played_processes import PlayedForks, PlayedProcess, true

HOW = "was killed by SIGSEGV"


def note(first: int, last: int, stage: str = CONVERT, topic: str = "t") -> Note:
    return Note(stage, [Offsets(topic, 0, first, last)])


def test_three_deaths_over_the_same_records_make_them_suspect() -> None:
    suspicion = Suspicion()
    notes = [note(0, 9), note(3, 4), note(4, 100)]
    assert [suspicion.died(each) for each in notes] == [None, None, notes[2]]
    assert suspicion.died(note(4, 4)) is None  # the count begins anew


def test_deaths_over_others_do_not_add_up() -> None:
    for other in (note(10, 20), note(0, 9, PUT), note(0, 9, topic="u")):
        suspicion = Suspicion()
        assert [suspicion.died(each) for each in (note(0, 9), other, note(0, 9), other, note(0, 9))] == [None] * 5


def test_a_death_between_two_pieces_of_work_says_nothing() -> None:
    suspicion = Suspicion()
    assert [suspicion.died(each) for each in (note(0, 9), None, note(0, 9), None)] == [None] * 4
    assert suspicion.died(note(0, 9)) == note(0, 9)


@given(st.sets(st.integers(0, 40), max_size=6), st.integers(1, 7))
def test_a_search_finds_all_that_are_guilty_and_nobody_else(deadly: set[int], at_once: int) -> None:
    """Played by a probe that reads some records at a time, and dies of each piece in which there is a deadly one."""
    search = Search([Offsets("t", 0, 0, 40)])
    for _ in range(1000):
        for offsets in list(search.left):
            if (died := probed(offsets, deadly, at_once)) is not None:
                search.died(died, HOW)
                break
            search.tried(offsets.last)
        if not search.left:
            break
    assert search.left == []
    assert [each.offset for each in search.guilty] == sorted(deadly)


def probed(offsets: Offsets, deadly: set[int], at_once: int) -> Note | None:
    """What a probe died of in a range, if it did."""
    for first in range(offsets.first, offsets.last + 1, at_once):
        last = min(first + at_once - 1, offsets.last)
        if deadly & set(range(first, last + 1)):
            alone = offsets.first == offsets.last
            return Note("TRANSFORMATION" if alone else CONVERT, [offsets._replace(first=first, last=last)], "Mask")
    return None


# A task with played processes.


class Play:
    """A task whose processes note, die and answer as they are told."""

    def __init__(self) -> None:
        self.forks = PlayedForks()
        forks: Any = self.forks
        self.task = RunningTask(forks, TaskSpec("c", 3, "w", {}, {}), lambda topic: None)

    async def crashed(self, number: int, stage: str, offsets: Offsets, plugin: str = "", code: int = -11) -> None:
        """The process of that number dies in the middle of that work."""
        process = await self.forks.started(number)
        await true(lambda: (process.heard(), process.spec)[1])
        assert process.descriptors
        with AtWork(process.descriptors[0]).on(stage, [offsets], plugin):
            process.dies(code)
            await true(lambda: len(self.forks.processes) > number or self.task.state is State.FAILED)

    async def probe(self, number: int) -> PlayedProcess:
        """The process of that number, which is a probe."""
        process = await self.forks.started(number)
        await true(lambda: (process.heard(), process.spec)[1])
        assert process.spec is not None
        assert process.spec.probe
        return process


FAR = Offsets("t", 0, 0, 9)


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Deaths are followed by the next process at once."""
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: 0.0)
    monkeypatch.setattr("ferryman.retry.breaker.LONGEST_WAIT", 0.0)


def play(story: Callable[[Play], Awaitable[None]]) -> Play:
    async def played() -> Play:
        made = Play()
        made.task.start()
        await asyncio.wait_for(story(made), 60)
        made.forks.processes[-1].mortal = True
        await made.task.stop(0.0)
        return made

    return asyncio.run(played())


async def suspected(play: Play) -> None:
    for number in (1, 2, 3):
        await play.crashed(number, CONVERT, FAR)


def test_a_record_that_is_found_guilty_is_told_to_the_next_process() -> None:
    async def story(play: Play) -> None:
        await suspected(play)
        assert play.task.state is State.RESTARTING
        probe = await play.probe(4)
        assert probe.spec is not None
        assert probe.spec.probe == [list(FAR)]
        await play.crashed(4, CONVERT, FAR)
        assert (await play.probe(5)).spec.probe == [["t", 0, 0, 4], ["t", 0, 5, 9]]  # type: ignore[union-attr]
        (await play.probe(5)).says("tried", first=0, last=4)
        await play.crashed(5, CONVERT, Offsets("t", 0, 5, 9))
        (await play.probe(6)).says("tried", first=5, last=5)
        await play.crashed(6, CONVERT, Offsets("t", 0, 6, 9))
        await play.crashed(7, CONVERT, Offsets("t", 0, 6, 7))
        await play.crashed(8, "VALUE_CONVERTER", Offsets("t", 0, 6, 6), "Avro", -signal.SIGABRT)
        last = await play.probe(9)
        last.says("tried", first=7, last=7)
        last.says("tried", first=8, last=9)
        last.says("ended")
        last.dies()
        task = await play.forks.started(10)
        await true(lambda: (task.heard(), task.spec)[1])
        assert task.spec is not None
        assert not task.spec.probe
        assert task.spec.guilty == [list(Guilty("t", 0, 6, "VALUE_CONVERTER", "Avro", "was killed by SIGABRT"))]

    assert play(story).task.processes.breaker.deaths == 1


def test_where_no_record_is_guilty_the_task_fails_and_names_the_range() -> None:
    async def story(play: Play) -> None:
        await suspected(play)
        probe = await play.probe(4)
        probe.says("tried", first=0, last=9)
        probe.says("ended")
        probe.dies()
        await true(lambda: play.task.state is State.FAILED)
        await play.task.gone()
        trace = play.task.shown.trace or ""
        assert "task c-3 was killed by SIGSEGV, for the third time while it converted t-0@0..9" in trace
        assert "no single record kills a process by itself" in trace

    assert len(play(story).forks.processes) == 4


def test_where_the_probe_cannot_try_the_task_fails_with_its_reason() -> None:
    async def story(play: Play) -> None:
        await suspected(play)
        probe = await play.probe(4)
        probe.says("failed", trace="there is no registry any more")
        probe.dies()
        await true(lambda: play.task.state is State.FAILED)
        assert "could not be tried separately: there is no registry any more" in (play.task.shown.trace or "")

    play(story)


@pytest.mark.parametrize("code", [-signal.SIGSEGV, -signal.SIGKILL, 70])
def test_a_probe_that_dies_again_and_again_of_anything_else_is_given_up(code: int) -> None:
    async def story(play: Play) -> None:
        await suspected(play)
        for number in range(4, 4 + (3 if code == -signal.SIGSEGV else 5)):
            (await play.probe(number)).dies(code)
        await true(lambda: play.task.state is State.FAILED)
        assert "could not be tried separately: " in (play.task.shown.trace or "")

    play(story)


def test_what_kills_the_sink_is_named_and_not_tried() -> None:
    async def story(play: Play) -> None:
        for number in (1, 2, 3):
            await play.crashed(number, PUT, FAR, code=-signal.SIGABRT)
        await true(lambda: play.task.state is State.FAILED)
        assert "SIGABRT, for the third time while its sink was putting t-0@0..9" in (play.task.shown.trace or "")

    assert len(play(story).forks.processes) == 3


PLACE = Offsets('{"p":1} at {"n":3}', 0, 0, 0)


async def spec_of(play: Play, number: int) -> TaskSpec:
    """What the process of that number was told."""
    process = await play.forks.started(number)
    await true(lambda: (process.heard(), process.spec)[1])
    assert process.spec is not None
    return process.spec


def test_a_source_tries_itself_what_three_of_its_processes_died_over_and_is_told_what_it_dies_of_then() -> None:
    async def story(play: Play) -> None:
        for number in (1, 2, 3):
            assert not (await spec_of(play, number)).suspect
            await play.crashed(number, POLLED, PLACE)
        told = await spec_of(play, 4)
        assert (told.suspect, told.guilty, told.probe) == ([list(PLACE)], [], [])
        await play.crashed(4, "TRANSFORMATION", PLACE, "Mask")
        told = await spec_of(play, 5)
        assert told.guilty == [list(Guilty(PLACE.topic, 0, 0, "TRANSFORMATION", "Mask", HOW))]
        assert told.suspect == [list(PLACE)], "there may be more of them"

    play(story)


def test_a_source_that_dies_over_no_single_record_fails_and_names_the_place() -> None:
    async def story(play: Play) -> None:
        for number in (1, 2, 3, 4):
            await play.crashed(number, POLLED, PLACE)
        await true(lambda: play.task.state is State.FAILED)
        trace = play.task.shown.trace or ""
        assert 'once more while it converted what its source polled from {"p":1} at {"n":3} on' in trace
        assert "no single record kills a process by itself" in trace

    assert len(play(story).forks.processes) == 4


@pytest.mark.parametrize("code", [-signal.SIGKILL, -signal.SIGTERM, 1])
def test_deaths_from_outside_make_nothing_suspect(code: int) -> None:
    async def story(play: Play) -> None:
        for number in range(1, 5):
            await play.crashed(number, CONVERT, FAR, code=code)
        task = await play.forks.started(5)
        await true(lambda: (task.heard(), task.spec)[1])
        assert task.spec is not None
        assert not task.spec.probe

    play(story)


def test_a_stop_ends_the_search_at_once() -> None:
    async def story(play: Play) -> None:
        await suspected(play)
        probe = await play.probe(4)
        assert await play.task.stop(60) is False
        assert probe.ended.result() == -signal.SIGKILL
        await play.task.gone()

    assert len(play(story).forks.processes) == 4
