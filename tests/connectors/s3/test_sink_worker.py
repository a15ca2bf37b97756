"""The S3 sink in a real worker: stopped past its session, without its bucket, sent back to the beginning.

tests/reliability kills it.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferryman.stack import Stack
from tests.connectors.s3.s3_task import CONFLUENT, World
from tests.running import create_topic, feed, send, settings, until, worker

DEFAULT = {"flush.size": "15"}


@pytest.fixture(scope="module")
def server() -> Iterator[Stack]:
    """An S3 server that tests may stop."""
    with Stack(("s3",)) as stack:
        yield stack


@pytest.fixture
def bucket(server: Stack, unique: str) -> World:
    """A bucket of the test's own."""
    return World(server.addresses["s3"], unique, DEFAULT)


def config(bucket: World, name: str, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": name,
        "s3.bucket.name": bucket.bucket,
        "s3.region": "us-east-1",
        "store.url": bucket.url,
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test",
        "storage.class": "io.confluent.connect.s3.storage.S3Storage",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "rotate.idle.interval.ms": "700",
        **more,
    }


def ids(bucket: World) -> list[int]:
    return sorted(each["id"] for records in bucket.contents().values() for each in records)


def test_a_zombie_neither_adds_nor_changes_an_object(tmp_path: Path, kafka: str, unique: str, bucket: World) -> None:
    create_topic(kafka, unique, 2)
    quick = {"consumer_session_timeout_ms": "1500", "consumer_heartbeat_interval_ms": "300"}
    dynamic = {"consumer.override.group.instance.id": "", "flush.size": "40"}
    chosen = settings(kafka, unique, **quick)
    with worker(tmp_path, chosen) as first, worker(tmp_path, chosen) as second:
        first.create(config(bucket, unique, **dynamic))
        feed(kafka, unique, range(100))
        until(lambda: len(ids(bucket)) == 100)
        feed(kafka, unique, range(100, 130))
        pids = [*first.pids(unique)[-1:]]
        assert first.process is not None
        for pid in (first.process.pid, *pids):
            send(pid, signal.SIGSTOP)
        try:
            second.create(config(bucket, unique, **dynamic))
            until(lambda: len(ids(bucket)) == 130, 60, "the successor to write what the zombie holds")
            sizes = {key: len(bucket.get(key)) for key in bucket.objects()}
        finally:
            for pid in (first.process.pid, *pids):
                send(pid, signal.SIGCONT)
        feed(kafka, unique, range(130, 200))
        until(lambda: len(ids(bucket)) >= 200)
        assert {key: len(bucket.get(key)) for key in sizes} == sizes
    where = {key: [each["id"] for each in records] for key, records in bucket.contents().items()}
    assert sorted(id for found in where.values() for id in found) == list(range(200)), where


IMPATIENT = {"errors.retry.timeout": "500"}


def test_a_bucket_that_is_not_there_fails_the_task(tmp_path: Path, kafka: str, unique: str, bucket: World) -> None:
    create_topic(kafka, unique, 1)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(config(bucket, unique, **{**DEFAULT, "s3.bucket.name": f"{unique}-none"}) | IMPATIENT)
        feed(kafka, unique, range(20))
        trace = running.trace(unique)
        assert "NoSuchBucket" in trace
        assert "s3.bucket.name" in trace


def test_offsets_are_reset_by_rest_after_a_stop(tmp_path: Path, kafka: str, unique: str, bucket: World) -> None:
    create_topic(kafka, unique, 1)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(config(bucket, unique, **DEFAULT))
        feed(kafka, unique, range(30))
        until(lambda: len(ids(bucket)) == 30)
        running.call("PUT", f"/connectors/{unique}/stop", expect=204)
        until(lambda: running.states(unique) == ["STOPPED"])
        running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)
        running.call("PUT", f"/connectors/{unique}/resume", expect=202)
        until(lambda: len(ids(bucket)) == 60)
