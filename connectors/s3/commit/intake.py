"""Takes what was polled of a Kafka partition into its open files, in the order of offsets.

The order of events, which is why nothing of a refused record is ever in a file:

1. What was taken before is cut off (``PartitionFiles.fresh``), and so are records of objects that are made again
   (``_again``). Null values are refused, dropped, or go to files of their own (``_kinds``).
2. Paths, names and what goes into files are made for all records at once (``_ready``); their order is found
   (``Interleaved``). Then, stretch by stretch:
3. A stretch is found that goes into files which no schema and no rule of rotation closes meanwhile (``stretch_from``).
   If the open files cannot take its first record, these are to be closed.
4. Its records are encoded by the schemas of their files (``shares``). A DataError up to here leaves no trace of the
   stretch; what came before it stays taken, and is passed over when it comes again.
5. From here on nothing fails: files are closed, if they are to be, and records go to the files of their paths, at once,
   or, where many paths get few records each, by way of the write buffer (``_add``).
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

from ferryman.connectors.s3.commit.interleaved import Interleaved
from ferryman.connectors.s3.commit.partition_files import PartitionFiles, Redo
from ferryman.connectors.s3.commit.ready_group import ReadyGroup, by_schema_of_file
from ferryman.connectors.s3.commit.schema_change import Compatibility
from ferryman.connectors.s3.commit.stretch import Share, Stretch, shares, stretch_from
from ferryman.connectors.s3.commit.write_buffer import BufferedRun
from ferryman.connectors.s3.config.object_names import TOMBSTONE, Destination, checked_key
from ferryman.connectors.s3.config.sink_config import Nulls
from ferryman.connectors.s3.formats.format import Format, split
from ferryman.connectors.s3.layout.gathering import merged_batches, without_nulls
from ferryman.connectors.s3.layout.keys_and_headers import side_of
from ferryman.connectors.s3.layout.layout import Layout
from ferryman.connectors.s3.layout.partitioners import Paths
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, Rows, in_order
from ferryman.schema import Schema

FEW_RECORDS_A_PATH = 1000
"""Records of one path in a run: if there are fewer on average, to distribute them at once costs more than writing."""
_MOST_CHECKED_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes batches, as one config wants it."""

    layout: Layout
    """Names, paths, formats, rotation."""
    compatibility: Compatibility
    """When a record's schema closes files."""
    nulls: Nulls
    """What to do with null values."""
    report_null: Callable[[Batch, int], None]
    """Called for each null value that is skipped."""
    reports_nulls: bool = True
    """Whether that leads to anything."""
    _named: set[tuple[Destination, int, int]] = field(default_factory=set, init=False, repr=False)

    def take_all(self, partition: PartitionFiles, batches: Sequence[Batch]) -> None:
        """Takes what was polled together of a partition. Raises DataError; what came before in the order of offsets may
        have been taken then, and is passed over when it comes again."""
        if partition.redo is None:
            self._take(partition, batches)
            return
        for batch in in_order(batches):
            left = self._left_by(partition, batch)
            if left is not None:
                self._take(partition, [left])

    def _left_by(self, partition: PartitionFiles, batch: Batch) -> Batch | None:
        """What is left of a batch without the records of objects that are made again, which are taken."""
        fresh = partition.fresh(batch)
        if fresh is None or partition.redo is None:
            return fresh
        left = self._again(partition, partition.redo, fresh)
        if left is not None:
            partition.end_redo(left.offsets[0])
        return left

    def _take(self, partition: PartitionFiles, batches: Sequence[Batch]) -> None:
        merged = batches if self.layout.keys else merged_batches(self._without_silent_nulls(batches))
        fresh = partition.all_fresh(merged)
        try:
            groups = [self._ready(batch, is_null) for each in fresh for is_null, batch in self._kinds(each)]
            if groups:
                self._take_stretches(partition, Interleaved.of(groups))
            partition.next = max(partition.next, *(each.offsets[-1] + 1 for each in batches))
        finally:
            self._report_nulls(fresh, partition.next)

    def _take_stretches(self, partition: PartitionFiles, poll: Interleaved) -> None:
        start = 0
        while start < len(poll):
            stretch = stretch_from(start, poll, partition, self.layout.rotation, self.compatibility)
            found = shares(poll, stretch)
            if stretch.closes:
                partition.rotate()
            self._add(partition, poll, stretch, found)
            start = stretch.stop

    def _again(self, partition: PartitionFiles, redo: Redo, batch: Batch) -> Batch | None:
        """Takes the records of objects that are made again; the rest of the batch, if any is left."""
        count = sum(offset < redo.end for offset in batch.offsets)
        old = batch.slice(0, count)
        encoded = []
        for number, indices in redo.parts(old):
            side, file, part = redo.missing[number].entry.side, redo.files.get(number), old.take(indices)
            form, written = self._form(side), self._written(part, side)
            schema = self._schema(written) if file is None else file.schema
            chunk = form.encode(by_schema_of_file(written, schema), schema)
            encoded.append((number, schema, form, chunk, part.offsets))
        for number, schema, form, chunk, taken in encoded:
            partition.file_made_again(number, schema, form).add(chunk, taken)
        if count:
            partition.next = old.offsets[-1] + 1
        return batch.slice(count, len(batch)) if count < len(batch) else None

    def _kinds(self, batch: Batch) -> Iterator[tuple[bool, Batch]]:
        """What is to be written of a batch; the flag is for null values."""
        if self.nulls == "keep" or not _has_nulls(batch):
            yield False, batch
            return
        if self.nulls == "refuse":
            raise DataError("The value is null, which files of Avro and Parquet cannot have; csv, json and jsonl can")
        if self.nulls == "fail":
            raise DataError("The value is null, and behavior.on.null.values=fail")
        tombstones = [value is None for value in batch.value.rows().values]
        if self.nulls == "write":
            yield from batch.split(tombstones)
        elif kept := [index for index, null in enumerate(tombstones) if not null]:
            yield False, batch.take(kept)

    def _without_silent_nulls(self, batches: Sequence[Batch]) -> Sequence[Batch]:
        return batches if self.nulls != "ignore" or self.reports_nulls else without_nulls(batches)

    def _report_nulls(self, batches: Sequence[Batch], end: int) -> None:
        """Reports the null values that were passed over before an offset, in order."""
        if self.nulls != "ignore":
            return
        found = [
            (offset, batch, index)
            for batch in filter(_has_nulls, batches)
            for index, (offset, value) in enumerate(zip(batch.offsets, batch.value.rows().values, strict=True))
            if value is None and offset < end
        ]
        for _, batch, index in sorted(found, key=itemgetter(0)):
            self.report_null(batch, index)

    def _ready(self, batch: Batch, tombstones: bool) -> ReadyGroup:
        times, paths = self.layout.times_and_paths(batch, tombstones)
        written = {side: self._written(batch, side) for side in self.layout.files(tombstones)}
        number, last = batch.source.partition, batch.offsets[-1]
        for path in distinct(paths):
            for side in written:
                self._check(Destination(batch.topic, path, side), number, last)
        return ReadyGroup(
            batch.topic,
            batch.offsets,
            paths,
            times,
            written,
            {side: self._schema(each) for side, each in written.items()},
            {side: self._form(side) for side in written},
        )

    def _check(self, destination: Destination, partition: int, offset: int) -> None:
        """Whether S3 can hold the name; it is found out once for each number of digits."""
        name = destination, partition, len(str(offset))
        if name not in self._named:
            checked_key(self.layout.names.key(destination, partition, offset))
            if len(self._named) >= _MOST_CHECKED_NAMES:
                self._named.clear()
            self._named.add(name)

    def _form(self, side: str) -> Format:
        if not side:
            return self.layout.format
        found = side_of(self.layout.sides, side)
        if found is None:
            name = side.removeprefix(TOMBSTONE)
            raise TaskError(f"Files of {name} must be written again: set store.kafka.{name}=true until that is done")
        return found.format

    def _schema(self, written: Batch) -> Schema | None:
        """The schema that a file of these records has."""
        return None if self.layout.mixed else written.value.schema

    def _written(self, batch: Batch, side: str) -> Batch:
        """The batch with what a side's files hold as its values."""
        found = side_of(self.layout.sides, side)
        if found is not None:
            return replace(batch, value=found.view(batch))
        return self.layout.written(batch)

    def _add(self, partition: PartitionFiles, poll: Interleaved, stretch: Stretch, found: Sequence[Share]) -> None:
        rotation, level, now = self.layout.rotation, partition.level, int(time.time() * 1000)
        if not level.count:
            level.base = None if poll.times is None else poll.times[stretch.start]
            level.scheduled = rotation.next_schedule(now)
        for share in found:
            self._add_share(partition, share)
            level.paths |= distinct(share.paths)
        level.last = poll.paths if isinstance(poll.paths, str) else poll.paths[stretch.stop - 1]
        level.count += stretch.stop - stretch.start
        level.touched = now
        partition.next = poll.offsets[stretch.stop - 1] + 1
        if rotation.size:
            level.size = sum(file.size for file in partition.open.values())
        if rotation.full(level):
            partition.rotate()

    def _add_share(self, partition: PartitionFiles, share: Share) -> None:
        paths = distinct(share.paths)
        # Where bytes close files, each byte is to be seen at once.
        is_many = isinstance(share.paths, str) or len(share.offsets) >= FEW_RECORDS_A_PATH * len(paths)
        if is_many or self.layout.rotation.size:
            partition.distribute()
            _distribute(partition, share)
            return
        for side, (form, schema, _) in share.encoded.items():
            for path in paths:
                partition.file(Destination(share.topic, path, side), schema, form)
        encoded = {side: (schema, chunk) for side, (_, schema, chunk) in share.encoded.items()}
        partition.buffer(BufferedRun.compact(share.topic, share.paths, share.offsets, encoded))


def _distribute(partition: PartitionFiles, share: Share) -> None:
    groups = _groups(share.paths, len(share.offsets))
    offsets = [[share.offsets[index] for index in indices] for indices in groups.values()]
    for side, (form, schema, chunk) in share.encoded.items():
        files = [partition.file(Destination(share.topic, path, side), schema, form) for path in groups]
        for file, each, taken in zip(files, split(chunk, list(groups.values())), offsets, strict=True):
            file.add(each, taken)


def distinct(paths: Paths) -> set[str]:
    """The paths that occur."""
    return {paths} if isinstance(paths, str) else set(paths)


def _has_nulls(batch: Batch) -> bool:
    return isinstance(batch.value, Rows) and None in batch.value.values


def _groups(paths: Paths, count: int) -> Mapping[str, Sequence[int]]:
    """The indices of each path's records."""
    if isinstance(paths, str):
        return {paths: range(count)}
    found: dict[str, list[int]] = {}
    for index, path in enumerate(paths):
        found.setdefault(path, []).append(index)
    return found
