"""A sink's task in any order of events: nothing is committed that is not durable, and in the end everything is.

Everything but the sink and the cluster is the real code: loop, backlog, slices, commits, ledger, group.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from confluent_kafka import KafkaError
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ferryman.api import Committed, SinkContext
from ferryman.errors import Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import Batch, TopicPartition
from ferryman.task.sink.sink_thread import StillBusy
from tests.kafka.cluster_in_memory import Cluster
from tests.reliability.scoreboard.plugin import Trials
from tests.task.sink.hand_driven import TIMING, A, B, HandDriven
from tests.task.sink.recording_sink import FlushingSink
from tests.task.sink.steps import made

OUTCOMES = {
    "away": RetriableError("away"),
    "not yet": Unfinished("not yet"),
    "who knows": Indeterminate("who knows"),
    "broken": TaskError("broken"),
}
"""What may become of a put."""
PLACES = st.sampled_from([A, B])


class Store(FlushingSink):
    """What was put is lost with the sink, until it was flushed."""

    def __init__(self, context: SinkContext | None = None) -> None:
        super().__init__(context)
        self.durable: set[tuple[TopicPartition, int]] = set()

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        found = super().pre_commit(offsets)
        self.durable.update((source, offset) for source, offset, _ in self.taken)
        return found

    def put_batches(self, batches: Sequence[Batch]) -> int:
        seen = len(self.taken)
        count = super().put_batches(batches)
        for source, offset, _ in self.taken[seen:]:
            assert (source, offset) not in {each[:2] for each in self.taken[:seen]}, "put twice in one assignment"
        return count

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        self.taken = [each for each in self.taken if each[0] not in partitions]


class SinkTask(RuleBasedStateMachine):
    """One task, session after session; whatever ends a session, the next one begins where the group stands."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.cluster = Cluster()
        self.cluster.create("t", 2)
        self.durable: set[tuple[TopicPartition, int]] = set()
        self.guilty: set[tuple[TopicPartition, int]] = set()
        self.former: dict[TopicPartition, int] = {}
        self.timing = TIMING
        self.begin()

    @initialize(limit=st.sampled_from([2, TIMING.limit]))
    def polls_bring_as_many_as_they_may_or_all(self, limit: int) -> None:
        self.timing = replace(TIMING, limit=limit)
        self.killed()

    def begin(self) -> None:
        self.task = HandDriven(self.patches, Store, self.timing, cluster=self.cluster)
        self.task.sink.durable = self.durable
        self.task.judge.skipped = self.guilty
        self.task.session.group.subscribe(["t"])

    def teardown(self) -> None:
        try:
            self.in_the_end_everything_is_durable()
        finally:
            self.patches.undo()

    @rule(source=PLACES, values=st.lists(st.sampled_from([b"v", b"v", b"v", b"poison"]), min_size=1, max_size=5))
    def records_arrive(self, source: TopicPartition, values: list[bytes]) -> None:
        self.task.fill(source, *values)

    @precondition(lambda self: self.task.consumer.heard_all)
    @rule(sources=st.sets(PLACES), gently=st.booleans())
    def the_group_is_rebalanced(self, sources: set[TopicPartition], gently: bool) -> None:
        consumer = self.task.consumer
        owned = [TopicPartition(each.topic, each.partition) for each in consumer.assignment()]
        if owned:
            (consumer.take if gently else consumer.lose)(*owned)
        consumer.give(*sorted(sources))

    @rule(count=st.integers(1, 5))
    def rounds(self, count: int) -> None:
        session = self.task.session
        try:
            for _ in range(count):
                session.turn()
        except (RetriableError, TaskError, StillBusy):
            self.killed()

    @rule(seconds=st.sampled_from([0.1, 3.0, 11.0]))
    def time_passes(self, seconds: float) -> None:
        self.task.clock.pass_(seconds)

    @rule()
    def a_call_takes_its_time_or_ends(self) -> None:
        self.task.thread.held = not self.task.thread.held

    @rule(outcomes=st.lists(st.sampled_from(sorted(OUTCOMES)), max_size=2))
    def the_system_behind_the_sink_is_in_trouble(self, outcomes: list[str]) -> None:
        self.task.sink.outcomes.extend(OUTCOMES[outcome] for outcome in outcomes)

    @rule(code=st.sampled_from([KafkaError.REBALANCE_IN_PROGRESS, KafkaError._TIMED_OUT]))
    def a_commit_goes_wrong(self, code: int) -> None:
        self.task.consumer.answers.append(code)

    @rule()
    def a_commit_is_due(self) -> None:
        self.task.session.request_commit()

    @rule(wish=st.sampled_from(["pause", "run"]))
    def the_worker_wishes(self, wish: str) -> None:
        self.task.worker.wish("pause" if wish == "pause" else "run")

    @rule()
    def killed(self) -> None:
        self.task.consumer.close()
        self.cluster.generation += 1
        self.begin()

    @invariant()
    def what_is_committed_is_durable_or_guilty(self) -> None:
        for source, (following, _) in self.cluster.committed.items():
            missing = {(source, offset) for offset in range(following)} - self.durable - self.guilty
            assert not missing, f"committed {source}@{following} without {sorted(missing)}"

    @invariant()
    def commits_go_only_forward(self) -> None:
        now = {source: following for source, (following, _) in self.cluster.committed.items()}
        for source, following in self.former.items():
            assert now[source] >= following, f"committed {source}@{now[source]} after {following}"
        self.former = now

    def in_the_end_everything_is_durable(self) -> None:
        self.killed()
        self.task.consumer.give(A, B)
        ends = {source: self.cluster.bounds(source)[1] for source in (A, B)}
        for _ in range(200):
            if all(self.task.group_offset(source) == end or not end for source, end in ends.items()):
                break
            self.time_passes(3.0)
            self.rounds(1)
        self.what_is_committed_is_durable_or_guilty()
        assert {source: self.task.group_offset(source) or 0 for source in (A, B)} == ends


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R6")
def test_commits_go_forward_up_to_what_is_durable_and_all_is_in_the_end(
    trials: Trials,
) -> None:
    trials.held(made(trials.share(2), SinkTask))
