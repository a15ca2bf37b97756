"""Sinks in groups of the consumer protocol (KIP-848): kills, sleepers, several owners, and the way there and back.

The broker waits for its session's end before it gives a killed task's partitions away, and takes late commits of members
that no longer own what they commit for.
"""

import json
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from confluent_kafka import Consumer, TopicPartition

from tests.connectors.s3.s3_task import World
from tests.reliability.flows import Config, Table, committed, file_sink, keys, lines, rows, s3_sink, sql_sink
from tests.reliability.test_zombies import go_on, says, stop
from tests.running import Worker, create_topic, produce, send, settings, until, worker

CONSUMER = {"consumer.override.group.protocol": "consumer"}
PARTITIONS = 4


@dataclass
class Flow:
    """A sink, and what came of the numbers that went into its topic."""

    config: Config
    found: Callable[[], Sequence[int]]

    def has(self, count: int) -> None:
        """Waits for the numbers up to this one; each must be there once."""
        until(lambda: len(self.found()) >= count, 120, f"{count} to come out")
        assert Counter(self.found()) == Counter(range(count))


@pytest.fixture(params=["sql", "s3", "file"])
def flow(request: pytest.FixtureRequest, unique: str, tmp_path: Path) -> Flow:
    """One sink of each kind that keeps its truth outside the group."""
    if request.param == "sql":
        url = request.getfixturevalue("postgres")
        return Flow(sql_sink(unique, url) | CONSUMER, Table(url, unique).ids)
    if request.param == "s3":
        bucket = World(request.getfixturevalue("stack")["s3"], unique)
        return Flow(s3_sink(unique, bucket.url, unique) | CONSUMER, lambda: archived(bucket))
    file = tmp_path / "out.txt"
    values = {"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
    return Flow(file_sink(unique, file) | values | CONSUMER, lambda: [number(each) for each in lines(file)])


def archived(bucket: World) -> list[int]:
    """The numbers in all objects; the values have a schema of their own around them."""
    return [int((each.get("payload") or each)["id"]) for found in bucket.contents().values() for each in found]


def number(line: bytes) -> int:
    """The number of a line, which is a struct as Java prints it."""
    return int(line.partition(b"id=")[2].partition(b",")[0] or json.loads(line)["id"])


def feed(kafka: str, topic: str, first: int, last: int) -> None:
    produce(kafka, topic, rows(first, last), keys(range(last - first)))


def test_a_task_that_is_killed_is_succeeded_when_its_session_is_over(
    tmp_path: Path, kafka: str, unique: str, flow: Flow, long: bool
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(flow.config)
        feed(kafka, unique, 0, 60)
        flow.has(60)
        for round in range(1, 8 if long else 2):
            feed(kafka, unique, round * 60, round * 60 + 60)
            send(running.pids(unique)[-1], signal.SIGKILL)
            flow.has(round * 60 + 60)
        until(lambda: running.states(unique) == ["RUNNING", "RUNNING"])
