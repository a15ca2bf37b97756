"""Exactly once: records and source offsets in one Kafka transaction (KIP-618).

A session is one transactional producer with one instance of the connector. After any commit or abort whose outcome is
not known, the producer is thrown away: a delayed request could otherwise decide its next transaction. The new one
fences the old, and the offsets are read again. The client itself sends a request again when its connection is lost, and
then says that all went well, while the first copy may still be on its way; so a producer that has lost a connection
ends with its transaction, too (``worn``).

One transaction holds the records of one or more polls, and at its end the offsets that they have got to::

    begin   produce, note   produce, note …   offsets   commit asked   answered   load, source.committed()
      |-------------------------- A --------------------------|---- B -----|------ C -------|

What a death, or an error that ends the session, leaves behind:

* at **A** records that no committed reader sees. This session aborts them, or the next producer's start does; the
  offsets in the topic are those of before, so the source hands the same records over again.
* at **B** records and offsets, both or neither: the broker may have committed and its answer may be lost. Nobody aborts
  (``_in_doubt``); the next producer's start waits until the broker has decided, and then the offsets topic tells.
* at **C** records and offsets, both. The source may not have been told, and reads its offsets at its next start.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import KafkaError, KafkaException, Producer

from ferryman.errors import TaskError
from ferryman.kafka.refusals import as_refusal
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.offsets.stores import WorkersCopy
from ferryman.record import Offset, Partition
from ferryman.task.meters.tasks import TaskMeter
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.source.delivery import Progress
from ferryman.task.source.outbox import BROKEN, Outbox

log = logging.getLogger(__name__)

FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})


@dataclass
class Transactions:
    """The transactions of one session. Invariant 4."""

    outbox: Outbox
    offsets: SourceOffsets
    """What is committed; brought up to date after each commit that was answered."""
    topic: str
    """The topic of offsets."""
    interval: float | None
    """Seconds between commits; None commits each poll."""
    copy: WorkersCopy | None = None
    """Takes what is committed along to the worker's topic."""
    meter: TaskMeter = field(default_factory=TaskMeter)
    cut_off: Callable[[], bool] = lambda: False
    """Whether the producer has lost a connection since it began."""
    worn: bool = False
    attempted: dict[str, Offset | None] = field(default_factory=dict)
    """The offsets of the last transaction, by canonical partition: committed, or perhaps not."""
    _open_since: float | None = None
    """When the open transaction began, in monotonic seconds; None while none is open."""
    _in_doubt: bool = False
    """Whether a commit was begun and not answered."""
    _pending: dict[str, tuple[Partition, Offset | None]] = field(default_factory=dict)
    """The offsets that the open transaction is to commit, by canonical partition: the latest of each."""

    def begin(self) -> None:
        """Opens a transaction unless one is open."""
        if self._open_since is None:
            self.outbox.producer.begin_transaction()
            self._open_since = time.monotonic()

    def note(self, progress: Progress) -> None:
        """These offsets go into the transaction, in the place of what former polls noted."""
        self._pending.update(progress)

    def after_round(self) -> bool:
        """Commits each poll, or when the interval is over."""
        return self.commit() if self.due() == 0 else False

    def due(self) -> float | None:
        """See Delivery."""
        if self._open_since is None:
            return None
        return max(0.0, self._open_since + (self.interval or 0.0) - time.monotonic())

    def commit(self) -> bool:
        """Commits what is open. Raises KafkaException if that has failed, or if the outcome is unknown."""
        if self._open_since is None:
            return False
        if not self.outbox.control.may_act():
            return False  # the task is to stop: what is open will be aborted
        # The offsets go last into the transaction, which is open on their topic no longer than it must. ``attempted``
        # and ``_in_doubt`` are set before the commit is asked for, since the process may learn nothing after that.
        written = [self.offsets.encode(partition, offset) for partition, offset in self._pending.values()]
        if self.copy is not None:
            self.copy.forget(written)
        self.outbox.arrive()
        for key, value in written:
            self.outbox.write(self.topic, value, key)
        self.attempted = {identity: offset for identity, (_, offset) in self._pending.items()}
        crash_point("source.before_commit")
        self._in_doubt = True
        try:
            with self.meter.committing():
                self.outbox.commit()
        except KafkaException as error:
            # An error that requires an abort says that the broker has not committed; any other leaves that open.
            self._in_doubt = not error.args[0].txn_requires_abort()
            raise
        self._in_doubt = False
        self._ended()
        crash_point("source.after_commit")
        for key, value in written:
            self.offsets.load(key, value)
        if self.copy is not None:
            self.copy.follow(written)
        self._open_since, self._pending = None, {}
        return True

    def take_back(self) -> bool:
        """Aborts what is open, as the connector asks. Its offsets are committed all the same, in a transaction of their
        own: what was aborted does not come again. True as ``after_round``; raises KafkaException as ``commit``."""
        if self._open_since is None:
            log.warning("the connector asks to abort a transaction that is empty")
            return False
        self.outbox.abort()
        self._ended()
        self._open_since = None
        if not self._pending:
            return False
        self.begin()
        return self.commit()

    def _ended(self) -> None:
        self.outbox.producer.poll(0)  # by which the client tells
        self.worn = self.worn or self.cut_off()

    def abandon(self) -> None:
        """Aborts what is open, so that readers of its topics need not wait for transaction.timeout.ms.

        Not after a commit without an answer: the broker may have made it, and only the next producer's start decides.
        """
        if self._open_since is None or self._in_doubt:
            return
        try:
            self.outbox.abort()
        except KafkaException as error:
            log.warning("the open transaction could not be aborted: %s", error.args[0].str())
        else:
            log.info("aborted the open transaction; its records come again")
            self._open_since = None

    def cause(self, error: KafkaException) -> KafkaException:
        """What a commit says that cannot succeed any more. Raises TaskError if the reason is a topic that the broker
        refuses."""
        first = cause(error, self.outbox.producer)
        if (found := self.outbox.refused_topic(first.args[0])) is not None:
            topic, reason = found
            raise TaskError(as_refusal(reason, topic)) from None
        return first


def cause(error: KafkaException, producer: Producer) -> KafkaException:
    """The error behind a refusal to produce, which says only that the transaction or the producer has failed before."""
    if error.args[0].code() in BROKEN:
        try:
            producer.commit_transaction(1.0)  # it cannot succeed any more
        except KafkaException as found:
            return found
    return error


def moved_by_another(
    before: Mapping[str, Offset], attempted: Mapping[str, Offset | None], now: Mapping[str, Offset]
) -> bool:
    """Whether offsets have moved otherwise than by our own last transaction, committed or not.

    Tells, after this producer was fenced, a transaction that timed out (nobody else is there: go on) from a second
    owner (fail, or the two would fence each other for ever).

    Of one partition, whose offset was 3 when the session began its last transaction, and that transaction was to make
    it 5::

        now   what has happened                            answer
        3     the transaction was aborted                  False
        5     it was committed, only the answer was lost   False
        9     somebody else has written                    True
    """
    expected = {**before, **attempted}
    return any(now.get(key) not in (before.get(key), expected.get(key)) for key in {*before, *now, *attempted})
