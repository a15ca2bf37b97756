"""Neighbours that are away with errors.tolerance=all: nothing is dead-lettered, nothing lost, nothing doubled.

A stack of its own, since its components are killed.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from ferryman.stack import Stack
from ferryman.stack.runtime.ports import free_port
from tests.connectors.stripe.stripe_stub import serving
from tests.reliability.flows import (
    Table,
    committed,
    events,
    file_sink,
    gateway,
    keys,
    lines,
    pay,
    rows,
    sql_sink,
    stripe_source,
    tolerant,
)
from tests.running import consume, create_topic, produce, settings, until, worker

AVRO = "io.confluent.connect.avro.AvroConverter"
ID = '{"type": "record", "name": "payment", "fields": [{"name": "id", "type": "long"}]}'


@pytest.fixture(scope="module")
def world() -> Iterator[Stack]:
    with Stack(("kafka", "registry", "postgres")) as stack:
        yield stack


@pytest.fixture
def away(long: bool) -> float:
    """Seconds that a neighbour is away."""
    return 20.0 if long else 5.0


def stay(seconds: float, still: float = 0.25) -> Iterator[None]:
    """Goes by for so long, with something to look at in between."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(still)


def zigzag(number: int) -> bytes:
    """A long in Avro's encoding."""
    value, coded = (number << 1) ^ (number >> 63), bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])


def framed(registry: str, subject: str, first: int, last: int) -> list[bytes]:
    """Payments as Avro in Confluent's wire format, under an id that no cache can know yet."""
    answer = httpx.post(f"{registry}/subjects/{subject}-value/versions", json={"schema": ID}, timeout=30)
    head = b"\0" + int(answer.json()["id"]).to_bytes(4, "big")
    return [head + zigzag(number) for number in range(first, last)]


def test_a_registry_that_is_away_is_waited_for(tmp_path: Path, world: Stack, unique: str, away: float) -> None:
    kafka, registry = world.addresses["kafka"], world.addresses["registry"]
    create_topic(kafka, unique)
    values = framed(registry, unique, 0, 50)
    config = sql_sink(unique, world.addresses["postgres"]) | tolerant(f"{unique}-dlq")
    config |= {"value.converter": AVRO, "value.converter.schema.registry.url": registry}
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(config)
        running.running(unique)
        world["registry"].kill()
        produce(kafka, unique, values)
        for _ in stay(away):
            assert running.states(unique) == ["RUNNING", "RUNNING"]
        world["registry"].start()
        until(lambda: committed(running, unique) == 50, 90)
    assert Table(world.addresses["postgres"], unique).ids() == list(range(50))
    assert consume(kafka, f"{unique}-dlq") == []


def test_a_database_that_is_away_is_waited_for(tmp_path: Path, world: Stack, unique: str, away: float) -> None:
    kafka, table = world.addresses["kafka"], Table(world.addresses["postgres"], unique)
    create_topic(kafka, unique, 2)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(sql_sink(unique, table.url) | tolerant(f"{unique}-dlq"))
        produce(kafka, unique, rows(0, 20), keys(range(20)))
        until(lambda: len(table.ids()) == 20, 60)
        world["postgres"].kill()
        produce(kafka, unique, rows(20, 60), keys(range(40)))
        for _ in stay(away):
            assert running.states(unique) == ["RUNNING", "RUNNING"]
        world["postgres"].start()
        until(lambda: committed(running, unique) == 60, 90)
    assert table.ids() == list(range(60))
    assert consume(kafka, f"{unique}-dlq") == []


def test_a_broker_that_is_away_is_waited_for_by_sinks_and_sources(
    tmp_path: Path, world: Stack, unique: str, away: float
) -> None:
    kafka, stub, out = world.addresses["kafka"], gateway(), tmp_path / "out.txt"
    source = f"{unique}-source"
    create_topic(kafka, unique)
    create_topic(kafka, source)
    with serving(stub), worker(tmp_path, settings(kafka, unique)) as running:
        running.create(file_sink(unique, out))
        running.create(stripe_source(source, stub.url))
        produce(kafka, unique, [b"before"])
        expected = pay(stub, 0, 60)
        until(lambda: lines(out) == [b"before"] and events(kafka, source) == expected, 60)
        world["kafka"].kill()
        expected += pay(stub, 60, 120)
        for _ in stay(away):
            assert running.states(unique) == running.states(source) == ["RUNNING", "RUNNING"]
        world["kafka"].start()
        produce(kafka, unique, [b"after"])
        until(lambda: lines(out) == [b"before", b"after"], 120)
        until(lambda: events(kafka, source) == expected, 120)


def test_a_worker_without_kafka_says_so_once(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with worker(tmp_path, settings(address, "lonely")) as running:
        said = f"Kafka at bootstrap.servers={address} does not answer"
        until(lambda: said in running.log.read_text(), 60, "the warning")
        lines = running.log.read_text().splitlines()
    assert sum(said in line for line in lines) == 1
    assert not [line for line in lines if "Connection refused" in line and said not in line]
