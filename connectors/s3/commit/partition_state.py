"""What a task holds of one Kafka partition: open files, closed ones that wait for their commit, and that commit."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from ferryman.api import Committed
from ferryman.connectors.s3.commit.manifest import Entry, Manifest, Mark, Missing
from ferryman.connectors.s3.commit.offset_runs import Offsets
from ferryman.connectors.s3.commit.open_file import File, Identity
from ferryman.connectors.s3.commit.write_buffer import ENOUGH, Piece, Sheaf
from ferryman.connectors.s3.config.object_names import Place
from ferryman.connectors.s3.formats.format import Format
from ferryman.connectors.s3.layout.rotation import Window
from ferryman.errors import TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import Schema


@dataclass
class Generation:
    """Files that were closed together; ``end`` is the offset after their last record."""

    files: Sequence[File]
    end: int


@dataclass
class Offer:
    """A manifest and the commit that names it; ``generations`` is how many of the closed ones it covers.

    ``saved``: the manifest is in the bucket. ``accepted``: the group has made the commit, so it is to be finished.
    """

    manifest: Manifest
    commit: Committed
    generations: int
    saved: bool = False
    accepted: bool = False


@dataclass
class Redo:
    """Objects of a committed manifest that must be made again from their records, which are read again for that."""

    missing: Sequence[Missing]
    end: int
    replaces: str
    wanted: list[Offsets] = field(init=False)
    files: dict[int, File] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.wanted = [each.offsets for each in self.missing]

    @property
    def start(self) -> int:
        """Where to begin to read."""
        return min(offsets.first for offsets in self.wanted)

    def parts(self, batch: Batch) -> Iterator[tuple[int, list[int]]]:
        """For each object the places of its records in the batch."""
        for number, offsets in enumerate(self.wanted):
            places = [place for place, offset in enumerate(batch.offsets) if offset in offsets]
            if places:
                yield number, places

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
    """The error for an object that nobody can make again."""
    offsets = missing.offsets
    return Lost(
        f"The object {missing.entry.key} (offsets {offsets.first} to {offsets.last}, {offsets.count} records) was "
        f"committed but is not in the bucket, because {missing.reason}; and {reason}. To go on without it, stop the "
        "connector and alter its offsets"
    )


@dataclass
class Ledger:
    """One Kafka partition. ``next`` is the offset after the last record taken; earlier ones are not taken again."""

    source: TopicPartition
    topic_id: str
    connector: str
    key: Callable[[Place, int, int], str]
    next: int = 0
    window: Window = field(default_factory=Window)
    open: dict[Place, File] = field(default_factory=dict)
    sheaf: Sheaf = field(default_factory=Sheaf)
    """Records that still are to be dealt to open files."""
    closed: list[Generation] = field(default_factory=list)
    offer: Offer | None = None
    redo: Redo | None = None
    replaces: str | None = None
    series: str = field(default_factory=lambda: token_hex(4))

    def fresh(self, batch: Batch) -> Batch | None:
        """What of a batch has not been taken yet."""
        start = bisect_left(batch.offsets, self.next)
        return None if start == len(batch) else batch.slice(start, len(batch)) if start else batch

    def file(self, place: Place, schema: Schema | None, form: Format) -> File:
        """The open file of a place, begun if need be."""
        found = self.open.get(place)
        if found is None:
            found = self.open[place] = self._begun(place, schema, form)
        return found

    def _begun(self, place: Place, schema: Schema | None, form: Format) -> File:
        partition = self.source.partition
        identity = Identity(self.connector, self.source, lambda offset: self.key(place, partition, offset), self.series)
        return File(identity, place, schema, form.writer(schema))

    def put_off(self, piece: Piece) -> None:
        """Takes records for open files; they are dealt to them when there are enough, or when it matters."""
        self.sheaf.add(piece)
        if self.sheaf.held >= ENOUGH:
            self.deal()

    def deal(self) -> None:
        """Gives the open files all records that were put off."""
        for place, chunk, offsets in self.sheaf.emptied():
            self.open[place].add(chunk, offsets)

    def again(self, number: int, schema: Schema | None, form: Format) -> File:
        """The file of an object that is made again, begun if need be."""
        assert self.redo is not None
        file = self.redo.files.get(number)
        if file is None:
            place = self.redo.missing[number].entry.place
            file = self.redo.files[number] = self._begun(place, schema, form)
        return file

    def end_redo(self, position: int) -> None:
        """Ends making objects again if all before ``position`` has been read."""
        if self.redo is None or position < self.redo.end:
            return
        self.closed.append(Generation(self.redo.done(), self.redo.end))
        self.replaces, self.redo = self.redo.replaces, None

    def rotate(self) -> None:
        """Closes the open files; they are uploaded later."""
        self.deal()
        if self.open:
            self.closed.append(Generation(list(self.open.values()), self.next))
            self.open, self.series = {}, token_hex(4)
        self.window.clear()

    def files(self) -> Iterator[File]:
        """All files that may hold memory."""
        yield from self.open.values()
        for generation in self.closed:
            yield from generation.files
        if self.redo is not None:
            yield from self.redo.files.values()

    @property
    def held(self) -> int:
        """Bytes in memory."""
        return self.sheaf.held + sum(file.held for file in self.files())

    def growing(self) -> Iterator[File]:
        """The files that still take records."""
        yield from self.open.values()
        if self.redo is not None:
            yield from self.redo.files.values()

    def unoffered(self) -> Iterator[File]:
        """The files that no commit can have made valid: of an offer nobody but the group knows."""
        yield from self.open.values()
        offered = self.offer.generations if self.offer is not None and self.offer.saved else 0
        for generation in self.closed[offered:]:
            yield from generation.files
        if self.redo is not None:
            yield from self.redo.files.values()

    def drafted(self, key: Callable[[TopicPartition, int], str], delivered: int) -> Offer | None:
        """The offer that stands, or a new one of what was closed, uploaded and delivered, if there is any."""
        if self.offer is None:
            self.deal()
            count = sum(each.end <= delivered and all(file.closed for file in each.files) for each in self.closed)
            files = [file for each in self.closed[:count] for file in each.files]
            if not files:
                return None
            rest = [*(file for each in self.closed[count:] for file in each.files), *self.open.values()]
            end = min([delivered, *(file.offsets.first for file in rest)])
            manifest = Manifest(key(self.source, end), end, [Entry.of(file) for file in files], self.replaces)
            self.offer = Offer(manifest, Committed(end, Mark.of(self.topic_id, manifest).text()), count)
        return self.offer

    def settled(self, delivered: int) -> Committed | None:
        """The commit when there is nothing to finish and all is dealt: up to the first record in a file."""
        if self.redo is not None:
            return None
        firsts = [file.offsets.first for file in self.files()]
        return Committed(min([delivered, *firsts]), Mark(self.topic_id).text())

    def finished(self) -> None:
        """The offer's objects are all there."""
        assert self.offer is not None
        del self.closed[: self.offer.generations]
        self.offer, self.replaces = None, None
