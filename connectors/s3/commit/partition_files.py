"""What a task holds of one Kafka partition: open files, closed ones that wait for their commit, and that commit.

The states of a file, and what moves it on::

    open ──rotate──► closed ──drafted──► offered ──committed──► completed: an object
      │                │                    │
      └────────────────┴── abort ◄──────────┘ only as long as nothing in the bucket names it

* **open** (``PartitionFiles.open``): takes records; whole parts of it are uploaded already, into an upload that nobody
sees.
* **closed** (``PartitionFiles.closed``): all files of a partition are closed together, as one ``Generation``, and
uploaded.
* **offered** (``PartitionFiles.offer``): its finished upload is part of a commit that is being made (``truth``).
* **committed**: the commit is made. From here on whoever owns the partition completes it, whatever happens.

``PartitionFiles.redo`` stands beside them: objects of a former commit whose uploads are gone are made again from their
records, which are read again; they are offered as a generation of their own, whose commit replaces the former one.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from ferryman.connectors.s3.commit.manifest import Entry, Missing
from ferryman.connectors.s3.commit.offset_runs import Offsets
from ferryman.connectors.s3.commit.open_file import File, Identity
from ferryman.connectors.s3.commit.write_buffer import DISTRIBUTED_BYTES, BufferedRun, WriteBuffer
from ferryman.connectors.s3.config.object_names import Destination
from ferryman.connectors.s3.formats.format import Format
from ferryman.connectors.s3.layout.rotation import FillLevel
from ferryman.errors import TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import Schema


@dataclass
class Generation:
    """Files that were closed together."""

    files: Sequence[File]
    """In the order in which they were begun."""
    end: int
    """The offset after their last record."""


@dataclass
class Offer:
    """A commit that is being made, and what is to be completed with it."""

    end: int
    """The offset that is committed."""
    entries: Sequence[Entry]
    """The uploads; the last is completed last, as a witness that the others are there."""
    generations: int
    """How many of the closed generations it covers, the oldest first."""
    saved: bool = False
    """Whether something in the bucket may name the uploads, so that they must not be aborted any more."""
    accepted: bool = False
    """Whether the commit is made, so that the uploads are to be completed."""
    id: str = field(default_factory=lambda: token_hex(8))
    """What no other commit is called."""


@dataclass
class Redo:
    """Committed objects that must be made again from their records, which are read again for that."""

    missing: Sequence[Missing]
    """The objects."""
    end: int
    """The offset that was committed with them: where the usual work goes on."""
    wanted: list[Offsets] = field(init=False)
    """The records of each, in the order of ``missing``."""
    files: dict[int, File] = field(default_factory=dict)
    """The new files, by their number in ``missing``."""

    def __post_init__(self) -> None:
        self.wanted = [each.offsets for each in self.missing]

    @property
    def start(self) -> int:
        """Where to begin to read."""
        return min(offsets.first for offsets in self.wanted)

    def parts(self, batch: Batch) -> Iterator[tuple[int, list[int]]]:
        """For each object the indices of its records in the batch."""
        for number, offsets in enumerate(self.wanted):
            indices = [index for index, offset in enumerate(batch.offsets) if offset in offsets]
            if indices:
                yield number, indices

    def done(self) -> list[File]:
        """The files, when all that was to be read has been read. Raises Lost if records are no longer there."""
        for number, offsets in enumerate(self.wanted):
            file = self.files.get(number)
            lacking = offsets.count if file is None else offsets.without(file.offsets)
            if lacking or file is None:
                raise lost(self.missing[number], f"{lacking} of its records are no longer in Kafka")
        return list(self.files.values())


class Lost(TaskError):
    """Committed records that are in no object, and no longer in Kafka: only a person can decide to go on."""


def lost(missing: Missing, reason: str) -> Lost:
    """The error for an object that cannot be made again."""
    offsets = missing.offsets
    return Lost(
        f"The object {missing.entry.key} (offsets {offsets.first} to {offsets.last}, {offsets.count} records) was "
        f"committed but is not in the bucket, because {missing.reason}; and {reason}. To go on without it, stop the "
        "connector and alter its offsets"
    )


@dataclass
class PartitionFiles:
    """The files of one Kafka partition, from their first records to their commits."""

    source: TopicPartition
    """The partition."""
    topic_id: str
    """Its topic's id, which is part of every commit."""
    connector: str
    """The connector's name, which objects carry as metadata."""
    key: Callable[[Destination, int, int], str]
    """An object's key by destination, Kafka partition and first offset."""
    next: int = 0
    """The offset after the last record taken; earlier ones are not taken again."""
    level: FillLevel = field(default_factory=FillLevel)
    """How much is in the open files."""
    open: dict[Destination, File] = field(default_factory=dict)
    """The files that take records."""
    buffered: WriteBuffer = field(default_factory=WriteBuffer)
    """Records that still are to be distributed to open files."""
    closed: list[Generation] = field(default_factory=list)
    """What waits for its commit, the oldest first."""
    offer: Offer | None = None
    """The commit that is under way; there is never more than one."""
    redo: Redo | None = None
    """What is made again, until all its records have been read."""
    series: str = field(default_factory=lambda: token_hex(4))
    """What the nonces of the open files begin with."""

    def fresh(self, batch: Batch) -> Batch | None:
        """What of a batch has not been taken yet."""
        start = bisect_left(batch.offsets, self.next)
        return None if start == len(batch) else batch.slice(start, len(batch)) if start else batch

    def all_fresh(self, batches: Sequence[Batch]) -> list[Batch]:
        """What of several batches has not been taken yet."""
        return [fresh for fresh in map(self.fresh, batches) if fresh is not None]

    def file(self, destination: Destination, schema: Schema | None, form: Format) -> File:
        """The open file of a destination, begun if need be."""
        found = self.open.get(destination)
        if found is None:
            found = self.open[destination] = self._begun(destination, schema, form)
        return found

    def _begun(self, destination: Destination, schema: Schema | None, form: Format) -> File:
        partition = self.source.partition
        identity = Identity(
            self.connector, self.source, lambda offset: self.key(destination, partition, offset), self.series
        )
        return File(identity, destination, schema, form.writer(schema))

    def buffer(self, run: BufferedRun) -> None:
        """Takes records for open files; they are distributed to them when there are enough, or when it matters."""
        self.buffered.add(run)
        if self.buffered.held_bytes >= DISTRIBUTED_BYTES:
            self.distribute()

    def distribute(self) -> None:
        """Gives the open files all records that were put off."""
        for destination, chunk, offsets in self.buffered.drain():
            self.open[destination].add(chunk, offsets)

    def file_made_again(self, number: int, schema: Schema | None, form: Format) -> File:
        """The file of an object that is made again, begun if need be."""
        assert self.redo is not None
        file = self.redo.files.get(number)
        if file is None:
            destination = self.redo.missing[number].entry.destination
            file = self.redo.files[number] = self._begun(destination, schema, form)
        return file

    def end_redo(self, position: int) -> None:
        """Ends making objects again if all before ``position`` has been read."""
        if self.redo is None or position < self.redo.end:
            return
        self.closed.append(Generation(self.redo.done(), self.redo.end))
        self.redo = None

    def rotate(self) -> None:
        """Closes the open files; they are uploaded later."""
        self.distribute()
        if self.open:
            self.closed.append(Generation(list(self.open.values()), self.next))
            self.open, self.series = {}, token_hex(4)
        self.level.clear()

    def files(self) -> Iterator[File]:
        """All files that may hold memory."""
        yield from self.open.values()
        for generation in self.closed:
            yield from generation.files
        if self.redo is not None:
            yield from self.redo.files.values()

    @property
    def held_bytes(self) -> int:
        """Bytes in memory."""
        return self.buffered.held_bytes + sum(file.held_bytes for file in self.files())

    def growing_files(self) -> Iterator[File]:
        """The files that still take records."""
        yield from self.open.values()
        if self.redo is not None:
            yield from self.redo.files.values()

    def files_not_offered(self) -> Iterator[File]:
        """The files that no commit can have made valid: not those of an offer that others may know of."""
        yield from self.open.values()
        offered = self.offer.generations if self.offer is not None and self.offer.saved else 0
        for generation in self.closed[offered:]:
            yield from generation.files
        if self.redo is not None:
            yield from self.redo.files.values()

    def drafted_offer(self, delivered: int) -> Offer | None:
        """The offer that stands, or a new one of what was closed, uploaded and delivered, if there is any."""
        if self.offer is None:
            self.distribute()
            count = sum(each.end <= delivered and all(file.closed for file in each.files) for each in self.closed)
            files = [file for each in self.closed[:count] for file in each.files]
            if not files:
                return None
            rest = [*(file for each in self.closed[count:] for file in each.files), *self.open.values()]
            end = min([delivered, *(file.offsets.first for file in rest)])
            self.offer = Offer(end, [Entry.of_file(file) for file in files], count)
        return self.offer

    def offset_without_objects(self, delivered: int) -> int | None:
        """What to commit when there is nothing to finish and all is distributed: up to the first record in a file."""
        if self.redo is not None:
            return None
        return min([delivered, *(file.offsets.first for file in self.files())])

    @property
    def unfinished(self) -> bool:
        """Whether objects are committed that may not be there yet."""
        return self.offer is not None and self.offer.accepted

    def on_offer_completed(self) -> None:
        """The offer's objects are all there."""
        assert self.offer is not None
        del self.closed[: self.offer.generations]
        self.offer = None

    def drop_offer(self) -> None:
        """The offer's commit was not made, and never will be: its uploads may be aborted."""
        self.offer = None
