"""Drives the SQL sink as the runtime does: from a config, through assignments and batches, with kills in between."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa

from ferryman.api import Assigned
from ferryman.connectors.sql.config.databases import database
from ferryman.connectors.sql.dialects import kept_stages
from ferryman.connectors.sql.dialects.postgresql.unstaged import direct
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.formats.polars_types import dtype
from ferryman.record import Batch, Columns, Data, Rows, TopicPartition
from ferryman.schema import Schema
from tests.connectors.sink_world import SinkWorld, batch_at
from tests.pairs import in_pairs

CONFLUENT = "io.confluent.connect.jdbc.JdbcSinkConnector"
WITHOUT_STAGING = ("as literals", "as arrays")
"""The ways in which PostgreSQL is given rows where a poll is for many tables."""
DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"


def columns(schema: Schema, values: Sequence[Any]) -> Columns:
    """Structs as columns."""
    return Columns(
        schema,
        pl.DataFrame(
            [
                pl.Series(
                    each.name,
                    [in_pairs(value.get(each.name), each.schema) for value in values],
                    dtype=dtype(each.schema),
                    strict=True,
                )
                for each in schema.fields
            ]
        ),
    )


def go(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has rows go into PostgreSQL one of ``WITHOUT_STAGING``, though they are few, and for few tables."""
    if way == "as literals":
        monkeypatch.setattr(direct, "MANY_LOADS", 1)
    if way == "as arrays":
        monkeypatch.setattr(direct, "DIRECT_ROWS", 0)
        monkeypatch.setattr(kept_stages, "KEPT_STAGES", 0)


_last: list[tuple[str, sa.Engine]] = []
"""The client that a test asked last, with the connection that it keeps."""


def client(url: str) -> sa.Engine:
    """What another client of the database connects by; names are in double quotes on each of them."""
    if not _last or _last[0][0] != url:
        for _, before in _last:
            before.dispose()
        _last[:] = [(url, _client(url))]
    return _last[0][1]


def _client(url: str) -> sa.Engine:
    location = database(url, None, None, {}).location.url
    plain = {"ssl_disabled": True} if location.get_backend_name() == "mysql" else {}
    file = location.get_backend_name() == "sqlite"
    kept: dict[str, Any] = {"poolclass": sa.NullPool} if file else {"pool_size": 1, "pool_pre_ping": True}
    engine = sa.create_engine(location, connect_args=plain, **kept)
    if engine.name == "mysql":

        @sa.event.listens_for(engine, "connect")
        def quote_as_others(connection: Any, _: object) -> None:
            with connection.cursor() as cursor:
                cursor.execute("SET sql_mode = concat(@@sql_mode, ',ANSI_QUOTES')")

    return engine


def query(url: str, text: str) -> list[tuple[Any, ...]]:
    """What that client reads."""
    with closing(client(url).connect()) as connection:
        result = connection.exec_driver_sql(text)
        rows = [tuple(row) for row in result] if result.returns_rows else []
        connection.commit()
    return rows


@dataclass
class World(SinkWorld[SqlSinkConnector]):
    """A database, a topic of one partition with its committed offset, and the process that runs the sink."""

    url: str
    config: Mapping[str, str] = field(default_factory=dict)
    topic: str = "orders"
    cluster: str = field(default="cluster-1", kw_only=True)
    key_schema: Schema | None = None
    value_schema: Schema | None = None
    end_offset: int = 0

    @property
    def source(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, 0)

    @property
    def sources(self) -> Sequence[TopicPartition]:
        return [self.source]

    def log_end(self, source: TopicPartition) -> int:
        return self.end_offset

    @property
    def usual(self) -> dict[str, str]:
        basic = {"name": "warehouse", "connector.class": CONFLUENT, "topics": self.topic, "connection.url": self.url}
        return {**basic, **self.config}

    def made(self) -> SqlSinkConnector:
        return SqlSinkConnector(SqlSinkConnector.config_class.parse(self.raw), self.context())

    def resume(self) -> int:
        """A new process starts and gets the partition; where it starts to read."""
        self.begin()
        return self.positions[self.source]

    def own(self, *sources: TopicPartition) -> None:
        """The task is given more partitions."""
        self.running.open([Assigned(source, f"id of {source.topic}", None, 0, 1000, 0) for source in sources])

    def batch(
        self,
        values: Sequence[Any],
        keys: Sequence[Any] | None = None,
        *,
        at: int = 0,
        as_columns: bool = False,
        source: TopicPartition | None = None,
    ) -> Batch:
        """Records from an offset on."""
        value: Data = Rows(self.value_schema, values)
        if as_columns and self.value_schema is not None:
            value = columns(self.value_schema, values)
        key = Rows(self.key_schema, [None] * len(values) if keys is None else keys)
        return batch_at(source or self.source, at, value, key=key)

    def put(
        self,
        values: Sequence[Any],
        keys: Sequence[Any] | None = None,
        *,
        at: int | None = None,
        as_columns: bool = False,
    ) -> None:
        """Hands records over, from the topic's end on if no offset is given."""
        start = self.end_offset if at is None else at
        self.end_offset = max(self.end_offset, start + len(values))
        if self.sink is None:
            self.begin()
        self.running.put_batches([self.batch(values, keys, at=start, as_columns=as_columns)])
        self.positions[self.source] = start + len(values)

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """What another client of the database reads."""
        return query(self.raw["connection.url"], text)

    def query_as(self, owner: sa.URL, text: str) -> list[tuple[Any, ...]]:
        """What another user of the database reads."""
        return query(owner.render_as_string(hide_password=False), text)

    def stored(self) -> int:
        """The next offset in the database."""
        return int(self.query("SELECT next_offset FROM ferryman_offsets")[0][0])
