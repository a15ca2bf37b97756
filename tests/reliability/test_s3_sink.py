"""The S3 sink while tasks are killed and its server is away: every listing shows whole, committed, final objects."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ferryman.stack import Stack
from tests.connectors.s3.s3_task import CONFLUENT, World, records
from tests.reliability.flows import tolerant
from tests.running import Worker, consume, create_topic, feed, send, settings, until, worker

PARTITIONS = 3
LAYOUTS = {
    "by count": {"flush.size": "17"},
    "by the wall clock": {
        "flush.size": "1000",
        "partitioner.class": "io.confluent.connect.storage.partitioner.TimeBasedPartitioner",
        "path.format": "HH/mm/ss",
        "partition.duration.ms": "1000",
        "timezone": "UTC",
        "rotate.schedule.interval.ms": "300",
    },
}
KEYS = {"store.kafka.keys": "true", "keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat"}


@pytest.fixture(scope="module")
def server() -> Iterator[Stack]:
    """An S3 server that tests may stop."""
    with Stack(("s3",)) as stack:
        yield stack


@pytest.fixture
def bucket(server: Stack, unique: str) -> World:
    """A bucket of the test's own."""
    return World(server.addresses["s3"], unique)


def config(bucket: World, name: str, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": name,
        "s3.bucket.name": bucket.bucket,
        "store.url": bucket.url,
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "rotate.idle.interval.ms": "500",
        **KEYS,
        **more,
    }


def feed_partitions(kafka: str, topic: str, first: int, last: int) -> None:
    """Numbers, whose partition and place in it are theirs."""
    for partition in range(PARTITIONS):
        feed(kafka, topic, range(first + partition, last, PARTITIONS), partition)


def written(bucket: World) -> tuple[Counter[int], Counter[int]]:
    """How often each number is in the values' objects, and in the keys'."""
    values, keys = Counter[int](), Counter[int]()
    for key, found in bucket.contents().items():
        if key.endswith(".keys.json"):
            keys.update(int(each) for each in found)
        else:
            values.update(int(each["id"]) for each in found)
    return values, keys


def once(count: int) -> tuple[Counter[int], Counter[int]]:
    numbers = Counter(range(count))
    return numbers, numbers


@dataclass
class Watch:
    """Lists a bucket all the time, and holds against each listing what must be true of it."""

    bucket: World
    seen: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    samples: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Watch":
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.over.set()
        self._thread.join()
        self._sample()

    def sees_more(self) -> None:
        """Waits for an object that is new now."""
        before = len(self.seen)
        until(lambda: len(self.seen) > before or self.wrong, 60, "another object")

    def _watch(self) -> None:
        try:
            while not self.over.wait(0.05):
                self._sample()
        except Exception as error:
            self.wrong.append(repr(error))

    def _sample(self) -> None:
        now = self.bucket.listed()
        self.wrong += [
            f"{key} was {was} and is {now.get(key)}" for key, was in self.seen.items() if now.get(key) != was
        ]
        fresh = now.keys() - self.seen.keys()
        if fresh:
            ends = {str(source.partition): end for source, end in self.bucket.archived().items()}
            self.wrong += [
                f"{key} is there before its commit"
                for key in fresh
                if self._last(key) >= ends.get(key.split("+")[1], 0)
            ]
        self.seen |= {key: now[key] for key in fresh}
        self.samples += 1

    def _last(self, key: str) -> int:
        count = len(records(key, self.bucket.get(key)))
        return int(key.split("+")[2].partition(".")[0]) + count - 1


def next_pid(running: Worker, name: str, before: int) -> int:
    """The pid of the task's process after so many others."""
    found: list[int] = until(lambda: running.pids(name)[before:], 60)
    return found[0]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_listing_during_kills_shows_whole_and_committed_objects_that_stay(
    tmp_path: Path, kafka: str, unique: str, bucket: World, layout: str, long: bool
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    rounds, count = (20, 300) if long else (4, 150)
    chance = random.Random(7)
    with (
        worker(tmp_path, settings(kafka, unique, consumer_max_poll_records="20")) as running,
        Watch(bucket) as watch,
    ):
        running.create(config(bucket, unique, **LAYOUTS[layout]))
        for number in range(rounds):
            feed_partitions(kafka, unique, number * count, (number + 1) * count)
            pid = next_pid(running, unique, number)
            watch.sees_more()
            time.sleep(chance.random() * 0.3)
            send(pid, signal.SIGKILL)
        until(lambda: written(bucket) == once(rounds * count), 120)
        until(lambda: not any(head["objects"] for head in bucket.heads().values()), 30)
        until(lambda: len(running.pids(unique)) == rounds + 1, 30, "the last killed task to be started again")
    assert watch.wrong == []
    assert watch.samples > 20
    assert watch.seen.keys() == set(bucket.objects())


def test_a_server_that_is_paused_costs_no_record_and_makes_no_dead_letter(
    kafka: str, running: Worker, unique: str, bucket: World, server: Stack, long: bool
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    asked = {"flush.size": "15", "errors.retry.delay.max.ms": "500", **tolerant(f"{unique}-dead")}
    running.create(config(bucket, unique, **asked))
    feed_partitions(kafka, unique, 0, 60)
    until(lambda: written(bucket) == once(60))
    server["s3"].pause()
    try:
        feed_partitions(kafka, unique, 60, 160)
        running.keeps_running(unique, 20.0 if long else 4.0)
    finally:
        server["s3"].resume()
    until(lambda: written(bucket) == once(160), 120)
    assert set(running.states(unique)) == {"RUNNING"}
    assert consume(kafka, f"{unique}-dead") == []
