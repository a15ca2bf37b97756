"""`ferryman explain` of the S3 connectors: the objects that it tells are those that the sink then writes."""

from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.connectors.s3.effects import listings, objects
from ferryman.connectors.s3.source import S3SourceConnector
from ferryman.effects import Effect
from tests.connectors.s3.archives import AVRO, BY_FIELD, BY_RECORD_TIME, PARQUET
from tests.connectors.s3.s3_task import AIVEN, P0, P1, Log, World

GZIP = {"s3.compression.type": "gzip"}
SIDES = {
    "store.kafka.keys": "true",
    "keys.format.class": "io.confluent.connect.s3.format.json.JsonFormat",
    "store.kafka.headers": "true",
    "headers.format.class": "io.confluent.connect.s3.format.json.JsonFormat",
}


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def told(world: World) -> list[Effect]:
    """What is told of the logs, before anything is written."""
    batches = [world.batch(source, 0, log) for source, log in world.logs.items() if log]
    return list(objects(world.config(), world.raw["name"], batches))


def keys(found: list[Effect], is_open: bool | None = None) -> list[str]:
    return sorted(
        each.details["key"] for each in found if each.kind == "object" and is_open in (None, each.details["open"])
    )


@pytest.mark.parametrize(
    "more",
    [
        {},
        GZIP,
        SIDES,
        {**BY_FIELD, "topics.dir": "a/b", "file.delim": "-"},
        {**BY_RECORD_TIME},
        {"flush.size": "100", "rotate.idle.interval.ms": "60000"},
    ],
    ids=["plain", "gzip", "sides", "by field", "by time", "large"],
)
def test_the_objects_that_it_tells_are_those_that_the_sink_writes(world: World, more: dict[str, str]) -> None:
    world.more = more
    for number in range(7):
        log = Log({"id": number, "kind": "lamp" if number % 2 else "sofa"}, key="k")
        world.produce(P0 if number < 5 else P1, log)
    found = told(world)
    assert world.objects() == []
    world.begin()
    world.drain()
    assert world.objects() == keys(found, is_open=False)
    world.running.end()
    world.commit()
    world.commit()
    written = world.contents()
    assert sorted(written) == keys(found)
    for each in found:
        if each.kind == "object":
            assert len(written[each.details["key"]]) == each.details["records"]
            assert len(world.get(each.details["key"])) == pytest.approx(each.details["bytes"], abs=8)


@pytest.mark.parametrize("more", [PARQUET, AVRO], ids=["parquet", "avro"])
def test_formats_with_schemas_are_told_too(world: World, more: dict[str, Any]) -> None:
    from ferryman.schema import INT64, struct

    world.more, world.schema = more, struct({"id": INT64})
    world.produce(P0, *(Log({"id": number}) for number in range(3)))
    found = told(world)
    world.begin()
    world.drain()
    assert world.objects() == keys(found, is_open=False)


def test_aivens_objects_are_closed_with_the_next_commit(world: World) -> None:
    world.more = {
        "connector.class": AIVEN,
        "aws.s3.bucket.name": world.bucket,
        "aws.s3.endpoint": world.url,
        "aws.s3.region": "us-east-1",
        "file.name.template": "{{topic}}-{{partition}}-{{start_offset}}",
        "format.output.type": "jsonl",
        "format.output.fields": "value",
    }
    world.whole = {
        name: text
        for name, text in world.usual.items()
        if name
        not in (
            "s3.bucket.name",
            "store.url",
            "storage.class",
            "format.class",
            "flush.size",
            "s3.part.retries",
            "aws.access.key.id",
            "aws.secret.access.key",
        )
    } | {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
    world.produce(P0, Log({"id": 1}))
    (each,) = [each for each in told(world) if each.kind == "object"]
    assert each.text.endswith("closed by the next commit")
    world.begin()
    world.drain()
    assert world.objects() == [each.details["key"]]


def test_a_record_that_no_object_can_hold_is_named_and_the_others_are_told(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": "1"}
    world.produce(P0, Log({"id": 0, "kind": "lamp"}), Log({"id": 1}), Log({"id": 2, "kind": "sofa"}))
    found = told(world)
    assert [each.target for each in found if each.kind == "refused"] == ["orders-0@1"]
    assert [each.details["first_offset"] for each in found if each.kind == "object"] == [0, 2]


def test_null_values_that_are_ignored_are_told(world: World) -> None:
    world.more = {"behavior.on.null.values": "ignore", "flush.size": "1"}
    world.produce(P0, Log(None), Log({"id": 1}))
    found = told(world)
    assert [each.target for each in found if each.kind == "passed over"] == ["orders-0@0"]
    assert len(keys(found)) == 1


def test_the_source_tells_what_it_lists() -> None:
    raw = {
        "name": "restore",
        "connector.class": "io.confluent.connect.s3.source.S3SourceConnector",
        "s3.bucket.name": "archive",
        "format.class": "io.confluent.connect.s3.format.json.JsonFormat",
        "topics.dir": "a/b",
        "folders": "a/b/orders,a/b/mails",
    }
    found = [each for each in listings(S3SourceConnector.config_class.parse(raw)) if each.kind == "request"]
    assert [each.details for each in found] == [
        {"Bucket": "archive", "Prefix": "a/b/mails/"},
        {"Bucket": "archive", "Prefix": "a/b/orders/"},
    ]
