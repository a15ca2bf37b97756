"""SIGKILL at every durable step, once in the ordinary run and five times with --long; then the ledger.

The worker notices the death and starts the task again by itself; nothing is lost, nothing doubled.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.connectors.stripe.stripe_stub import StripeStub, payment, serving
from tests.running import Worker, consume, create_topic, produce, settings, until, worker

ROUND, ROUNDS, MOST_ROUNDS = 60, 10, 100
SINK = ["sink.before_commit", "sink.after_commit"]
FILE = ["file.before_write", "file.after_write", "file.after_flush"]
SQL = ["sql.before_rows", "sql.after_rows", "sql.before_commit", "sql.after_commit"]
SOURCE = ["source.before_produce", "source.after_produce", "source.before_commit", "source.after_commit"]
STRIPE = ["stripe.before_hand_over", "stripe.after_page"]


@pytest.fixture
def times(long: bool) -> int:
    """How often the task dies."""
    return 5 if long else 1


@pytest.fixture
def rounds(tmp_path: Path, times: int) -> Iterator[int]:
    """The first number of each round of records: ten rounds, and as many more as it takes to die that often."""

    def begin() -> Iterator[int]:
        for number in range(MOST_ROUNDS):
            if number >= ROUNDS and deaths(tmp_path) >= times:
                return
            yield number * ROUND

    return begin()


def deaths(directory: Path) -> int:
    log = directory / "deaths"
    return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def dying(request: pytest.FixtureRequest, tmp_path: Path, kafka: str, unique: str, times: int) -> Iterator[Worker]:
    """A worker whose task dies at the point that the test is parametrised with, the second time it gets there."""
    crash = {"FERRYMAN_CRASH_AT": f"{request.param}:2", "FERRYMAN_CRASH_LOG": f"{tmp_path}/deaths:{times}"}
    with worker(tmp_path, settings(kafka, unique, consumer_max_poll_records="40"), **crash) as running:
        yield running
    assert deaths(tmp_path) == times


def feed(kafka: str, topic: str, first: int, last: int) -> None:
    """Payments as envelope JSON, in three partitions."""
    fields = [{"field": "id", "type": "int64"}, {"field": "text", "type": "string"}]
    schema = {"type": "struct", "name": "payment", "fields": fields}
    values = [
        json.dumps({"schema": schema, "payload": {"id": number, "text": f"payment {number}"}}).encode()
        for number in range(first, last)
    ]
    produce(kafka, topic, values, [str(number).encode() for number in range(first, last)])


@pytest.mark.parametrize("dying", FILE + SINK, indirect=True)
def test_each_record_is_one_line_of_the_file(
    dying: Worker, rounds: Iterator[int], kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique, 3)
    out = tmp_path / "out.txt"
    dying.create(
        {
            "name": unique,
            "connector.class": "FileStreamSink",
            "topics": unique,
            "file": str(out),
            "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        }
    )
    expected: list[bytes] = []
    for start in rounds:
        until(partial(has_lines, out, start), 90)
        added = [f"line {number}".encode() for number in range(start, start + ROUND)]
        produce(kafka, unique, added, [str(start + n).encode() for n in range(ROUND)])
        expected += added
    until(lambda: committed(dying, unique) == len(expected), 90)
    assert Counter(out.read_bytes().splitlines()) == Counter(expected)


def has_lines(file: Path, count: int) -> bool:
    return count == 0 or (file.exists() and len(file.read_bytes().splitlines()) >= count)


def committed(running: Worker, name: str) -> int:
    """The sum of a sink's committed offsets."""
    offsets = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    return sum(each["offset"]["kafka_offset"] for each in offsets)


def arrived(kafka: str, topic: str, count: int) -> bool:
    return len(consume(kafka, topic)) >= count


@pytest.mark.parametrize("mode", ["insert", "upsert"])
@pytest.mark.parametrize("dying", SQL + SINK, indirect=True)
def test_each_record_is_one_row_of_the_table(
    dying: Worker, rounds: Iterator[int], kafka: str, unique: str, postgres: str, mode: str
) -> None:
    create_topic(kafka, unique, 3)
    dying.create(
        {
            "name": unique,
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "topics": unique,
            "connection.url": postgres,
            "insert.mode": mode,
            "auto.create": "true",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter.schemas.enable": "true",
            **({"pk.mode": "record_value", "pk.fields": "id"} if mode == "upsert" else {}),
        }
    )
    engine = sa.create_engine(postgres, poolclass=sa.NullPool)

    def rows() -> list[int]:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table(unique):
                return []
            return list(connection.execute(sa.text(f'SELECT id FROM "{unique}" ORDER BY id')).scalars())

    count = 0
    for start in rounds:
        until(lambda start=start: len(rows()) >= start, 90)  # type: ignore[misc]
        count = start + ROUND
        feed(kafka, unique, start, count)
    until(lambda: committed(dying, unique) == count, 90)
    assert rows() == list(range(count))


@pytest.mark.parametrize("dying", SOURCE + STRIPE, indirect=True)
def test_each_event_of_the_gateway_is_one_record(dying: Worker, rounds: Iterator[int], kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 3)
    stub = StripeStub(now=int(time.time()))
    with serving(stub):
        dying.create(
            {
                "name": unique,
                "connector.class": "StripeSource",
                "stripe.api.key": "sk_test_4242",
                "stripe.api.url": stub.url,
                "topic.name.format": unique,
                "output": "raw",
                "start.from": "earliest",
                "poll.interval.ms": "50",
                "events.per.poll": "20",
                "value.converter": "org.apache.kafka.connect.storage.StringConverter",
            }
        )
        expected: list[str] = []
        for start in rounds:
            ids = [f"evt_{number:05}" for number in range(start, start + ROUND)]
            stub.add(*(payment(id, stub.now - 100 + start // 7) for id in ids))
            expected += ids
            until(partial(arrived, kafka, unique, len(expected)), 90)
    found = [json.loads(message.value() or b"")["id"] for message in consume(kafka, unique)]
    assert Counter(found) == Counter(expected)
