"""The table of next offsets: each is moved by compare-and-set, in the transaction that writes its partition's rows."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.schema import CreateTable

from ferryman.api import Assigned, TaskContext
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.database.rights import grants, use_of_offsets, with_statements
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.structure import text_of
from ferryman.connectors.sql.dialects.dialect import Dialect, Use
from ferryman.connectors.sql.dialects.faults import Denied
from ferryman.connectors.sql.dialects.names import TableName, table_name
from ferryman.errors import FerrymanError, Indeterminate, TaskError
from ferryman.record import Batch, TopicPartition

FORMAT = 1
"""The version of a row's meaning."""

_LONGEST_CLUSTER, _LONGEST_TOPIC_ID, _LONGEST_CONNECTOR = 128, 64, 512
"""In bytes. Kafka's ids have 22; a name of a connector that is longer is refused by databases that limit keys."""

_ROWS_A_STATEMENT = 1000
"""Topics that are asked for in one statement, or rows that are added in one."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose offsets rows of the table hold."""

    cluster: str
    """The id of the Kafka cluster."""
    connector: str
    """The connector's name."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a partition's next offset."""

    expected: int
    """What this task left in the table."""
    following: int
    """What it is to become."""


class Offsets:
    """The offsets of one connector, in the database that it writes to.

    Of two tasks that both think they own a partition, one was there first:

        task A (frozen, a zombie)              task B (the new owner)
        has got to 5                           open: reads 5
                                               begin; rows 5…8; next_offset 5 → 9 (1 row changed); commit
        begin; rows 5…6; next_offset 5 → 7:
        no row has 5 any more, 0 changed
        roll back, Indeterminate, read again

    Had A moved the offset first, B's statement would wait for A's transaction, then change no row.
    """

    def __init__(self, name: TableName, owner: Owner, dialect: Dialect) -> None:
        self._owner = owner
        self._dialect = dialect
        self._topic_ids: dict[TopicPartition, str] = {}
        self.table = sa.Table(
            sa.quoted_name(name.name, quote=True),
            sa.MetaData(),
            sa.Column("cluster_id", dialect.key_text(_LONGEST_CLUSTER), primary_key=True),
            sa.Column("topic_id", dialect.key_text(_LONGEST_TOPIC_ID), primary_key=True),
            sa.Column("partition", sa.Integer, primary_key=True, autoincrement=False),
            sa.Column("connector", dialect.key_text(_LONGEST_CONNECTOR), primary_key=True),
            sa.Column("topic", sa.Text, nullable=False),
            sa.Column("next_offset", sa.BigInteger, nullable=False),
            sa.Column("format", sa.Integer, nullable=False),
            schema=None if name.schema is None else sa.quoted_name(name.schema, quote=True),
            **dialect.table_options(),
        )
        self._name = name
        self._is_there = False
        """Whether the table was found, or made; one that is dropped later ends the session, and with it this."""
        self._creation = CreateTable(self.table, if_not_exists=True)
        # The whole key: a database that locks the gaps between the rows that it looks at locks no neighbour's.
        self._move = (
            sa.update(self.table)
            .where(self._mine, self.table.c.topic_id == sa.bindparam("at_topic_id"))
            .where(self.table.c.partition == sa.bindparam("at_partition"))
            .where(self.table.c.next_offset == sa.bindparam("old"))
            .values(next_offset=sa.bindparam("new"))
        )

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        return sa.and_(self.table.c.cluster_id == self._owner.cluster, self.table.c.connector == self._owner.connector)

    def _rows(self, connection: Connection, topics: Sequence[str]) -> dict[TopicPartition, list[sa.Row[Any]]]:
        """The rows of these topics' partitions; a partition has several if topics of that name had several ids."""
        found: dict[TopicPartition, list[sa.Row[Any]]] = {}
        for start in range(0, len(topics), _ROWS_A_STATEMENT):
            here = self.table.c.topic.in_(topics[start : start + _ROWS_A_STATEMENT])
            for row in connection.execute(sa.select(self.table).where(self._mine, here)):
                found.setdefault(TopicPartition(row.topic, row.partition), []).append(row)
        return found

    def create(self, session: Session) -> None:
        """Makes the table unless it is there. Raises RefusedError with its DDL where that is not allowed."""
        if not self._is_there:
            self._create(session)
            self._is_there = True

    def _create(self, session: Session) -> None:
        with session.transaction("look for the table of offsets") as connection:
            if self.exists(connection):
                return
        try:
            with session.transaction(f"create the table {self.table}") as connection:
                connection.execute(self._creation)
        except FerrymanError as error:
            # Two tasks may create it at once; the loser's error says nothing about the table.
            with session.transaction("look for the table of offsets") as connection:
                if self.exists(connection):
                    return
                ddl = text_of(CreateTable(self.table), connection.dialect)
            if not isinstance(error, Denied):
                raise
            raise with_statements(error, grants(session, [self.use]), f"create it: {ddl}") from None

    @property
    def use(self) -> Use:
        """What is done to it."""
        return use_of_offsets(self._name)

    def statements_for_people(self, session: Session, asks: bool) -> tuple[str | None, str]:
        """The statement that makes the table, None if it is there, and the one that moves an offset; for people to
        read. ``asks``: whether the database can be asked."""
        is_there = False
        if asks:
            with session.transaction("look for the table of offsets") as connection:
                is_there = self.exists(connection)
        creation = None if is_there else text_of(self._creation, session.sql_dialect)
        return creation, text_of(self._move, session.sql_dialect)

    def exists(self, connection: Connection) -> bool:
        """Whether the table is there."""
        return self._name in self._dialect.describe(connection, [self._name])

    def open(self, connection: Connection, partitions: Sequence[Assigned]) -> dict[TopicPartition, int]:
        """Where to start: the stored offsets, or new rows'. Raises TaskError if there can be no right place."""
        found = self._stored(connection, partitions)
        for partition in partitions:
            stored = found.get(partition.source)
            if stored is not None and partition.committed is not None and partition.committed.offset != stored:
                logger.warning(
                    "%s: the database has got to offset %d, the consumer group to %d; the database is right",
                    partition.source,
                    stored,
                    partition.committed.offset,
                )
        found |= self._begin(connection, [partition for partition in partitions if partition.source not in found])
        for partition in partitions:
            self._check(partition, found[partition.source])
            self._topic_ids[partition.source] = partition.topic_id
        return found

    def _stored(self, connection: Connection, partitions: Sequence[Assigned]) -> dict[TopicPartition, int]:
        rows = self._rows(connection, list(dict.fromkeys(partition.source.topic for partition in partitions)))
        found = {partition.source: self._next(partition, rows.get(partition.source, ())) for partition in partitions}
        return {source: stored for source, stored in found.items() if stored is not None}

    def _next(self, partition: Assigned, rows: Sequence[sa.Row[Any]]) -> int | None:
        other = next((row.topic_id for row in rows if row.topic_id != partition.topic_id), None)
        if other is not None:
            raise TaskError(
                f"The topic {partition.source.topic} has the id {partition.topic_id}, but the offsets in the table "
                f"{self.table} are those of a topic of the same name with the id {other}. To read the new topic from "
                f"its beginning, stop the connector and reset its offsets (DELETE /connectors/{self._owner.connector}"
                "/offsets), or delete the rows with that topic_id"
            )
        if rows and rows[0].format > FORMAT:
            raise TaskError(
                f"The offset of {partition.source} in the table {self.table} has the format {rows[0].format}, "
                f"this version reads up to {FORMAT}"
            )
        return int(rows[0].next_offset) if rows else None

    def _begin(self, connection: Connection, partitions: Sequence[Assigned]) -> dict[TopicPartition, int]:
        """The offsets of partitions that have no row yet."""
        rows = [self._first(partition) for partition in sorted(partitions, key=lambda each: each.source)]
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            connection.execute(self._dialect.insert_unless_there(self.table, rows[start : start + _ROWS_A_STATEMENT]))
        begun = {TopicPartition(row["topic"], row["partition"]): int(row["next_offset"]) for row in rows}
        # Another task may have been faster; then its offset counts.
        return begun | self._stored(connection, partitions) if rows else begun

    def _first(self, partition: Assigned) -> dict[str, Any]:
        start = partition.start if partition.committed is None else partition.committed.offset
        if start is None:
            raise TaskError(f"{partition.source} has no offset, and auto.offset.reset says not to choose one")
        self._check(partition, start)
        return {
            "cluster_id": self._owner.cluster,
            "topic_id": partition.topic_id,
            "partition": partition.source.partition,
            "connector": self._owner.connector,
            "topic": partition.source.topic,
            "next_offset": start,
            "format": FORMAT,
        }

    def _check(self, partition: Assigned, offset: int) -> None:
        if partition.beginning <= offset <= partition.end:
            return
        raise TaskError(
            f"The next offset of {partition.source} is {offset}, but the topic holds {partition.beginning} up to "
            f"{partition.end}: records are lost, or it is another topic. To go on elsewhere, stop the connector and "
            f"alter or reset its offsets (/connectors/{self._owner.connector}/offsets)"
        )

    def advance(self, connection: Connection, moves: Mapping[TopicPartition, Move]) -> None:
        """Moves offsets on, in one order for all. Raises Indeterminate if one is not where this task left it."""
        steps = [
            {
                "at_topic_id": self._topic_ids[source],
                "at_partition": source.partition,
                "old": move.expected,
                "new": move.following,
            }
            for source, move in sorted(moves.items())
        ]
        if self._dialect.change_each(connection, self._move, steps) != len(steps):
            left = ", ".join(f"{source} at {move.expected}" for source, move in sorted(moves.items()))
            raise Indeterminate(
                f"Not every offset in the table {self.table} is where this task left it ({left}): "
                "another task owns the partition, or its offset was altered"
            )

    @property
    def connector(self) -> str:
        """The connector whose offsets they are."""
        return self._owner.connector

    def knows(self, source: TopicPartition, topic_id: str) -> None:
        """Says which topic a partition belongs to."""
        self._topic_ids[source] = topic_id

    def read_offsets(
        self, connection: Connection, sources: Iterable[TopicPartition], lock: bool
    ) -> dict[TopicPartition, int]:
        """The next offsets of these partitions, where there are any; locked, in their order, they cannot be moved
        before the transaction's end."""
        found = {}
        for source in sorted(sources):
            query = sa.select(self.table.c.next_offset).where(
                self._mine,
                self.table.c.topic_id == self._topic_ids[source],
                self.table.c.partition == source.partition,
            )
            row = connection.execute(query.with_for_update() if lock else query).first()
            if row is not None:
                found[source] = int(row[0])
        return found

    def all(self, connection: Connection) -> dict[TopicPartition, int]:
        """The next offsets of all its partitions, each topic's by its name; none where there is no table yet."""
        if not self.exists(connection):
            return {}
        columns = self.table.c
        query = sa.select(columns.topic, columns.partition, columns.next_offset).where(self._mine)
        return {TopicPartition(str(row[0]), int(row[1])): int(row[2]) for row in connection.execute(query)}

    def alter(self, connection: Connection, offsets: Mapping[TopicPartition, int | None]) -> None:
        """Moves stored offsets, or forgets them (None)."""
        rows = self._rows(connection, list(dict.fromkeys(source.topic for source in offsets)))
        for source, offset in offsets.items():
            for row in rows.get(source, ()):
                here = sa.and_(*(column == row._mapping[column] for column in self.table.primary_key))
                if offset is None:
                    connection.execute(sa.delete(self.table).where(here))
                else:
                    connection.execute(sa.update(self.table).where(here).values(next_offset=offset))


def session_and_offsets(config: SqlSinkConfig, context: TaskContext, connector: str) -> tuple[Session, Offsets]:
    """What a task has of the database: a session that has not connected yet, and the offsets of a connector."""
    database = config.database(context.raw)
    session = Session(
        database, connect_backoff=_seconds(config.connection_backoff_ms), backoff=_seconds(config.retry_backoff_ms)
    )
    name = table_name(config.offsets_table_name, database.dialect.naming, config.quotes)
    return session, Offsets(name, Owner(context.cluster, connector), database.dialect)


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def moves_of(positions: Mapping[TopicPartition, int], batches: Iterable[Batch]) -> dict[TopicPartition, Move]:
    """How far the batches take their partitions. Raises TaskError for records that are not the next ones."""
    spans: dict[TopicPartition, tuple[int, int]] = {}
    for batch in batches:
        source, offsets = batch.source, batch.polled.offsets
        first, following = offsets[batch.positions[0]], offsets[batch.positions[-1]] + 1
        start, stop = spans.get(source, (first, following))
        spans[source] = min(start, first), max(stop, following)
    for source, (first, _) in spans.items():
        expected = positions.get(source)
        if expected is None or first < expected:
            raise TaskError(f"{source} is handed over from offset {first}, but this task has got to {expected}")
    return {source: Move(positions[source], following) for source, (_, following) in spans.items()}


def moves_to(
    positions: Mapping[TopicPartition, int], offsets: Mapping[TopicPartition, int]
) -> dict[TopicPartition, Move]:
    """How far these next offsets are ahead of where partitions of this task are."""
    return {
        source: Move(positions[source], offset)
        for source, offset in offsets.items()
        if source in positions and positions[source] < offset
    }


def open_partitions(session: Session, offsets: Offsets, partitions: Sequence[Assigned]) -> dict[TopicPartition, int]:
    """The positions of newly assigned partitions."""
    offsets.create(session)
    with session.transaction("read the stored offsets") as connection:
        return offsets.open(connection, partitions)


def alter_stored(config: SqlSinkConfig, context: TaskContext, offsets: Mapping[TopicPartition, int | None]) -> bool:
    """Moves or forgets a connector's stored offsets; True, since they are altered everywhere then."""
    session, stored = session_and_offsets(config, context, context.connector)
    try:
        stored.create(session)
        with session.transaction("alter the stored offsets") as connection:
            stored.alter(connection, offsets)
    finally:
        session.close()
    return True
