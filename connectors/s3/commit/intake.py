"""Takes batches into the open files of a Kafka partition: all of a batch, or nothing of it.

The order of events, which is why nothing of a refused batch is ever in a file:

1. What was taken before is cut off (``PartitionFiles.fresh``), and so are records of objects that are made again
(``_again``). 2. Null values are refused, dropped, or go to files of their own (``_parts``).
3. Everything that may fail is done: paths, names, and the records encoded by the schema of each file that they may go
   into (``_ready``). A DataError up to here leaves no trace.
4. From here on nothing fails. A record that its open file cannot take closes all files first (``_spread``); the rules
   of rotation cut the batch (``_add``), and each cut goes to the files of its paths (``_taken``): at once, or, where
   many paths get few records each, by way of the write buffer.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from ferryman.connectors.s3.commit.interleaved import Interleaved
from ferryman.connectors.s3.commit.open_file import File
from ferryman.connectors.s3.commit.partition_files import PartitionFiles, Redo
from ferryman.connectors.s3.commit.schema_change import Compatibility, ends_file, projected
from ferryman.connectors.s3.commit.write_buffer import BufferedRun
from ferryman.connectors.s3.config.object_names import TOMBSTONE, Destination, checked_key
from ferryman.connectors.s3.config.sink_config import Nulls
from ferryman.connectors.s3.formats.format import Format, select, split
from ferryman.connectors.s3.layout.gathering import merged_batches, without_nulls
from ferryman.connectors.s3.layout.keys_and_headers import side_of
from ferryman.connectors.s3.layout.layout import Layout
from ferryman.connectors.s3.layout.partitioners import ByKafkaPartition, Paths
from ferryman.connectors.s3.layout.rotation import FillLevel
from ferryman.errors import DataError, TaskError
from ferryman.record import Batch, Rows, in_order
from ferryman.schema import Schema

Group = tuple[str, Sequence[int]]
"""A path and the indices of its records in a batch."""

FEW_RECORDS_A_PATH = 1000
"""Records of one path in a run: if there are fewer on average, to distribute them at once costs more than writing."""
_MOST_CHECKED_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch of which everything that can fail has been done."""

    batch: Batch
    """The batch."""
    offsets: Sequence[int]
    """Its offsets, computed once."""
    paths: Paths
    """The encoded partition of each record, or of all."""
    times: Sequence[int] | None
    """The time of each record in milliseconds, where paths or rotation need it."""
    encoded: Mapping[str, Mapping[Schema | None, Any]]
    """The encoded records, by the file's side and its schema."""
    schemas: Mapping[str, Schema | None]
    """The records' own schema, by side."""

    def stale(self, partition: PartitionFiles, compatibility: Compatibility) -> int | None:
        """The first record that goes where a file is open that cannot take it."""
        paths = {
            path
            for path in distinct(self.paths)
            if any(
                _ends(partition, Destination(self.batch.topic, path, side), schema, compatibility)
                for side, schema in self.schemas.items()
            )
        }
        if not paths:
            return None
        return 0 if isinstance(self.paths, str) else next(at for at, path in enumerate(self.paths) if path in paths)

    def run(self, start: int, stop: int) -> BufferedRun | None:
        """A run of records that may be distributed later: not those that files of several schemas must take."""
        if isinstance(self.paths, str) or any(len(each) > 1 for each in self.encoded.values()):
            return None
        indices = range(start, stop)
        encoded = {
            side: (schema, select(chunk, indices))
            for side, each in self.encoded.items()
            for schema, chunk in each.items()
        }
        return BufferedRun.compact(self.batch.topic, self.paths[start:stop], self.offsets[start:stop], encoded)

    def chunks(self, side: str, files: Sequence[File], groups: Sequence[Group]) -> list[Any]:
        """The encoded records of each group, for its file."""
        encoded, indices = self.encoded[side], [each for _, each in groups]
        if len(encoded) == 1:
            return split(next(iter(encoded.values())), indices)
        return [select(encoded[file.schema], each) for file, each in zip(files, indices, strict=True)]


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
        if partition.redo is not None or self.layout.keys:
            for batch in in_order(batches):
                self.take(partition, batch)
            return
        silent = self.nulls == "ignore" and not self.reports_nulls
        found = (partition.fresh(each) for each in merged_batches(without_nulls(batches) if silent else batches))
        groups = [each for each in found if each is not None]
        if len(groups) > 1 and self._takes_interleaved(groups):
            # What cannot be read this way is read record by record: whatever came before it stays taken.
            with suppress(DataError):
                self._take_interleaved(partition, groups)
        for batch in in_order(groups):
            self.take(partition, batch)
        partition.next = max(partition.next, *(batch.polled.offsets[batch.positions[-1]] + 1 for batch in batches))

    def _takes_interleaved(self, groups: Sequence[Batch]) -> bool:
        """Whether files take records of several schemas, and where a record goes is seen without its value. Where bytes
        close files, each record is written before the next is looked at."""
        layout = self.layout
        plain = isinstance(layout.partitioner, ByKafkaPartition) and layout.times is None and not layout.rotation.size
        if self.compatibility == "NONE" or not plain or len({each.topic for each in groups}) > 1:
            return False
        return all(each.value.schema is not None and not _has_nulls(each) for each in groups)

    def _take_interleaved(self, partition: PartitionFiles, groups: Sequence[Batch]) -> None:
        """Takes all records, as many at once as one file takes by one schema."""
        interleaved, at = Interleaved.of(groups), 0
        while at < len(interleaved):
            stop, schema = self._stretch(partition, interleaved, at)
            self.take(partition, interleaved.batch(at, stop, schema))
            at = stop

    def _stretch(self, partition: PartitionFiles, interleaved: Interleaved, at: int) -> tuple[int, Schema | None]:
        """Where the file ends that takes the record there, at the latest, and by which schema it takes records."""
        _, path = self.layout.times_and_paths(interleaved.groups[0], False)
        assert isinstance(path, str)
        own, level = interleaved.schema(at), partition.level
        file = partition.open.get(Destination(interleaved.groups[0].topic, path, ""))
        schema = own if file is None else file.schema
        if ends_file(self.compatibility, schema, own):
            schema, level = own, FillLevel()
        stop = self._ends(interleaved, at, schema)
        cut = self.layout.rotation.cuts(level, path, None, stop - at)[0]
        if cut.before:
            schema = own
            stop = self._ends(interleaved, at, schema)
            cut = self.layout.rotation.cuts(FillLevel(), path, None, stop - at)[0]
        return at + cut.stop, schema

    def _ends(self, interleaved: Interleaved, at: int, schema: Schema | None) -> int:
        """Where the first record stands whose schema ends a file of a schema, or that cannot be compared with it."""
        others = [
            number
            for number, group in enumerate(interleaved.groups)
            if _may_end(self.compatibility, schema, group.value.schema)
        ]
        return interleaved.until(at, others)

    def take(self, partition: PartitionFiles, batch: Batch) -> None:
        """Takes what of the batch is new to the partition. Raises DataError, and has taken nothing then."""
        fresh = partition.fresh(batch)
        if fresh is None:
            return
        if partition.redo is not None:
            fresh = self._again(partition, partition.redo, fresh)
            if fresh is None:
                return
            partition.end_redo(fresh.offsets[0])
        parts = list(self._parts(fresh))
        for ready in [self._ready(partition, part, tombstones) for tombstones, part in parts]:
            self._spread(partition, ready)
        partition.next = fresh.offsets[-1] + 1
        if sum(len(part) for _, part in parts) < len(fresh):
            self._report_nulls(fresh)

    def _again(self, partition: PartitionFiles, redo: Redo, batch: Batch) -> Batch | None:
        """Takes the records of objects that are made again; the rest of the batch, if any is left."""
        count = sum(offset < redo.end for offset in batch.offsets)
        old = batch.slice(0, count)
        encoded = []
        for number, indices in redo.parts(old):
            side, file, part = redo.missing[number].entry.side, redo.files.get(number), old.take(indices)
            form, written = self._form(side), self._written(part, side)
            schema = self._schema(written) if file is None else file.schema
            encoded.append((number, schema, form, form.encode(projected(written, schema), schema), part.offsets))
        for number, schema, form, chunk, taken in encoded:
            partition.file_made_again(number, schema, form).add(chunk, taken)
        if count:
            partition.next = old.offsets[-1] + 1
        return batch.slice(count, len(batch)) if count < len(batch) else None

    def _parts(self, batch: Batch) -> Iterator[tuple[bool, Batch]]:
        """What is to be written of a batch, in order; the flag is for null values."""
        if self.nulls == "keep" or not _has_nulls(batch):
            yield False, batch
            return
        if self.nulls == "refuse":
            raise DataError("The value is null, which files of Avro and Parquet cannot have; csv, json and jsonl can")
        if self.nulls == "fail":
            raise DataError("The value is null, and behavior.on.null.values=fail")
        tombstones = [value is None for value in batch.value.rows().values]
        if self.nulls == "write":
            for part in in_order([part for _, part in batch.split(tombstones)]):
                yield part.value.rows().values[0] is None, part
        elif kept := [index for index, null in enumerate(tombstones) if not null]:
            yield False, batch.take(kept)

    def _report_nulls(self, batch: Batch) -> None:
        for index, value in enumerate(batch.value.rows().values):
            if value is None:
                self.report_null(batch, index)

    def _ready(self, partition: PartitionFiles, batch: Batch, tombstones: bool) -> _Ready:
        layout = self.layout
        times, paths = layout.times_and_paths(batch, tombstones)
        written = {side: self._written(batch, side) for side in layout.files(tombstones)}
        schemas = {side: self._schema(each) for side, each in written.items()}
        targets = {side: {schema} for side, schema in schemas.items()}
        number, last = batch.source.partition, batch.offsets[-1]
        for path in distinct(paths):
            for side, schema in schemas.items():
                destination = Destination(batch.topic, path, side)
                self._check(destination, number, last)
                file = partition.open.get(destination)
                if file is None or file.schema is schema:
                    continue
                if not _ends(partition, destination, schema, self.compatibility):
                    targets[side].add(file.schema)
        encoded = {
            side: {schema: self._form(side).encode(projected(written[side], schema), schema) for schema in wanted}
            for side, wanted in targets.items()
        }
        return _Ready(batch, batch.offsets, paths, times, encoded, schemas)

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

    def _spread(self, partition: PartitionFiles, ready: _Ready) -> None:
        stale = ready.stale(partition, self.compatibility)
        if stale is None:
            self._add(partition, ready, 0, len(ready.offsets))
            return
        if stale:
            self._add(partition, ready, 0, stale)
        partition.rotate()
        self._add(partition, ready, stale, len(ready.offsets))

    def _add(self, partition: PartitionFiles, ready: _Ready, start: int, stop: int) -> None:
        rotation, level = self.layout.rotation, partition.level
        paths = ready.paths if isinstance(ready.paths, str) else ready.paths[start:stop]
        times = None if ready.times is None else ready.times[start:stop]
        for cut in rotation.cuts(level, paths, times, stop - start):
            if cut.before:
                partition.rotate()
            self._add_run(partition, ready, start + cut.start, start + cut.stop)
            if rotation.full(level):
                partition.rotate()

    def _add_run(self, partition: PartitionFiles, ready: _Ready, start: int, stop: int) -> None:
        rotation, level, now = self.layout.rotation, partition.level, int(time.time() * 1000)
        if not level.count:
            level.base = None if ready.times is None else ready.times[start]
            level.scheduled = rotation.next_schedule(now)
        level.paths |= self._taken(partition, ready, start, stop)
        level.last = ready.paths if isinstance(ready.paths, str) else ready.paths[stop - 1]
        level.count += stop - start
        level.touched = now
        partition.next = ready.offsets[stop - 1] + 1
        if rotation.size:
            level.size = sum(file.size for file in partition.open.values())

    def _taken(self, partition: PartitionFiles, ready: _Ready, start: int, stop: int) -> set[str]:
        """Takes the run into the files of its paths; gives the paths."""
        paths = distinct(ready.paths if isinstance(ready.paths, str) else ready.paths[start:stop])
        # Where bytes close files, each byte is to be seen at once.
        run = (
            None
            if self.layout.rotation.size or stop - start >= FEW_RECORDS_A_PATH * len(paths)
            else ready.run(start, stop)
        )
        if run is None:
            partition.distribute()
            self._distribute(partition, ready, list(_groups(ready.paths, start, stop)))
            return paths
        for side, schema in ready.schemas.items():
            for path in paths:
                partition.file(Destination(ready.batch.topic, path, side), schema, self._form(side))
        partition.buffer(run)
        return paths

    def _distribute(self, partition: PartitionFiles, ready: _Ready, groups: Sequence[Group]) -> None:
        offsets = [[ready.offsets[index] for index in indices] for _, indices in groups]
        for side, schema in ready.schemas.items():
            form = self._form(side)
            files = [partition.file(Destination(ready.batch.topic, path, side), schema, form) for path, _ in groups]
            for file, chunk, taken in zip(files, ready.chunks(side, files, groups), offsets, strict=True):
                file.add(chunk, taken)


def distinct(paths: Paths) -> set[str]:
    """The paths that occur."""
    return {paths} if isinstance(paths, str) else set(paths)


def _ends(
    partition: PartitionFiles, destination: Destination, schema: Schema | None, compatibility: Compatibility
) -> bool:
    """Whether records of a schema end the file that is open there; keys and headers of another schema always do."""
    file = partition.open.get(destination)
    if file is None or file.schema is schema:
        return False
    return ends_file("NONE" if destination.side else compatibility, file.schema, schema)


def _may_end(compatibility: Compatibility, file: Schema | None, record: Schema | None) -> bool:
    try:
        return ends_file(compatibility, file, record)
    except DataError:
        return True


def _has_nulls(batch: Batch) -> bool:
    return isinstance(batch.value, Rows) and None in batch.value.values


def _groups(paths: Paths, start: int, stop: int) -> Iterator[Group]:
    """The indices of each path's records."""
    if isinstance(paths, str):
        yield paths, range(start, stop)
        return
    if paths[start] == paths[stop - 1] and paths[start:stop].count(paths[start]) == stop - start:
        yield paths[start], range(start, stop)
        return
    found: dict[str, list[int]] = {}
    for index in range(start, stop):
        found.setdefault(paths[index], []).append(index)
    yield from found.items()
