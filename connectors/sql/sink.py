"""Writes records to tables of PostgreSQL or SQLite, exactly once: rows and the next offset are one transaction."""

import logging
from collections.abc import Mapping, Sequence

import polars as pl

from ferryman.api import Assigned, Committed, Sink, SinkContext
from ferryman.connectors.sql.config.names import POSTGRES_BYTES, TableName, table_name
from ferryman.connectors.sql.config.rules import SqlSinkConfig, effectless
from ferryman.connectors.sql.database.errors import StaleTable
from ferryman.connectors.sql.database.offsets_table import Move, Offsets, Owner, moved, opened
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Tables, Target
from ferryman.connectors.sql.database.transaction_load import Load, together
from ferryman.connectors.sql.dialects.postgresql import PostgresWriter
from ferryman.connectors.sql.dialects.sqlite import SqliteWriter
from ferryman.connectors.sql.records.checks import check
from ferryman.connectors.sql.records.columns import Column, layout
from ferryman.connectors.sql.records.frame import deletes, staged
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

    def __init__(self, config: SqlSinkConfig, context: SinkContext) -> None:
        super().__init__(config, context)
        zones = Zones(config.db_timezone, config.date_zone)
        self._session, self._offsets = _places(config, context)
        postgres = self._session.is_postgres
        self._tables = Tables(config, self._session, zones)
        self._writer = (
            PostgresWriter(self._session, config.mode, zones) if postgres else SqliteWriter(config.mode, zones)
        )
        self._positions: dict[TopicPartition, int] = {}
        self._names: dict[str, TableName] = {}
        self._layouts: dict[tuple[TableName, Schema | None, Schema | None], tuple[Column, ...]] = {}

    @classmethod
    def alter_offsets(
        cls, config: SqlSinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        """Moves or forgets the offsets in the database."""
        session, stored = _places(config, context)
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
        found = opened(self._session, self._offsets, partitions)
        self._positions.update(found)
        return found

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the positions of partitions that others may move from now on."""
        for source in partitions:
            self._positions.pop(source, None)

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Writes batches and their partitions' next offsets in one transaction; fewer of them if one does not fit."""
        try:
            self._put(batches)
        except DataError:
            if len(batches) == 1:
                raise
            return self.put_batches(batches[: len(batches) // 2])
        return len(batches)

    def _put(self, batches: Sequence[Batch]) -> None:
        try:
            self._write(batches)
        except StaleTable as error:
            for table in sorted({self._table(batch.topic) for batch in batches}, key=str):
                logger.info("Looking at %s again: %s", table, error)
                self._tables.forget(table)
            self._write(batches)

    def _write(self, batches: Sequence[Batch]) -> None:
        crash_point = self.context.crash_point
        moves = moved(self._positions, batches)
        loads = together(load for load in map(self._load, batches) if load is not None)
        writes = [(self._writer.prepare(load.table, load.targets), load.frame) for load in loads]
        with self._session.transaction(f"write to {self._named(batches)}") as connection:
            crash_point("sql.before_rows")
            steps = [write(connection, frame) for write, frame in writes]
            # From here on the offsets' rows are locked, so nothing that waits for this process comes after it.
            self._offsets.advance(connection, moves)
            for step in steps:
                step()
            crash_point("sql.after_rows")
            crash_point("sql.before_commit")
        self._positions.update({source: move.following for source, move in moves.items()})
        crash_point("sql.after_commit")

    def _named(self, batches: Sequence[Batch]) -> str:
        return ", ".join(sorted({str(self._table(batch.topic)) for batch in batches}))

    def _load(self, batch: Batch) -> Load | None:
        """What to write; None if there is nothing."""
        table = self._table(batch.topic)
        dead = check(self.config, self.context.connector, batch, deletes(batch))
        if dead is not None and dead.all():
            if not (self.config.delete_enabled and self._tables.exists(table)):
                return None
            columns = self._layout(table, batch.key.schema, None)
        else:
            columns = self._layout(table, batch.key.schema, batch.value.schema)
        targets = self._tables.targets(table, columns)
        frame = self._frame(batch, targets, dead)
        return None if frame.is_empty() else Load(table, targets, frame)

    def _frame(self, batch: Batch, targets: Sequence[Target], dead: pl.Series | None) -> pl.DataFrame:
        texts = ((target.column, json_text if target.form == "json" else None) for target in targets)
        columns = staged(batch, texts, self.config.replace_null_with_default)
        flags = pl.Series([False]).new_from_index(0, len(batch)) if dead is None else dead
        frame = pl.DataFrame([flags.alias("dead"), *columns])
        if dead is not None and not self.config.delete_enabled:
            frame = frame.filter(~dead)
        if self.config.mode != "insert" or dead is not None:
            _no_null_keys(frame, targets)
        return frame

    def _layout(self, table: TableName, key: Schema | None, value: Schema | None) -> tuple[Column, ...]:
        found = self._layouts.get((table, key, value))
        if found is None:
            found = self._layouts[table, key, value] = layout(self.config, table, key, value)
        return found

    def _table(self, topic: str) -> TableName:
        found = self._names.get(topic)
        if found is None:
            found = self._names[topic] = self.config.table(topic, self._tables.limit)
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


def _places(config: SqlSinkConfig, context: SinkContext) -> tuple[Session, Offsets]:
    database = config.database(context.raw)
    session = Session(
        database, connect_backoff=_seconds(config.connection_backoff_ms), backoff=_seconds(config.retry_backoff_ms)
    )
    limit = POSTGRES_BYTES if database.is_postgres else None
    name = table_name(config.offsets_table_name, limit, config.folds)
    return session, Offsets(name, Owner(context.cluster, context.connector))


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def _no_null_keys(frame: pl.DataFrame, targets: Sequence[Target]) -> None:
    for index, target in enumerate(targets):
        if target.column.primary and frame.get_column(f"c{index}").has_nulls():
            raise DataError(f"The primary key's column {target.name} is null")
