"""Writes records to tables of a database, exactly once: rows and the next offset are one transaction."""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import Connection

from ferryman.api import Assigned, BadRecords, Committed, Examination, Finding, Sink, SinkContext, TaskContext
from ferryman.connectors.sql.config.again import again, places
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig as SqlSinkConfig
from ferryman.connectors.sql.config.sink_config import keys_without_effect
from ferryman.connectors.sql.config.version_rules import by_version, write_mode
from ferryman.connectors.sql.database.examination import findings
from ferryman.connectors.sql.database.live_offsets import LiveOffsets
from ferryman.connectors.sql.database.loads import Part, records_at
from ferryman.connectors.sql.database.offsets_table import (
    Move,
    alter_stored,
    moves_of,
    moves_to,
    open_partitions,
    session_and_offsets,
)
from ferryman.connectors.sql.database.rights import naming_missing_rights, use_of
from ferryman.connectors.sql.database.rows import RowMaker
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.database.write_strategies import InBulk, RowByRow
from ferryman.connectors.sql.dialects.faults import Late, StaleTable
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.effects import effects
from ferryman.connectors.sql.latest_only import before_a_run
from ferryman.connectors.sql.latest_only.latest_only import LatestOnly, LiveHasGoneOn, latest_only_of
from ferryman.connectors.sql.latest_only.newer_only import newer_only_of
from ferryman.connectors.sql.records.values import Zones
from ferryman.effects import Effect
from ferryman.errors import DataError, FerrymanError, Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import Batch, TopicPartition
from ferryman.runs.harm import Again, ByVersion, RunIntoLive, Target

_LOOKS_AT_TABLES = 3
"""How often tables are looked at again before an error is believed: they may change once more meanwhile."""

ROW_BY_ROW_PUTS = 50
"""How many puts are still done row by row after the last in which the database refused one: the next may be near."""

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
        self._session, self._offsets = session_and_offsets(config, context, context.connector)
        self._tables = Tables(config, self._session, zones)
        self._rows = RowMaker(config, context, self._session, self._tables)
        self._latest_only = latest_only_of(config, context)
        self._newer_only = newer_only_of(config, context, self._session)
        self._writer = self._session.dialect.writer(self._session, write_mode(config, context.raw), zones)
        self._positions: dict[TopicPartition, int] = {}
        """The next offset of each partition of ours, as this task left it in the table of offsets."""
        self._failures = 0
        """How often the database could not write since it last did."""
        self._row_by_row_puts = 0
        """How many puts more are not worth trying as a whole."""

    @classmethod
    def target(cls, config: SqlSinkConfig, raw: Mapping[str, str], topics: Collection[str]) -> Target:
        """The tables of the topics; where transforms may rename these, all that lies in their schema."""
        return Target(places(config, raw, topics), "table.name.format")

    @classmethod
    def again(cls, config: SqlSinkConfig, raw: Mapping[str, str]) -> Again:
        """Rows of inserts come twice. Others may go back in time, unless each is written to from one partition."""
        return again(config, raw)

    @classmethod
    def by_version(cls, config: SqlSinkConfig, raw: Mapping[str, str], field: str) -> ByVersion:
        """Rows change by the statement that compares them; none is added where the live connector deletes."""
        return by_version(config, field)

    @classmethod
    def check_run(cls, config: SqlSinkConfig, context: TaskContext, run: RunIntoLive) -> None:
        """Live's offsets, and what the tables compare."""
        before_a_run.check(config, context, run)

    @classmethod
    def explain(cls, config: SqlSinkConfig, context: SinkContext, batches: Sequence[Batch]) -> Iterable[Effect]:
        """The DDL, by the tables as they are now where the database can be asked, and the statements."""
        return effects(config, context, batches)

    @classmethod
    def examine(cls, config: SqlSinkConfig, examination: Examination) -> Iterable[Finding]:
        """The server, the rights, the tables and their keys."""
        return findings(config, examination)

    @classmethod
    def reached(cls, config: SqlSinkConfig, context: TaskContext, connector: str) -> LiveOffsets | None:
        """By its rows in the table of offsets, if there are any in this database."""
        return LiveOffsets(*session_and_offsets(config, context, connector))

    @classmethod
    def alter_offsets(
        cls, config: SqlSinkConfig, context: SinkContext, offsets: Mapping[TopicPartition, int | None]
    ) -> bool:
        """Moves or forgets the offsets in the database."""
        return alter_stored(config, context, offsets)

    def start(self) -> None:
        """Warns about keys without effect; the database is not needed yet."""
        for warning in keys_without_effect(self.context.raw):
            logger.warning("%s: %s", self.context.connector, warning)

    def stop(self) -> None:
        """Closes the connection."""
        if self._latest_only is not None:
            self._latest_only.stop()
        self._session.close()

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """The stored offsets, or new rows with the group's. Raises TaskError if there can be no right place."""
        with naming_missing_rights(self._session, lambda: [self._offsets.use]):
            found = open_partitions(self._session, self._offsets, partitions)
            for kept in (self._latest_only, self._newer_only):
                if kept is not None:
                    kept.open(partitions, found)
        self._positions.update(found)
        return found

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Forgets the positions of partitions that others may move from now on."""
        if self._latest_only is not None:
            self._latest_only.close(partitions)
        for source in partitions:
            self._positions.pop(source, None)

    def put_batches(self, batches: Sequence[Batch]) -> int:
        """Writes batches and their partitions' next offsets in one transaction: all of it or nothing."""
        try:
            self._put(batches, sorted({self._rows.table(batch) for batch in batches}, key=str))
        except (Indeterminate, Unfinished):
            raise
        except LiveHasGoneOn as error:
            raise Unfinished(str(error), after=0) from None
        except RetriableError as error:
            self._failures += 1
            most = self.config.max_retries
            if most is not None and self._failures > most:
                raise TaskError(f"{error} (given up after max.retries={most})") from None
            raise
        self._failures = 0
        return len(batches)

    def _put(self, batches: Sequence[Batch], tables: Sequence[TableName]) -> None:
        with naming_missing_rights(self._session, lambda: [use_of(self.config, table) for table in tables]):
            late = False
            for _ in range(_LOOKS_AT_TABLES):
                try:
                    bulk = InBulk(self._writer, self.config)
                    self._write(batches, self._row_by_row() if self._row_by_row_puts else bulk)
                    return
                except (DataError, TaskError) as error:
                    if not self._looks_again(tables, error):
                        late = isinstance(error, Late)
                        if (self._row_by_row_puts and not late) or not _can_be_narrowed(batches, error):
                            raise
                        break
            try:
                self._write_row_by_row(batches, late)
            except StaleTable as error:
                raise self._tables.race(tables, error) from None

    def _write_row_by_row(self, batches: Sequence[Batch], late: bool) -> None:
        """``late``: whether the database refuses something only when all is to be committed."""
        if not late:
            try:
                self._write(batches, self._row_by_row())
            except Late:
                pass
            else:
                return
        self._write(batches, self._row_by_row(check_constraints_now=True))

    def _row_by_row(self, check_constraints_now: bool = False) -> RowByRow:
        return RowByRow(self._writer, self.config, self._session, check_constraints_now)

    def _looks_again(self, tables: Sequence[TableName], error: FerrymanError) -> bool:
        """Whether an error may be that of a table which has changed, so that all must be looked at and tried again."""
        changed = tables if isinstance(error, StaleTable) else self._tables.changed(tables)
        for table in changed:
            logger.info("Looking at %s again: %s", table, error)
            self._tables.forget(table)
            if self._latest_only is not None:
                self._latest_only.forget(table)
        return bool(changed)

    def _write(self, batches: Sequence[Batch], strategy: InBulk | RowByRow) -> None:
        """Writes all of it in one transaction. Raises Late for what the database says only when it is to commit."""
        # The order of events, and why it is this one:
        #   1. tables are looked at, created, evolved; staging tables are made: each in a transaction of its own, since
        #      DDL may commit whatever is open
        #   2. the data's transaction begins, and rows go to the database: this takes long, and locks nothing of others'
        #   3. the offsets move, if they are where this task left them: their rows are locked, a successor waits; the
        #      tables, which nobody can change any more, are compared with what they were
        #   4. rows go into their tables, and all is committed: short, and the database needs nothing of this process
        # Killed before the commit, nothing of it is there; after it, all of it, and the next owner starts behind it.
        moves = moves_of(self._positions, batches)
        parts = self._rows.parts(batches)
        if self._newer_only is not None:
            parts = self._newer_only.of_live(parts, batches)
        if self._latest_only is None:
            self._write_all(parts, batches, moves, strategy)
        else:
            self._write_latest(self._latest_only, parts, batches, moves, strategy)
        self._positions.update({source: move.following for source, move in moves.items()})
        self.context.crash_point("sql.after_commit")

    def _write_all(
        self,
        parts: Sequence[Part],
        batches: Sequence[Batch],
        moves: Mapping[TopicPartition, Move],
        strategy: InBulk | RowByRow,
    ) -> None:
        loads = strategy.loads(parts)
        if loads:
            strategy.prepare(loads)
        with self._session.transaction(f"write to {self._rows.tables_of(batches)}") as connection:
            self.context.crash_point("sql.before_rows")
            strategy.stage(connection, loads)
            self._offsets.advance(connection, moves)
            self._write_rows(connection, batches, strategy)

    def _write_latest(
        self,
        latest_only: LatestOnly,
        parts: Sequence[Part],
        batches: Sequence[Batch],
        moves: Mapping[TopicPartition, Move],
        strategy: InBulk | RowByRow,
    ) -> None:
        """What may be written is sure only while the live connector's offsets stand; mostly it was foreseen."""
        prepared = latest_only.prepare(parts, batches)
        loads = strategy.loads(prepared.foreseen or ())
        if prepared.loads:
            strategy.prepare(prepared.loads)
        doing = f"write to {self._rows.tables_of(batches)}"
        with latest_only.pauses.locking(), self._session.transaction(doing) as connection:
            self.context.crash_point("sql.before_rows")
            strategy.stage(connection, loads)
            self._offsets.advance(connection, moves)
            kept = latest_only.lock_and_recheck(connection, batches, prepared.foreseen)
            if prepared.foreseen is None:
                strategy.stage(connection, prepared.checked(strategy.loads(kept)))
            self.context.crash_point("sql.folded")
            self._write_rows(connection, batches, strategy)

    def _write_rows(self, connection: Connection, batches: Sequence[Batch], strategy: InBulk | RowByRow) -> None:
        self._tables.verify(connection, {load.table for load in strategy.staged})
        strategy.write(connection)
        self._session.check_deferred_constraints(connection)
        if isinstance(strategy, RowByRow):
            self._report(batches, strategy.refused())
        self.context.crash_point("sql.after_rows")
        self.context.crash_point("sql.before_commit")

    def _report(self, batches: Sequence[Batch], refused: Sequence[tuple[int, DataError]]) -> None:
        """Raises what the report raises: then nothing of the put is written."""
        self._row_by_row_puts = ROW_BY_ROW_PUTS if refused else max(0, self._row_by_row_puts - 1)
        if refused:
            records = records_at(batches, [place for place, _ in refused])
            self.context.report_all([(*record, error) for record, (_, error) in zip(records, refused, strict=True)])

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """Moves the stored offsets past records that were dropped or dead-lettered, then lets the group follow."""
        behind = moves_to(self._positions, offsets)
        if behind:
            with self._session.transaction("move the stored offsets on") as connection:
                self._offsets.advance(connection, behind)
            self._positions.update({source: move.following for source, move in behind.items()})
        return {source: Committed(offset) for source, offset in offsets.items()}


def _can_be_narrowed(batches: Sequence[Batch], error: Exception) -> bool:
    return isinstance(error, DataError) and not isinstance(error, BadRecords) and sum(map(len, batches)) > 1
