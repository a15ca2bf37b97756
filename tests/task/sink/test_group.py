"""Membership in a consumer group: what is assigned where, what is handed out, and what becomes of a commit."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ferryman.api import Assigned, Committed
from ferryman.errors import FencedError, Indeterminate, RefusedError, RetriableError, TaskError
from ferryman.record import Polled, TopicPartition
from ferryman.retry import coordinator
from ferryman.task.sink import closing
from ferryman.task.sink import group as group_module
from ferryman.task.sink.group import FENCED, REFUSED, TRANSIENT, Group, GroupProtocol, classified
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_admin import FakeAdmin
from tests.kafka.fake_consumer import Answer, FakeConsumer

A, B, C = TopicPartition("a", 0), TopicPartition("a", 1), TopicPartition("b", 0)


class Listener:
    """Starts where the group says, or at ``starts``, and notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[TopicPartition]]] = []
        self.assignment: list[Assigned] = []
        self.starts: dict[TopicPartition, int] = {}
        self.error: Exception | None = None
        self.at_revocation: Callable[[], object] = lambda: None
        self.begin: Callable[[Mapping[TopicPartition, int]], None] = lambda starts: None
        self.end: Callable[[Sequence[TopicPartition]], None] = lambda partitions: None

    def assigned(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        self._note("assigned", [each.source for each in partitions])
        self.assignment = list(partitions)
        starts = {each.source: each.start for each in partitions if each.start is not None} | self.starts
        self.begin(starts)
        return starts

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.at_revocation()
        self._note("revoked", partitions)
        self.end(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self._note("lost", partitions)
        self.end(partitions)

    def _note(self, event: str, partitions: Sequence[TopicPartition]) -> None:
        self.told.append((event, list(partitions)))
        if self.error is not None:
            raise self.error


class Membership:
    """A group with its consumer, listener and cluster: the topics ``a`` with two partitions and ``b`` with one."""

    def __init__(self, read_from: str = "earliest", protocol: GroupProtocol = "classic") -> None:
        self.cluster = Cluster()
        self.cluster.create("a", 2)
        self.cluster.create("b")
        self.consumer, self.admin, self.listener = FakeConsumer(self.cluster), FakeAdmin(self.cluster), Listener()
        consumer: Any = self.consumer
        admin: Any = self.admin
        self.group = Group(consumer, admin, self.listener, read_from, protocol)
        self.group.subscribe(["a", "b"])

    def fill(self, source: TopicPartition, *values: bytes) -> None:
        for value in values:
            self.cluster.append(source, value)

    def given(self, *sources: TopicPartition) -> list[Polled]:
        """What the first poll after an assignment hands out."""
        self.consumer.give(*sources)
        return self.poll()

    def poll(self, limit: int = 100) -> list[Polled]:
        return self.group.poll(limit, 0.5)

    def start(self, source: TopicPartition) -> int | None:
        return next(each.start for each in self.listener.assignment if each.source == source)


@pytest.fixture
def member() -> Membership:
    return Membership()


@pytest.fixture
def of_consumer_protocol() -> Membership:
    return Membership(protocol="consumer")


def values(found: Sequence[Polled]) -> dict[TopicPartition, list[bytes | None]]:
    return {polled.source: list(polled.values) for polled in found}


def test_it_joins_for_the_topics_it_is_told(member: Membership) -> None:
    assert member.consumer.subscribed == ["a", "b"]


def test_without_a_record_a_poll_waits_as_long_as_it_may_and_has_nothing(member: Membership) -> None:
    assert member.group.poll(100, 0.7) == []
    assert member.consumer.polled_at == [0.7]


def test_records_are_handed_out_by_partition_in_order(member: Membership) -> None:
    member.fill(A, b"1", b"2")
    member.fill(C, b"3")
    found = member.given(A, C)
    assert values(found) == {A: [b"1", b"2"], C: [b"3"]}
    assert [list(polled.offsets) for polled in found] == [[0, 1], [0]]


@pytest.mark.parametrize(("limit", "first", "second"), [(1, 1, 1), (2, 2, 2), (3, 3, 1)])
def test_no_more_are_taken_at_once_than_the_limit_and_none_is_skipped(
    member: Membership, limit: int, first: int, second: int
) -> None:
    member.fill(A, b"1", b"2", b"3", b"4")
    member.consumer.give(A)
    assert [len(polled) for polled in member.poll(limit)] == [first]
    assert [len(polled) for polled in member.poll(limit)] == [second]


def test_what_lies_beside_the_values_is_handed_out_with_them(member: Membership) -> None:
    member.cluster.append(A, b"v", b"k", [("h", b"1"), ("h", None)], (2, 77))
    member.cluster.append(A, None)
    (polled,) = member.given(A)
    assert (polled.topic, polled.partition) == ("a", 0)
    assert (polled.keys, polled.values) == ([b"k", None], [b"v", None])
    assert polled.headers == [[("h", b"1"), ("h", None)], []]
    assert polled.timestamps == [77, 1000]
    assert polled.timestamp_type == "LogAppendTime"


def test_where_no_record_has_headers_there_are_none_and_a_time_that_is_not_there_is_none(member: Membership) -> None:
    member.cluster.append(A, b"v", timestamp=(0, -1))
    (polled,) = member.given(A)
    assert polled.headers is None
    assert polled.timestamps == [None]
    assert polled.timestamp_type == "NoTimestampType"


def test_the_usual_time_is_when_a_record_was_made(member: Membership) -> None:
    member.fill(A, b"v")
    assert member.given(A)[0].timestamp_type == "CreateTime"


def test_the_end_of_a_partition_and_a_topic_that_is_not_there_are_no_records(
    member: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    member.fill(A, b"1")
    member.consumer.give(A)
    member.consumer.fail(KafkaError._PARTITION_EOF)
    member.consumer.fail(KafkaError.UNKNOWN_TOPIC_OR_PART, reason="no topic c")
    assert values(member.poll()) == {A: [b"1"]}
    assert caplog.messages == ["waiting for a topic that does not exist: no topic c"]


@pytest.mark.parametrize(
    ("code", "facts", "kind"),
    [
        *((code, {}, FencedError) for code in FENCED),
        *((code, {}, RetriableError) for code in TRANSIENT),
        (KafkaError._MAX_POLL_EXCEEDED, {}, Indeterminate),
        (KafkaError._AUTO_OFFSET_RESET, {}, Indeterminate),
        (KafkaError.REQUEST_TIMED_OUT, {"retriable": True}, RetriableError),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, {}, RefusedError),
        (KafkaError._AUTHENTICATION, {}, RefusedError),
    ],
)
def test_an_error_of_the_consumer_says_what_is_to_be_done(
    member: Membership, code: int, facts: dict[str, Any], kind: type[Exception]
) -> None:
    assert type(classified(KafkaError(code, "so it is", **facts))) is kind
    member.consumer.fail(code, reason="so it is", **facts)
    with pytest.raises(kind, match="so it is"):
        member.poll()


def test_reading_starts_where_the_group_left_off_and_the_owner_is_told_all_about_it(member: Membership) -> None:
    member.fill(A, b"1", b"2", b"3", b"4")
    member.cluster.trim(A, 1)
    member.cluster.committed[A] = 2, "mine"
    assert values(member.given(A)) == {A: [b"3", b"4"]}
    assert member.listener.assignment == [Assigned(A, member.cluster.topics["a"].id, Committed(2, "mine"), 1, 4, 2)]


def test_reading_starts_where_the_owner_says(member: Membership) -> None:
    member.fill(A, b"1", b"2", b"3")
    member.listener.starts = {A: 2}
    assert values(member.given(A, C)) == {A: [b"3"]}


@pytest.mark.parametrize(("read_from", "start"), [("earliest", 1), ("latest", 3), ("error", None)])
def test_without_an_offset_of_the_group_auto_offset_reset_says_where(
    read_from: str, start: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    member = Membership(read_from)
    member.fill(A, b"1", b"2", b"3")
    member.cluster.trim(A, 1)
    member.given(A)
    assert member.start(A) == start
    assert member.listener.assignment[0].committed is None
    assert caplog.messages == []


@pytest.mark.parametrize(("committed", "start"), [(0, 3), (1, 1), (2, 2), (3, 3), (4, 3)])
def test_an_offset_out_of_range_follows_auto_offset_reset_and_is_logged(
    committed: int, start: int, caplog: pytest.LogCaptureFixture
) -> None:
    member = Membership("latest")
    member.fill(A, b"1", b"2", b"3")
    member.cluster.trim(A, 1)
    member.cluster.committed[A] = committed, ""
    member.given(A)
    assert member.start(A) == start
    assert [message for message in caplog.messages if "out of range [1, 3]" in message] == caplog.messages
    assert bool(caplog.messages) == (committed in (0, 4))
    assert member.listener.assignment[0].committed == Committed(committed)


def test_an_assignment_of_nothing_is_no_question_for_the_owner(member: Membership) -> None:
    member.given()
    assert member.listener.told == []
    assert member.consumer.assignment() == []


def test_an_offset_that_the_group_cannot_tell_is_an_error_and_nothing_is_read(
    member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Answer("a", 0, error=KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED))
    monkeypatch.setattr(member.consumer, "committed", lambda partitions, timeout: [answer])
    member.fill(A, b"1")
    with pytest.raises(KafkaException):
        member.given(A)
    assert member.listener.told == []
    assert member.poll() == []


def test_what_the_owner_raises_comes_out_of_the_poll_that_called_it_and_only_once(member: Membership) -> None:
    member.listener.error = TaskError("cannot open")
    with pytest.raises(TaskError, match="cannot open"):
        member.given(A)
    assert member.poll() == []


def test_an_error_on_the_way_out_of_a_partition_comes_out_with_the_records_still_unseen(member: Membership) -> None:
    member.fill(A, b"1", b"2")
    member.given(A)
    member.listener.error = TaskError("cannot flush")
    member.consumer.take(A)
    with pytest.raises(TaskError, match="cannot flush"):
        member.poll()


def test_the_first_of_two_errors_is_the_one_to_tell(member: Membership) -> None:
    member.given(A)
    errors = iter([TaskError("first"), TaskError("second")])
    member.listener.at_revocation = lambda: setattr(member.listener, "error", next(errors))
    member.consumer.take(A)
    member.consumer.take(A)
    with pytest.raises(TaskError, match="first"):
        member.poll()


def test_an_error_while_records_are_taken_is_raised_before_they_are_handed_out(
    member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    member.fill(A, b"1", b"2")
    member.consumer.give(A)
    member.poll(1)
    consume = member.consumer.consume
    member.listener.error = TaskError("cannot flush")

    def revoked_meanwhile(num_messages: int, timeout: float) -> Any:
        member.consumer.take(A)
        return consume(num_messages, timeout)

    monkeypatch.setattr(member.consumer, "consume", revoked_meanwhile)
    with pytest.raises(TaskError, match="cannot flush"):
        member.poll()


def test_a_revocation_is_told_while_commits_are_still_accepted_and_then_nothing_is_read(member: Membership) -> None:
    member.fill(A, b"1")
    member.given(A)
    accepted: list[bool] = []
    member.listener.at_revocation = lambda: accepted.append(member.group.commit({A: Committed(1)}))
    member.consumer.take(A)
    member.fill(A, b"2")
    assert member.poll() == []
    assert accepted == [True]
    assert member.listener.told[-1] == ("revoked", [A])
    assert member.consumer.assignment() == []


def test_of_partitions_that_are_lost_nothing_can_be_committed_any_more(member: Membership) -> None:
    member.fill(A, b"1")
    member.given(A)
    member.consumer.lose(A)
    member.fill(A, b"2")
    assert not member.group.commit({A: Committed(1)})
    assert member.poll() == []
    assert member.listener.told[-1] == ("lost", [A])
    assert member.consumer.assignment() == []
    assert member.cluster.committed == {}


def test_a_pause_holds_for_partitions_that_come_meanwhile_and_ends_with_resume(member: Membership) -> None:
    member.fill(A, b"1")
    member.fill(C, b"2")
    member.consumer.give(A)
    member.group.pause()
    assert member.group.paused
    assert member.poll() == []
    member.consumer.take(A)
    member.consumer.give(A, C)
    assert member.poll() == []
    member.group.resume()
    assert not member.group.paused
    assert values(member.poll()) == {A: [b"1"], C: [b"2"]}


def test_with_the_consumer_protocol_partitions_come_and_go_and_the_others_stay(
    of_consumer_protocol: Membership,
) -> None:
    member = of_consumer_protocol
    member.fill(A, b"1", b"2")
    member.fill(C, b"3", b"4")
    assert values(member.given(A)) == {A: [b"1", b"2"]}
    assert values(member.given(C)) == {C: [b"3", b"4"]}
    assert member.group.topic_ids.keys() == {"a", "b"}
    member.consumer.take(A)
    member.fill(A, b"5")
    member.fill(C, b"6")
    assert values(member.poll()) == {C: [b"6"]}
    assert member.group.topic_ids.keys() == {"b"}
    member.consumer.lose(C)
    assert member.poll() == []
    assert member.listener.told == [("assigned", [A]), ("assigned", [C]), ("revoked", [A]), ("lost", [C])]


def test_with_the_consumer_protocol_a_member_leaves_at_once_though_nothing_was_given_to_it(
    of_consumer_protocol: Membership,
) -> None:
    of_consumer_protocol.group.leave()
    assert of_consumer_protocol.consumer.subscribed is None
    assert of_consumer_protocol.consumer.polled_at == []


def test_with_the_consumer_protocol_a_member_gives_up_what_it_has_when_it_leaves(
    of_consumer_protocol: Membership,
) -> None:
    of_consumer_protocol.given(A)
    of_consumer_protocol.group.leave()
    assert of_consumer_protocol.listener.told[-1] == ("revoked", [A])
    assert of_consumer_protocol.consumer.assignment() == []


def test_a_group_of_the_consumer_protocol_that_takes_no_such_member_fails_the_task(
    of_consumer_protocol: Membership,
) -> None:
    of_consumer_protocol.consumer.fail(KafkaError._FATAL, reason="unsupported")
    with pytest.raises(TaskError, match=r"unsupported.*consumer\.override\.group\.protocol=classic"):
        of_consumer_protocol.poll()


def test_a_partition_that_went_while_it_was_paused_is_read_when_it_comes_back(member: Membership) -> None:
    member.fill(A, b"1")
    member.given(C)
    member.consumer.give(A)
    member.consumer.take(A)
    member.group.pause()
    member.poll()
    member.group.resume()
    assert values(member.given(A)) == {A: [b"1"]}


def test_partitions_that_come_after_a_pause_are_read(member: Membership) -> None:
    member.fill(A, b"1")
    member.group.pause()
    member.group.resume()
    assert values(member.given(A)) == {A: [b"1"]}


def test_a_commit_brings_offset_and_metadata_to_the_group(member: Membership) -> None:
    member.given(A, C)
    assert member.group.commit({A: Committed(3, "mine"), C: Committed(1)})
    assert member.cluster.committed == {A: (3, "mine"), C: (1, "")}


@pytest.mark.parametrize("code", sorted(REFUSED))
@pytest.mark.parametrize("whole", [True, False])
def test_a_group_that_has_moved_on_refuses_a_commit_and_that_is_known(
    member: Membership, code: int, whole: bool
) -> None:
    member.given(A, C)
    member.consumer.answers.append(code if whole else [None, code])
    assert not member.group.commit({A: Committed(1), C: Committed(1)})


@pytest.mark.parametrize("code", sorted(FENCED))
@pytest.mark.parametrize("whole", [True, False])
def test_a_member_whose_identity_was_taken_over_is_told_so_by_its_commit(
    member: Membership, code: int, whole: bool
) -> None:
    member.given(A)
    member.consumer.answers.append(code if whole else [code])
    with pytest.raises(FencedError, match=r"group\.instance\.id"):
        member.group.commit({A: Committed(1)})


@pytest.mark.parametrize("code", sorted(coordinator.COORDINATOR_MOVING))
@pytest.mark.parametrize("whole", [True, False])
def test_a_commit_is_asked_for_again_while_the_coordinator_moves(
    member: Membership, code: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator, "LONGEST_WAIT", 0.0)
    member.given(A, C)
    member.consumer.answers += [code if whole else [None, code]] * 3
    assert member.group.commit({A: Committed(1), C: Committed(1)})
    assert member.cluster.committed == {A: (1, ""), C: (1, "")}


@pytest.mark.parametrize("code", sorted(coordinator.COORDINATOR_MOVING))
def test_a_commit_whose_coordinator_does_not_come_to_rest_may_have_been_made_or_not(
    member: Membership, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_module, "COMMIT_RETRY_SECONDS", 0.0)
    member.given(A)
    member.consumer.answers.append(code)
    with pytest.raises(Indeterminate, match="no usable answer"):
        member.group.commit({A: Committed(1)})


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError.UNKNOWN])
@pytest.mark.parametrize("whole", [True, False])
def test_a_commit_with_any_other_answer_may_have_been_made_or_not(member: Membership, code: int, whole: bool) -> None:
    member.given(A, C)
    member.consumer.answers.append(code if whole else [None, code])
    with pytest.raises(Indeterminate, match="no usable answer"):
        member.group.commit({A: Committed(1), C: Committed(1)})


def test_a_commit_that_the_client_answers_with_nothing_was_made(
    member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(member.consumer, "commit", lambda offsets, asynchronous: None)
    assert member.group.commit({A: Committed(1)})


def test_topics_of_the_assignment_that_were_deleted_or_created_anew_are_found(member: Membership) -> None:
    assert member.group.recreated() == []
    member.given(A, B, C)
    assert member.group.recreated() == []
    member.cluster.create("a", 2)
    assert member.group.recreated() == ["a"]
    del member.cluster.topics["b"]
    assert member.group.recreated() == ["a", "b"]


def test_a_topic_that_is_not_assigned_any_more_is_not_asked_about(member: Membership) -> None:
    member.given(A, C)
    member.consumer.take(A, C)
    member.given(C)
    member.cluster.create("a", 2)
    assert member.group.recreated() == []


def test_a_topic_that_is_gone_before_it_was_asked_about_has_no_id(member: Membership) -> None:
    member.admin.refuses["a"] = KafkaError.UNKNOWN_TOPIC_OR_PART
    member.given(A)
    assert member.listener.assignment[0].topic_id == ""


def test_a_topic_that_may_not_be_described_is_an_error_not_a_deletion(member: Membership) -> None:
    member.given(A)
    member.admin.refuses["a"] = KafkaError.TOPIC_AUTHORIZATION_FAILED
    with pytest.raises(KafkaException):
        member.group.recreated()


def test_leaving_gives_the_partitions_up_in_order(member: Membership) -> None:
    member.given(A, C)
    member.group.leave()
    assert member.listener.told[-1] == ("revoked", [A, C])
    assert member.consumer.subscribed is None
    assert not member.consumer.closed
    member.group.close()
    assert member.consumer.closed


def test_leaving_takes_no_longer_than_the_revocation(member: Membership) -> None:
    member.given(A, C)
    before = len(member.consumer.polled_at)
    member.group.leave()
    assert sum(member.consumer.polled_at[before:]) < 0.02


def test_what_goes_wrong_on_leaving_is_raised_or_after_a_failure_only_logged(
    member: Membership, caplog: pytest.LogCaptureFixture
) -> None:
    member.given(A)
    member.listener.error = TaskError("cannot flush")
    with pytest.raises(TaskError, match="cannot flush"):
        member.group.leave()
    member.listener.error = None
    member.group.subscribe(["a"])
    member.given(A)
    member.listener.error = TaskError("cannot flush either")
    member.group.leave_quietly()
    assert caplog.messages == ["the failed task could not leave its group properly"]


def test_leaving_does_not_wait_for_ever_for_a_revocation(member: Membership, monkeypatch: pytest.MonkeyPatch) -> None:
    member.given(A)
    monkeypatch.setattr(group_module, "LEAVE_SECONDS", 0.0)
    monkeypatch.setattr(member.consumer, "poll", lambda timeout: None)
    member.group.leave()
    assert member.consumer.assignment() != []


class Member(RuleBasedStateMachine):
    """Partitions come and go in any order while records arrive, are read, committed and paused.

    The listener reads on from where the group stands. Whatever happens, it sees each record of an assignment once and
    in order, none of a partition that is not its own, and the group's offset is the last one it accepted.
    """

    def __init__(self) -> None:
        super().__init__()
        self.member = Membership()
        self.next: dict[TopicPartition, int] = {}
        """The offset that is to come next, of each partition that the listener knows to be its own."""
        self.accepted: dict[TopicPartition, int] = {}
        self.member.listener.begin, self.member.listener.end = self.begin, self.end
        self.member.listener.at_revocation = self.commit

    def begin(self, starts: Mapping[TopicPartition, int]) -> None:
        assert not self.next, "an assignment comes after the former one has gone"
        self.next = dict(starts)

    def end(self, partitions: Sequence[TopicPartition]) -> None:
        self.next = {source: offset for source, offset in self.next.items() if source not in partitions}

    @rule(source=st.sampled_from([A, B, C]), count=st.integers(1, 4))
    def records_arrive(self, source: TopicPartition, count: int) -> None:
        self.member.fill(source, *[b"v"] * count)

    @precondition(lambda self: self.member.consumer.heard_all)
    @rule(sources=st.sets(st.sampled_from([A, B, C])), gently=st.booleans())
    def the_group_is_rebalanced(self, sources: set[TopicPartition], gently: bool) -> None:
        owned = [TopicPartition(each.topic, each.partition) for each in self.member.consumer.assignment()]
        if owned:
            (self.member.consumer.take if gently else self.member.consumer.lose)(*owned)
        self.poll(1)
        self.member.consumer.give(*sorted(sources))

    @rule(limit=st.integers(1, 5))
    def poll(self, limit: int) -> None:
        found = self.member.group.poll(limit, 0.0)
        assert sum(len(polled) for polled in found) <= limit
        assert not (found and self.member.group.paused)
        for polled in found:
            expected = range(self.next[polled.source], self.next[polled.source] + len(polled))
            assert list(polled.offsets) == list(expected)
            self.next[polled.source] += len(polled)

    @rule()
    def commit(self) -> None:
        if self.next and self.member.group.commit({source: Committed(offset) for source, offset in self.next.items()}):
            self.accepted |= self.next

    @rule()
    def pause_or_resume(self) -> None:
        self.member.group.resume() if self.member.group.paused else self.member.group.pause()

    @invariant()
    def the_group_stands_where_it_accepted(self) -> None:
        assert {source: offset for source, (offset, _) in self.member.cluster.committed.items()} == self.accepted


TestMember = Member.TestCase
TestMember.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)


def test_while_the_owner_is_called_a_consumer_that_is_being_closed_is_not_taken_for_dead(
    member: Membership, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[bool]()

    def close(consumer: FakeConsumer, calling: Callable[[], bool]) -> None:
        revoke = member.group._guarded(lambda partitions: asked.append(calling()))
        revoke(consumer, [])  # type: ignore[arg-type]
        asked.append(calling())

    monkeypatch.setattr(closing, "close", close)
    member.group.close()
    assert asked == [True, False]
