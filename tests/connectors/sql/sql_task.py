"""Drives the SQL sink as the runtime does: from a config, through assignments and batches, with kills in between."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import polars as pl
import sqlalchemy as sa

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.sql.config.databases import database
from ferryman.connectors.sql.sink import SqlSinkConnector
from ferryman.errors import DataError
from ferryman.formats.polars_types import dtype
from ferryman.record import Batch, Columns, Data, Polled, Rows, TopicPartition
from ferryman.schema import Schema

CONFLUENT = "io.confluent.connect.jdbc.JdbcSinkConnector"
DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"


class Killed(BaseException):
    """The process died here."""


def columns(schema: Schema, values: Sequence[Any]) -> Columns:
    """Structs as columns."""
    return Columns(
        schema,
        pl.DataFrame(
            [
                pl.Series(each.name, [value.get(each.name) for value in values], dtype=dtype(each.schema), strict=True)
                for each in schema.fields
            ]
        ),
    )


@cache
def client(url: str) -> sa.Engine:
    """What another client of the database connects by; names are in double quotes on each of them."""
    location = database(url, None, None, {}).location.url
    plain = {"ssl_disabled": True} if location.get_backend_name() == "mysql" else {}
    engine = sa.create_engine(location, poolclass=sa.NullPool, connect_args=plain)
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
class World:
    """A database, a topic of one partition with its committed offset, and the process that runs the sink."""

    url: str
    config: Mapping[str, str] = field(default_factory=dict)
    topic: str = "orders"
    topic_id: str = "id-1"
    cluster: str = "cluster-1"
    key_schema: Schema | None = None
    value_schema: Schema | None = None
    committed: Committed | None = None
    beginning: int = 0
    end: int = 0
    latest: bool = False
    die_at: str | None = None
    meanwhile: tuple[str, Callable[[], object]] | None = None
    sink: SqlSinkConnector | None = None

    @property
    def source(self) -> TopicPartition:
        """The partition."""
        return TopicPartition(self.topic, 0)

    @property
    def raw(self) -> dict[str, str]:
        """The connector's config."""
        basic = {"name": "warehouse", "connector.class": CONFLUENT, "topics": self.topic, "connection.url": self.url}
        return {**basic, **self.config}

    def crash_point(self, name: str) -> None:
        if name == self.die_at:
            raise Killed(name)
        if self.meanwhile is not None and name == self.meanwhile[0]:
            self.meanwhile[1]()

    def context(self) -> SinkContext:
        return SinkContext(
            connector="warehouse",
            task=0,
            cluster=self.cluster,
            raw=self.raw,
            crash_point=self.crash_point,
            report=lambda *_: None,
            request_commit=lambda: None,
            commit=lambda _: None,
        )

    def made(self) -> SqlSinkConnector:
        return SqlSinkConnector(SqlSinkConnector.config_class.parse(self.raw), self.context())

    def begin(self) -> int:
        """A new process starts and gets the partition; where it starts to read."""
        self.kill()
        self.sink = self.made()
        self.sink.start()
        return self.sink.open([self.assigned()])[self.source]

    def assigned(self) -> Assigned:
        return Assigned(
            self.source,
            self.topic_id,
            self.committed,
            self.beginning,
            self.end,
            self.end if self.latest else self.beginning,
        )

    def kill(self) -> None:
        """The process is gone, and with it its connection."""
        if self.sink is not None:
            self.sink.stop()
            self.sink = None

    def own(self, *sources: TopicPartition) -> None:
        """The task is given more partitions."""
        assert self.sink is not None
        self.sink.open([Assigned(source, f"id of {source.topic}", None, 0, 1000, 0) for source in sources])

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
        topic, partition = source or self.source
        count = len(values)
        given = [None] * count if keys is None else keys
        value: Data = Rows(self.value_schema, values)
        if as_columns and self.value_schema is not None:
            value = columns(self.value_schema, values)
        polled = Polled(topic, partition, range(at, at + count), [0] * count, [None] * count, [None] * count)
        key = Rows(self.key_schema, given)
        return Batch(
            topic=topic,
            partition=partition,
            key=key,
            value=value,
            timestamps=[0] * count,
            origin=polled,
            positions=range(count),
        )

    def put(
        self,
        values: Sequence[Any],
        keys: Sequence[Any] | None = None,
        *,
        at: int | None = None,
        as_columns: bool = False,
    ) -> None:
        """Hands records over, from the topic's end on if no offset is given."""
        start = self.end if at is None else at
        self.end = max(self.end, start + len(values))
        if self.sink is None:
            self.begin()
        assert self.sink is not None
        self.sink.put_batches([self.batch(values, keys, at=start, as_columns=as_columns)])

    def commit(self, offset: int) -> None:
        """The group's commit."""
        assert self.sink is not None
        wanted = self.sink.pre_commit({self.source: offset})
        self.committed = wanted[self.source]

    def query(self, text: str) -> list[tuple[Any, ...]]:
        """What another client of the database reads."""
        return query(self.raw["connection.url"], text)

    def query_as(self, owner: sa.URL, text: str) -> list[tuple[Any, ...]]:
        """What another user of the database reads."""
        return query(owner.render_as_string(hide_password=False), text)

    def stored(self) -> int:
        """The next offset in the database."""
        return int(self.query("SELECT next_offset FROM ferryman_offsets")[0][0])


def narrowed(world: World, batch: Batch) -> list[int]:
    """Puts a batch as the runtime does: halves what fails, down to the guilty records, whose offsets it returns."""
    assert world.sink is not None
    waiting, guilty = [batch], []
    while waiting:
        piece = waiting.pop()
        try:
            world.sink.put_batches([piece])
        except DataError:
            if len(piece) == 1:
                guilty.append(piece.offsets[0])
            else:
                middle = len(piece) // 2
                waiting += [piece.slice(middle, len(piece)), piece.slice(0, middle)]
    return guilty
