"""What a sink task has polled and the sink has not taken yet: raw records, then batches, then pieces of batches.

The loop adds and drops, the sink's thread decodes and puts. They take turns: only ``add`` and the look whether there is
anything may come while a slice runs.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ferryman.api import Sink
from ferryman.chain.chain import Chain
from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError
from ferryman.plugins.catalog import names
from ferryman.record import Batch, Polled, TopicPartition
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.sink.slices import AIM, Slices

TOGETHER = 64
"""Batches that are offered to a sink at once."""


@dataclass
class Work:
    """Records of one partition on their way through."""

    polled: Polled
    batches: deque[Batch] | None = None
    """What they were decoded to and was not put yet; None while they are raw."""


@dataclass
class Backlog:
    """Work in the order in which it was polled. False when there is none."""

    chain: Chain
    tolerance: Tolerance
    sink: Sink[Any]
    slices: Slices
    delivered: deque[tuple[TopicPartition, int]] = field(default_factory=deque)
    """What was delivered, as partition and next offset; whoever keeps the ledger takes it from here."""
    hurry: bool = False
    """Set from outside: the slice is to end before its next put."""
    _raw: deque[Polled] = field(default_factory=deque)
    _slice: deque[Work] = field(default_factory=deque)
    _records: int = 0
    _seconds: float = 0.0

    def __bool__(self) -> bool:
        return bool(self._slice) or bool(self._raw)

    def add(self, polled: Polled) -> None:
        """Queues records behind those that wait already."""
        self._raw.append(polled)

    def drop(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the records of partitions that have gone."""
        self._raw = deque(polled for polled in self._raw if polled.source not in partitions)
        self._slice = deque(work for work in self._slice if work.polled.source not in partitions)

    def advance(self) -> None:
        """Puts one slice, or goes on with it; what the sink takes is delivered.

        Returns early, between two puts, when it is to hurry or has taken its time. Raises what the sink raises; then
        the same comes again with the next call.
        """
        began = time.monotonic()
        if not self._slice:
            self._cut()
        for work in self._slice:
            if work.batches is None:
                work.batches = self._decoded(work.polled)
        while self._slice:
            self._put()
            if self.hurry or time.monotonic() >= began + AIM:
                break
        self._seconds += time.monotonic() - began
        if not self._slice:
            self.slices.learn(self._records, self._seconds)

    def _cut(self) -> None:
        room = self.slices.size
        self._records, self._seconds = 0, 0.0
        while self._raw and self._records < room:
            polled = self._raw.popleft()
            fits = room - self._records
            if len(polled) > fits:
                self._raw.appendleft(polled.slice(fits, len(polled)))
                polled = polled.slice(0, fits)
            self._records += len(polled)
            self._slice.append(Work(polled))

    def _decoded(self, polled: Polled) -> deque[Batch]:
        decoded, failures = self.chain.decode(polled)
        batches = deque[Batch]()
        for batch in decoded:
            transformed, failed = self.chain.transform(batch)
            failures += failed
            batches += transformed
        self.tolerance.judge(failures)
        return batches

    def _put(self) -> None:
        waiting = list(islice((batch for work in self._slice for batch in work.batches or ()), TOGETHER))
        if waiting:
            self._offer(waiting)
        while self._slice and not self._slice[0].batches:
            polled = self._slice.popleft().polled
            self._deliver(polled.source, polled.offsets[-1] + 1)

    def _deliver(self, source: TopicPartition, following: int) -> None:
        self.delivered.append((source, following))
        self.tolerance.delivered(source, following)

    def _offer(self, waiting: Sequence[Batch]) -> None:
        try:
            taken = self.sink.put_batches(waiting)
        except DataError as error:
            if not self.sink.atomic:
                raise
            self._narrow(error)
        else:
            for batch in waiting[:taken]:
                self._next().popleft()
                self._deliver(batch.source, batch.offsets[-1] + 1)

    def _next(self) -> deque[Batch]:
        """The batches of the first work that has any."""
        return next(work.batches for work in self._slice if work.batches)

    def _narrow(self, error: DataError) -> None:
        # The halves take the batch's place in the queue, so that an outage between them repeats nothing that is in.
        batches = self._next()
        batch = batches[0]
        if len(batch) == 1:
            self.report(batch, 0, error)
            batches.popleft()
            return
        middle = len(batch) // 2
        batches.popleft()
        batches.appendleft(batch.slice(middle, len(batch)))
        batches.appendleft(batch.slice(0, middle))

    def report(self, batch: Batch, index: int, error: Exception) -> None:
        """The errant-record reporter (KIP-610): one record that only the sink could find guilty."""
        failure = Failure(batch.origin, batch.positions[index], Stage.TASK_PUT, names(type(self.sink))[0], error)
        self.tolerance.judge([failure])
