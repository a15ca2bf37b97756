"""What a sink task has polled but the sink has not taken yet: raw records, then batches.

The loop adds and drops, the sink's thread decodes and puts. They take turns: while a slice runs, only ``add`` and the
check whether there is anything may be called.
"""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain as chain_of
from typing import Any

from ferryman.api import Bad, BadRecords, Sink
from ferryman.chain.chain import Chain
from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError, TaskError
from ferryman.plugins.catalog import names
from ferryman.record import Batch, Coordinates, Polled, TopicPartition, in_order
from ferryman.task.crash_evidence.at_work import CONVERT, PUT, AtWork, Offsets
from ferryman.task.crash_evidence.guilty import Guilty, parted
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.offer import DecodedPartition, Offer
from ferryman.task.sink.offset_ledger import OffsetLedger
from ferryman.task.sink.pacing.slices import AIM_SECONDS, MOST_BYTES, Slices


@dataclass
class Backlog:
    """Work in the order in which it was polled. False when there is none."""

    chain: Chain
    tolerance: Tolerance
    sink: Sink[Any]
    slices: Slices
    delivered: deque[tuple[TopicPartition, int]] = field(default_factory=deque)
    """What was delivered, as partition and next offset, until it is in the ledger."""
    at_work: AtWork = field(default_factory=AtWork)
    """Where is noted which records are worked on."""
    guilty: Sequence[Guilty] = ()
    """Records that must not be touched."""
    meter: SinkMeter = field(default_factory=SinkMeter)
    hurry: bool = False
    """Set from outside: the slice is to end before its next put."""
    _raw: deque[Polled] = field(default_factory=deque)
    _slice: deque[Polled] = field(default_factory=deque)
    """What of the present slice is not decoded yet."""
    _offers: deque[Offer] = field(default_factory=deque)
    """The rest of the slice, decoded: one offer, or its parts after the sink has found fault with it."""
    _records: int = 0
    _seconds: float = 0.0

    def __bool__(self) -> bool:
        return bool(self._offers) or bool(self._slice) or bool(self._raw)

    @property
    def oldest(self) -> int | None:
        """The timestamp of the oldest record here, as far as they are in order; None if there is none. In
        milliseconds."""
        decoded = [partition.polled for offer in list(self._offers) for partition in list(offer.partitions)]
        first = (each.timestamps[0] for each in (*decoded, *list(self._slice), *list(self._raw)))
        return min((when for when in first if when is not None), default=None)

    @property
    def first(self) -> Coordinates | None:
        """Where the first record here lies, or lay before it became a dead letter; None if there is none."""
        partitions = (each for offer in self._offers for each in offer.partitions if each.batches)
        if (partition := next(partitions, None)) is not None:
            batch = min(partition.batches, key=lambda each: each.positions[0])
            return batch.polled.original_coordinates(batch.positions[0])
        polled = next(chain_of(self._slice, self._raw), None)
        return None if polled is None else polled.original_coordinates(0)

    def add(self, polled: Polled) -> None:
        """Queues records behind those that wait already."""
        self.meter.read.add(len(polled))
        self._raw.append(polled)

    def deliver_to(self, ledger: OffsetLedger) -> None:
        """What the sink has taken goes into the ledger."""
        while self.delivered:
            ledger.delivered(*self.delivered.popleft())

    def drop(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the records of partitions that have gone."""
        gone = set(partitions)
        self._raw = deque(polled for polled in self._raw if polled.source not in gone)
        self._slice = deque(polled for polled in self._slice if polled.source not in gone)
        left = (offer.without(partitions) for offer in self._offers)
        self._offers = deque(offer for offer in left if offer)

    def advance(self) -> None:
        """Puts one slice, or goes on with it; what the sink takes is delivered.

        Returns early, between two puts, when it is to hurry or has taken its time. Raises what the sink raises; then
        the same comes again with the next call.
        """
        began = time.monotonic()
        if not (self._slice or self._offers):
            self._cut()
        self._decode()
        while self._offers:
            self._put()
            if self._offers and (self.hurry or time.monotonic() >= began + AIM_SECONDS):
                break
        self._seconds += time.monotonic() - began
        if not self._offers:
            self.slices.learn(self._records, self._seconds)

    def _cut(self) -> None:
        self._records, self._seconds = 0, 0.0
        room, bytes_left = self.slices.size, MOST_BYTES
        while self._raw and self._records < room and bytes_left > 0:
            polled = self._raw.popleft()
            size = polled.size
            fits = min(room - self._records, len(polled) if size <= bytes_left else polled.within(bytes_left))
            if len(polled) > fits:
                self._raw.appendleft(polled.slice(fits, len(polled)))
                polled = polled.slice(0, fits)
                size = polled.size
            bytes_left -= size
            self._records += len(polled)
            self._slice.append(polled)

    def _decode(self) -> None:
        """All of the slice becomes one offer. What was decoded before an error keeps its place in front."""
        while self._slice:
            partition = DecodedPartition(self._slice[0], self._batches(self._slice[0]))
            self._slice.popleft()
            if self._offers:
                self._offers[-1].partitions.append(partition)
            else:
                self._offers.append(Offer(deque([partition])))

    def _batches(self, polled: Polled) -> deque[Batch]:
        innocent, failures = parted(polled, self.guilty)
        transformed = list[Batch]()
        if innocent is not None:
            with self.at_work.on(CONVERT, [_offsets(innocent)]):
                decoded, undecoded = self.chain.decode(innocent)
                transformed, failed = self.chain.transform(decoded)
            failures += [*undecoded, *failed]
        if failures:
            self.tolerance.judge(sorted(failures, key=lambda failure: failure.coordinates or polled.source))
        return deque(transformed if self.sink.any_order else in_order(transformed))

    def _put(self) -> None:
        waiting = self._offers[0].batches(self._together)
        if waiting:
            self._offer(self._offers[0], waiting)
        for source, following in self._offers[0].finished():
            self._deliver(source, following)
        if not self._offers[0].partitions:
            self._offers.popleft()

    @property
    def _together(self) -> int | None:
        """How many batches the sink is offered at once; None for all that there are."""
        one_by_one = type(self.sink).put_batches is Sink.put_batches and type(self.sink).put_batch is not Sink.put_batch
        return 1 if one_by_one else None

    def _deliver(self, source: TopicPartition, following: int) -> None:
        self.delivered.append((source, following))
        self.tolerance.delivered(source, following)

    def _offer(self, offer: Offer, waiting: Sequence[Batch]) -> None:
        try:
            with self.at_work.on(PUT, [_offsets_of(batch) for batch in waiting]):
                began = self.meter.puts(waiting)
                taken = self._counted(self.sink.put_batches(waiting), len(waiting))
                self.meter.has_put(began)
        except BadRecords as error:
            self.report(error.found)
            offer.leave_out((batch, index) for batch, index, _ in error.found)
        except DataError as error:
            if not self.sink.atomic:
                raise
            self._narrow(offer, error)
        else:
            self.meter.took(waiting[:taken])
            for source, following in offer.took(taken):
                self._deliver(source, following)

    def _counted(self, taken: object, offered: int) -> int:
        """How many batches the sink says that it took. What it took without saying so would come again, for ever."""
        if isinstance(taken, int) and 0 <= taken <= offered:
            return taken
        name = type(self.sink).__name__
        raise TaskError(f"put_batches of {name} must return how many of the {offered} batches it took, not {taken!r}")

    def _narrow(self, offer: Offer, error: DataError) -> None:
        # The halves take the offer's place, so that an outage between them repeats nothing that is in. They are halves
        # by offset: what a sink takes of one key in two puts comes in its order.
        if len(offer) > 1:
            self._offers.popleft()
            self._offers.extendleft(reversed(offer.halves()))
            return
        (batch,) = offer.batches(None)
        self.report([(batch, 0, error)])
        offer.took(1)

    def report(self, found: Sequence[Bad]) -> None:
        """The errant-record reporter (KIP-610): records that only the sink could find guilty."""
        self.tolerance.judge([self._failed(*each) for each in found])

    def _failed(self, batch: Batch, index: int, error: Exception) -> Failure:
        return Failure(batch.origin, batch.positions[index], Stage.TASK_PUT, names(type(self.sink))[0], error)


def _offsets(polled: Polled) -> Offsets:
    return Offsets(polled.topic, polled.partition, polled.offsets[0], polled.offsets[-1])


def _offsets_of(batch: Batch) -> Offsets:
    polled = batch.polled
    positions, offsets = batch.positions, polled.offsets
    return Offsets(polled.topic, polled.partition, offsets[positions[0]], offsets[positions[-1]])
