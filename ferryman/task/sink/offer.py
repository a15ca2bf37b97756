"""What a sink is offered at once, and how it is halved by offset to find the record that it cannot take. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from ferryman.chain.narrowing import without_records
from ferryman.record import Batch, Polled, TopicPartition


@dataclass(slots=True)
class DecodedPartition:
    """Records of one partition, decoded and transformed."""

    polled: Polled
    """The raw records; all of them count as delivered when no batch is left."""
    batches: deque[Batch]
    """What the sink has not taken yet."""

    def __len__(self) -> int:
        return sum(map(len, self.batches))

    def cut(self, count: int) -> tuple["DecodedPartition", "DecodedPartition"]:
        """The first so many of its records (by position) and the others."""
        positions = sorted(position for batch in self.batches for position in batch.positions)
        border = positions[count]
        first, second = deque[Batch](), deque[Batch]()
        for batch in self.batches:
            at = batch.before(border)
            if at:
                first.append(batch.slice(0, at) if at < len(batch) else batch)
            if at < len(batch):
                second.append(batch.slice(at, len(batch)) if at else batch)
        # What was dropped before the border is delivered with the first part.
        offsets = self.polled.offsets
        split = next(at for at, offset in enumerate(offsets) if offset >= second[0].polled.offsets[border])
        return DecodedPartition(self.polled.slice(0, split), first), DecodedPartition(
            self.polled.slice(split, len(offsets)), second
        )


@dataclass(slots=True)
class Offer:
    """The records of one or more partitions."""

    partitions: deque[DecodedPartition] = field(default_factory=deque)

    def __len__(self) -> int:
        return sum(map(len, self.partitions))

    def batches(self, most: int | None) -> list[Batch]:
        """What the sink is offered, in order: the first so many, or all."""
        return list(islice((batch for partition in self.partitions for batch in partition.batches), most))

    def took(self, count: int) -> list[tuple[TopicPartition, int]]:
        """The sink has taken so many batches; what is delivered by that, as far as batches come in order."""
        delivered = []
        for partition in self.partitions:
            if not count:
                break
            while count and partition.batches:
                batch = partition.batches.popleft()
                count -= 1
                if not partition.batches or partition.batches[0].positions[0] > batch.positions[-1]:
                    delivered.append((batch.source, batch.offsets[-1] + 1))
        return delivered

    def finished(self) -> Iterator[tuple[TopicPartition, int]]:
        """Drops the partitions of which nothing is left to be taken, up to the first of which something is."""
        while self.partitions and not self.partitions[0].batches:
            polled = self.partitions.popleft().polled
            yield polled.source, polled.offsets[-1] + 1

    def without(self, partitions: Sequence[TopicPartition]) -> "Offer":
        """What is left when partitions have gone."""
        gone = set(partitions)
        return Offer(deque(partition for partition in self.partitions if partition.polled.source not in gone))

    def leave_out(self, bad: Iterable[tuple[Batch, int]]) -> None:
        """Takes single records out; they count as delivered when all around them is."""
        left_out = list(bad)
        for partition in self.partitions:
            partition.batches = deque(without_records(partition.batches, left_out))

    def halves(self) -> list["Offer"]:
        """Two offers, the first with half of the records."""
        wanted, first, second = len(self) // 2, deque[DecodedPartition](), deque(self.partitions)
        while wanted >= len(second[0]) and len(second) > 1:
            wanted -= len(second[0])
            first.append(second.popleft())
        if wanted:
            one, other = second.popleft().cut(wanted)
            first.append(one)
            second.appendleft(other)
        return [Offer(first), Offer(second)]
