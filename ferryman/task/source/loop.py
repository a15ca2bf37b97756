"""The source loop: poll → transform → encode → produce, records and source offsets in one Kafka transaction (KIP-618).

A session is one transactional producer with one instance of the connector. After any commit or abort whose outcome is
not known, the producer is thrown away: a delayed answer could otherwise decide its next transaction. The new one fences
the old, and the offsets are read again.

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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException, Producer

from ferryman.api import Offset, Partition, Source
from ferryman.chain.chain import Chain
from ferryman.chain.encoded import Encoded, in_order
from ferryman.errors import Indeterminate, RetriableError, TaskError
from ferryman.kafka.permissions import refusal
from ferryman.kafka.refusals import REFUSED, said
from ferryman.offsets.source_offsets import SourceOffsets, canonical
from ferryman.record import Batch
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.setup import garbage_collection
from ferryman.task.setup.control import Control
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.setup.troubles import Troubles
from ferryman.task.source.outbox import BROKEN, Outbox

log = logging.getLogger(__name__)

FENCED = frozenset({KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH})


class Topics(Protocol):
    """Creates topics that a source writes to, if it may."""

    def ensure(self, topic: str) -> None:
        """Once a topic; TaskError if it cannot be created."""


@dataclass
class SourceSession:
    """One producer and one instance of the connector's task."""

    chain: Chain
    tolerance: Tolerance
    control: Control
    source: Source[Any]
    """The connector's task."""
    outbox: Outbox
    offsets: SourceOffsets
    """What is committed; brought up to date after each commit that was answered."""
    offsets_topic: str
    topics: Topics
    interval: float | None
    """Seconds between commits; None commits each poll."""
    troubles: Troubles
    attempted: dict[str, Offset | None] = field(default_factory=dict)
    """The offsets of the last transaction, by canonical partition: committed, or perhaps not."""
    _open_since: float | None = None
    """When the open transaction began, in monotonic seconds; None while none is open."""
    _in_doubt: bool = False
    """Whether a commit was begun and not answered."""
    _pending: dict[str, tuple[Partition, Offset | None]] = field(default_factory=dict)
    """The offsets that the open transaction is to commit, by canonical partition: the latest of each."""

    def run(self) -> None:
        """Until the task is to stop. Raises RetriableError to be run anew, TaskError and others when it is over."""
        paused = False
        while not self.control.stopping:
            if self.control.pausing:
                self._commit()
                if not paused:
                    self.control.tell("paused", {})
                paused = True
                self.control.wait(1.0)
                continue
            if paused:
                self.control.tell("running", {})
                paused = False
            garbage_collection.collect_if_due()
            if self.control.may_act():
                with self.control.acting_now():
                    self._round()
        self._commit()

    def _round(self) -> None:
        try:
            batches = self.source.poll_batches()
            outgoing = self._encoded(batches)
        except Indeterminate:
            raise
        except RetriableError as error:
            # A poll that raised has handed nothing over. Records that a converter could not encode, as the registry
            # is away, are lost to this instance: that is Indeterminate, and a session starts from what is committed.
            self.control.wait(self.troubles.met(error))
            return
        self.troubles.over()
        if batches:
            # No commit comes between the first record of a poll and the note of its offsets, so that a transaction
            # holds all of a poll or nothing of it. A poll takes as long as it takes, and the lease may have ended.
            if not self.control.may_act():
                return
            self._begin()
            crash_point("source.before_produce")
            for encoded in outgoing:
                self._produce(encoded)
            self._note(batches)
            crash_point("source.after_produce")
        if self.interval is None or (self._open_since and time.monotonic() - self._open_since >= self.interval):
            self._commit()

    def _encoded(self, batches: Sequence[Batch]) -> list[Encoded]:
        # All of a poll before any of it is produced: when a record fails the task, or the registry is away, nothing of
        # this poll is in the transaction.
        outgoing: list[Encoded] = []
        try:
            for _, together in groupby(batches, lambda batch: id(batch.origin)):
                transformed, failures = self.chain.transform(list(together))
                ready: list[Encoded] = []
                for each in transformed:
                    encoded, failed = self.chain.encode(each)
                    ready += encoded
                    failures += failed
                self.tolerance.judge(failures)
                outgoing += in_order(ready)
        except RetriableError as error:
            raise Indeterminate(str(error), error.after) from error
        return outgoing

    def _begin(self) -> None:
        if self._open_since is None:
            self.outbox.producer.begin_transaction()
            self._open_since = time.monotonic()

    def _produce(self, encoded: Encoded) -> None:
        topic = encoded.topic
        self.topics.ensure(topic)
        self.control.used(topic)
        self.outbox.produce(encoded)

    def _note(self, batches: Sequence[Batch]) -> None:
        # Of each partition ``progress`` gives the latest offset first. It takes the place of what former polls noted.
        latest: dict[str, tuple[Partition, Offset | None]] = {}
        for partition, offset in self.source.progress(batches):
            latest.setdefault(canonical(partition), (partition, offset))
        self._pending.update(latest)

    def _commit(self) -> None:
        if self._open_since is None:
            return
        if not self.control.may_act():
            return  # the task is to stop: what is open will be aborted
        # The offsets go last into the transaction. ``attempted`` and ``_in_doubt`` are set before the commit is asked
        # for, since the process may learn nothing after that.
        written = [self.offsets.encode(partition, offset) for partition, offset in self._pending.values()]
        for key, value in written:
            self.outbox.write(self.offsets_topic, value, key)
        self.attempted = {identity: offset for identity, (_, offset) in self._pending.items()}
        crash_point("source.before_commit")
        self._in_doubt = True
        try:
            self.outbox.commit()
        except KafkaException as error:
            # An error that calls for an abort says that the broker has not committed; any other leaves it open.
            self._in_doubt = not error.args[0].txn_requires_abort()
            raise
        self._in_doubt = False
        crash_point("source.after_commit")
        for key, value in written:
            self.offsets.load(key, value)
        self._open_since, self._pending = None, {}
        self.source.committed()

    def abort(self) -> None:
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


def classified(error: KafkaException, side: str = "producer") -> Exception:
    """A client's error as what the runtime does about it: start a new session, or fail the task. ``side`` says whose
    settings are about it."""
    reason: KafkaError = error.args[0]
    refused = refusal(reason, side)
    if refused is not None:
        return refused
    if reason.code() in REFUSED:
        return TaskError(said(reason, "its topic"))
    return Indeterminate(f"{reason.name()}: {reason.str()}")


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
