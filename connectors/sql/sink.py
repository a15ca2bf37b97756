"""Writes records to tables of a database, exactly once: rows and the next offset are one transaction."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial

import polars as pl

from ferryman.api import Assigned, BadRecords, Committed, Sink, SinkContext
from ferryman.chain.narrowing import narrow
from ferryman.connectors.sql.config.rules import SqlSinkConfig, effectless, topics_follow_records
from ferryman.connectors.sql.database.loads import Part, found, in_order, joined, pieces, runs
from ferryman.connectors.sql.database.offsets_table import Move, Offsets, Owner, moves_of, open_partitions
from ferryman.connectors.sql.database.rights import explained, use_of
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.dialects.dialect import Apply, Load, Refused, Run, TableColumn
from ferryman.connectors.sql.dialects.faults import StaleTable
from ferryman.connectors.sql.dialects.names import TableName, table_name
from ferryman.connectors.sql.layout.change_events import Change, changes
from ferryman.connectors.sql.layout.checks import check
from ferryman.connectors.sql.layout.columns import Place, columns_for
from ferryman.connectors.sql.layout.fitting import fitted
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.frame import columns_of, tombstones
from ferryman.connectors.sql.records.values import Zones, json_text
from ferryman.errors import DataError, FerrymanError, Indeterminate, RetriableError, TaskError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import Schema

_LOOKS = 3
"""How often tables are looked at again before an error is believed: they may change once more meanwhile."""

_WARY = 50
"""How many puts are still done row by row after the last in which the database refused one: the next may be near."""
_RUN = 64
"""Rows that are tried together there."""

logger = logging.getLogger(__name__)


class SqlSinkConnector(Sink[SqlSinkConfig]):
    """The SQL sink, under the names of the JDBC sinks whose configs it takes."""

    config_class = SqlSinkConfig
    classes = (
        "io.confluent.connect.jdbc.JdbcSinkConnector",
        "io.aiven.connect.jdbc.JdbcSinkConnector",
        "io.debezium.connector.jdbc.JdbcSinkConnector",
    )
    task_classes = (
        "io.confluent.connect.jdbc.sink.JdbcSinkTask",
        "io.aiven.connect.jdbc.sink.JdbcSinkTask",
        "io.debezium.connector.jdbc.JdbcSinkConnectorTask",
    )
    truth = "the table of offsets, moved by compare-and-set in the transaction that writes the rows"
    atomic = True
    columnar = True
    any_order = True

    def __init__(self, config: SqlSinkConfig, context: SinkContext) -> None:
        super().__init__(config, context)
        zones = Zones(config.db_timezone, config.date_zone)
        self._session, self._offsets = _connect(config, context)
        self._tables = Tables(config, self._session, zones)
        self._writer = self._session.dialect.writer(self._session, config.mode, zones)
        self._positions: dict[TopicPartition, int] = {}
        """The next offset of each partition of ours, as this task left it in the table of offsets."""
        self._failures = 0
        """How often the database could not write since it last did."""
        self._wary = 0
        """How many puts more are not worth trying as a whole."""
        self._names: dict[str, TableName] = {}
        """The table of each topic seen."""
        self._layouts: dict[tuple[TableName, str, Schema | None, Schema | None], tuple[Column, ...]] = {}
        """The columns that a topic's key and value schema need."""

    @classmethod
    def alter_offsets(
        cls, config: SqlSinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        """Moves or forgets the offsets in the database."""
        session, stored = _connect(config, context)
        try:
            stored.create(session)
            with session.transaction("alter the stored offsets") as connection:
                stored.alter(connection, offsets)
        finally:
            session.close()
        return True

    def start(self) -> None:
        """Warns about keys without effect; the database is not needed yet."""
        for warning in effectless(self.context.raw):
            logger.warning("%s: %s", self.context.connector, warning)

    def stop(self) -> None:
        """Closes the connection."""
        self._session.close()

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """The stored offsets, or new rows with the group's. Raises TaskError if there can be no right place."""
        with explained(self._session, lambda: [self._offsets.use]):
            found = open_partitions(self._session, self._offsets, partitions)
        self._positions.update(found)
        return found

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the positions of partitions that others may move from now on."""
        for source in partitions:
            self._positions.pop(source, None)

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Writes batches and their partitions' next offsets in one transaction: all of it or nothing."""
        try:
            self._put(batches, sorted({self._table(batch) for batch in batches}, key=str))
        except Indeterminate:
            raise
        except RetriableError as error:
            self._failures += 1
            most = self.config.max_retries
            if most is not None and self._failures > most:
                raise TaskError(f"{error} (given up after max.retries={most})") from None
            raise
        self._failures = 0
        return len(batches)

    def _put(self, batches: Sequence[Batch], tables: Sequence[TableName]) -> None:
        with explained(self._session, lambda: [use_of(self.config, table) for table in tables]):
            for _ in range(_LOOKS):
                try:
                    self._write(batches, wary=self._wary > 0)
                    return
                except (DataError, TaskError) as error:
                    if not self._looks_again(tables, error):
                        if self._wary or not _can_be_narrowed(batches, error):
                            raise
                        break
            self._write(batches, wary=True)

    def _looks_again(self, tables: Sequence[TableName], error: FerrymanError) -> bool:
        """Whether an error may be that of a table which has changed, so that all must be looked at and tried again."""
        changed = tables if isinstance(error, StaleTable) else self._tables.changed(tables)
        for table in changed:
            logger.info("Looking at %s again: %s", table, error)
            self._tables.forget(table)
        return bool(changed)

    def _write(self, batches: Sequence[Batch], wary: bool) -> None:
        """All of it in as few statements as can be; or, where the database may refuse rows, in the order of the poll
        and without these, which are reported."""
        # The order of events, and why it is this one:
        #   1. tables are looked at, created, evolved; staging tables are made: each in a transaction of its own, since
        #      DDL may commit whatever is open
        #   2. the data's transaction begins, and rows go to the database: this takes long, and locks nothing of others'
        #   3. the offsets move, if they are where this task left them: their rows are locked, a successor waits; the
        #      tables, which nobody can change any more, are compared with what they were
        #   4. rows go into their tables, and all is committed: short, and the database needs nothing of this process
        # Killed before the commit, nothing of it is there; after it, all of it, and the next owner starts behind it.
        crash_point = self.context.crash_point
        moves = moves_of(self._positions, batches)
        parts = self._parts(batches)
        loads, places = in_order(parts) if wary else (joined(parts, self.config.mode), [])
        loads = list(pieces(loads, None if wary else self.config.batch_size))
        if loads:
            self._writer.prepare(loads)
        with self._session.transaction(f"write to {self._named(batches)}") as connection:
            crash_point("sql.before_rows")
            unfit: Sequence[Refused] = ()
            if wary:
                steps, unfit = self._writer.sift(connection, loads)
            else:
                steps = self._writer.stage(connection, loads)
            self._offsets.advance(connection, moves)
            self._tables.verify(connection, {load.table for load in loads})
            if wary:
                self._report(batches, places, [*unfit, *self._writer.each(connection, self._runs(loads, steps))])
            else:
                self._writer.write(connection, loads, steps)
            crash_point("sql.after_rows")
            crash_point("sql.before_commit")
        self._positions.update({source: move.following for source, move in moves.items()})
        crash_point("sql.after_commit")

    def _runs(self, loads: Sequence[Load], steps: Sequence[Apply]) -> list[Run]:
        most = _RUN if self.config.batch_size is None else min(_RUN, max(1, self.config.batch_size))
        return [Run(loads[number], steps[number], first, last) for number, first, last in runs(loads, most)]

    def _report(self, batches: Sequence[Batch], places: Sequence[int], refused: Sequence[Refused]) -> None:
        """Raises what the report raises: then nothing of the put is written."""
        self._wary = _WARY if refused else max(0, self._wary - 1)
        if refused:
            in_order = sorted(refused, key=lambda each: each.seq)
            records = found(batches, [places[each.seq] for each in in_order])
            self.context.report_all([(*record, each.error) for record, each in zip(records, in_order, strict=True)])

    def _named(self, batches: Sequence[Batch]) -> str:
        return ", ".join(sorted({str(self._table(batch)) for batch in batches}))

    def _parts(self, batches: Sequence[Batch]) -> list[Part]:
        """What to write of each batch. Raises BadRecords for all that cannot be rows, whatever the database says."""
        parts, bad = list[Part](), list[tuple[Batch, int, Exception]]()
        works: dict[int, int] = {}
        for batch in batches:
            work = works.setdefault(id(batch.origin), len(works))
            try:
                parts += self._rows(batch, work)
            except BadRecords as error:
                bad += error.found
            except DataError:
                _, guilty = narrow(len(batch), partial(self._tried, batch, work), DataError)
                bad += [(batch, index, error) for index, error in guilty]
        if bad:
            raise BadRecords(bad)
        return parts

    def _tried(self, batch: Batch, work: int, start: int, stop: int) -> None:
        self._rows(batch.slice(start, stop), work)

    def _rows(self, batch: Batch, work: int) -> list[Part]:
        change = self._change(batch)
        if change is None:
            return []
        check(self.config, self.context.connector, change.batch, change.deletes)
        found = (self._part(same, work, is_deleted) for is_deleted, same in change.split())
        return [part for part in found if part is not None]

    def _change(self, batch: Batch) -> Change | None:
        if self.config.is_debezium:
            return changes(batch, self.config, self._session.dialect.types.notation)
        return Change(batch, tombstones(batch))

    def _part(self, batch: Batch, work: int, deletes: bool) -> Part | None:
        """Records that are all to be written or all to be deleted; None if there is nothing to do."""
        table = self._table(batch)
        if deletes and not (self.config.delete_enabled and self._tables.exists(table)):
            return None
        is_known_by_key = deletes and self.config.pk_mode == "record_key"
        wanted = self._layout(table, batch.topic, batch.key.schema, None if is_known_by_key else batch.value.schema)
        columns = self._tables.columns(table, wanted)
        return Part(table, columns, self._frame(table, batch, columns, deletes), deletes, work, batch.positions)

    def _frame(self, table: TableName, batch: Batch, columns: Sequence[TableColumn], deletes: bool) -> pl.DataFrame:
        texts = ((column.source, json_text if column.form == "json" else None) for column in columns)
        values = columns_of(batch, texts, self.config.replace_null_with_default)
        return pl.DataFrame(list(fitted(table, batch, columns, values, partial(self._needs_value, deletes))))

    def _needs_value(self, deletes: bool, column: TableColumn) -> bool:
        is_key = column.primary and (deletes or self.config.mode != "insert")
        return is_key or (column.required and not deletes)

    def _layout(self, table: TableName, topic: str, key: Schema | None, value: Schema | None) -> tuple[Column, ...]:
        found = self._layouts.get((table, topic, key, value))
        if found is None:
            found = columns_for(self.config, Place(table, topic), key, value)
            self._layouts[table, topic, key, value] = found
        return found

    def _table(self, batch: Batch) -> TableName:
        """Raises TaskError for a name that the config alone makes impossible, DataError if the record took part."""
        found = self._names.get(batch.topic)
        if found is None:
            try:
                found = self._names[batch.topic] = self.config.table(batch.topic, self._session.dialect.naming)
            except DataError as error:
                if topics_follow_records(self.context.raw) and batch.topic != batch.source.topic:
                    raise
                raise TaskError(f"{error} (see table.name.format)") from None
        return found

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """Moves the stored offsets past records that were dropped or dead-lettered, then lets the group follow."""
        behind = {
            source: Move(self._positions[source], offset)
            for source, offset in offsets.items()
            if source in self._positions and self._positions[source] < offset
        }
        if behind:
            with self._session.transaction("move the stored offsets on") as connection:
                self._offsets.advance(connection, behind)
            self._positions.update({source: move.following for source, move in behind.items()})
        return {source: Committed(offset) for source, offset in offsets.items()}


def _can_be_narrowed(batches: Sequence[Batch], error: Exception) -> bool:
    return isinstance(error, DataError) and not isinstance(error, BadRecords) and sum(map(len, batches)) > 1


def _connect(config: SqlSinkConfig, context: SinkContext) -> tuple[Session, Offsets]:
    database = config.database(context.raw)
    session = Session(
        database, connect_backoff=_seconds(config.connection_backoff_ms), backoff=_seconds(config.retry_backoff_ms)
    )
    name = table_name(config.offsets_table_name, database.dialect.naming, config.quotes)
    return session, Offsets(name, Owner(context.cluster, context.connector), database.dialect)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
