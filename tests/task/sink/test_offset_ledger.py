"""The delivery ledger in every order of events that Hypothesis can think of."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ferryman.record import TopicPartition
from ferryman.task.sink.offset_ledger import Commit, OffsetLedger
from tests.reliability.scoreboard.plugin import Trials
from tests.task.sink.steps import made

PARTITIONS = [TopicPartition("t", number) for number in range(3)]
A = PARTITIONS[0]


def test_nothing_is_committed_before_the_sink_took_it() -> None:
    ledger = OffsetLedger()
    ledger.assigned({A: 5}, {A: 5})
    ledger.polled(A, 10)
    assert ledger.committable() == {A: 5}
    assert ledger.commit({A: 10}).offsets == {}
    ledger.delivered(A, 10)
    assert ledger.commit({A: 10}).offsets == {A: 10}


def test_a_commit_computed_before_a_stall_is_refused_after_it() -> None:
    ledger = OffsetLedger()
    ledger.assigned({A: 0}, {})
    ledger.polled(A, 9)
    ledger.delivered(A, 9)
    stale = ledger.commit({A: 9})
    ledger.revoked([A])
    ledger.assigned({A: 2}, {A: 2})
    assert not ledger.valid(stale)
    ledger.committed(stale)
    position = ledger.position(A)
    assert position is not None
    assert position.committed == 2


def test_records_of_a_partition_that_is_gone_are_refused() -> None:
    ledger = OffsetLedger()
    ledger.assigned({A: 0}, {})
    ledger.revoked([A])
    assert not ledger.polled(A, 3)
    assert ledger.committable() == {}


def ledger_of(**starts: int) -> OffsetLedger:
    """A ledger with partitions that are read from these offsets, which the group has already."""
    ledger = OffsetLedger()
    chosen = {TopicPartition(topic, 0): start for topic, start in starts.items()}
    ledger.assigned(chosen, dict(chosen))
    return ledger


def stands(ledger: OffsetLedger, source: TopicPartition) -> tuple[int, int, int | None] | None:
    """What was polled, delivered and committed of a partition."""
    position = ledger.position(source)
    return None if position is None else (position.polled, position.delivered, position.committed)


X, Y = TopicPartition("x", 0), TopicPartition("y", 0)


def test_reading_begins_where_it_was_told_to_whatever_the_group_has() -> None:
    ledger = OffsetLedger()
    ledger.assigned({X: 7, Y: 3}, {X: 2, Y: None})
    assert stands(ledger, X) == (7, 7, 2)
    assert stands(ledger, Y) == (3, 3, None)
    assert list(ledger.partitions) == [X, Y]
    assert ledger.position(A) is None


def test_a_partition_of_which_the_group_says_nothing_has_no_commit() -> None:
    ledger = OffsetLedger()
    ledger.assigned({X: 7}, {})
    assert stands(ledger, X) == (7, 7, None)


def test_what_comes_moves_what_was_polled_and_nothing_else() -> None:
    ledger = ledger_of(x=5, y=0)
    assert ledger.polled(X, 6)
    assert stands(ledger, X) == (6, 5, 5)
    assert stands(ledger, Y) == (0, 0, 0)


def test_records_that_were_polled_before_are_refused() -> None:
    ledger = ledger_of(x=5)
    assert ledger.polled(X, 8)
    assert not ledger.polled(X, 8)
    assert not ledger.polled(X, 7)
    assert stands(ledger, X) == (8, 5, 5)


def test_delivery_goes_forward_up_to_what_was_polled_and_not_past_it() -> None:
    ledger = ledger_of(x=0)
    ledger.polled(X, 10)
    ledger.delivered(X, 4)
    assert stands(ledger, X) == (10, 4, 0)
    ledger.delivered(X, 3)
    assert stands(ledger, X) == (10, 4, 0)
    ledger.delivered(X, 11)
    assert stands(ledger, X) == (10, 4, 0)
    ledger.delivered(X, 10)
    assert stands(ledger, X) == (10, 10, 0)


def test_delivery_to_a_partition_that_has_gone_changes_nothing() -> None:
    ledger = ledger_of(x=0)
    ledger.polled(X, 4)
    ledger.revoked([X])
    ledger.delivered(X, 4)
    assert ledger.position(X) is None


def test_of_what_the_sink_wants_only_our_own_and_delivered_is_committed() -> None:
    ledger = ledger_of(x=0, y=0)
    for source in (X, Y):
        ledger.polled(source, 10)
        ledger.delivered(source, 6)
    assert ledger.commit({X: 6, Y: 7, A: 0}).offsets == {X: 6}
    assert ledger.commit({X: 2, Y: 0}).offsets == {X: 2, Y: 0}


def test_what_is_committed_is_known_and_goes_only_forward() -> None:
    ledger = OffsetLedger()
    ledger.assigned({X: 0}, {})
    ledger.polled(X, 10)
    ledger.delivered(X, 10)
    earlier, later = ledger.commit({X: 4}), ledger.commit({X: 9})
    ledger.committed(later)
    assert stands(ledger, X) == (10, 10, 9)
    ledger.committed(earlier)
    assert stands(ledger, X) == (10, 10, 9)


def test_a_first_commit_of_the_very_beginning_is_known_too() -> None:
    ledger = OffsetLedger()
    ledger.assigned({X: 0}, {})
    ledger.committed(ledger.commit({X: 0}))
    assert stands(ledger, X) == (0, 0, 0)


def test_a_partition_that_comes_makes_commits_of_the_others_stale() -> None:
    ledger = ledger_of(x=0)
    ledger.polled(X, 3)
    ledger.delivered(X, 3)
    stale = ledger.commit({X: 3})
    assert ledger.valid(stale)
    ledger.assigned({Y: 0}, {})
    assert not ledger.valid(stale)
    assert ledger.valid(ledger.commit({X: 3}))


def test_a_partition_that_goes_makes_commits_of_the_others_stale() -> None:
    ledger = ledger_of(x=0, y=0)
    stale = ledger.commit({X: 0})
    ledger.revoked([Y])
    assert not ledger.valid(stale)
    assert list(ledger.partitions) == [X]


def test_every_position_carries_the_present_epoch() -> None:
    ledger = ledger_of(x=0, y=0)
    ledger.assigned({A: 0}, {})
    assert {position.epoch for each in ledger.partitions if (position := ledger.position(each))} == {ledger.epoch}
    ledger.revoked([A])
    assert {position.epoch for each in ledger.partitions if (position := ledger.position(each))} == {ledger.epoch}


def test_what_stays_keeps_its_place_when_others_come_and_go() -> None:
    ledger = ledger_of(x=0)
    ledger.polled(X, 5)
    ledger.delivered(X, 3)
    ledger.assigned({Y: 1}, {})
    ledger.revoked([Y, A])
    assert stands(ledger, X) == (5, 3, 0)


def test_a_partition_that_comes_back_begins_anew() -> None:
    ledger = ledger_of(x=0)
    ledger.polled(X, 5)
    ledger.revoked([X])
    ledger.assigned({X: 2}, {X: 2})
    assert stands(ledger, X) == (2, 2, 2)
    assert ledger.polled(X, 3)


def test_the_lag_is_what_was_polled_and_not_delivered_over_all_partitions() -> None:
    ledger = ledger_of(x=100, y=0)
    assert ledger.lag() == 0
    ledger.polled(X, 107)
    ledger.polled(Y, 5)
    ledger.delivered(Y, 1)
    assert ledger.lag() == 7 + 4


class Ledger(RuleBasedStateMachine):
    """A log, a sink that holds what it took, a group that holds what it accepted; stalls and kills at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = OffsetLedger()
        self.durable = dict.fromkeys(PARTITIONS, 0)
        self.group: dict[TopicPartition, int] = {}
        self.in_flight: list[Commit] = []

    @rule(partition=st.sampled_from(PARTITIONS))
    def come(self, partition: TopicPartition) -> None:
        if self.ledger.position(partition) is None:
            start = self.group.get(partition, 0)
            self.ledger.assigned({partition: start}, {partition: self.group.get(partition)})

    @rule(partition=st.sampled_from(PARTITIONS))
    def go(self, partition: TopicPartition) -> None:
        self.ledger.revoked([partition])

    @rule(partition=st.sampled_from(PARTITIONS), count=st.integers(1, 5))
    def poll(self, partition: TopicPartition, count: int) -> None:
        position = self.ledger.position(partition)
        if position is not None:
            assert self.ledger.polled(partition, position.polled + count)

    @rule(partition=st.sampled_from(PARTITIONS))
    def put(self, partition: TopicPartition) -> None:
        position = self.ledger.position(partition)
        if position is not None:
            self.durable[partition] = max(self.durable[partition], position.polled)
            self.ledger.delivered(partition, position.polled)

    @rule(ahead=st.integers(-2, 3))
    def compute_a_commit(self, ahead: int) -> None:
        wanted = {source: offset + ahead for source, offset in self.ledger.committable().items()}
        self.in_flight.append(self.ledger.commit(wanted))

    @precondition(lambda self: self.in_flight)
    @rule(data=st.data())
    def send_a_commit(self, data: st.DataObject) -> None:
        commit = self.in_flight.pop(data.draw(st.integers(0, len(self.in_flight) - 1)))
        if self.ledger.valid(commit):
            for source, offset in commit.offsets.items():
                self.group[source] = max(offset, self.group.get(source, 0))
            self.ledger.committed(commit)

    @invariant()
    def committed_offsets_are_durable(self) -> None:
        assert all(offset <= self.durable[source] for source, offset in self.group.items())

    @invariant()
    def positions_are_in_order(self) -> None:
        for source in self.ledger.partitions:
            position = self.ledger.position(source)
            assert position is not None
            assert (position.committed or 0) <= position.delivered <= position.polled


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R6")
def test_whatever_comes_and_goes_meanwhile_no_commit_is_stale_or_passes_what_is_durable(trials: Trials) -> None:
    trials.held(made(trials.share(2), Ledger))
