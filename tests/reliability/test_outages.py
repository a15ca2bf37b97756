"""Neighbours that are away with errors.tolerance=all: nothing is dead-lettered, nothing lost, nothing doubled.

Neighbours of its own, since they are killed.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from ferryman.stack import Stack
from ferryman.stack.runtime.ports import free_port
from tests.connectors.s3.s3_task import World
from tests.connectors.stripe.stripe_stub import serving
from tests.reliability.flows import (
    Config,
    Table,
    committed,
    events,
    file_sink,
    gateway,
    keys,
    lines,
    pay,
    rows,
    s3_sink,
    sql_sink,
    stripe_source,
    tolerant,
)
from tests.reliability.links.broker import Broker
from tests.reliability.scoreboard.plugin import Trials
from tests.running import WEB, Worker, consume, create_topic, distributed, produce, settings, stay, until, worker

AVRO = "io.confluent.connect.avro.AvroConverter"
ID = '{"type": "record", "name": "payment", "fields": [{"name": "id", "type": "long"}]}'


@pytest.fixture(scope="module")
def world() -> Iterator[Stack]:
    with Stack(("registry", "postgres", "s3")) as stack:
        yield stack


@pytest.fixture
def away(long: bool) -> float:
    """Seconds that a neighbour is away."""
    return 60.0 if long else 5.0


def zigzag(number: int) -> bytes:
    """A long in Avro's encoding."""
    value, coded = (number << 1) ^ (number >> 63), bytearray()
    while value > 0x7F:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])


def framed(registry: str, subject: str, first: int, last: int) -> list[bytes]:
    """Payments as Avro in Confluent's wire format, under an id that no cache can know yet."""
    answer = WEB.post(f"{registry}/subjects/{subject}-value/versions", json={"schema": ID})
    head = b"\0" + int(answer.json()["id"]).to_bytes(4, "big")
    return [head + zigzag(number) for number in range(first, last)]


def flow_of(kafka: str, config: Config) -> None:
    """Topics and nothing in them yet."""
    create_topic(kafka, config["name"], 2)
    create_topic(kafka, f"{config['name']}-dlq")


@dataclass
class Trio:
    """Three sinks of one worker, each with a neighbour of its own that goes away, and what they were sent."""

    kafka: str
    world: Stack
    running: Worker
    name: str
    bucket: World
    sent: int = 0

    @property
    def topics(self) -> list[str]:
        """The topics of the sinks whose database, whose registry and whose S3 server goes away."""
        return [f"{self.name}-{neighbour}" for neighbour in ("sql", "registry", "s3")]

    def begin(self, postgres: str) -> None:
        """The sinks start. That of the registry has a database that stays."""
        sql, registry, s3 = self.topics
        url = self.world.addresses["registry"]
        avro = {"value.converter": AVRO, "value.converter.schema.registry.url": url}
        for config in (
            sql_sink(sql, self.world.addresses["postgres"]),
            sql_sink(registry, postgres) | avro,
            s3_sink(s3, self.bucket.url, self.bucket.bucket),
        ):
            flow_of(self.kafka, config)
            again_soon = {"errors.retry.delay.max.ms": "500"}
            self.running.create(config | tolerant(f"{config['name']}-dlq") | again_soon)
            self.running.running(config["name"])

    def feed(self, values: Sequence[bytes]) -> None:
        """Records for all, those of the registry's given."""
        sql, registry, s3 = self.topics
        numbers = range(self.sent, self.sent + len(values))
        produce(self.kafka, sql, rows(numbers[0], numbers[-1] + 1), keys(numbers))
        produce(self.kafka, registry, values, keys(numbers))
        produce(self.kafka, s3, [b'{"id": %d}' % number for number in numbers], keys(numbers))
        self.sent += len(values)

    def over(self) -> bool:
        """Whether everything is committed, and in the objects that are completed after their commit."""
        return all(committed(self.running, topic) == self.sent for topic in self.topics) and (
            self.objects().total() >= self.sent
        )

    def objects(self) -> Counter[int]:
        """How often each number is in the bucket."""
        return Counter(int(each["id"]) for found in self.bucket.contents().values() for each in found)

    def check(self, postgres: str) -> None:
        """The ledger."""
        sql, registry, _s3 = self.topics
        assert Table(self.world.addresses["postgres"], sql).ids() == list(range(self.sent))
        assert Table(postgres, registry).ids() == list(range(self.sent))
        assert self.objects() == Counter(range(self.sent))
        assert [consume(self.kafka, f"{topic}-dlq") for topic in self.topics] == [[], [], []]


@pytest.mark.timeout(3600)
@pytest.mark.scoreboard("R13 registry")
@pytest.mark.scoreboard("R13 S3")
@pytest.mark.scoreboard("R13 SQL")
def test_neighbours_that_are_away_are_waited_for(
    world: Stack, kafka: str, postgres: str, running: Worker, unique: str, away: float, trials: Trials
) -> None:
    bucket = World(world.addresses["s3"], unique)
    trio = Trio(kafka, world, running, unique, bucket)
    trio.begin(postgres)
    for outage in range(trials.required):
        trio.feed(framed(world.addresses["registry"], f"{unique}-a{outage}", trio.sent, trio.sent + 20))
        until(trio.over, 120, "everything to arrive in good times")
        values = framed(world.addresses["registry"], f"{unique}-b{outage}", trio.sent, trio.sent + 40)
        for neighbour in world:
            neighbour.kill()
        trio.feed(values)
        for _ in stay(away):
            assert [running.states(topic) for topic in trio.topics] == [["RUNNING", "RUNNING"]] * 3
        for neighbour in world:
            neighbour.start()
        until(trio.over, 240, "everything to arrive after the outage")
    trio.check(postgres)
    for system in ("SQL", "S3", "registry"):
        trials.held(trials.required, f"R13 {system}")


def test_a_broker_that_is_away_is_waited_for_by_sinks_and_sources(
    tmp_path: Path, broken_broker: Broker, unique: str, away: float
) -> None:
    kafka, stub, out = broken_broker.address, gateway(), tmp_path / "out.txt"
    source = f"{unique}-source"
    create_topic(kafka, unique)
    create_topic(kafka, source)
    with serving(stub), worker(tmp_path, settings(kafka, unique)) as running:
        running.create(file_sink(unique, out))
        running.create(stripe_source(source, stub.url))
        produce(kafka, unique, [b"before"])
        expected = pay(stub, 0, 60)
        until(lambda: lines(out) == [b"before"] and events(kafka, source) == expected, 60)
        broken_broker.component.kill()
        expected += pay(stub, 60, 120)
        for _ in stay(away):
            assert running.states(unique) == running.states(source) == ["RUNNING", "RUNNING"]
        broken_broker.component.start()
        produce(kafka, unique, [b"after"])
        until(lambda: lines(out) == [b"before", b"after"], 120)
        until(lambda: events(kafka, source) == expected, 120)


def test_a_worker_without_kafka_says_so_once(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    with worker(tmp_path, settings(address, "lonely")) as running:
        said = f"Kafka at bootstrap.servers={address} does not answer"
        until(lambda: said in running.said, 60, "the warning")
        lines = running.said.splitlines()
    assert sum(said in line for line in lines) == 1
    assert not [line for line in lines if "Connection refused" in line and said not in line]


def test_a_worker_of_a_group_that_starts_before_its_kafka_waits_for_it_and_says_why(
    tmp_path: Path, broken_broker: Broker, unique: str
) -> None:
    one = Worker(tmp_path, distributed(broken_broker.proxied, unique), mode="distributed")
    broken_broker.link.suffer("cut")
    with ThreadPoolExecutor(1) as pool:
        start = pool.submit(one.start)
        try:
            until(lambda: one.log.exists() and "waiting for Kafka: the configs topic" in one.said, 60, "its wait")
            health = one.call("GET", "/health", expect=503)
            assert "initializing and reading to the end of internal topics" in health["message"]
        finally:
            broken_broker.link.heal()
        start.result()
    try:
        create_topic(broken_broker.address, unique)
        one.create(file_sink(unique, tmp_path / "out.txt"))
        until(lambda: one.states(unique) == ["RUNNING"] * 2, 60, "a task to run")
    finally:
        one.stop()
