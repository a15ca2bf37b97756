"""The delivery ledger in every order of events that Hypothesis can think of."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ferryman.record import TopicPartition
from ferryman.task.sink.delivery import Commit, Delivery

PARTITIONS = [TopicPartition("t", number) for number in range(3)]
A = PARTITIONS[0]


def test_nothing_is_committed_before_the_sink_took_it() -> None:
    ledger = Delivery()
    ledger.assigned({A: 5}, {A: 5})
    ledger.polled(A, 10)
    assert ledger.committable() == {A: 5}
    assert ledger.commit({A: 10}).offsets == {}
    ledger.delivered(A, 10)
    assert ledger.commit({A: 10}).offsets == {A: 10}


def test_a_commit_computed_before_a_stall_is_refused_after_it() -> None:
    ledger = Delivery()
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
    ledger = Delivery()
    ledger.assigned({A: 0}, {})
    ledger.revoked([A])
    assert not ledger.polled(A, 3)
    assert ledger.committable() == {}


class Ledger(RuleBasedStateMachine):
    """A log, a sink that holds what it took, a group that holds what it accepted; stalls and kills at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = Delivery()
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


TestLedger = Ledger.TestCase
TestLedger.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
