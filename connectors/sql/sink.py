"""Writes records to tables of a database, exactly once: rows and the next offset are one transaction."""

import logging
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from ferryman.api import Assigned, Committed, Sink, SinkContext
from ferryman.connectors.sql.config.rules import SqlSinkConfig, effectless
from ferryman.connectors.sql.database.loads import Part, joined
from ferryman.connectors.sql.database.offsets_table import Move, Offsets, Owner, moves_of, open_partitions
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.dialects.dialect import StaleTable, TableColumn
from ferryman.connectors.sql.dialects.names import TableName, table_name
from ferryman.connectors.sql.layout.checks import check
from ferryman.connectors.sql.layout.columns import columns_for
from ferryman.connectors.sql.records.column import Column
from ferryman.connectors.sql.records.frame import columns_of, tombstones
from ferryman.connectors.sql.records.values import Zones, json_text
from ferryman.errors import DataError
from ferryman.record import Batch, TopicPartition
from ferryman.schema import Schema

logger = logging.getLogger(__name__)


class SqlSinkConnector(Sink[SqlSinkConfig]):
    """The SQL sink, under the names of the JDBC sinks whose configs it takes."""

    config_class = SqlSinkConfig
    classes = (
        "io.confluent.connect.jdbc.JdbcSinkConnector",
        "io.aiven.connect.jdbc.JdbcSinkConnector",
        "io.debezium.connector.jdbc.JdbcSinkConnector",
    )
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
        self._names: dict[str, TableName] = {}
        """The table of each topic seen."""
        self._layouts: dict[tuple[TableName, Schema | None, Schema | None], tuple[Column, ...]] = {}
        """The columns that a key and value schema need."""

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
            self._write(batches)
        except StaleTable as error:
            for table in sorted({self._table(batch.topic) for batch in batches}, key=str):
                logger.info("Looking at %s again: %s", table, error)
                self._tables.forget(table)
            self._write(batches)
        return len(batches)

    def _write(self, batches: Sequence[Batch]) -> None:
        # The order of events, and why it is this one:
        #   1. tables are looked at, created, evolved; staging tables are made: each in a transaction of its own, since
        #      DDL may commit whatever is open
        #   2. the data's transaction begins, and rows go to the database: this takes long, and locks nothing of others'
        #   3. the offsets move, if they are where this task left them: their rows are locked, a successor waits
        #   4. rows go into their tables, and all is committed: short, and the database needs nothing of this process
        # Killed before the commit, nothing of it is there; after it, all of it, and the next owner starts behind it.
        crash_point = self.context.crash_point
        moves = moves_of(self._positions, batches)
        loads = joined(self._parts(batches), self.config.mode == "insert")
        if loads:
            self._writer.prepare(loads)
        with self._session.transaction(f"write to {self._named(batches)}") as connection:
            crash_point("sql.before_rows")
            steps = [self._writer.stage(connection, load) for load in loads]
            self._offsets.advance(connection, moves)
            for apply in steps:
                apply()
            crash_point("sql.after_rows")
            crash_point("sql.before_commit")
        self._positions.update({source: move.following for source, move in moves.items()})
        crash_point("sql.after_commit")

    def _named(self, batches: Sequence[Batch]) -> str:
        return ", ".join(sorted({str(self._table(batch.topic)) for batch in batches}))

    def _parts(self, batches: Sequence[Batch]) -> Iterator[Part]:
        """What to write of each batch."""
        works: dict[int, int] = {}
        for batch in batches:
            work = works.setdefault(id(batch.origin), len(works))
            deletes = tombstones(batch)
            check(self.config, self.context.connector, batch, deletes)
            for is_deleted, same in [(False, batch)] if deletes is None else batch.split(deletes):
                part = self._part(same, work, is_deleted)
                if part is not None:
                    yield part

    def _part(self, batch: Batch, work: int, deletes: bool) -> Part | None:
        """Records that are all to be written or all to be deleted; None if there is nothing to do."""
        table = self._table(batch.topic)
        if deletes and not (self.config.delete_enabled and self._tables.exists(table)):
            return None
        wanted = self._layout(table, batch.key.schema, None if deletes else batch.value.schema)
        columns = self._tables.columns(table, wanted)
        return Part(table, columns, self._frame(batch, columns, deletes), work, batch.positions)

    def _frame(self, batch: Batch, columns: Sequence[TableColumn], deletes: bool) -> pl.DataFrame:
        texts = ((column.source, json_text if column.form == "json" else None) for column in columns)
        values = columns_of(batch, texts, self.config.replace_null_with_default)
        flags = pl.Series("tombstone", [deletes]).new_from_index(0, len(batch))
        frame = pl.DataFrame([flags, *values])
        if self.config.mode != "insert" or deletes:
            _no_null_keys(frame, columns)
        return frame

    def _layout(self, table: TableName, key: Schema | None, value: Schema | None) -> tuple[Column, ...]:
        found = self._layouts.get((table, key, value))
        if found is None:
            found = self._layouts[table, key, value] = columns_for(self.config, table, key, value)
        return found

    def _table(self, topic: str) -> TableName:
        found = self._names.get(topic)
        if found is None:
            found = self._names[topic] = self.config.table(topic, self._session.dialect.naming)
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


def _connect(config: SqlSinkConfig, context: SinkContext) -> tuple[Session, Offsets]:
    database = config.database(context.raw)
    session = Session(
        database, connect_backoff=_seconds(config.connection_backoff_ms), backoff=_seconds(config.retry_backoff_ms)
    )
    name = table_name(config.offsets_table_name, database.dialect.naming, config.quotes)
    return session, Offsets(name, Owner(context.cluster, context.connector), database.dialect)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _no_null_keys(frame: pl.DataFrame, columns: Sequence[TableColumn]) -> None:
    for index, column in enumerate(columns):
        if column.primary and frame.get_column(f"c{index}").has_nulls():
            raise DataError(f"The primary key's column {column.name} is null")
