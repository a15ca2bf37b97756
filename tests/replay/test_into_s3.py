"""Dead letters of S3 sinks that share a topic of them, replayed into objects elsewhere: of every format, each once."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.connectors.s3.archives import AVRO, BYTES_FORMAT, PARQUET
from tests.connectors.s3.s3_task import AIVEN, CONFLUENT, World, records
from tests.replay.test_into_a_table import JSON, done, replay, row, shown
from tests.running import Worker, create_topic, distributed, group, produce, until

TRANSFORMS = "org.apache.kafka.connect.transforms"
LOST = {
    "transforms": "key",
    "transforms.key.type": f"{TRANSFORMS}.ValueToKey",
    "transforms.key.fields": "missing",
    "transforms.key.predicate": "odd",
    "predicates": "odd",
    "predicates.odd.type": f"{TRANSFORMS}.predicates.HasHeaderKey",
    "predicates.odd.name": "odd",
}
STRUCTS = {"value.converter": JSON, "value.converter.schemas.enable": "true"}
RAW = {"value.converter": "org.apache.kafka.connect.converters.ByteArrayConverter"}
JSON_LINES = {"format.class": "io.confluent.connect.s3.format.json.JsonFormat"}
FORMATS: dict[str, dict[str, str]] = {
    "parquet": PARQUET | STRUCTS,
    "avro": AVRO | STRUCTS,
    "json": JSON_LINES | STRUCTS,
    "bytes": BYTES_FORMAT | RAW,
    "csv": {"connector.class": AIVEN, "format.output.fields": "value", "file.compression.type": "none"} | RAW,
}
COUNT = 12


@pytest.fixture
def bucket(s3_server: str, unique: str) -> World:
    """A bucket of the test's own."""
    return World(s3_server, unique)


def sink(name: str, dead: str, bucket: World, form: str) -> dict[str, str]:
    aiven = {"aws.s3.bucket.name": bucket.bucket, "aws.s3.endpoint": bucket.url, "aws.s3.prefix": f"live/{form}/"}
    aiven |= {"aws.access.key.id": "test", "aws.secret.access.key": "test", "file.max.records": "5"}
    confluent = {"s3.bucket.name": bucket.bucket, "store.url": bucket.url, "topics.dir": f"live/{form}"}
    confluent |= {"aws.access.key.id": "test", "aws.secret.access.key": "test", "flush.size": "5"}
    return {
        "name": name,
        "connector.class": CONFLUENT,
        "topics": name,
        "rotate.idle.interval.ms": "500",
        **(aiven if form == "csv" else confluent),
        **FORMATS[form],
        **LOST,
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }


def number(form: str, content: Any) -> int:
    """The number of the row that a record in an object is; the bytes of a format without structs hold the row's own."""
    match form:
        case "csv":
            return int(json.loads(base64.b64decode(content))["payload"]["id"])
        case "bytes":
            return int(json.loads(content)["payload"]["id"])
        case _:
            return int(content["id"])


def written(bucket: World, folder: str, form: str) -> Counter[int]:
    found = Counter[int]()
    for key in bucket.objects(f"{folder}/{form}/"):
        content = bucket.get(key)
        items = content.splitlines() if form in ("csv", "bytes") else records(key, content)
        found.update(number(form, each) for each in items)
    return found


def test_each_letter_is_in_one_object_of_its_format_though_the_worker_is_killed_meanwhile(
    kafka: str, bucket: World, unique: str, tmp_path: Path
) -> None:
    dead = f"{unique}-dlq"
    create_topic(kafka, dead, 3, message_timestamp_type="LogAppendTime")
    with group(tmp_path, distributed(kafka, unique, ferryman_log_format="json"), 1) as (running,):
        names = {form: f"{unique}-{form}" for form in FORMATS}
        for form, name in names.items():
            create_topic(kafka, name)
            running.create(sink(name, dead, bucket, form))
            keys = [str(at).encode() for at in range(COUNT)]
            produce(kafka, name, [row(at) for at in range(COUNT)], keys, headers=[("odd", b"1")])
        for name in names.values():
            until(lambda: len(shown(running, name)) == COUNT, what="the letters")  # noqa: B023
        check_logs(running, names["csv"])

        runs = {}
        for form, name in names.items():
            aside = {"aws.s3.prefix": f"aside/{form}/"} if form == "csv" else {"topics.dir": f"aside/{form}"}
            hint = next(iter(aside))
            assert f"setting {hint} in config" in replay(running, name, 400, all=True)["message"]
            mended = dict.fromkeys(LOST) | aside
            made = replay(running, name, all=True, config=mended)
            assert made["letters"] == COUNT
            runs[form] = made["name"]
        running.kill()
        running.start()
        for form, run in runs.items():
            done(running, run)
            once = Counter(dict.fromkeys(range(COUNT), 1))
            until(lambda: written(bucket, "aside", form) == once, what=f"the {form} of {run}")  # noqa: B023
            assert written(bucket, "live", form) == Counter()


def check_logs(running: Worker, name: str) -> None:
    """The log says of each letter whose record it is, where that lies, and its key in no other way than as a hash."""
    lines = [json.loads(line) for line in running.said.splitlines() if line.startswith("{")]
    told = [line for line in lines if line.get("connector") == name and line.get("stage") == "TRANSFORMATION"]
    assert {(each["worker"], each["task"], each["topic"], each["partition"]) for each in told} == {
        (running.id, 0, name, 0)
    }
    assert {each["offset"] for each in told} == set(range(COUNT))
    assert {each["key"] for each in told if each["offset"] == 7} == {"7902699be42c8a8e"}
