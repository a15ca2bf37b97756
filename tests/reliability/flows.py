"""The flows that the reliability tests break: configs as users write them, records to send, and what came of them."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tests.connectors.s3.s3_task import CONFLUENT
from tests.connectors.stripe.stripe_stub import StripeStub, payment
from tests.running import Kafka, Worker, consume

STRING = "org.apache.kafka.connect.storage.StringConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"
SCHEMA = {
    "type": "struct",
    "name": "payment",
    "fields": [{"field": "id", "type": "int64"}, {"field": "text", "type": "string", "optional": True}],
}
Config = dict[str, str]


def _dotted(more: Mapping[str, str]) -> Config:
    return {key.replace("_", "."): value for key, value in more.items()}


def sql_sink(name: str, url: str, **more: str) -> Config:
    """Plain INSERTs of envelope JSON into a table of the connector's, and topic's, name."""
    return {
        "name": name,
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "topics": name,
        "connection.url": url,
        "auto.create": "true",
        "value.converter": JSON,
        "value.converter.schemas.enable": "true",
        **_dotted(more),
    }


def s3_sink(name: str, url: str, bucket: str, **more: str) -> Config:
    """Objects of JSON lines."""
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": name,
        "s3.bucket.name": bucket,
        "store.url": url,
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "flush.size": "1000",
        "rotate.idle.interval.ms": "500",
        **more,
    }


def file_sink(name: str, file: Path, **more: str) -> Config:
    """Values as lines."""
    return {
        "name": name,
        "connector.class": "FileStreamSink",
        "topics": name,
        "file": str(file),
        "value.converter": STRING,
        **_dotted(more),
    }


def stripe_source(name: str, url: str, **more: str) -> Config:
    """Raw events into the topic of the connector's name."""
    return {
        "name": name,
        "connector.class": "StripeSource",
        "stripe.api.key": "sk_test_4242",
        "stripe.api.url": url,
        "topic": name,
        "output": "raw",
        "poll.interval.ms": "50",
        "value.converter": STRING,
        **_dotted(more),
    }


def tolerant(queue: str) -> Config:
    """Skips and dead-letters data errors."""
    return {
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": queue,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }


def row(id: Any, text: Any = "") -> bytes:
    """A payment as envelope JSON."""
    return json.dumps({"schema": SCHEMA, "payload": {"id": id, "text": text}}).encode()


def rows(first: int, last: int) -> list[bytes]:
    """Payments ``first`` up to ``last``."""
    return [row(number, f"payment {number}") for number in range(first, last)]


def keys(values: Sequence[Any]) -> list[bytes]:
    """A key for each, so that several partitions get some."""
    return [str(number).encode() for number in range(len(values))]


@dataclass(frozen=True)
class Table:
    """A table of the database, and the connector's row of offsets."""

    url: str
    name: str

    @property
    def engine(self) -> sa.Engine:
        """Without a pool, so that an outage leaves nothing behind."""
        return sa.create_engine(self.url, poolclass=sa.NullPool)

    def ids(self) -> list[int]:
        """All ids, doubles included, in order; none without a table."""
        with self.engine.connect() as connection:
            if not sa.inspect(connection).has_table(self.name):
                return []
            number: sa.ColumnClause[int] = sa.column("id")
            found = sa.select(number).select_from(sa.table(sa.quoted_name(self.name, quote=True))).order_by(number)
            return list(connection.execute(found).scalars())

    def run(self, statement: str) -> None:
        """Executes and commits."""
        with self.engine.begin() as connection:
            connection.execute(sa.text(statement))

    @contextmanager
    def held_offsets(self) -> Iterator[sa.Connection]:
        """Keeps the rows of offsets locked, so that whoever wants to write stands still in the middle of it."""
        with self.engine.connect() as connection:
            connection.execute(sa.text("SELECT * FROM ferryman_offsets FOR UPDATE"))
            yield connection
            connection.rollback()

    def waiting(self) -> list[int]:
        """The server processes that wait for a lock of this database."""
        query = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        with self.engine.connect() as connection:
            return list(connection.execute(sa.text(query)).scalars())


def lines(file: Path) -> list[bytes]:
    """The lines of a sink's file so far."""
    return file.read_bytes().splitlines() if file.exists() else []


def gateway() -> StripeStub:
    """A gateway of today: the broker refuses timestamps of the future."""
    return StripeStub(now=int(time.time()))


def pay(stub: StripeStub, first: int, last: int) -> list[str]:
    """Lets payments ``first`` up to ``last`` appear at the gateway; their ids."""
    ids = [f"evt_{number:05}" for number in range(first, last)]
    stub.add(*(payment(id, stub.now - 100 + first // 60) for id in ids))
    return ids


def events(kafka: Kafka, topic: str) -> list[str]:
    """The ids of the events in a topic, doubles included, sorted."""
    return sorted(json.loads(message.value() or b"")["id"] for message in consume(kafka, topic))


def committed(running: Worker, name: str) -> int:
    """The sum of a sink's committed offsets."""
    offsets = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    return sum(each["offset"]["kafka_offset"] for each in offsets)
