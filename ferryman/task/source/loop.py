"""The source loop: poll → transform → encode → produce; ``delivery`` says what is committed when."""

import logging
import time
from collections.abc import Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, NamedTuple, Protocol

from confluent_kafka import KafkaError, KafkaException

from ferryman.api import Offset, Partition, Source
from ferryman.chain.chain import Chain
from ferryman.chain.encoded import Encoded, in_order
from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.kafka.permissions import refusal
from ferryman.kafka.refusals import REFUSED, as_refusal, problem_of_name
from ferryman.offsets.source_offsets import canonical
from ferryman.record import Batch
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.meters.sources import SourceMeter
from ferryman.task.outages import Outages
from ferryman.task.setup import garbage_collection
from ferryman.task.setup.control import Control
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.source.boundaries import Boundaries
from ferryman.task.source.delivery import Delivery, Progress
from ferryman.task.source.ending import Ending
from ferryman.task.source.source_dead_letter_queue import SourceDeadLetterQueue
from ferryman.task.source.suspects import Suspects
from ferryman.task.source.waiting import Waiting

log = logging.getLogger(__name__)

PRODUCED_BY = "org.apache.kafka.connect.runtime.WorkerSourceTask"
"""Who failed when a record could not be produced, in Kafka Connect's words (WorkerSourceTask.producerSendFailed)."""
Outgoing = tuple[Batch, Encoded]
"""What is ready to produce, and a batch of the records that it comes from."""
MAX_REST_SECONDS = 0.5
"""Seconds that a run waits at once for its pace, so that a pause or stop is soon heard."""


class Ready(NamedTuple):
    """What is delivered as one."""

    outgoing: Sequence[Outgoing]
    failures: Sequence[Failure]
    """Records that were skipped."""
    progress: Progress
    records: int
    """How many the source has handed over for it."""
    end: str
    """How the transaction ends behind it, if the source ends it there."""


class Topics(Protocol):
    """Creates topics that a source writes to, if it may."""

    def ensure(self, topic: str) -> None:
        """Once a topic; TaskError if it cannot be created."""


class Ages(Protocol):
    """Notices what a topic will not keep."""

    def look(self, topic: str, timestamps: Sequence[int | None]) -> None:
        """Before records with these timestamps go there; raises nothing."""


@dataclass
class SourceSession:
    """One producer and one instance of the connector's task."""

    chain: Chain
    tolerance: Tolerance
    control: Control
    source: Source[Any]
    """The connector's task."""
    delivery: Delivery
    offsets_topic: str
    topics: Topics
    ages: Ages
    outages: Outages
    letters: SourceDeadLetterQueue | None = None
    """The dead letter queue, if there is one."""
    meter: SourceMeter = field(default_factory=SourceMeter)
    suspects: Suspects = field(default_factory=Suspects)
    """Records that may kill the process, or were found to."""
    boundaries: Boundaries | None = None
    """What the source says about the end of transactions; None if it has no say."""
    ending: Ending | None = None
    """The source's end, if it comes to one."""
    waiting: Waiting | None = None
    """The source's waits, in which what is due is committed."""

    def begin(self) -> None:
        """Before the task counts as running. Raises as ``run``."""
        if self.ending is not None and (begun := self.ending.begun()):
            self.delivery.begin()
            self.delivery.note(begun)
            self.delivery.commit()

    def run(self) -> None:
        """Until the task is to stop. Raises RetriableError to be run anew, TaskError and others when it is over."""
        paused = False
        self.meter.began()
        while not self.control.stopping:
            # What the client reports about itself is kept until it is polled.
            self.delivery.outbox.producer.poll(0)
            if self.control.pausing:
                self._commit_open()
                if not paused:
                    self.control.tell("paused", {})
                paused = True
                self.control.wait(1.0)
                continue
            if paused:
                self.control.tell("running", {})
                paused = False
            garbage_collection.collect_if_due()
            if self._rested() and self.control.may_act():
                with self.control.acting_now():
                    self._round()
        self._commit_open()

    def _rested(self) -> bool:
        """Whether the pace of a run allows another poll; waits for it, but not for long."""
        wait = 0.0 if self.ending is None else self.ending.pace.wait(time.monotonic())
        if wait > 0:
            self.control.wait(min(wait, MAX_REST_SECONDS))
        return wait <= 0

    def _round(self) -> None:
        try:
            ready = [self._ready(batches, end) for batches, end in self._polled()]
        except Indeterminate:
            raise
        except RetriableError as error:
            # A poll that raised has handed nothing over. Records that a converter could not encode, as the registry
            # is away, are lost to this instance: that is Indeterminate, and a session starts from what is committed.
            self.control.wait(self.outages.met(error))
            return
        self.outages.recovered()
        # A poll takes as long as it takes, and the lease may have ended.
        if ready and not self.control.may_act():
            return
        for number, each in enumerate(ready, 1):
            self._deliver(each, number == len(ready))
            if self.boundaries is not None:
                self._told(self.boundaries.end(each.end))
        if self.ending is not None:
            self._end(self.ending, handed=bool(ready))
        self._told(self.delivery.after_round() if self.boundaries is None else self.boundaries.at_end())

    def _polled(self) -> list[tuple[Sequence[Batch], str]]:
        """What is to be delivered as one, and how the transaction ends behind it, if the source ends it there."""
        began = time.monotonic()
        with self.waiting.in_poll() if self.waiting else nullcontext():
            batches = self.source.poll_batches()
        if self.waiting:
            self._told(self.waiting.committed())
        if not batches:
            return []
        self.meter.returned(sum(map(len, batches)), time.monotonic() - began)
        return [(batches, "")] if self.boundaries is None else list(self.boundaries.cut(batches))

    def _end(self, ending: Ending, handed: bool) -> None:
        if not handed and (over := ending.nothing()):
            self.delivery.begin()
            self.delivery.note(over)
        if ending.over:
            self._told(self.delivery.commit())  # whoever else would end the transaction has nothing more to do

    def _ready(self, batches: Sequence[Batch], end: str) -> Ready:
        outgoing, failures = self._encoded(batches)
        return Ready(outgoing, failures, self._progress(batches), sum(map(len, batches)), end)

    def _deliver(self, ready: Ready, last: bool) -> None:
        # No commit comes between the first record and the note of the offsets, so that a transaction holds all of it or
        # nothing.
        self.delivery.begin()
        crash_point("source.before_produce")
        failures = [*ready.failures, *(failure for each in ready.outgoing for failure in self._produce(*each))]
        if self.letters is not None:
            self.letters.send(failures, self.delivery.outbox)
        progress = ready.progress
        if self.ending is not None:
            self.ending.pace.polled(ready.records, time.monotonic())
            progress = {**progress, **self.ending.handed(ready.records, len(failures), last)}
        self.delivery.note(progress)
        crash_point("source.after_produce")

    def _encoded(self, batches: Sequence[Batch]) -> tuple[list[Outgoing], list[Failure]]:
        # All of a poll before any of it is produced: when a record fails the task, or the registry is away, nothing of
        # this poll is in the transaction.
        outgoing, skipped = list[Outgoing](), list[Failure]()
        try:
            for _, together in groupby(batches, lambda batch: id(batch.origin)):
                given = list(together)
                ready, failures = self._converted(given)
                self.tolerance.judge(sorted(failures, key=lambda failure: failure.position))
                skipped += failures
                outgoing += [(given[0], encoded) for encoded in in_order(ready)]
        except RetriableError as error:
            raise Indeterminate(str(error), error.after) from error
        return outgoing, skipped

    def _converted(self, given: Sequence[Batch]) -> tuple[list[Encoded], list[Failure]]:
        innocent, failures = self.suspects.innocent(given)
        ready: list[Encoded] = []
        if innocent:
            with self.suspects.working(innocent):
                transformed, failed = self.chain.transform(innocent)
                failures += failed
                found, astray = _found_and_astray(transformed, {batch.topic for batch in innocent})
                failures += astray
                for each in found:
                    encoded, failed = self.chain.encode(each)
                    ready += encoded
                    failures += failed
        return ready, failures

    def _produce(self, given: Batch, encoded: Encoded) -> list[Failure]:
        # What is too large for the producer shows only now; it is judged as what could not be encoded.
        topic = encoded.topic
        self._check(topic)
        self.topics.ensure(topic)
        self.ages.look(topic, encoded.timestamps)
        self.control.used(topic)
        failures = [
            Failure(given.origin, encoded.positions[index], Stage.KAFKA_PRODUCE, PRODUCED_BY, error)
            for index, error in self.delivery.outbox.produce(encoded)
        ]
        self.meter.handed(len(encoded) - len(failures))
        self.tolerance.judge(failures)
        return failures

    def _check(self, topic: str) -> None:
        if topic == self.offsets_topic:
            words = "Source tasks may not produce to their own offsets topics when exactly-once support is enabled"
            raise TaskError(f"{words}: {topic}")
        if self.letters is not None and topic == self.letters.topic:
            raise TaskError(
                f"{topic} is the dead letter queue (errors.deadletterqueue.topic.name); no records go there"
            )

    def _progress(self, batches: Sequence[Batch]) -> Progress:
        # Of each partition ``progress`` gives the latest offset first.
        latest: dict[str, tuple[Partition, Offset | None]] = {}
        for partition, offset in self.source.progress(batches):
            latest.setdefault(canonical(partition), (partition, offset))
        return latest

    def _commit_open(self) -> None:
        """For a pause or a stop: what is open is committed, unless only the source may do that."""
        self._told(self.delivery.commit() if self.boundaries is None else self.boundaries.at_end())

    def _told(self, committed: bool) -> None:
        if committed:
            self.meter.committed()
            self.source.committed()
        if self.delivery.worn and not self.control.stopping:
            raise Indeterminate("the producer has lost a connection; a new one makes the next transaction")


def _found_and_astray(transformed: Sequence[Batch], handed: Set[str]) -> tuple[list[Batch], list[Failure]]:
    """What can be produced, and the records that a transform has sent to a topic that cannot be, such as one may make
    of a value. ``handed``: the topics that the source itself gave. A wrong one of these is a wrong config: it fails the
    task, whatever errors.tolerance says, or all that the source has would be skipped."""
    found, astray = list[Batch](), list[Failure]()
    for batch in transformed:
        problem = None if batch.topic in handed else problem_of_name(batch.topic)
        if problem is None:
            found.append(batch)
        else:
            error = DataError(problem)
            astray += [
                Failure(batch.origin, position, Stage.KAFKA_PRODUCE, PRODUCED_BY, error) for position in batch.positions
            ]
    return found, astray


def classified(error: KafkaException, side: str = "producer") -> Exception:
    """A client's error as what the runtime does about it: start a new session, or fail the task. ``side`` says whose
    settings are about it."""
    reason: KafkaError = error.args[0]
    refused = refusal(reason, side)
    if refused is not None:
        return refused
    if reason.code() in REFUSED:
        return TaskError(as_refusal(reason, "its topic"))
    if reason.code() == KafkaError._INVALID_ARG:
        return TaskError(f"Kafka's client refuses what {side}.override.* or the worker's {side}.* say: {reason.str()}")
    return Indeterminate(f"{reason.name()}: {reason.str()}")
