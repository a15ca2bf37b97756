"""The S3 source under Aiven's class name: archives of Aiven's sink, and objects of anybody."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import fastavro
import pytest

from ferryman.connectors.s3.archive import look, source_config
from ferryman.record import Header
from ferryman.schema import BYTES, STRING
from tests.connectors.s3 import s3_task
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.s3.source_task import AIVEN, Restore, text

TEMPLATE = "{{topic}}-{{partition}}-{{start_offset}}"
USUAL = {"connector.class": AIVEN, "file.name.template": TEMPLATE}
FIELDS = "key,value,offset,timestamp,headers"


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own, and Aiven's sink."""
    made = World(s3_server, unique)
    yield made
    made.kill()


class Restored(Restore):
    """A task under Aiven's class name."""

    @property
    def raw(self) -> dict[str, str]:
        usual = {"name": "restore", "aws.s3.bucket.name": self.world.bucket, "aws.s3.endpoint": self.world.url}
        credentials = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
        return {**usual, **credentials, "tasks.max": "1", **USUAL, **self.more}


def archive(world: World, *records: Log, **more: str) -> None:
    """Written by the sink under Aiven's class name."""
    keys = {"aws.s3.bucket.name": world.bucket, "aws.s3.endpoint": world.url}
    credentials = {"aws.access.key.id": "test", "aws.secret.access.key": "test"}
    sink = {"name": "archive", "connector.class": s3_task.AIVEN, "topics": "orders", **keys, **credentials}
    world.whole = {**sink, "s3.part.retries": "0", **{key.replace("_", "."): value for key, value in more.items()}}
    world.produce(P0, *records)
    world.begin(P0)
    world.drain()
    world.end()


def logs(count: int) -> list[Log]:
    headers = (Header("who", "Ann", STRING),)
    return [Log({"id": n}, timestamp=1_700_000_000_000 + n, key=f"k{n}", headers=headers) for n in range(count)]


def put(world: World, key: str, data: bytes) -> None:
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=data)


@pytest.mark.parametrize("packing", ["none", "gzip", "snappy", "zstd"])
@pytest.mark.parametrize("kind", ["jsonl", "json"])
def test_fields_come_back_as_records(world: World, kind: str, packing: str) -> None:
    fields = {"format.output.fields": FIELDS, "file.compression.type": packing}
    archive(world, *logs(20), format_output_type=kind, file_max_records="7", **fields)
    found = Restored(world, {"input.format": kind, **fields}).drain()
    assert [record.value for record in found] == [{"id": n} for n in range(20)]
    assert [record.key for record in found] == [f"k{n}" for n in range(20)]
    assert [record.timestamp for record in found] == [1_700_000_000_000 + n for n in range(20)]
    assert {(header.key, header.value) for record in found for header in record.headers} == {("who", "Ann")}
    assert {(record.topic, record.partition) for record in found} == {("orders", 0)}


def test_records_without_key_or_value_keep_their_place_among_the_others(world: World) -> None:
    records = [("a", 1), (None, 2), ("b", None), (None, None), ("c", 5), (None, 6), ("d", None), ("e", 8)]
    lines = "".join(json.dumps({"key": key, "value": value}) + "\n" for key, value in records)
    put(world, "orders-0-0", lines.encode())
    found = Restored(world, {"input.format": "jsonl", "format.output.fields": "key,value"}).drain()
    assert [(record.key, record.value) for record in found] == records


@pytest.mark.parametrize("encoding", ["base64", "none"])
def test_csv_comes_back_as_bytes(world: World, encoding: str) -> None:
    world.schema, world.key_schema = BYTES, STRING
    values = [b"a,b", b"plain", b"x,,y"]
    fields = {"format.output.fields": FIELDS, "format.output.fields.value.encoding": encoding}
    archive(world, *(Log(value, key="k,1", headers=(Header("h", "v", STRING),)) for value in values), **fields)
    more = {"input.format": "csv", "file.compression.type": "gzip", **fields}
    found = Restored(world, more).drain()
    assert [record.value for record in found] == values
    assert {record.key for record in found} == {b"k,1"}
    assert {record.headers[0].value for record in found} == {b"v"}


@pytest.mark.parametrize("encoding", ["base64", "none"])
def test_a_tombstone_in_csv_comes_back_as_one(world: World, encoding: str) -> None:
    fields = {"format.output.fields": FIELDS, "format.output.fields.value.encoding": encoding}
    value = "djE=" if encoding == "base64" else "v1"
    put(world, "orders-0-5", f"a2V5,{value},5,1700000000000,\na2V5,,6,1700000000001,\n,,7,1700000000002,\n".encode())
    found = Restored(world, {"input.format": "csv", **fields}).drain()
    assert [(record.key, record.value) for record in found] == [(b"key", b"v1"), (b"key", None), (None, None)]


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_tombstones_of_the_sink_come_back(world: World, kind: str) -> None:
    world.schema, world.key_schema = BYTES, STRING
    fields = {"format.output.fields": FIELDS, "file.compression.type": "none"}
    archive(world, Log(b"v", key="a"), Log(None, key="b"), Log(b"w", key="c"), format_output_type=kind, **fields)
    found = Restored(world, {"input.format": kind, **fields}).drain()
    bare = [record.key.decode() if kind == "csv" else record.key for record in found]
    assert bare == ["a", "b", "c"]
    assert [record.value is None for record in found] == [False, True, False]
    (seen,) = look(source_config({**world.raw, "format.output.type": kind})).examined("orders")
    assert (seen.offsets, seen.damage) == ((0, 1, 2), ())


@pytest.mark.parametrize(
    ("prefix", "template"),
    [
        ("logs/", None),
        ("logs/{{ utc_date }}/", None),
        ("{{topic}}.{{timestamp:unit=yyyy}}+/{{timestamp:unit=MM}}/", None),
        ("{{topic}}/{{other}}/{{local_date}}/", "{{partition}}-{{start_offset}}-{{topic}}.txt"),
    ],
)
def test_what_is_behind_a_prefix_with_variables_is_read(world: World, prefix: str, template: str | None) -> None:
    names = {"aws.s3.prefix": prefix, "file.max.records": "5"} | (
        {} if template is None else {"file.name.template": template}
    )
    fields = {"format.output.fields": FIELDS, "file.compression.type": "none"}
    archive(world, *logs(12), format_output_type="jsonl", **names, **fields)
    put(world, "elsewhere/orders-0-7", b"{}")
    put(world, "logs/other/orders0-7", b"{}")
    config = source_config(world.raw)
    seen = look(config)
    assert seen.topics == ["orders"]
    found = [(each.partition, each.start, each.count, each.damage) for each in seen.examined("orders")]
    assert sorted(found) == [(0, 0, 5, ()), (0, 5, 5, ()), (0, 10, 2, ())]
    restored = Restored(
        world, {"input.format": "jsonl", **fields, "file.name.template": template or TEMPLATE, "aws.s3.prefix": prefix}
    ).drain()
    assert [record.value for record in restored] == [{"id": n} for n in range(12)]
    assert {(record.topic, record.partition) for record in restored} == {("orders", 0)}


def test_without_fields_the_line_is_the_value_and_the_name_the_key(world: World) -> None:
    put(world, "orders-1-7.txt", b'{"a": 1}\n{"a": 2}\n')
    found = Restored(world, {"input.format": "jsonl"}).drain()
    assert [(record.key, record.value, record.partition) for record in found] == [
        (b"orders-1-7.txt", {"a": 1}, 1),
        (b"orders-1-7.txt", {"a": 2}, 1),
    ]


def test_bytes_come_in_pieces_of_any_object(world: World) -> None:
    put(world, "shop/any name", b"0123456789")
    more = {"file.name.template": ".*", "topic": "raw", "transformer.max.buffer.size": "4"}
    found = Restored(world, more).drain()
    assert [record.value for record in found] == [b"0123", b"4567", b"89"]
    assert {(record.topic, record.partition) for record in found} == {("raw", None)}


def test_avro_of_anybody_is_read(world: World) -> None:
    schema = {"type": "record", "name": "shop.Order", "fields": [{"name": "id", "type": "long"}]}
    for codec in ("null", "deflate", "snappy", "bzip2", "xz"):
        out = io.BytesIO()
        fastavro.writer(out, schema, [{"id": number} for number in range(5000)], codec, sync_interval=1000)
        put(world, f"orders-0-{len(codec)}{codec}", out.getvalue())
    found = Restored(world, {"input.format": "avro", "max.poll.records": "777"}).drain()
    assert [record.value["id"] for record in found] == [*range(5000)] * 5


def test_only_names_behind_the_prefix_and_the_start_are_read(world: World) -> None:
    for name in ("in/orders-0-1", "in/orders-0-2", "in/orders-0-3", "out/orders-0-4"):
        put(world, name, json.dumps({"name": name}).encode())
    more = {"input.format": "jsonl", "aws.s3.prefix": "in/", "native.start.key": "in/orders-0-1"}
    assert [record.value["name"] for record in Restored(world, more).drain()] == ["in/orders-0-2", "in/orders-0-3"]


def test_a_position_of_aivens_source_is_taken_over(world: World) -> None:
    for start in (0, 10):
        put(world, f"orders-0-{start}", b"".join(b'{"id": %d}\n' % (start + n) for n in range(10)))
    left: dict[str, Mapping[str, Any]] = {
        text({"bucket": world.bucket, "objectKey": f"orders-0-{start}"}): {"recordCount": n}
        for start, n in ((0, 10), (10, 4))
    }
    found = Restored(world, {"input.format": "jsonl"}, offsets=left).drain()
    assert [record.value["id"] for record in found] == list(range(14, 20))
