"""Fills one table for each column type, by the sink and by JDBC, and reads what is there."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa

from ferryman.record import TopicPartition
from ferryman.schema import INT64, struct
from tests.connectors.sql.sql_task import World, client
from tests.connectors.sql.values import jdbc
from tests.connectors.sql.values.cases import LONE_SURROGATE, PREPARED, Source


@dataclass
class Filling:
    """Tables of a database, each with a column x of one of the types."""

    database: str
    world: World
    columns: Sequence[str]
    refused: Collection[tuple[str, str]] = ()
    """Columns and Connect types that do not go together, whatever the value is: one is enough to see it."""
    ends: dict[str, int] = field(default_factory=dict)
    """Where each table's topic ends."""

    def create(self, prefix: str) -> None:
        """Makes the tables, named by the prefix and a number."""
        engine = " ENGINE=InnoDB CHARACTER SET utf8mb4" if self.database == "mariadb" else ""
        with client(self.world.url).begin() as connection:
            for number, column in enumerate(self.columns):
                made = f"CREATE TABLE {prefix}{number} (id bigint PRIMARY KEY, x {column}){engine}"
                connection.exec_driver_sql(made)

    def by_sink(self, prefix: str, sources: Sequence[Source], long: bool, as_columns: bool) -> None:
        """Puts every value of every source into every table. The id is its place among all values."""
        topics = [f"{prefix}{number}" for number in range(len(self.columns))]
        self.world.begin()
        self.world.own(*(TopicPartition(topic, 0) for topic in topics))
        for topic, column in zip(topics, self.columns, strict=True):
            for start, each in numbered(sources, long):
                few = (column, each.name) in self.refused and not long
                self._put(topic, start, each if not few else replace(each, values=each.values[:1]), as_columns)

    def _put(self, topic: str, start: int, each: Source, as_columns: bool) -> None:
        source = TopicPartition(topic, 0)
        values = [
            {"id": number, "x": value}
            for number, value in enumerate(each.values, start)
            if not (as_columns and value == LONE_SURROGATE)
        ]
        self.world.value_schema = struct({"id": INT64, "x": each.schema.as_optional()})
        at = self.ends.get(source.topic, 0)
        batch = self.world.batch(values, at=at, as_columns=as_columns, source=source)
        self.ends[source.topic] = at + len(values)
        self.world.narrowed(batch)

    def fill_ids(self, prefix: str, sources: Sequence[Source], long: bool) -> None:
        """Adds a row without a value for each id, for updates to find."""
        ids = [start + place for start, each in numbered(sources, long) for place in range(len(each.values))]
        rows = ", ".join(f"({number})" for number in ids)
        with client(self.world.url).begin() as connection:
            for number in range(len(self.columns)):
                connection.exec_driver_sql(f"INSERT INTO {prefix}{number} (id) VALUES {rows}")

    def by_jdbc(self, prefix: str, sources: Sequence[Source], long: bool) -> None:
        """The same by the database's Java driver."""
        connection = jdbc.connected(self.database, self.world.url)
        for number, _ in enumerate(self.columns):
            for start, each in numbered(sources, long):
                jdbc.stored(connection, f"{prefix}{number}", each.schema, each.values, start)
        connection.close()

    def read(self, prefix: str, number: int) -> Mapping[int, Any]:
        """What a table holds, by id: text, bytes, or in SQLite what it is."""
        return dict(self.world.query(f"SELECT id, {self._shown(self.columns[number])} FROM {prefix}{number}"))

    def _shown(self, column: str) -> str:
        if self.database == "sqlite" or column == "bytea" or column.startswith(("blob", "binary", "varbinary")):
            return "x"
        if column.endswith("[]"):
            return "array_to_json(x)::text"
        if column in ("real", "double precision"):
            return "x::float8"
        if self.database == "postgresql":
            return "CASE WHEN x IS NULL THEN NULL ELSE format('%%s', x) END"
        if column.startswith("bit"):
            return "CAST(x + 0 AS CHAR)"
        return "CAST(x AS DOUBLE)" if column.startswith(("float", "double")) else "CAST(x AS CHAR)"


def filling(database: str, world: World, columns: Sequence[str]) -> Filling:
    """Tables to be filled in a new database, which need not outlive the machine."""
    for statement in PREPARED[database]:
        world.query(statement)
    if database == "postgresql":
        name = sa.make_url(world.url).database
        world.query(f'ALTER DATABASE "{name}" SET synchronous_commit = off')
    return Filling(database, world, columns)


def numbered(sources: Sequence[Source], long: bool) -> Sequence[tuple[int, Source]]:
    """The sources with all their values, each with the id of its first one."""
    found, start = [], 0
    for each in sources:
        values = [*each.values, *(each.more if long else ())]
        found.append((start, Source(each.name, each.schema, values)))
        start += 1000
    return found
