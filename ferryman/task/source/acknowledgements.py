"""At least once, without transactions: an offset is committed when the broker has acknowledged what comes before it.

Records go out as they are polled. At intervals the offsets follow that ``in_flight`` lets pass, and when the broker has
these too, they count. What a death leaves behind, or an error that ends the session, is records above the last
committed offsets: these come again. An error of one record ends the session, since of its batch nobody knows more.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.errors import FerrymanError, TaskError
from ferryman.kafka.refusals import REFUSED, as_refusal, behind
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.offsets.stores import WorkersCopy
from ferryman.record import Offset, Payload
from ferryman.task.meters.tasks import TaskMeter
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.source.delivery import Progress
from ferryman.task.source.in_flight import InFlight, Poll
from ferryman.task.source.outbox import Outbox

log = logging.getLogger(__name__)

POLL_SECONDS = 0.05
"""Seconds between two checks whether the task is to stop, while it waits for acknowledgements."""

FOR_RECORDS = 0.8
"""The part of a commit's time that records are waited for; the rest is for the offsets of those that are there."""


@dataclass
class Acknowledgements:
    """The acknowledgements of one session. Invariant 1, for sources."""

    outbox: Outbox
    offsets: SourceOffsets
    """What is committed; brought up to date when the broker has acknowledged an offset."""
    topic: str
    """The topic of offsets."""
    interval: float
    """Seconds between commits (offset.flush.interval.ms)."""
    patience: float
    """Seconds that a commit waits for acknowledgements (offset.flush.timeout.ms)."""
    copy: WorkersCopy | None = None
    """Takes what is committed along to the worker's topic."""
    meter: TaskMeter = field(default_factory=TaskMeter)
    in_flight: InFlight = field(default_factory=InFlight)
    _open: Poll | None = None
    """The poll whose records are handed over now."""
    _handed_before: int = 0
    _uncommitted: bool = False
    """Whether something was handed over since a commit that left nothing behind."""
    _last: float = field(default_factory=time.monotonic)
    """When the last commit was, in monotonic seconds."""
    _written: int = 0
    """Offsets on their way."""
    _failed: tuple[KafkaError, str] | None = None
    """The first error of the broker's, and the topic that it is about."""

    @property
    def attempted(self) -> Mapping[str, Offset | None]:
        """None: without transactions there is no fencing."""
        return {}

    @property
    def worn(self) -> bool:
        """Never: without transactions nothing that is late can end one."""
        return False

    def begin(self) -> None:
        """From now on records are counted for a poll of their own."""
        self._look(0)
        self._open, self._handed_before = self.in_flight.opened(), self.outbox.handed
        self.outbox.answered = partial(self._acknowledged, self._open)

    def note(self, progress: Progress) -> None:
        """The poll is complete."""
        assert self._open is not None
        self._open.handed, self._open.progress = self.outbox.handed - self._handed_before, progress
        self._open, self.outbox.answered, self._uncommitted = None, None, True

    def after_round(self) -> bool:
        """Commits when the interval is over."""
        self._look(0)
        return self.commit() if self.due() == 0 else False

    def due(self) -> float | None:
        """See Delivery."""
        return max(0.0, self._last + self.interval - time.monotonic()) if self._uncommitted else None

    def commit(self) -> bool:
        """Waits for acknowledgements, for a while, and commits what they allow. Raises KafkaException or TaskError if
        the broker has refused something."""
        if not self._uncommitted or not self.outbox.control.may_act():
            return False
        started = time.monotonic()
        self._wait(lambda: not self.in_flight.polls, started, FOR_RECORDS)
        self._write_offsets()
        self._wait(lambda: not self._written, started)
        self._last = time.monotonic()
        self._uncommitted = bool(self.in_flight.polls or self._written)
        self.meter.took(self._last - started, failed=self._uncommitted)
        if self._uncommitted:
            log.warning(
                "after offset.flush.timeout.ms %d records are not acknowledged; offsets before them are committed, and "
                "the next commit takes up the rest",
                len(self.outbox.producer),
            )
            return False
        crash_point("source.after_commit")
        return True

    def abandon(self) -> None:
        """Commits what is acknowledged, as Kafka Connect does after a failure too, and sends no more."""
        self._open, self.outbox.answered, since = None, None, time.monotonic()
        try:
            if not self.outbox.control.parked:
                self._write_offsets()
            while self._written and self._has_time(since, 1.0):
                self.outbox.producer.poll(POLL_SECONDS)
        except (KafkaException, BufferError, FerrymanError) as error:
            log.warning("the last offsets could not be committed: %s", error)
        # What is still on its way comes again from the next session; sent late it would get among that one's records.
        self.outbox.producer.purge()

    def cause(self, error: KafkaException) -> KafkaException:
        """The broker's first error, if there was one."""
        return error if self._failed is None else KafkaException(self._failed[0])

    def _write_offsets(self) -> None:
        progress = self.in_flight.committable()
        if progress:
            crash_point("source.before_commit")
        written = [self.offsets.encode(place, offset) for place, offset in progress.values()]
        if self.copy is not None:
            self.copy.forget(written)
        for key, value in written:
            self._written += 1
            self.outbox.write(self.topic, value, key, on_delivery=partial(self._is_written, key, value))

    def _wait(self, over: Callable[[], bool], since: float, part: float = 1.0) -> None:
        """Until something is over, or that part of a commit's time is."""
        while not over() and self._has_time(since, part):
            self._look(POLL_SECONDS)

    def _has_time(self, since: float, part: float) -> bool:
        """Whether that part of the patience is not over yet, nor of the time that a stop leaves."""
        patient = time.monotonic() < since + part * self.patience
        return patient and self.outbox.control.stopping_for <= part * self.outbox.grace

    def _look(self, seconds: float) -> None:
        self.outbox.producer.poll(seconds)
        if self._failed is not None:
            error, topic = self._failed
            error = behind(error, topic, self.outbox.producer)
            if error.code() in REFUSED:
                raise TaskError(as_refusal(error, topic))
            raise KafkaException(error)

    def _acknowledged(self, poll: Poll, error: KafkaError | None, message: Message) -> None:
        if error is None:
            poll.acknowledged += 1
        else:
            self._fails(error, message)

    def _is_written(self, key: bytes, value: Payload, error: KafkaError | None, message: Message) -> None:
        self._written -= 1
        if error is None:
            self.offsets.load(key, value)
            if self.copy is not None:
                self.copy.follow([(key, value)])
        else:
            self._fails(error, message)

    def _fails(self, error: KafkaError, message: Any) -> None:
        self._failed = self._failed or (error, str(message.topic()))
