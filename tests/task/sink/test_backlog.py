"""The backlog: slices are cut, decoded and put in order; what the sink has taken is delivered, and nothing else."""

import os
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ferryman.api import BadRecords
from ferryman.chain.chain import Step, assembled
from ferryman.chain.narrowing import Failure, Stage
from ferryman.config import Config
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import Batch, Coordinates, TopicPartition
from ferryman.task.crash_evidence import at_work
from ferryman.task.crash_evidence.at_work import CONVERT, PUT, AtWork, Note, Offsets
from ferryman.task.crash_evidence.guilty import Guilty
from ferryman.task.sink import backlog as backlog_module
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.pacing.slices import AIM_SECONDS, Slices
from tests.chain.parts import OnRecords, TextConverter, batch, polled
from tests.clock import Clock
from tests.task.sink.recording_sink import RecordingSink

T, U = TopicPartition("t", 0), TopicPartition("u", 0)


class Judge:
    """In place of the tolerance: keeps the failures, or raises."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []
        self.error: Exception | None = None
        self.through: list[tuple[TopicPartition, int]] = []

    def delivered(self, source: TopicPartition, following: int) -> None:
        self.through.append((source, following))

    def judge(self, failures: Sequence[Failure]) -> None:
        if failures and self.error is not None:
            raise self.error
        self.failures += failures

    @property
    def guilty(self) -> list[tuple[int, Stage]]:
        return [(failure.coordinates.offset, failure.stage) for failure in self.failures if failure.coordinates]


class Work:
    """A backlog with its sink: text is decoded, ``drop`` is dropped and ``refuse`` refused by a transform."""

    def __init__(self, size: int = 1000) -> None:
        self.sink, self.judge, self.slices = RecordingSink(), Judge(), Slices(size)
        self.slices._size = size
        text = TextConverter(Config(), "value")
        chain = assembled(text, text, text, [Step("r", OnRecords(Config()))])
        tolerance: Any = self.judge
        self.backlog = Backlog(chain, tolerance, self.sink, self.slices)

    def add(self, *values: bytes, source: TopicPartition = T, first: int = 0) -> None:
        self.backlog.add(polled(*values, topic=source.topic, first=first))

    def delivered(self) -> list[tuple[TopicPartition, int]]:
        return list(self.backlog.delivered)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(backlog_module, "time", made)
    return made


def test_with_nothing_to_do_nothing_is_put(work: Work) -> None:
    assert not work.backlog
    work.backlog.advance()
    assert work.sink.offered == []


def test_what_was_polled_is_put_in_order_and_then_delivered(work: Work) -> None:
    work.add(b"1", b"2", first=7)
    work.add(b"3", source=U)
    work.add(b"4", first=9)
    assert work.backlog
    work.backlog.advance()
    assert not work.backlog
    assert work.sink.taken == [(T, 7, "1"), (T, 8, "2"), (U, 0, "3"), (T, 9, "4")]
    assert dict(work.delivered()) == {T: 10, U: 1}
    assert work.delivered()[0] == (T, 9)


def test_the_tolerance_is_told_what_is_through(work: Work) -> None:
    work.add(b"1", b"bad", first=7)
    work.add(b"drop", source=U)
    work.backlog.advance()
    assert work.judge.through == work.delivered() == [(T, 8), (T, 9), (U, 1)]


def test_batches_are_offered_together_and_as_many_as_the_sink_took_are_delivered(work: Work) -> None:
    for number in range(5):
        work.add(b"v", first=number)
    work.sink.outcomes.extend([2, 3])
    work.backlog.advance()
    assert work.sink.offered == [5, 3]
    assert work.sink.values() == ["v"] * 5


def test_all_of_a_slice_is_offered_at_once(work: Work) -> None:
    for number in range(65):
        work.add(b"v", first=number)
    work.sink.outcomes.extend([64, 1])
    work.backlog.advance()
    assert work.sink.offered == [65, 1]


def test_a_sink_that_took_none_is_delivered_nothing_of_it(work: Work) -> None:
    work.add(b"1")
    work.sink.outcomes.append(0)
    work.backlog.hurry = True
    assert work.backlog.first == Coordinates("t", 0, 0)
    work.backlog.advance()
    assert work.backlog.first == Coordinates("t", 0, 0)
    assert work.delivered() == []


@pytest.mark.parametrize("error", [RetriableError("away"), Unfinished("later"), Indeterminate("who knows")])
def test_after_an_outage_exactly_what_is_not_in_comes_again(work: Work, error: Exception) -> None:
    work.add(b"1", b"2")
    work.add(b"3", first=2)
    work.sink.outcomes.extend([1, error])
    with pytest.raises(type(error)):
        work.backlog.advance()
    assert dict(work.delivered()) == {T: 2}
    assert work.backlog.first == Coordinates("t", 0, 2)
    work.backlog.advance()
    assert work.backlog.first is None
    assert work.sink.values() == ["1", "2", "3"]
    assert dict(work.delivered()) == {T: 3}


def test_what_was_decoded_before_an_outage_is_not_decoded_and_judged_again(work: Work) -> None:
    work.add(b"1", b"bad", b"refuse", b"2")
    work.sink.outcomes.append(RetriableError("away"))
    with pytest.raises(RetriableError):
        work.backlog.advance()
    work.backlog.advance()
    assert work.judge.guilty == [(1, Stage.VALUE_CONVERTER), (2, Stage.TRANSFORMATION)]
    assert work.sink.values() == ["1", "2"]


def test_records_that_all_failed_or_were_dropped_are_delivered_without_the_sink(work: Work) -> None:
    work.add(b"bad", b"drop", b"refuse", first=5)
    work.backlog.advance()
    assert work.sink.offered == []
    assert work.delivered() == [(T, 8)]
    assert not work.backlog


def test_what_failed_at_the_end_of_a_piece_is_delivered_with_it(work: Work) -> None:
    work.add(b"1", b"bad")
    work.backlog.advance()
    assert work.delivered()[-1] == (T, 2)


def test_records_that_may_not_be_skipped_are_not_delivered(work: Work) -> None:
    work.judge.error = TaskError("no tolerance")
    work.add(b"1", b"bad")
    with pytest.raises(TaskError):
        work.backlog.advance()
    assert work.delivered() == []
    assert work.backlog


def test_the_record_that_a_sink_cannot_take_is_found_and_its_neighbours_are_taken_in_order(work: Work) -> None:
    work.add(b"1", b"2", b"poison", b"3", b"4", first=10)
    work.backlog.advance()
    assert work.sink.values() == ["1", "2", "3", "4"]
    assert work.judge.guilty == [(12, Stage.TASK_PUT)]
    assert work.judge.failures[0].plugin == "RecordingSink"
    assert str(work.judge.failures[0].error) == "it tastes bitter"
    assert work.delivered()[-1] == (T, 15)


def test_records_that_the_sink_names_are_reported_and_all_others_come_again_together(work: Work) -> None:
    work.add(*[b"%d" % number for number in range(6)], first=10)
    put = work.sink.put_batches

    def naming(batches: Sequence[Batch]) -> int:
        (whole,) = batches
        if len(whole) == 6:
            raise BadRecords([(whole, 4, DataError("four")), (whole, 1, DataError("one"))])
        return put(batches)

    work.sink.put_batches = naming  # type: ignore[method-assign]
    work.backlog.advance()
    assert work.sink.values() == ["0", "2", "3", "5"]
    assert work.sink.offered == [1]
    found = zip(work.judge.guilty, work.judge.failures, strict=True)
    assert [(offset, str(failure.error)) for (offset, _), failure in found] == [(14, "four"), (11, "one")]
    assert work.delivered()[-1] == (T, 16)


def test_a_guilty_last_record_is_delivered_once_it_is_reported(work: Work) -> None:
    work.add(b"1", b"poison")
    work.backlog.advance()
    assert work.delivered()[-1] == (T, 2)
    assert not work.backlog


def test_a_guilty_record_that_may_not_be_skipped_is_not_delivered(work: Work) -> None:
    work.judge.error = RetriableError("the dead letter queue is silent")
    work.add(b"1", b"poison")
    with pytest.raises(RetriableError):
        work.backlog.advance()
    assert set(work.delivered()) == {(T, 1)}
    work.judge.error = None
    work.backlog.advance()
    assert work.judge.guilty == [(1, Stage.TASK_PUT)]
    assert work.sink.values() == ["1"]


def test_an_outage_between_two_halves_repeats_nothing_that_is_in(work: Work) -> None:
    work.add(b"1", b"2", b"3", b"poison")
    work.sink.outcomes.extend([1, 1, RetriableError("away")])
    with pytest.raises(RetriableError):
        work.backlog.advance()
    assert work.sink.values() == ["1", "2"]
    work.backlog.advance()
    assert work.sink.values() == ["1", "2", "3"]
    assert work.judge.guilty == [(3, Stage.TASK_PUT)]


def test_a_sink_that_is_not_atomic_is_not_tried_in_halves(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecordingSink, "atomic", False)
    work.add(b"1", b"poison")
    with pytest.raises(DataError):
        work.backlog.advance()
    assert work.sink.offered == [1]
    assert work.judge.failures == []


def test_a_record_that_the_sink_reports_is_judged_by_where_it_was_consumed(work: Work) -> None:
    error = ValueError("no such row")
    work.backlog.report([(batch("a", "b", "c", first=40).slice(1, 3), 1, error)])
    (failure,) = work.judge.failures
    assert (work.judge.guilty, failure.plugin, failure.error) == ([(42, Stage.TASK_PUT)], "RecordingSink", error)


def test_partitions_that_have_gone_are_forgotten_raw_and_decoded_and_the_others_stay(work: Work) -> None:
    work.slices._size = 2
    work.add(b"1", source=T)
    work.add(b"2", source=U)
    work.add(b"3", source=T, first=1)
    work.add(b"4", source=U, first=1)
    work.sink.outcomes.append(RetriableError("away"))
    with pytest.raises(RetriableError):
        work.backlog.advance()
    work.backlog.drop([T])
    work.backlog.advance()
    work.backlog.advance()
    assert work.sink.taken == [(U, 0, "2"), (U, 1, "4")]
    assert {source for source, _ in work.delivered()} == {U}
    assert not work.backlog


def test_a_slice_has_as_many_records_as_it_may_and_the_rest_comes_next() -> None:
    work = Work(size=3)
    work.add(b"1", b"2", first=5)
    work.add(b"3", b"4", b"5", first=7)
    work.slices.learn = lambda records, seconds: None  # type: ignore[method-assign]
    work.backlog.advance()
    assert work.sink.values() == ["1", "2", "3"]
    assert work.delivered()[-1] == (T, 8)
    assert work.backlog
    work.backlog.advance()
    assert work.sink.taken[3:] == [(T, 8, "4"), (T, 9, "5")]
    assert work.delivered()[-1] == (T, 10)


def test_a_slice_that_fits_exactly_leaves_nothing_behind() -> None:
    work = Work(size=2)
    work.add(b"1", b"2")
    work.backlog.advance()
    assert not work.backlog
    assert work.sink.offered == [1]


def test_what_comes_while_a_slice_fails_waits_for_the_next_one(work: Work) -> None:
    work.add(b"1")
    work.sink.outcomes.append(RetriableError("away"))
    with pytest.raises(RetriableError):
        work.backlog.advance()
    work.add(b"2", first=1)
    work.backlog.advance()
    assert work.sink.values() == ["1"]
    work.backlog.advance()
    assert work.sink.values() == ["1", "2"]


def test_in_a_hurry_a_slice_ends_after_the_put_that_runs(work: Work) -> None:
    work.add(b"1")
    work.add(b"2", first=1)
    work.sink.during_put = lambda: setattr(work.backlog, "hurry", True)
    work.backlog.advance()
    assert work.sink.values() == ["1"]
    assert work.delivered() == [(T, 1)] * 2
    work.backlog.advance()
    assert work.sink.values() == ["1", "2"]


def test_in_a_hurry_what_needs_no_put_is_delivered_all_the_same(work: Work) -> None:
    work.add(b"1")
    work.add(b"drop", first=1)
    work.add(b"drop", first=2)
    work.backlog.hurry = True
    work.backlog.advance()
    assert work.delivered()[-1] == (T, 3)
    assert not work.backlog


def test_a_slice_that_takes_longer_than_it_should_ends_between_two_puts(work: Work, clock: Clock) -> None:
    for number in range(4):
        work.add(b"v", first=number)
    work.sink.during_put = lambda: clock.pass_(AIM_SECONDS / 2)
    work.backlog.advance()
    assert len(work.sink.taken) == 2
    work.backlog.advance()
    assert len(work.sink.taken) == 4


def learned(work: Work) -> list[tuple[int, float]]:
    found: list[tuple[int, float]] = []
    work.slices.learn = lambda records, seconds: found.append((records, round(seconds, 6)))  # type: ignore[method-assign]
    return found


def test_the_size_of_slices_is_learned_from_whole_slices(work: Work, clock: Clock) -> None:
    found = learned(work)
    for number in range(3):
        work.add(b"v", b"v", first=2 * number)
    work.sink.during_put = lambda: clock.pass_(0.3)
    work.backlog.advance()
    assert found == []
    work.backlog.advance()
    assert found == [(6, 0.9)]
    work.add(b"v", first=6)
    work.backlog.advance()
    assert found == [(6, 0.9), (1, 0.3)]


def test_the_time_of_an_outage_is_not_the_sinks_speed(work: Work, clock: Clock) -> None:
    found = learned(work)
    work.add(b"v")
    work.sink.during_put = lambda: clock.pass_(30)
    work.sink.outcomes.append(RetriableError("away"))
    with pytest.raises(RetriableError):
        work.backlog.advance()
    work.sink.during_put = lambda: clock.pass_(0.1)
    work.backlog.advance()
    assert found == [(1, 0.1)]


class Flow(RuleBasedStateMachine):
    """Records of two partitions arrive, are put, fail and are dropped in any order.

    Of each assignment of a partition every record comes to the sink once and in order, but for those that are dropped
    or dead-lettered; and what is delivered has been taken, dropped or dead-lettered.
    """

    VALUES = st.sampled_from([b"v", b"v", b"v", b"bad", b"drop", b"refuse", b"poison"])

    def __init__(self) -> None:
        super().__init__()
        self.work = Work(size=4)
        self.next = {T: 0, U: 0}
        self.due: dict[TopicPartition, list[int]] = {T: [], U: []}
        """The offsets of the present assignment that the sink is still to get."""
        self.arrived: dict[TopicPartition, int] = {}
        """The next offset after what has come of partitions that have not gone since."""
        self.seen = 0

    @rule(source=st.sampled_from([T, U]), values=st.lists(VALUES, min_size=1, max_size=6))
    def records_arrive(self, source: TopicPartition, values: list[bytes]) -> None:
        self.work.add(*values, source=source, first=self.next[source])
        self.due[source] += [self.next[source] + index for index, value in enumerate(values) if value == b"v"]
        self.next[source] += len(values)
        self.arrived[source] = self.next[source]

    @rule(outcomes=st.lists(st.sampled_from([1, 2, 3, "away"]), max_size=3), hurry=st.booleans())
    def a_slice_is_put(self, outcomes: list[int | str], hurry: bool) -> None:
        self.work.backlog.hurry = hurry
        self.work.sink.outcomes.extend(each if isinstance(each, int) else RetriableError("away") for each in outcomes)
        try:
            self.work.backlog.advance()
        except RetriableError:
            pass
        finally:
            self.work.sink.outcomes.clear()

    @precondition(lambda self: self.work.backlog)
    @rule(source=st.sampled_from([T, U]))
    def a_partition_goes(self, source: TopicPartition) -> None:
        self.look_at_what_was_taken()
        self.work.backlog.drop([source])
        self.due[source].clear()
        self.arrived.pop(source, None)

    @rule()
    def all_is_put(self) -> None:
        self.work.backlog.hurry = False
        while self.work.backlog:
            self.work.backlog.advance()
        self.look_at_what_was_taken()
        assert self.due == {T: [], U: []}
        for source, following in self.arrived.items():
            assert (source, following) in self.work.delivered()

    @invariant()
    def look_at_what_was_taken(self) -> None:
        for source, offset, _ in self.work.sink.taken[self.seen :]:
            assert self.due[source].pop(0) == offset
        self.seen = len(self.work.sink.taken)

    @invariant()
    def nothing_is_delivered_that_is_still_due(self) -> None:
        for source, following in self.work.backlog.delivered:
            assert all(offset >= following for offset in self.due[source])


TestFlow = Flow.TestCase
TestFlow.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)


# Records that kill.


def test_what_is_worked_on_is_noted_while_it_is_and_the_guilty_are_not_touched(work: Work) -> None:
    descriptor = at_work.shared()
    worker, work.backlog.at_work = AtWork(descriptor), AtWork(descriptor)
    os.close(descriptor)
    work.backlog.guilty = [Guilty("t", 0, 8, "TRANSFORMATION", "OnRecords", "was killed by SIGSEGV")]
    notes, chain = list[Note | None](), work.backlog.chain
    put, apply = work.sink.put_batches, chain.steps[0].transform.apply

    def noted(call: Any, given: Any) -> Any:
        notes.append(worker.read())
        return call(given)

    work.sink.put_batches = lambda batches: noted(put, batches)  # type: ignore[method-assign]
    chain.steps[0].transform.apply = lambda record: noted(apply, record)  # type: ignore[method-assign]
    work.add(b"7", b"8", b"9", first=7)
    work.backlog.advance()
    assert notes[0] == Note(CONVERT, [Offsets("t", 0, 7, 9)])
    assert notes[-1] == Note(PUT, [Offsets("t", 0, 7, 9)])
    assert worker.read() is None
    assert work.sink.taken == [(T, 7, "7"), (T, 9, "9")]
    assert work.judge.guilty == [(8, Stage.TRANSFORMATION)]
    assert dict(work.delivered()) == {T: 10}


@pytest.mark.parametrize("told", [None, 3, -1, "all"])
def test_a_sink_that_does_not_say_how_much_it_took_fails_instead_of_getting_it_again_for_ever(
    work: Work, told: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    work.add(b"1", b"2")
    monkeypatch.setattr(work.sink, "put_batches", lambda batches: told)
    with pytest.raises(TaskError, match="put_batches of RecordingSink must return how many of the 1 batches it took"):
        work.backlog.advance()
