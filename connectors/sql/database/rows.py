"""The rows that records stand for, as parts of what a transaction writes."""

import contextlib
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import polars as pl

from ferryman.api import BadRecords, SinkContext
from ferryman.chain.narrowing import narrow, without_records
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig, topics_follow_records
from ferryman.connectors.sql.config.version_rules import version_field
from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.layout.change_events import Change, changes
from ferryman.connectors.sql.layout.checks import check, check_whole_key
from ferryman.connectors.sql.layout.columns import Place, columns_for
from ferryman.connectors.sql.layout.fitting import values_to_write
from ferryman.connectors.sql.layout.version_column import with_version
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.frame import columns_of, tombstones
from ferryman.connectors.sql.records.values import Zones, json_text
from ferryman.errors import DataError, TaskError
from ferryman.joining import as_one
from ferryman.record import Batch, Columns, Polled
from ferryman.repeated import places_of
from ferryman.runs.keys import RunKeys
from ferryman.schema import Schema

Made = TypeVar("Made")


class RowMaker:
    """Makes the rows of one task."""

    def __init__(self, config: SqlSinkConfig, context: SinkContext, session: Session, tables: Tables) -> None:
        self._config, self._context, self._session, self._tables = config, context, session, tables
        run = RunKeys.of(context.raw)
        self._whole_keys = run is not None and run.ferryman_run_fold
        """Whether a row must be known by the whole key of its records."""
        self._version_field = version_field(context.raw)
        self._zones = Zones(config.db_timezone, config.date_zone)
        self._names: dict[str, TableName] = {}
        """The table of each topic seen."""
        self._layouts: dict[tuple[TableName, str, Schema | None, Schema | None], tuple[Column, ...]] = {}
        """The columns that a topic's key and value schema need."""

    def parts_without_bad(self, batches: Sequence[Batch]) -> tuple[list[Part], list[Polled]]:
        """The rows of what was read again, and the raw records that their parts number; what cannot be one is nobody's
        row."""
        while True:
            try:
                return self.parts(batches), origins_of(batches)
            except BadRecords as error:
                batches = without_records(batches, [(batch, index) for batch, index, _ in error.found])

    def parts(self, batches: Sequence[Batch]) -> list[Part]:
        """What to write of each batch. Raises BadRecords for all that cannot be rows, whatever the database says."""
        found, bad = list[_Placed](), list[tuple[Batch, int, Exception]]()
        works = {origin: number for number, origin in enumerate(dict.fromkeys(id(each.origin) for each in batches))}
        # Deletions last: of a table that others of these records make there is nothing to delete before.
        in_order = sorted(batches, key=lambda each: each.value.schema is None)
        self._prepare(in_order)
        for batch in in_order:
            found += _sifted(batch, partial(self._placed, work=works[id(batch.origin)]), bad)
        parts = [part for each in _joined(found) for part in _sifted(each.batch, partial(self._part, each), bad)]
        if bad:
            raise BadRecords(bad)
        return parts

    def _prepare(self, batches: Sequence[Batch]) -> None:
        """Has the tables that are new to this task looked at and made together, as far as that can be foreseen."""
        wanted: dict[TableName, tuple[Column, ...] | None] = {}
        for batch in batches:
            with contextlib.suppress(DataError, TaskError):
                table = self.table(batch)
                if wanted.get(table) is None and not self._tables.knows(table):
                    wanted[table] = self._foreseen(table, batch)
        self._tables.prepare(wanted)

    def _foreseen(self, table: TableName, batch: Batch) -> tuple[Column, ...] | None:
        """The columns that a table needs for the first of these records; None if that deletes, or if it is not sure to
        be written."""
        try:
            change = self._change(batch.slice(0, 1))
            if change is None or change.deletes is not None:
                return None
            check(self._config, self._context.connector, change.batch, None)
            return self._layout(table, batch.topic, change.batch.key.schema, change.batch.value.schema)
        except (BadRecords, DataError, TaskError):
            return None

    def _placed(self, batch: Batch, work: int) -> list["_Placed"]:
        change = self._change(batch)
        if change is None:
            return []
        check(self._config, self._context.connector, change.batch, change.deletes)
        found = (self._place(same, work, is_deleted) for is_deleted, same in sorted(change.split(), key=_deletes))
        return [each for each in found if each is not None]

    def _change(self, batch: Batch) -> Change | None:
        if self._config.is_debezium:
            return changes(batch, self._config, self._session.dialect.types.notation)
        return Change(batch, tombstones(batch))

    def _place(self, batch: Batch, work: int, deletes: bool) -> "_Placed | None":
        """Records that are all to be written or all to be deleted; None if there is nothing to do."""
        table = self.table(batch)
        if deletes and self._version_field is not None:
            return None  # it has no version
        if deletes and not (self._config.delete_enabled and self._tables.exists(table)):
            return None
        is_known_by_key = deletes and self._config.pk_mode == "record_key"
        wanted = self._layout(table, batch.topic, batch.key.schema, None if is_known_by_key else batch.value.schema)
        columns = self._tables.columns(table, wanted)
        if self._whole_keys:
            check_whole_key(self._config, batch, columns)
        if self._version_field is not None:
            columns = with_version(table, columns, self._version_field, self._zones, batch)
        return _Placed(batch, table, columns, deletes, work)

    def _part(self, placed: "_Placed", batch: Batch) -> list[Part]:
        """Some of the records, or all, as rows."""
        frame = self._frame(placed.table, batch, placed.columns, placed.deletes)
        return [Part(placed.table, placed.columns, frame, placed.deletes, placed.work, batch.positions)]

    def _frame(self, table: TableName, batch: Batch, columns: Sequence[TableColumn], deletes: bool) -> pl.DataFrame:
        texts = ((column.source, json_text if column.form == "json" else None) for column in columns)
        values = columns_of(batch, texts, self._config.replace_null_with_default)
        return pl.DataFrame(list(values_to_write(table, batch, columns, values, partial(self._needs_value, deletes))))

    def _needs_value(self, deletes: bool, column: TableColumn) -> bool:
        is_key = column.primary and (deletes or self._config.mode != "insert")
        return is_key or column.is_version or (column.required and not deletes)

    def _layout(self, table: TableName, topic: str, key: Schema | None, value: Schema | None) -> tuple[Column, ...]:
        found = self._layouts.get((table, topic, key, value))
        if found is None:
            found = columns_for(self._config, Place(table, topic), key, value)
            self._layouts[table, topic, key, value] = found
        return found

    def table(self, batch: Batch) -> TableName:
        """Raises TaskError for a name that the config alone makes impossible, DataError if the record took part."""
        found = self._names.get(batch.topic)
        if found is None:
            try:
                found = self._names[batch.topic] = self._config.table(batch.topic, self._session.dialect.naming)
            except DataError as error:
                if topics_follow_records(self._context.raw) and batch.topic != batch.source.topic:
                    raise
                raise TaskError(f"{error} (see table.name.format)") from None
        return found

    def tables_of(self, batches: Sequence[Batch]) -> str:
        """The names of the tables that batches are for."""
        return ", ".join(sorted({str(self.table(batch)) for batch in batches}))


@dataclass(frozen=True, slots=True)
class _Placed:
    """Records of which it is known where they go, before they are rows."""

    batch: Batch
    table: TableName
    columns: tuple[TableColumn, ...]
    deletes: bool
    """Whether their rows are to be deleted."""
    work: int
    """As ``Part`` has it."""

    @property
    def shared(self) -> Hashable:
        """What records share that are made rows together: their columns, but not the schemas that these come of."""
        batch = self.batch
        value = tuple(batch.value.frame.schema.items()) if isinstance(batch.value, Columns) else ()
        key = tuple(batch.key.frame.schema.items()) if isinstance(batch.key, Columns) else ()
        forms = type(batch.key), batch.key.schema, key, type(batch.value), value
        return self.work, self.table, id(self.columns), self.deletes, batch.topic, batch.original_source, forms


def _joined(found: Sequence[_Placed]) -> Iterator[_Placed]:
    """A thousand schemas that differ in their versions alone make one frame, and not a thousand of a few rows."""
    if len(found) < 2:
        yield from found
        return
    for places in places_of([each.shared for each in found]).values():
        yield replace(found[places[0]], batch=as_one([found[place].batch for place in places]))


def _sifted(
    batch: Batch, attempt: Callable[[Batch], list[Made]], bad: list[tuple[Batch, int, Exception]]
) -> list[Made]:
    """What is made of a batch; the records that nothing can be made of go to ``bad``."""
    try:
        return attempt(batch)
    except BadRecords as error:
        bad += error.found
    except DataError:
        _, guilty = narrow(len(batch), lambda start, stop: attempt(batch.slice(start, stop)), DataError)
        bad += [(batch, index, error) for index, error in guilty]
    return []


def _deletes(side: tuple[bool, Batch]) -> bool:
    return side[0]


def origins_of(batches: Sequence[Batch]) -> list[Polled]:
    """The raw records of batches, in the order in which parts number them."""
    return list({id(batch.origin): batch.polled for batch in batches}.values())
