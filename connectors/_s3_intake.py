"""Takes batches into the open files of a Kafka partition: all of a batch, or nothing of it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ferryman.connectors._s3_compatibility import Compatibility, ends_file, projected
from ferryman.connectors._s3_formats import chosen
from ferryman.connectors._s3_layout import Layout
from ferryman.connectors._s3_ledger import Ledger, Redo, without_nulls
from ferryman.connectors._s3_names import Place, checked
from ferryman.connectors._s3_partition import Paths
from ferryman.errors import DataError
from ferryman.record import Batch, Columns
from ferryman.schema import Schema


@dataclass(frozen=True, slots=True)
class _Ready:
    """A batch of which everything that can fail has been done: paths, and the records encoded for each schema."""

    batch: Batch
    offsets: Sequence[int]
    paths: Paths
    times: Sequence[int] | None
    stale: int | None
    """The first record that goes where a file of another schema is open."""
    encoded: dict[Schema | None, Any]


@dataclass(frozen=True, slots=True)
class Intake:
    """``report_null`` is told of each null value that is skipped; None: a null value is a data error."""

    layout: Layout
    compatibility: Compatibility
    report_null: Callable[[Batch, int], None] | None

    def take(self, ledger: Ledger, batch: Batch) -> None:
        """Takes what of the batch is new to the ledger. Raises DataError, and has taken nothing then."""
        fresh = ledger.fresh(batch)
        if fresh is None:
            return
        if ledger.redo is not None:
            fresh = self._again(ledger, ledger.redo, fresh)
            if fresh is None:
                return
            ledger.end_redo(fresh.offsets[0])
        kept = self._without_nulls(fresh)
        if kept is not None:
            self._spread(ledger, self._ready(ledger, kept))
        ledger.next = fresh.offsets[-1] + 1
        if kept is not fresh:
            self._report_nulls(fresh)

    def _again(self, ledger: Ledger, redo: Redo, batch: Batch) -> Batch | None:
        """Takes the records of objects that are made again; the rest of the batch, if any is left."""
        count = sum(offset < redo.end for offset in batch.offsets)
        old = batch.slice(0, count)
        form, offsets = self.layout.format, old.offsets
        encoded = []
        for number, places in redo.parts(old):
            file = redo.files.get(number)
            schema = old.value.schema if file is None else file.schema
            records = form.encode(projected(old, schema), schema)
            encoded.append((number, schema, chosen(records, places), [offsets[place] for place in places]))
        for number, schema, chunk, taken in encoded:
            ledger.again(number, schema, form).add(chunk, taken)
        if count:
            ledger.next = offsets[-1] + 1
        return batch.slice(count, len(batch)) if count < len(batch) else None

    def _without_nulls(self, batch: Batch) -> Batch | None:
        if isinstance(batch.value, Columns):
            return batch
        kept = without_nulls(batch)
        if kept is not batch and self.report_null is None:
            raise DataError("The value is null, and behavior.on.null.values=fail")
        return kept

    def _report_nulls(self, batch: Batch) -> None:
        assert self.report_null is not None
        for index, value in enumerate(batch.value.rows().values):
            if value is None:
                self.report_null(batch, index)

    def _ready(self, ledger: Ledger, batch: Batch) -> _Ready:
        layout, schema = self.layout, batch.value.schema
        times = None if layout.times is None else layout.times(batch)
        paths = layout.partitioner.paths(batch, times)
        distinct = {paths} if isinstance(paths, str) else set(paths)
        for path in distinct:
            checked(layout.names.key(Place(batch.topic, path), batch.source.partition, batch.offsets[-1]))
        targets, stale = {schema}, set[str]()
        for path in distinct:
            file = ledger.open.get(Place(batch.topic, path))
            if file is not None and ends_file(self.compatibility, file.schema, schema):
                stale.add(path)
            elif file is not None:
                targets.add(file.schema)
        encoded = {target: layout.format.encode(projected(batch, target), target) for target in targets}
        return _Ready(batch, batch.offsets, paths, times, _first(paths, stale), encoded)

    def _spread(self, ledger: Ledger, ready: _Ready) -> None:
        if ready.stale is None:
            self._add(ledger, ready, 0, len(ready.offsets))
            return
        if ready.stale:
            self._add(ledger, ready, 0, ready.stale)
        ledger.rotate()
        self._add(ledger, ready, ready.stale, len(ready.offsets))

    def _add(self, ledger: Ledger, ready: _Ready, start: int, stop: int) -> None:
        rotation, window = self.layout.rotation, ledger.window
        paths = ready.paths if isinstance(ready.paths, str) else ready.paths[start:stop]
        times = None if ready.times is None else ready.times[start:stop]
        for cut in rotation.cuts(window, paths, times, stop - start):
            if cut.before:
                ledger.rotate()
            self._add_run(ledger, ready, start + cut.start, start + cut.stop)
            if rotation.full(window):
                ledger.rotate()

    def _add_run(self, ledger: Ledger, ready: _Ready, start: int, stop: int) -> None:
        rotation, window, now = self.layout.rotation, ledger.window, int(time.time() * 1000)
        if not window.count:
            window.base = None if ready.times is None else ready.times[start]
            window.scheduled = rotation.next_schedule(now)
        for path, indices in _groups(ready.paths, start, stop):
            file = ledger.file(Place(ready.batch.topic, path), ready.batch.value.schema, self.layout.format)
            chunk = chosen(ready.encoded[file.schema], indices)
            file.add(chunk, [ready.offsets[index] for index in indices])
            window.paths.add(path)
        window.last = ready.paths if isinstance(ready.paths, str) else ready.paths[stop - 1]
        window.count += stop - start
        window.touched = now
        ledger.next = ready.offsets[stop - 1] + 1
        if rotation.size:
            window.size = sum(file.size for file in ledger.open.values())


def _first(paths: Paths, wanted: set[str]) -> int | None:
    if not wanted:
        return None
    return 0 if isinstance(paths, str) else next(index for index, path in enumerate(paths) if path in wanted)


def _groups(paths: Paths, start: int, stop: int) -> Iterator[tuple[str, Sequence[int]]]:
    """The places of each path's records."""
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
