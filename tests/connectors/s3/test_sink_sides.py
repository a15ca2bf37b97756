"""The S3 sink's keys, headers and tombstones: in objects of their own beside the values', or in one envelope."""

import io
import itertools
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import fastavro
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from ferryman.connectors.s3.sink import S3SinkConnector
from ferryman.errors import TaskError
from ferryman.record import Header
from ferryman.schema import INT32, INT64, OPTIONAL_STRING, STRING, Schema, struct
from tests.connectors.s3.kills import committed, events, play
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.sink_world import Killed
from tests.connectors.sql.sql_task import columns

FORMATS = "io.confluent.connect.s3.format"
KEYS = {"store.kafka.keys": "true"}
HEADERS = {"store.kafka.headers": "true"}
TOMBSTONES = {**KEYS, "behavior.on.null.values": "write"}
JSON_KEYS = {**KEYS, "keys.format.class": f"{FORMATS}.json.JsonFormat"}
FOLDER = "topics/orders/partition=0/orders+0+000000000"
VALUE = struct({"id": INT64, "kind": OPTIONAL_STRING}, "shop.Order")
NUMBERS = itertools.count()


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def order(number: int, **more: Any) -> Log:
    named: dict[str, Any] = {"key": f"k{number}", "headers": (Header("n", number, INT32), Header("who", "Ann", STRING))}
    return Log({"id": number}, **{**named, **more})


def write(world: World, *records: Log) -> list[str]:
    """The objects after these records and a commit."""
    world.produce(P0, *records)
    world.begin(P0)
    world.put(P0)
    world.commit()
    return world.objects()


def avro(world: World, key: str) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(world.get(key))))


def test_keys_and_headers_are_objects_beside_the_values(world: World) -> None:
    world.more, world.key_schema = {**KEYS, **HEADERS}, STRING
    assert write(world, *map(order, range(4))) == [f"{FOLDER}0.headers.avro", f"{FOLDER}0.json", f"{FOLDER}0.keys.avro"]
    assert avro(world, f"{FOLDER}0.keys.avro") == ["k0", "k1", "k2"]
    assert avro(world, f"{FOLDER}0.headers.avro") == [
        [{"key": "n", "value": str(number)}, {"key": "who", "value": "Ann"}] for number in range(3)
    ]


@pytest.mark.parametrize(
    ("form", "keys", "headers"),
    [
        ("json.JsonFormat", "keys.json.gz", "headers.json.gz"),
        ("parquet.ParquetFormat", "keys.zstd.parquet", "headers.zstd.parquet"),
    ],
)
def test_each_side_has_the_format_and_name_that_its_keys_say(world: World, form: str, keys: str, headers: str) -> None:
    world.more = {
        **KEYS,
        **HEADERS,
        "keys.format.class": f"{FORMATS}.{form}",
        "headers.format.class": f"{FORMATS}.{form}",
        "s3.compression.type": "gzip",
        "parquet.codec": "zstd",
    }
    world.key_schema = STRING
    assert set(write(world, *map(order, range(3)))) == {f"{FOLDER}0.{end}" for end in ("json.gz", keys, headers)}
    contents = world.contents()
    expected: list[Any] = ["k0", "k1", "k2"]
    assert contents[f"{FOLDER}0.{keys}"] == ([{"key": k} for k in expected] if "parquet" in form else expected)
    assert contents[f"{FOLDER}0.{headers}"][1] == {
        "headers": [{"key": "n", "value": "1"}, {"key": "who", "value": "Ann"}]
    }


def test_keys_may_be_raw_bytes(world: World) -> None:
    world.more = {**KEYS, "keys.format.class": f"{FORMATS}.bytearray.ByteArrayFormat", "flush.size": "2"}
    write(world, order(0, key=b"\x00a"), order(1, key=b"b"))
    assert world.get(f"{FOLDER}0.keys.bin") == b"\x00a\nb\n"


@pytest.mark.parametrize(
    ("more", "lacking", "text"),
    [
        (JSON_KEYS, {"key": None}, "The key is null"),
        (HEADERS, {"headers": ()}, "The record has no headers"),
        (HEADERS, {"headers": (Header("a", None),)}, "A header's value is null"),
    ],
)
def test_a_record_without_key_or_headers_is_a_data_error(
    world: World, more: dict[str, str], lacking: dict[str, Any], text: str
) -> None:
    world.more = {**more, "flush.size": "2"}
    assert len(write(world, order(0), order(1, **lacking), order(2))) == 2
    ((offset, said),) = world.reported
    assert offset == 1
    assert text in said


def test_keys_of_another_schema_close_the_files(world: World) -> None:
    world.more, world.key_schema = {**KEYS, "flush.size": "4"}, STRING
    world.produce(P0, *map(order, range(2)))
    world.begin(P0)
    world.put(P0)
    world.key_schema = INT64
    world.produce(P0, *(order(number, key=number) for number in range(2, 6)))
    world.put(P0)
    world.commit()
    assert avro(world, f"{FOLDER}0.keys.avro") == ["k0", "k1"]
    assert avro(world, f"{FOLDER}2.keys.avro") == [2, 3, 4, 5]
    assert len(world.objects()) == 4


def test_tombstones_are_written_as_keys_alone_where_the_config_says(world: World) -> None:
    world.more = {**TOMBSTONES, **JSON_KEYS, "tombstone.encoded.partition": "gone", "flush.size": "4"}
    write(world, order(0), Log(None, key="k1"), order(2), Log(None, key="k0"))
    assert world.contents() == {
        f"{FOLDER}0.json": [{"id": 0}, {"id": 2}],
        f"{FOLDER}0.keys.json": ["k0", "k2"],
        "topics/orders/gone/orders+0+0000000001.keys.json": ["k1", "k0"],
    }


def test_tombstones_need_no_field_for_their_path_or_time(world: World) -> None:
    world.more = {
        **TOMBSTONES,
        **JSON_KEYS,
        "partitioner.class": "FieldAndTimeBasedPartitioner",
        "partition.field.name": "kind",
        "partition.field.format.path": "false",
        "path.format": "yyyy",
        "partition.duration.ms": "60000",
        "timezone": "UTC",
        "timestamp.extractor": "RecordField",
        "timestamp.field": "at",
        "rotate.interval.ms": "3600000",
        "rotate.file.on.partition.change": "false",
        "flush.size": "2",
    }
    write(world, Log({"kind": "a", "at": 1_700_000_000_000}, key="x"), Log(None, key="y"))
    assert sorted(world.objects()) == [
        "topics/orders/a/2023/orders+0+0000000000.json",
        "topics/orders/a/2023/orders+0+0000000000.keys.json",
        "topics/orders/tombstone/orders+0+0000000001.keys.json",
    ]


def test_a_field_called_as_the_tombstones_partition_shares_no_file_with_them(world: World) -> None:
    world.more = {
        **TOMBSTONES,
        **JSON_KEYS,
        "partitioner.class": "FieldPartitioner",
        "partition.field.name": "kind",
        "partition.field.format.path": "false",
        "flush.size": "3",
    }
    write(world, Log({"kind": "tombstone"}, key="x"), Log(None, key="y"), Log({"kind": "tombstone"}, key="z"))
    folder = "topics/orders/tombstone/orders+0+000000000"
    contents = world.contents()
    assert (contents[f"{folder}0.keys.json"], contents[f"{folder}1.keys.json"]) == (["x", "z"], ["y"])
    assert len(contents) == 3


ENVELOPED = {
    "key": "k1",
    "value": {"id": 1, "kind": None},
    "headers": [{"key": "n", "value": "1"}, {"key": "who", "value": "Ann"}],
    "topic": "orders",
    "partition": 0,
    "offset": 1,
}


@pytest.mark.parametrize(
    ("form", "schema"),
    [
        ("json.JsonFormat", None),
        ("json.JsonFormat", VALUE),
        ("avro.AvroFormat", VALUE),
        ("parquet.ParquetFormat", VALUE),
    ],
)
def test_an_envelope_has_everything_of_a_record(world: World, form: str, schema: Schema | None) -> None:
    world.more = {"store.envelope": "true", "format.class": f"{FORMATS}.{form}"}
    world.schema, world.key_schema = schema, None if schema is None else STRING
    (key,) = write(world, *map(order, range(3)))
    found = world.contents()[key][1]
    if schema is None:
        found["value"]["kind"] = None
    else:
        assert [header.pop("bytes") for header in found["headers"]] == [None, None]
    at = found.pop("timestamp")
    assert (at if isinstance(at, int) else int(at.timestamp() * 1000)) == 1_700_000_000_000
    assert found == ENVELOPED


def test_tombstones_are_envelopes_without_a_value(world: World) -> None:
    world.more = {"store.envelope": "true", "behavior.on.null.values": "write", "flush.size": "2"}
    write(world, order(0), Log(None, key="k0"))
    (found,) = world.contents()["topics/orders/tombstone/orders+0+0000000001.json"]
    assert (found["key"], found["value"], found["headers"]) == ("k0", None, [])


def test_an_envelopes_paths_are_those_of_its_value(world: World) -> None:
    world.more = {"store.envelope": "true", "partitioner.class": "FieldPartitioner", "partition.field.name": "id"}
    assert len(write(world, *map(order, range(3)))) == 3
    assert world.objects()[1] == "topics/orders/id=1/orders+0+0000000001.json"


def test_a_name_that_is_taken_moves_a_file_with_its_sides(world: World) -> None:
    world.more = {**JSON_KEYS}
    write(world, *map(order, range(3)))
    world.end()
    assert S3SinkConnector.alter_offsets(world.config(), world.context(), {P0: None})
    world.group.clear()
    world.begin(P0)
    world.put(P0)
    world.commit()
    value, keys = sorted(key for key in world.objects() if "~" in key)
    assert value.removesuffix(".json") == keys.removesuffix(".keys.json")


def test_aborted_uploads_of_keys_are_made_again(world: World) -> None:
    world.more = {**TOMBSTONES, **JSON_KEYS, "flush.size": "4"}
    world.produce(P0, order(0), Log(None, key="k1"), order(2), order(3))
    world.begin(P0)
    world.put(P0)
    world.die_at = ("s3.before_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.abort_uploads()
    world.die_at = None
    world.begin(P0)
    world.drain()
    assert world.contents() == {
        f"{FOLDER}0.json": [{"id": 0}, {"id": 2}, {"id": 3}],
        f"{FOLDER}0.keys.json": ["k0", "k2", "k3"],
        "topics/orders/tombstone/orders+0+0000000001.keys.json": ["k1"],
    }


def test_keys_to_be_made_again_need_their_format(world: World) -> None:
    world.more = {**JSON_KEYS}
    world.produce(P0, *map(order, range(3)))
    world.begin(P0)
    world.put(P0)
    world.die_at = ("s3.before_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    world.kill()
    world.abort_uploads()
    world.die_at, world.more = None, {}
    world.begin(P0)
    with pytest.raises(TaskError, match=r"set store\.kafka\.keys=true until that is done"):
        world.put(P0)


def test_after_any_kills_each_value_is_in_one_object_and_its_key_in_another(
    s3_server: str, unique: str, long: bool
) -> None:
    @given(events("by head"))
    @settings(max_examples=60 if long else 8, deadline=None, suppress_health_check=list(HealthCheck))
    def holds(script: list[tuple[Any, Any, Any]]) -> None:
        world = World(s3_server, f"{unique}-{next(NUMBERS)}", {**TOMBSTONES, **JSON_KEYS})
        seen: dict[str, list[Any]] = {}
        world.begin()
        for step in script:
            world.live(lambda step=step: keyed(world, *step))  # type: ignore[misc]
            now = world.contents()
            assert {key: now.get(key) for key in seen} == seen
            seen = now
        world.die_at = None
        world.live(world.drain)
        world.live(world.drain)
        world.begin()
        assert ids(world, "keys") == Counter(committed(world))
        assert ids(world, "") == Counter(pair for pair in committed(world) if pair[1] % 3)
        world.kill()

    holds()


def keyed(world: World, what: str, one: Any, two: Any) -> None:
    if what != "produce":
        play(world, what, one, two)
        return
    start = len(world.logs[one])
    for number in range(start, start + two):
        name = [str(one), number]
        world.produce(one, Log({"name": name} if number % 3 else None, key=json.dumps(name)))


def ids(world: World, side: str) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for key, records in world.contents().items():
        if key.endswith(".keys.json") == (side == "keys"):
            found.update(tuple(json.loads(each)) if side else tuple(each["name"]) for each in records)
    return found


@pytest.mark.parametrize("form", [columns])
def test_columns_have_sides_too(world: World, form: Any) -> None:
    world.more = {**KEYS, "format.class": f"{FORMATS}.parquet.ParquetFormat"}
    world.schema, world.key_schema, world.as_data = VALUE, STRING, form
    write(world, *(order(number) for number in range(3)))
    assert avro(world, f"{FOLDER}0.keys.avro") == ["k0", "k1", "k2"]
    frame = pl.read_parquet(io.BytesIO(world.get(f"{FOLDER}0.snappy.parquet")))
    assert frame["id"].to_list() == [0, 1, 2]
