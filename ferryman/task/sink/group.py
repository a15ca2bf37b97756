"""A sink task's membership in its consumer group: subscribe, poll, pause, commit.

The listener decides at which positions to start; partitions are *assigned at* them, because a seek inside the
assignment callback is lost. Exceptions never leave a callback of the client; they are kept and raised by the next poll.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.api import Assigned, Committed
from ferryman.errors import FencedError, Indeterminate, RetriableError, TaskError
from ferryman.kafka.admin import Admin
from ferryman.kafka.permissions import refusal
from ferryman.kafka.raw_batches import by_partition
from ferryman.record import Polled, TopicPartition
from ferryman.retry import coordinator
from ferryman.task.sink import closing
from ferryman.task.sink.ends import Ends

log = logging.getLogger(__name__)

REFUSED = frozenset(
    {
        KafkaError.FENCED_MEMBER_EPOCH,
        KafkaError.STALE_MEMBER_EPOCH,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.REBALANCE_IN_PROGRESS,
        KafkaError._NO_OFFSET,
    }
)
"""Answers to a commit that say it was definitely not made, by a group that has moved on."""
FENCED = frozenset({KafkaError.FENCED_INSTANCE_ID, KafkaError._FENCED, KafkaError._FATAL})
"""Another member has our static identity. The client calls it fatal; a classic group's consumer knows no other such."""
GroupProtocol = Literal["classic", "consumer"]
TRANSIENT = frozenset({KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT})
ANSWER_SECONDS = 30.0
LEAVE_SECONDS = 4.0
"""Seconds; less than a task has to end, by default."""
LEAVING_POLL_SECONDS = 0.005
"""Seconds of a poll while the group is left. It lasts so long, though what it waits for comes at its beginning."""
COMMIT_RETRY_SECONDS = 4.0
"""Seconds in which a commit is tried again while the coordinator moves; less than that as well."""


class Listener(Protocol):
    """Who decides what happens when partitions come and go."""

    def assigned(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Partitions have come; returns where to start each."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions are about to go; the last commit can still be made."""

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions are gone; nothing can be committed any more."""


@dataclass
class Group:
    """One consumer in one group, for as long as one session of a sink task lasts."""

    consumer: Consumer
    admin: Admin
    listener: Listener
    read_from: str
    """``earliest`` or ``latest``: where to start a partition for which the group has no offset."""
    protocol: GroupProtocol = "classic"
    """With ``consumer`` (KIP-848) the broker gives and takes single partitions, and the others stay."""
    paused: bool = False
    """Whether polls hand out no records, and only keep the membership."""
    topic_ids: dict[str, str] = field(default_factory=dict)
    """The ids that topics had when they were assigned, to notice one that was created anew."""
    idle_for_want_of_topics: bool = False
    read_out: frozenset[TopicPartition] = frozenset()
    """Partitions of which nothing is wanted any more, whatever is paused or resumed."""
    _error: Exception | None = None
    """What a callback raised; the client swallows it there, so the poll that made the call raises it."""
    _membership: Literal["none", "joining", "member"] = "none"
    """Joining is what comes between a subscription, or a revocation, and the next assignment."""
    _leaving: bool = False
    _calling: bool = False
    """Whether the client has called back and waits for the listener."""

    def __post_init__(self) -> None:
        self.ends = Ends(self.consumer, self.admin)

    def subscribe(self, topics: Sequence[str]) -> None:
        """Joins the group for these topics; one that begins with ``^`` is a pattern."""
        self._membership = "joining" if self._membership == "none" else self._membership
        self._leaving = False
        self.consumer.subscribe(
            list(topics),
            on_assign=self._guarded(self._assign),
            on_revoke=self._guarded(self._revoke),
            on_lost=self._guarded(self._lose),
        )

    def poll(self, limit: int, timeout: float, quiet: Callable[[], bool] = lambda: False) -> list[Polled]:
        """Waits up to ``timeout`` seconds for a record, again and again while ``quiet`` says that nothing else is to be
        done; then takes up to ``limit`` of what is there, by partition.

        Raises what a callback raised; Indeterminate when this member was thrown out of the group; TaskError when the
        broker refuses the consumer for good.
        """
        first = self.consumer.poll(timeout)
        while first is None and self._error is None and quiet():
            first = self.consumer.poll(timeout)
        self._raise()
        if first is None:
            return []
        messages = [first, *self.consumer.consume(limit - 1, 0)]
        self._raise()
        if any(message.error() is not None for message in messages):
            for message in messages:
                self.ends.take(message)
            messages = [message for message in messages if readable(message, self.protocol)]
        return by_partition(messages)

    def _raise(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def pause(self) -> None:
        """Stops handing out records; membership goes on. Partitions that come meanwhile start paused."""
        self.paused = True
        self.consumer.pause(self.consumer.assignment())

    def resume(self) -> None:
        """Ends a pause: the next poll hands out records again."""
        self.paused = False
        self.consumer.resume(self._wanted())

    def read_no_more(self, partitions: Iterable[TopicPartition]) -> None:
        """Nothing of these partitions is handed out any more; they stay assigned."""
        gone = frozenset(partitions) - self.read_out
        self.read_out |= gone
        if gone:
            self.consumer.pause([ClientPartition(*source) for source in gone])

    def _wanted(self) -> list[ClientPartition]:
        """What is assigned, but for what is read out."""
        assignment = self.consumer.assignment()
        return [each for each in assignment if _source(each) not in self.read_out] if self.read_out else assignment

    def commit(self, offsets: Mapping[TopicPartition, Committed]) -> bool:
        """Commits and waits for the answer; tries again while the coordinator moves. False when the group has moved on
        and refused.

        Raises Indeterminate when there was no answer (the commit may or may not have been made), FencedError when
        another member with our static identity has taken over.
        """
        wanted = [
            ClientPartition(source.topic, source.partition, commit.offset, commit.metadata)
            for source, commit in offsets.items()
        ]
        try:
            answers = coordinator.ask(lambda: self._answered(wanted), COMMIT_RETRY_SECONDS)
        except KafkaException as error:
            return _refused(error.args[0], self.protocol)
        return all(_refused(answer.error, self.protocol) if answer.error else True for answer in answers)

    def _answered(self, wanted: list[ClientPartition]) -> Sequence[ClientPartition]:
        """The group's answers. Raises KafkaException with that of a coordinator that moves: the same offsets may be
        committed again, whether they were or not."""
        answers = self.consumer.commit(offsets=wanted, asynchronous=False) or []
        for answer in answers:
            if answer.error and answer.error.code() in coordinator.COORDINATOR_MOVING:
                raise KafkaException(answer.error)
        return answers

    def recreated(self) -> list[str]:
        """The topics of the assignment that have been deleted or re-created since it was made. While nothing is
        fetched, which otherwise would tell us where partitions end, it asks for that too."""
        if self.paused:
            self.ends.ask()
        current = self._topic_ids(sorted(self.topic_ids))
        if self.topic_ids:
            self.admin.close()  # nothing is asked for half a minute
        return [topic for topic, known in self.topic_ids.items() if current.get(topic) != known]

    def absent(self, topics: Collection[str]) -> list[str]:
        """The topics, of these, that do not exist. The broker is asked only for others than the assignment's."""
        unsure = sorted(set(topics) - set(self.topic_ids))
        there = self._topic_ids(unsure) if unsure else {}
        return [topic for topic in unsure if topic not in there]

    def without_topics(self, topics: Sequence[str]) -> bool:
        """Whether none of the topics subscribed to exists. The broker is asked only while nothing is assigned."""
        self.idle_for_want_of_topics = bool(topics) and not self.topic_ids and not self._topic_ids(topics)
        return self.idle_for_want_of_topics

    def leave(self) -> None:
        """Gives the partitions up and leaves the group for good; a static member would otherwise keep its place on
        close.

        A member that is still joining is known to the group, but does not yet know its own id, and so cannot leave: the
        client then says nothing, and a partition that it is given stands still until its session times out. So the
        end of the joining is waited for, and what comes with it is not taken. With the consumer protocol members choose
        their ids, and a revocation is no beginning of a joining.
        """
        self._leaving = True
        deadline, classic = time.monotonic() + LEAVE_SECONDS, self.protocol == "classic"
        while classic and self._membership == "joining" and time.monotonic() < deadline:
            self.consumer.poll(LEAVING_POLL_SECONDS)
        self.consumer.unsubscribe()
        while (
            self.consumer.assignment() or (classic and self._membership == "member")
        ) and time.monotonic() < deadline:
            self.consumer.poll(LEAVING_POLL_SECONDS)
        self._raise()

    def leave_quietly(self) -> None:
        """Leaves after a failure, whose own error is the one to report."""
        try:
            self.leave()
        except Exception:
            log.warning("the failed task could not leave its group properly", exc_info=True)

    def close(self) -> None:
        """Ends the consumer. A static member that has not left keeps its place until its session times out."""
        closing.close(self.consumer, lambda: self._calling)

    def _guarded(
        self, act: Callable[[list[ClientPartition]], None]
    ) -> Callable[[Consumer, list[ClientPartition]], None]:
        def callback(consumer: Consumer, partitions: list[ClientPartition]) -> None:
            self._calling = True
            try:
                act(partitions)
            except Exception as error:
                self._error = self._error or error
            finally:
                self._calling = False

        return callback

    def _assign(self, partitions: list[ClientPartition]) -> None:
        self._membership = "member"
        if self._leaving:
            self._take([])
            return
        starts = self.listener.assigned(self._read_assigned(partitions)) if partitions else {}
        self._take([ClientPartition(*source, offset) for source, offset in starts.items()])
        # A partition that was paused when it went comes back paused, even if all were resumed in between.
        (self.consumer.pause if self.paused else self.consumer.resume)(self.consumer.assignment())
        self.read_out = frozenset()

    def _revoke(self, partitions: list[ClientPartition]) -> None:
        self._membership = "joining"
        self.listener.revoked([_source(partition) for partition in partitions])
        self._let_go(partitions)

    def _lose(self, partitions: list[ClientPartition]) -> None:
        self._membership = "joining"
        self.listener.lost([_source(partition) for partition in partitions])
        self._let_go(partitions)

    def _take(self, partitions: list[ClientPartition]) -> None:
        if self.protocol == "classic":
            self.consumer.assign(partitions)
        else:
            self.consumer.incremental_assign(partitions)

    def _let_go(self, partitions: list[ClientPartition]) -> None:
        self.ends.gone(map(_source, partitions))
        if self.protocol == "classic":
            self.consumer.unassign()
            return
        self.consumer.incremental_unassign(partitions)
        kept = {partition.topic for partition in self.consumer.assignment()}
        self.topic_ids = {topic: id for topic, id in self.topic_ids.items() if topic in kept}

    def _read_assigned(self, partitions: list[ClientPartition]) -> list[Assigned]:
        known = {} if self.protocol == "classic" else self.topic_ids
        self.topic_ids = known | self._topic_ids(sorted({partition.topic for partition in partitions}))
        described = []
        for found in self.consumer.committed(partitions, timeout=ANSWER_SECONDS):
            if found.error:
                raise KafkaException(found.error)
            beginning, end = self.consumer.get_watermark_offsets(found, timeout=ANSWER_SECONDS)
            committed = Committed(found.offset, found.metadata or "") if found.offset >= 0 else None
            start = self._start(_source(found), committed, beginning, end)
            topic_id = self.topic_ids.get(found.topic, "")
            described.append(Assigned(_source(found), topic_id, committed, beginning, end, start))
        self.admin.close()
        return described

    def _topic_ids(self, topics: Sequence[str]) -> dict[str, str]:
        return {topic: str(found.topic_id) for topic, found in self.admin.described(topics).items()}

    def _start(self, source: TopicPartition, committed: Committed | None, beginning: int, end: int) -> int | None:
        # An offset that is out of range follows auto.offset.reset as in Kafka Connect, but not silently.
        if committed is not None and beginning <= committed.offset <= end:
            return committed.offset
        chosen = {"latest": end, "earliest": beginning}.get(self.read_from)
        if committed is not None:
            log.warning(
                "%s: the group's offset %d is out of range [%d, %d]; auto.offset.reset=%s means %s",
                *(source, committed.offset, beginning, end, self.read_from, chosen),
            )
        return chosen


def _source(partition: ClientPartition) -> TopicPartition:
    return TopicPartition(partition.topic, partition.partition)


def _refused(error: KafkaError, protocol: GroupProtocol) -> bool:
    if error.code() in REFUSED:
        log.warning("the group refused a commit, since its partitions have been reassigned: %s", error.str())
        return False
    if error.code() in FENCED and protocol == "classic":
        raise FencedError(f"another member with this task's group.instance.id has taken over: {error.str()}")
    raise Indeterminate(f"an offset commit got no usable answer: {error.str()}")


def readable(message: Message, protocol: GroupProtocol = "classic") -> bool:
    """Whether it is a record; raises the error that it is instead, unless that is none to speak of."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        return False
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        log.warning("waiting for a topic that does not exist: %s", error.str())
        return False
    raise classified(error, protocol)


def classified(error: KafkaError, protocol: GroupProtocol = "classic") -> Exception:
    """A consumer's error as what the runtime does about it."""
    if error.code() == KafkaError._FATAL and protocol == "consumer":
        return TaskError(
            f"the group does not accept this task's consumer: {error.str()}. "
            "consumer.override.group.protocol=classic works with every broker"
        )
    if error.code() in FENCED:
        return FencedError(f"another member with this task's group.instance.id has taken over: {error.str()}")
    if error.code() in (KafkaError._MAX_POLL_EXCEEDED, KafkaError._AUTO_OFFSET_RESET):
        return Indeterminate(error.str())
    if error.retriable() or error.code() in TRANSIENT:
        return RetriableError(error.str())
    refused = refusal(error, "consumer")
    if refused is not None:
        return refused
    return TaskError(f"the consumer failed: {error.name()}: {error.str()}")
