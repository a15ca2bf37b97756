"""Schemas, keys and tombstones that take turns, into envelopes by time, while the task is killed: each record once."""

import signal
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.connectors.s3.s3_task import World
from tests.connectors.s3.test_any_poll import Line, key, value
from tests.connectors.s3.test_sink_worker import config
from tests.running import create_topic, produce, send, settings, until, worker

CONVERTER = "org.apache.kafka.connect.json.JsonConverter"
TURNS = {
    "store.envelope": "true",
    "behavior.on.null.values": "write",
    "schema.compatibility": "BACKWARD",
    "partitioner.class": "io.confluent.connect.storage.partitioner.HourlyPartitioner",
    "timestamp.extractor": "Record",
    "timezone": "UTC",
    "locale": "en",
    "flush.size": "700",
    "key.converter": CONVERTER,
    "value.converter": CONVERTER,
}
RECORDS, PARTITIONS = 3000, 2


def line(number: int) -> Line:
    """Three versions of the value or none, two of the key or none."""
    version = None if number % 11 == 5 else 1 + number // 3 % 2
    return (3, 2, None, 3, 1)[number % 5], version, "abc"[number % 3], 0, number % 4 == 0


def payload(data: bytes | None) -> Any:
    return None if data is None else orjson.loads(data)["payload"]


@pytest.mark.parametrize("form", ["json.Json", "avro.Avro", "parquet.Parquet"])
def test_each_record_is_archived_once_as_it_was(
    tmp_path: Path, kafka: str, s3_server: str, unique: str, form: str
) -> None:
    bucket = World(s3_server, unique, {})
    create_topic(kafka, unique, PARTITIONS)
    lines = [line(number) for number in range(RECORDS)]
    keys = [key(version, number) for number, (_, version, *_) in enumerate(lines)]
    values = [value(each, number) for number, each in enumerate(lines)]
    wanted = [(payload(keys[number]), payload(values[number])) for number in range(RECORDS)]
    with worker(tmp_path, settings(kafka, unique, offset_flush_interval_ms="200")) as running:
        running.create(
            config(bucket, unique, **TURNS, **{"format.class": f"io.confluent.connect.s3.format.{form}Format"})
        )
        for start in range(0, RECORDS, 1000):
            stop = start + 1000
            produce(kafka, unique, values[start:stop], keys[start:stop])
            until(lambda stop=stop: count(bucket) > stop - 1000, 60)  # type: ignore[misc]
            send(running.pids(unique)[-1], signal.SIGKILL)
        until(lambda: count(bucket) == RECORDS, 120)
    assert sorted(map(str, found(bucket))) == sorted(map(str, wanted))


def count(bucket: World) -> int:
    return sum(map(len, bucket.contents().values()))


def found(bucket: World) -> list[tuple[Any, Any]]:
    """Keys and values of all records. In each object they stand in the order of their offsets, and each has its own."""
    offsets = defaultdict[int, set[int]](set)
    pairs = []
    for name, records in bucket.contents().items():
        assert [each["offset"] for each in records] == sorted({each["offset"] for each in records}), name
        for each in records:
            assert each["offset"] not in offsets[each["partition"]], name
            offsets[each["partition"]].add(each["offset"])
            pairs.append((each["key"], known(each["value"])))
    assert {partition: len(each) for partition, each in offsets.items()} == {
        partition: 1 + max(each) for partition, each in offsets.items()
    }
    return pairs


def known(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """Without what a later version has added."""
    if given is None:
        return None
    return {name: each for name, each in given.items() if each is not None or not name.startswith("later")}
