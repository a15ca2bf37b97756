"""What a sink task has polled and the sink has not taken yet: raw records, then batches, then pieces of batches."""

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
from ferryman.task.sink.delivery import Delivery

TOGETHER = 64
"""Batches that are offered to a sink at once."""


@dataclass
class Work:
    """Records of one partition on their way through: first raw, then batches not yet put."""

    polled: Polled
    batches: deque[Batch] | None = None


@dataclass
class Backlog:
    """Work in the order in which it was polled. False when there is none."""

    chain: Chain
    tolerance: Tolerance
    delivery: Delivery
    sink: Sink[Any]
    _work: deque[Work] = field(default_factory=deque)

    def __bool__(self) -> bool:
        return bool(self._work)

    def add(self, polled: Polled) -> None:
        """Records that have come."""
        self._work.append(Work(polled))

    def drop(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the records of partitions that have gone."""
        self._work = deque(work for work in self._work if work.polled.source not in partitions)

    def put(self) -> None:
        """Puts the next batches, having decoded everything that was polled; what the sink takes is delivered.

        Raises what the sink raises; then the same comes again with the next call.
        """
        for work in self._work:
            if work.batches is None:
                work.batches = self._decoded(work.polled)
        waiting = list(islice((batch for work in self._work for batch in work.batches or ()), TOGETHER))
        if waiting:
            self._put(waiting)
        while self._work and not self._work[0].batches:
            polled = self._work.popleft().polled
            self.delivery.delivered(polled.source, polled.offsets[-1] + 1)

    def _decoded(self, polled: Polled) -> deque[Batch]:
        decoded, failures = self.chain.decode(polled)
        batches = deque[Batch]()
        for batch in decoded:
            transformed, failed = self.chain.transform(batch)
            failures += failed
            batches += transformed
        self.tolerance.judge(failures)
        return batches

    def _put(self, waiting: Sequence[Batch]) -> None:
        try:
            taken = self.sink.put_batches(waiting)
        except DataError as error:
            if not self.sink.atomic:
                raise
            self._narrow(error)
        else:
            for batch in waiting[:taken]:
                self._next().popleft()
                self.delivery.delivered(batch.source, batch.offsets[-1] + 1)

    def _next(self) -> deque[Batch]:
        """The batches of the first work that has any."""
        return next(work.batches for work in self._work if work.batches)

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
