"""How far runs are known to be by a worker that looks now and then, and is not told what happens in between."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ferryman.facts.config_records import TargetStateRecord
from ferryman.facts.states import State, TargetState
from ferryman.record import TopicPartition
from ferryman.worker.offsets.run_offsets import RunOffsets
from ferryman.worker.requests.runs import Runs
from tests.worker.conftest import Story
from tests.worker.played_worker import PlayedWorker

RUN = {"ferryman.run.of": "live", "ferryman.run.ranges": '{"t":{"id":"an-id","partitions":{"0":[5,7]}}}'}


@dataclass
class Committed:
    """The next offset of the run's only partition, and how often somebody has asked."""

    offset: int = 5
    asked: int = 0

    async def of(self, *_: Any) -> RunOffsets:
        self.asked += 1
        return RunOffsets({TopicPartition("t", 0): self.offset}, 1.0, 0)


def watched(worker: PlayedWorker) -> tuple[Runs, Committed]:
    """A worker's runs as they are looked at by these tests only."""
    committed = Committed()
    offsets: Any = committed
    return Runs(worker.plane, offsets, worker.commands.stop), committed


async def stopped(worker: PlayedWorker) -> None:
    """A run that is made as one that is stopped."""
    await worker.commands.create("run", worker.config("run") | RUN, TargetState.STOPPED)
    await worker.shows("run", State.STOPPED)


def done(runs: Runs) -> int:
    found = runs.progress("run")
    assert found is not None
    return found.records_done


def test_one_that_ran_and_ended_between_two_looks_that_find_it_stopped_is_known_to_be_complete(
    tell: Callable[[Story], None],
) -> None:
    async def story(worker: PlayedWorker) -> None:
        runs, committed = watched(worker)
        await stopped(worker)
        await runs.look()
        assert done(runs) == 0
        await worker.commands.resume("run")
        await worker.runs("run")
        committed.offset = 7
        await worker.commands.stop("run")
        await worker.shows("run", State.STOPPED)
        await runs.look()
        found = runs.progress("run")
        assert found is not None
        assert (found.records_done, found.complete) == (2, True)

    tell(story)


def test_what_a_task_commits_as_its_last_after_its_connector_was_stopped_is_seen(tell: Callable[[Story], None]) -> None:
    async def story(worker: PlayedWorker) -> None:
        runs, committed = watched(worker)
        await worker.commands.create("run", worker.config("run") | RUN)
        await worker.runs("run")
        await worker.journal.write(TargetStateRecord("run", TargetState.STOPPED))
        assert worker.board.tasks("run")[0].state is State.RUNNING
        await runs.look()
        committed.offset = 6
        await worker.shows("run", State.STOPPED)
        await runs.look()
        assert done(runs) == 1

    tell(story)


def test_one_that_rests_is_not_looked_at_again_before_somebody_wants_something_else_or_moves_its_offsets(
    tell: Callable[[Story], None],
) -> None:
    async def story(worker: PlayedWorker) -> None:
        runs, committed = watched(worker)
        await stopped(worker)
        for _ in range(3):
            await runs.look()
        assert committed.asked == 1
        committed.offset = 6
        runs.moved("run")
        await runs.look()
        assert done(runs) == 1

    tell(story)
