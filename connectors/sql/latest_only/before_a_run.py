"""What a run into a live connector's table would fail with at its start, found when it is asked for."""

from collections.abc import Collection, Mapping

import sqlalchemy as sa
from sqlalchemy import Connection

from ferryman.api import TaskContext
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.config.version_rules import no_version, unfit_type
from ferryman.connectors.sql.database.offsets_table import session_and_offsets
from ferryman.connectors.sql.dialects.dialect import Definition, Dialect
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.latest_only.key_digests import canonical
from ferryman.connectors.sql.latest_only.live_rows import checked_to_be_there
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError, FerrymanError, UnsafeRun
from ferryman.runs.harm import RunIntoLive
from ferryman.runs.topics import renaming


def check(config: SqlSinkConfig, context: TaskContext, run: RunIntoLive) -> None:
    """Raises UnsafeRun for a live connector that never wrote these partitions, for keys that only the database can
    compare, and for a version that nobody can. Where the database does not answer, it says nothing: the tasks will."""
    session, offsets = session_and_offsets(config, context, run.live)
    partitions = run.partitions
    try:
        if not session.is_there:
            checked_to_be_there(offsets, sorted(partitions), {})
        for source, topic_id in partitions.items():
            offsets.knows(source, topic_id)
        with session.transaction("look at what the live connector has written") as connection:
            there = offsets.exists(connection)
            found = offsets.read_offsets(connection, partitions, lock=False) if there else {}
            checked_to_be_there(offsets, sorted(partitions), found)
            look = _Tables(config, session.dialect, connection)
            for table, definition in look.of({source.topic for source in partitions}, context.raw).items():
                if run.version_field is None:
                    look.check_keys(table, definition)
                else:
                    look.check_version(table, definition, run.version_field)
    except UnsafeRun:
        raise
    except FerrymanError:
        return
    finally:
        session.close()


class _Tables:
    """The tables of a config, in a transaction."""

    def __init__(self, config: SqlSinkConfig, dialect: Dialect, connection: Connection) -> None:
        self._config, self._dialect, self._connection = config, dialect, connection

    def of(self, topics: Collection[str], raw: Mapping[str, str]) -> Mapping[TableName, Definition]:
        """The definitions of the topics' tables that are there; none where only records tell their names."""
        if renaming(raw):
            return {}
        try:
            tables = dict.fromkeys(self._config.table(topic, self._dialect.naming) for topic in sorted(topics))
        except DataError:
            return {}
        return self._dialect.describe(self._connection, list(tables))

    def check_keys(self, table: TableName, definition: Definition) -> None:
        """By the columns that the config names as keys, else by the table's own key."""
        own = sa.inspect(self._connection).get_pk_constraint(table.name, table.schema)["constrained_columns"]
        texts = self._dialect.texts(self._connection, table)
        for name in self._config.pk_fields or own:
            if name in definition.columns:
                canonical(str(table), name, definition.columns[name], texts)

    def check_version(self, table: TableName, definition: Definition, field: str) -> None:
        """By the type of the column, if there is one already."""
        kind = definition.columns.get(field)
        reason = None if kind is None else unfit_type(kind, Zones(self._config.db_timezone, self._config.date_zone))
        if reason is not None:
            raise no_version(field, table, reason)
