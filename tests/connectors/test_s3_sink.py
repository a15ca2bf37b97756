"""The S3 sink's objects: their names, what is in them, and when they are closed."""

import datetime as dt
import gzip
import json
import re
import time
from collections.abc import Iterator
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import polars as pl
import pytest

from ferryman.connectors._s3_bucket import Bucket
from ferryman.errors import TaskError
from ferryman.record import Header, Rows, TopicPartition
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
from ferryman.stack import Stack
from tests.connectors.s3_task import AIVEN, P0, P1, Killed, Log, World
from tests.connectors.sql_task import columns

FORMATS = "io.confluent.connect.s3.format"
AVRO = {"format.class": f"{FORMATS}.avro.AvroFormat"}
PARQUET = {"format.class": f"{FORMATS}.parquet.ParquetFormat"}
BYTES_FORMAT = {"format.class": f"{FORMATS}.bytearray.ByteArrayFormat"}
PARTITIONERS = "io.confluent.connect.storage.partitioner"
BY_FIELD = {"partitioner.class": f"{PARTITIONERS}.FieldPartitioner", "partition.field.name": "kind"}
BY_RECORD_TIME = {
    "partitioner.class": f"{PARTITIONERS}.TimeBasedPartitioner",
    "path.format": "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH",
    "partition.duration.ms": "3600000",
    "timestamp.extractor": "Record",
    "locale": "en-US",
    "timezone": "UTC",
}
NOON = 1_700_049_600_000
HOUR = 3_600_000


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An S3 server."""
    with Stack(("s3",)) as stack:
        yield stack.addresses["s3"]


@pytest.fixture
def world(server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(server, unique)
    yield made
    made.kill()


def write(world: World, *records: Log, source: TopicPartition = P0) -> dict[str, list[Any]]:
    """What is in the bucket after these records and a commit."""
    world.produce(source, *records)
    if world.sink is None:
        world.begin()
    world.put(source)
    world.commit()
    return world.contents()


def numbered(count: int, **more: Any) -> list[Log]:
    return [Log({"id": number, **more}) for number in range(count)]


def test_names_are_confluents(world: World) -> None:
    world.more = {"flush.size": "2"}
    assert write(world, *numbered(5)) == {
        "topics/orders/partition=0/orders+0+0000000000.json": [{"id": 0}, {"id": 1}],
        "topics/orders/partition=0/orders+0+0000000002.json": [{"id": 2}, {"id": 3}],
    }


@pytest.mark.parametrize(
    ("more", "key"),
    [
        ({"topics.dir": ""}, "orders/partition=1/orders+1+0000000000.json"),
        ({"topics.dir": "a/b"}, "a/b/orders/partition=1/orders+1+0000000000.json"),
        ({"directory.delim": "_"}, "topics_orders_partition=1_orders+1+0000000000.json"),
        ({"file.delim": "-"}, "topics/orders/partition=1/orders-1-0000000000.json"),
        ({"filename.offset.zero.pad.width": "3"}, "topics/orders/partition=1/orders+1+000.json"),
        ({"s3.compression.type": "gzip"}, "topics/orders/partition=1/orders+1+0000000000.json.gz"),
        ({**PARQUET}, "topics/orders/partition=1/orders+1+0000000000.snappy.parquet"),
        ({**PARQUET, "parquet.codec": "zstd"}, "topics/orders/partition=1/orders+1+0000000000.zstd.parquet"),
        ({**PARQUET, "parquet.codec": "gzip"}, "topics/orders/partition=1/orders+1+0000000000.gz.parquet"),
        ({**PARQUET, "parquet.codec": "none"}, "topics/orders/partition=1/orders+1+0000000000.parquet"),
        ({**AVRO}, "topics/orders/partition=1/orders+1+0000000000.avro"),
        ({**BY_FIELD}, "topics/orders/kind=lamp/orders+1+0000000000.json"),
        (
            {**BY_FIELD, "partition.field.name": "kind,id"},
            "topics/orders/kind=lamp/id=0/orders+1+0000000000.json",
        ),
        ({**BY_RECORD_TIME}, "topics/orders/year=2023/month=11/day=15/hour=12/orders+1+0000000000.json"),
        (
            {**BY_RECORD_TIME, "partitioner.class": "DailyPartitioner", "timezone": "Pacific/Auckland"},
            "topics/orders/year=2023/month=11/day=16/orders+1+0000000000.json",
        ),
        (
            {**BY_RECORD_TIME, "partitioner.class": "HourlyPartitioner", "timezone": "Asia/Kolkata"},
            "topics/orders/year=2023/month=11/day=15/hour=17/orders+1+0000000000.json",
        ),
        (
            {
                **BY_RECORD_TIME,
                "partitioner.class": "com.canelmas.kafka.connect.FieldAndTimeBasedPartitioner",
                "partition.field.name": "kind",
            },
            "topics/orders/kind=lamp/year=2023/month=11/day=15/hour=12/orders+1+0000000000.json",
        ),
        (
            {
                **BY_RECORD_TIME,
                "partitioner.class": "FieldAndTimeBasedPartitioner",
                "partition.field.name": "kind",
                "partition.field.format.path": "false",
                "path.format": "yyyy",
            },
            "topics/orders/lamp/2023/orders+1+0000000000.json",
        ),
    ],
)
def test_names_follow_their_keys(world: World, more: dict[str, str], key: str) -> None:
    world.more = {"flush.size": "1", **more}
    world.schema = struct({"id": INT64, "kind": STRING}, "order")
    assert list(write(world, Log({"id": 0, "kind": "lamp"}, NOON), source=P1)) == [key]


def test_a_name_has_the_topic_that_transforms_made_and_the_partition_that_was_read(world: World) -> None:
    world.topic = "all/the orders"
    assert list(write(world, *numbered(3))) == [
        "topics/all%2Fthe%20orders/partition=0/all%2Fthe%20orders+0+0000000000.json"
    ]


EVIL = ["../../other", "a/b", "%2F", "a%2Fb", "\x00", "", ".", "..", "CON", "ä", "a b", "a+b", "~", None]
EVIL += ["__HIVE_DEFAULT_PARTITION__", "kind=x"]


def test_no_partition_value_leaves_its_prefix_or_meets_another(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": str(len(EVIL))}
    found = write(world, *(Log({"kind": value}) for value in EVIL))
    assert sorted((each["kind"] for (each,) in found.values()), key=str) == sorted(EVIL, key=str)
    for key in found:
        top, topic, folder, name = key.split("/")
        assert (top, topic) == ("topics", "orders")
        assert folder.startswith("kind=")
        assert all(letter.isalnum() or letter in "._=-%" for letter in folder)
        assert folder.isascii()
        assert name.startswith("orders+0+")


def test_a_value_too_long_for_a_name_is_this_records_fault_alone(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": "2"}
    found = write(world, Log({"kind": "a"}), Log({"kind": "x" * 2000}), Log({"kind": "a"}))
    assert [len(records) for records in found.values()] == [2]
    (offset, error) = world.reported[0]
    assert offset == 1
    assert "S3 allows 1024" in error


@pytest.mark.parametrize("value", [[1], {"a": 1}, 1.5])
def test_what_cannot_be_a_partition_is_a_data_error(world: World, value: Any) -> None:
    world.more = {**BY_FIELD, "flush.size": "1"}
    write(world, Log({"kind": value}), Log({"other": 1}), Log("text"))
    assert [offset for offset, _ in world.reported] == [0, 1, 2]


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        "2023-11-15T12:00:00Z",
        "2023-11-15T13:00:00+01:00",
        "2023-11-15T12:00:00",
        dt.datetime(2023, 11, 15, 12, tzinfo=dt.UTC),
    ],
)
def test_times_in_fields(world: World, value: Any) -> None:
    world.more = {**BY_RECORD_TIME, "timestamp.extractor": "RecordField", "timestamp.field": "a.at", "flush.size": "1"}
    write(world, Log({"a": {"at": value}}), Log({"a": {"at": "soon"}}), Log({"a": None}))
    assert world.objects() == ["topics/orders/year=2023/month=11/day=15/hour=12/orders+0+0000000000.json"]
    assert [offset for offset, _ in world.reported] == [1, 2]


ALL = struct(
    {
        "i8": INT8,
        "i16": INT16,
        "i32": INT32,
        "i64": INT64,
        "f32": FLOAT32,
        "f64": FLOAT64,
        "yes": BOOLEAN,
        "text": STRING,
        "maybe": OPTIONAL_STRING,
        "raw": BYTES,
        "amount": decimal(2),
        "day": DATE_SCHEMA,
        "clock": TIME_SCHEMA,
        "at": TIMESTAMP_SCHEMA,
        "list": array(INT32),
        "in": struct({"a": INT64, "b": Schema(Type.STRING, optional=True)}, "inner"),
    },
    "all",
)
VALUE = {
    "i8": -128,
    "i16": 32_767,
    "i32": -(2**31),
    "i64": 2**63 - 1,
    "f32": 1.5,
    "f64": -2.5,
    "yes": True,
    "text": "Größe",
    "maybe": None,
    "raw": b"\x00\xff",
    "amount": Decimal("-12.30"),
    "day": dt.date(2024, 2, 29),
    "clock": dt.time(23, 59, 59, 999_000),
    "at": dt.datetime(2023, 11, 15, 12, 0, 0, 5000, tzinfo=dt.UTC),
    "list": [1, 2],
    "in": {"a": 7, "b": None},
}


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "lz4", "brotli", "zstd"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_every_type_comes_back_from_parquet(world: World, codec: str, form: str) -> None:
    world.more = {**PARQUET, "parquet.codec": codec, "flush.size": "2"}
    world.schema = ALL
    if form == "columns":
        world.as_data = lambda schema, values: columns(schema or ALL, values)
    (found,) = write(world, Log(VALUE), Log({**VALUE, "maybe": "x"})).values()
    assert found == [VALUE, {**VALUE, "maybe": "x"}]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_every_type_comes_back_from_avro(world: World, codec: str, form: str) -> None:
    world.more = {**AVRO, "avro.codec": codec, "flush.size": "2"}
    world.schema = ALL
    if form == "columns":
        world.as_data = lambda schema, values: columns(schema or ALL, values)
    (found,) = write(world, Log(VALUE), Log({**VALUE, "maybe": "x"})).values()
    assert found == [VALUE, {**VALUE, "maybe": "x"}]


@pytest.mark.parametrize("form", ["rows", "columns"])
def test_every_type_in_json_is_as_the_json_converter_has_it(world: World, form: str) -> None:
    world.more = {"flush.size": "1"}
    world.schema = ALL
    if form == "columns":
        world.as_data = lambda schema, values: columns(schema or ALL, values)
    (found,) = write(world, Log(VALUE)).values()
    changed = {"raw": "AP8=", "amount": "+zI=", "day": 19_782, "clock": 86_399_999, "at": NOON + 5}
    assert found == [{**VALUE, **changed}]


@pytest.mark.parametrize("form", [columns, Rows])
def test_records_of_several_paths_find_their_parquet_files(world: World, form: Any) -> None:
    world.more = {**PARQUET, **BY_FIELD, "flush.size": "7"}
    world.schema, world.as_data = struct({"id": INT64, "kind": STRING}), form
    orders = [Log({"id": number, "kind": kind}) for number, kind in enumerate("abacbaa")]
    found = write(world, *orders)
    assert [[each["id"] for each in found[key]] for key in sorted(found)] == [[0, 2, 5, 6], [1, 4], [3]]
    assert [each["kind"] for key in sorted(found) for each in found[key]] == [*"aaaabbc"]


def test_maps_are_lists_of_entries_in_parquet(world: World) -> None:
    world.more = {**PARQUET, "flush.size": "1"}
    world.schema = struct({"m": mapping(STRING, INT32), "l": array(decimal(1))}, "mapped")
    (found,) = write(world, Log({"m": {"a": 1}, "l": [Decimal("1.5")]})).values()
    assert found == [{"m": [{"key": "a", "value": 1}], "l": [Decimal("1.5")]}]


@pytest.mark.parametrize("more", [AVRO, PARQUET])
def test_a_value_that_does_not_fit_is_this_records_fault_alone(world: World, more: dict[str, str]) -> None:
    world.more = {**more, "flush.size": "2"}
    world.schema = struct({"id": INT32}, "order")
    found = write(world, Log({"id": 1}), Log({"id": "secret"}), Log({"id": None}), Log({"id": 2**40}), Log({"id": 2}))
    assert list(found.values()) == [[{"id": 1}, {"id": 2}]]
    assert [offset for offset, _ in world.reported] == [1, 2, 3]
    assert "secret" not in str(world.reported)


@pytest.mark.parametrize("more", [AVRO, PARQUET])
def test_columns_of_fields_need_a_schema(world: World, more: dict[str, str]) -> None:
    world.more = {**more, "flush.size": "1"}
    write(world, Log({"id": 1}))
    assert "need records with a schema" in world.reported[0][1]


def test_bytes_are_written_as_they_are(world: World) -> None:
    world.more = {
        **BYTES_FORMAT,
        "flush.size": "2",
        "format.bytearray.separator": "|\\n",
        "s3.compression.type": "gzip",
    }
    world.produce(P0, Log(b"one"), Log("two"), Log(b""))
    world.begin()
    world.put(P0)
    world.commit()
    (key,) = world.objects()
    assert key.endswith("orders+0+0000000000.bin.gz")
    assert gzip.decompress(world.get(key)) == b"one|\n|\n"
    assert [offset for offset, _ in world.reported] == [1]


def test_decimals_may_be_numbers_in_json(world: World) -> None:
    world.more = {"json.decimal.format": "NUMERIC", "flush.size": "1"}
    world.schema = struct({"amount": decimal(2)}, "order")
    write(world, Log({"amount": Decimal("1.20")}))
    assert world.get(world.objects()[0]) == b'{"amount":1.20}\n'


def test_a_null_value_is_a_data_error_or_skipped(world: World) -> None:
    world.more = {"flush.size": "2"}
    assert list(write(world, Log({"id": 0}), Log(None), Log({"id": 2})).values()) == [[{"id": 0}, {"id": 2}]]
    assert [offset for offset, _ in world.reported] == [1]
    world.end()
    world.reported.clear()
    world.more = {"flush.size": "2", "behavior.on.null.values": "IGNORE"}
    write(world, Log(None), Log({"id": 4}), Log(None), Log({"id": 6}), Log(None))
    assert world.contents()["topics/orders/partition=0/orders+0+0000000004.json"] == [{"id": 4}, {"id": 6}]
    assert world.reported == []
    world.commit()
    assert world.group[P0].offset == 8


def test_ignored_nulls_go_to_the_dead_letters(world: World) -> None:
    world.more = {
        "flush.size": "1",
        "behavior.on.null.values": "ignore",
        "errors.tolerance": "all",
        "errors.deadletterqueue.topic.name": "dead",
    }
    write(world, Log(None), Log({"id": 1}))
    assert [offset for offset, _ in world.reported] == [0]


def test_the_records_own_time_closes_files(world: World) -> None:
    world.more = {**BY_RECORD_TIME, "rotate.interval.ms": "600000", "flush.size": "1000"}
    at = [NOON, NOON + 599_999, NOON + 600_000, NOON + HOUR, NOON + 60_000, NOON + 60_001]
    found = write(world, *(Log({"id": number}, when) for number, when in enumerate(at)))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 1], [2], [3]]


def test_several_paths_may_stay_open(world: World) -> None:
    world.more = {
        **BY_RECORD_TIME,
        "rotate.interval.ms": "36000000",
        "rotate.file.on.partition.change": "false",
        "flush.size": "4",
    }
    at = [NOON, NOON + HOUR, NOON, NOON + HOUR]
    found = write(world, *(Log({"id": number}, when) for number, when in enumerate(at)))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 2], [1, 3]]


def test_too_many_open_files_close_them_all(world: World) -> None:
    world.more = {**BY_FIELD, "partitioner.max.open.files": "2", "flush.size": "1000"}
    found = write(world, *(Log({"id": number, "kind": kind}) for number, kind in enumerate("ababca")))
    assert sorted([each["id"] for each in records] for records in found.values()) == [[0, 2], [1, 3]]


def test_the_wall_clock_closes_files_without_a_new_record(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [NOON / 1000 + 5]
    monkeypatch.setattr("ferryman.connectors.s3_sink.time.time", lambda: now[0])
    world.more = {"rotate.schedule.interval.ms": "60000", "timezone": "UTC", "flush.size": "1000"}
    assert write(world, *numbered(2)) == {}
    now[0] = NOON / 1000 + 59
    world.commit()
    assert world.objects() == []
    now[0] = NOON / 1000 + 60
    world.commit()
    assert list(world.contents().values()) == [[{"id": 0}, {"id": 1}]]


def test_silence_closes_files(world: World) -> None:
    world.more = {"rotate.idle.interval.ms": "30", "flush.size": "1000"}
    write(world, *numbered(2))
    deadline = time.monotonic() + 10
    while not world.requested and not world.objects():
        assert time.monotonic() < deadline
    world.commit()
    assert list(world.contents().values()) == [[{"id": 0}, {"id": 1}]]


def test_bytes_close_files(world: World) -> None:
    world.more = {"flush.bytes": "20", "flush.size": "1000"}
    world.produce(P0, *numbered(7))
    world.begin()
    for _ in range(7):
        world.put(P0, 1)
    world.commit()
    assert [len(records) for records in world.contents().values()] == [3, 3]


def test_short_memory_closes_files_early(world: World) -> None:
    world.more = {**BY_FIELD, "flush.size": "1000000", "s3.memory.bytes": str(16 * 1024 * 1024)}
    text = "x" * 100_000
    world.produce(P0, *(Log({"kind": str(number % 50), "text": text, "id": number}) for number in range(300)))
    world.begin()
    for _ in range(30):
        world.put(P0, 10)
        assert sum(ledger.held for ledger in world.running._ledgers.values()) <= 17 * 1024 * 1024
    world.commit()
    assert world.group[P0].offset > 100
    ids = sorted(each["id"] for records in world.contents().values() for each in records)
    assert ids == list(range(world.group[P0].offset))


def test_a_large_file_is_uploaded_in_parts_while_it_grows(world: World) -> None:
    world.more = {"flush.size": "130", "s3.part.size": str(5 * 1024 * 1024)}
    text = "x" * 100_000
    world.produce(P0, *(Log({"id": number, "text": text}) for number in range(130)))
    world.begin()
    for _ in range(13):
        world.put(P0, 10)
    assert sum(ledger.held for ledger in world.running._ledgers.values()) < 6 * 1024 * 1024
    world.commit()
    (records,) = world.contents().values()
    assert [each["id"] for each in records] == list(range(130))


def test_parquet_in_pieces_is_one_file(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.connectors._s3_parquet.PIECE", 100)
    world.more = {**PARQUET, "flush.size": "50"}
    world.schema = struct({"id": INT64, "text": STRING}, "order")
    world.produce(P0, *(Log({"id": number, "text": f"t{number % 3}"}) for number in range(50)))
    world.begin()
    for _ in range(5):
        world.put(P0, 10)
    world.commit()
    (key,) = world.objects()
    frame = pl.read_parquet(world.get(key))
    assert frame.get_column("id").to_list() == list(range(50))
    assert pl.scan_parquet(world.get(key)).filter(pl.col("id") == 33).collect().rows() == [(33, "t0")]


def versioned(version: int, *names: str) -> Schema:
    fields = {name: INT32 if name == "id" else Schema(Type.STRING, optional=True, default="new") for name in names}
    found = struct(fields, "order")
    return Schema(Type.STRUCT, name="order", version=version, fields=found.fields)


@pytest.mark.parametrize(
    ("compatibility", "files"),
    [
        ("NONE", [[{"id": 0}], [{"id": 1, "more": "x"}], [{"id": 2}]]),
        ("BACKWARD", [[{"id": 0}], [{"id": 1, "more": "x"}, {"id": 2, "more": "new"}]]),
        ("FULL", [[{"id": 0}], [{"id": 1, "more": "x"}, {"id": 2, "more": "new"}]]),
        ("FORWARD", [[{"id": 0}, {"id": 1}, {"id": 2}]]),
    ],
)
def test_a_changed_schema_closes_files_or_is_projected(world: World, compatibility: str, files: list[Any]) -> None:
    world.more = {**PARQUET, "schema.compatibility": compatibility, "rotate.idle.interval.ms": "1", "flush.size": "9"}
    world.begin()
    one, two = versioned(1, "id"), versioned(2, "id", "more")
    for number, schema in enumerate([one, two, one]):
        world.schema = schema
        world.produce(P0, Log({"id": number, "more": "x"} if schema is two else {"id": number}))
        world.put(P0)
    time.sleep(0.002)
    world.commit()
    assert list(world.contents().values()) == files


def test_a_missing_version_is_a_data_error_where_versions_count(world: World) -> None:
    world.more = {**PARQUET, "schema.compatibility": "BACKWARD", "flush.size": "9"}
    world.begin()
    for fields in ({"id": INT32}, {"id": INT64}):
        world.schema = struct(fields, "order")
        world.produce(P0, Log({"id": 1}))
        world.put(P0)
    assert "Schema version required for BACKWARD compatibility" in world.reported[0][1]


HEADERS = (Header("trace", b"7"), Header("trace", b"8"))


@pytest.mark.parametrize(
    ("more", "key", "data"),
    [
        ({"file.compression.type": "none"}, "orders-0-0", b"b25l\ndHdv\n"),
        (
            {
                "file.compression.type": "none",
                "format.output.fields": "key,offset,timestamp,headers,value",
                "format.output.fields.value.encoding": "none",
                "aws.s3.prefix": "a/",
                "file.name.template": (
                    "{{timestamp:unit=yyyy}}/{{timestamp:unit=MM}}/{{topic}}-{{partition:padding=true}}"
                    "-{{start_offset:padding=true}}.csv"
                ),
                "file.name.timestamp.source": "EVENT",
            },
            "a/2023/11/orders-0000000000-00000000000000000000.csv",
            b"aw==,0,1700049600000,dHJhY2U=:Nw==;dHJhY2U=:OA==;,one\naw==,1,1700049600000,dHJhY2U=:Nw==;dHJhY2U=:OA==;,two\n",
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "jsonl",
                "format.output.fields": "key,value,offset",
            },
            "orders-0-0",
            b'{"key":"k","value":"b25l","offset":0}\n{"key":"k","value":"dHdv","offset":1}\n',
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "json",
                "format.output.fields": "timestamp,headers",
            },
            "orders-0-0",
            b'[\n{"timestamp":"2023-11-15T12:00:00Z","headers":[{"key":"trace","value":"Nw=="},{"key":"trace","value":"OA=="}]},\n'
            b'{"timestamp":"2023-11-15T12:00:00Z","headers":[{"key":"trace","value":"Nw=="},{"key":"trace","value":"OA=="}]}\n]',
        ),
        (
            {
                "file.compression.type": "none",
                "format.output.type": "jsonl",
                "format.output.envelope": "false",
                "file.max.records": "5",
            },
            "orders-0-0",
            b'"b25l"\n"dHdv"\n',
        ),
    ],
)
def test_aivens_configs(world: World, more: dict[str, str], key: str, data: bytes) -> None:
    use_aiven(world, **more)
    world.schema, world.key_schema = BYTES, STRING
    world.produce(P0, *(Log(value, NOON, "k", HEADERS) for value in (b"one", b"two")))
    world.begin()
    world.put(P0)
    assert world.objects() == []
    world.commit()
    assert world.objects() == [key]
    assert world.get(key) == data


def use_aiven(world: World, **more: str) -> None:
    """Gives the world one of Aiven's configs, which has none of Confluent's keys."""
    config = {
        "name": "archive",
        "connector.class": AIVEN,
        "topics": "orders",
        "aws.s3.bucket.name": world.bucket,
        "aws.s3.endpoint": world.url,
        "aws.s3.region": "us-east-1",
        "aws.access.key.id": "test",
        "aws.secret.access.key": "test",
        **more,
    }
    world.whole = config


def test_aivens_defaults_are_gzipped_csv_with_a_record_limit(world: World) -> None:
    use_aiven(world, **{"file.max.records": "2"})
    world.schema = BYTES
    world.produce(P0, *(Log(b"%d" % number) for number in range(3)))
    world.begin()
    world.put(P0)
    world.commit()
    assert world.objects() == ["orders-0-0.gz", "orders-0-2.gz"]
    assert gzip.decompress(world.get("orders-0-0.gz")) == b"MA==\nMQ==\n"


@pytest.mark.parametrize(
    ("kind", "more"), [("avro", {"file.compression.type": "none"}), ("parquet", {"file.compression.type": "zstd"})]
)
def test_aivens_containers(world: World, kind: str, more: dict[str, str]) -> None:
    template = "{{topic}}-{{partition}}-{{start_offset}}." + kind
    use_aiven(
        world, **more, **{"format.output.type": kind, "format.output.envelope": "false", "file.name.template": template}
    )
    world.schema = struct({"id": INT64}, "order")
    assert write(world, *numbered(2)) == {f"orders-0-0.{kind}": [{"id": 0}, {"id": 1}]}


@pytest.mark.parametrize(
    ("affix", "more", "folder"),
    [
        ("PREFIX", {}, "schema_name=shop.Order/partition=0"),
        ("SUFFIX", {}, "partition=0/schema_name=shop.Order"),
        ("suffix", BY_FIELD, "kind=lamp/schema_name=shop.Order"),
        ("PREFIX", BY_FIELD, "schema_name=shop.Order/kind=lamp"),
    ],
)
def test_the_schemas_name_may_be_a_directory(world: World, affix: str, more: dict[str, str], folder: str) -> None:
    world.more = {**more, "s3.schema.partition.affix.type": affix, "flush.size": "1"}
    world.schema = struct({"kind": STRING}, "shop.Order")
    assert [*write(world, Log({"kind": "lamp"}))] == [f"topics/orders/{folder}/orders+0+0000000000.json"]
    world.schema = None
    write(world, Log({"kind": "lamp"}))
    assert f"topics/orders/{folder.replace('shop.Order', '__HIVE_DEFAULT_PARTITION__')}/" in "".join(world.objects())


def tagged(world: World) -> list[tuple[str, dict[str, str]]]:
    """Answers requests for tags instead of the server, which has none, and keeps what they ask for."""
    asked = []

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        tags = dict(re.findall(r"<Key>(.*?)</Key><Value>(.*?)</Value>", params["body"].decode()))
        asked.append((unquote(params["url_path"]).rpartition("/")[2].removesuffix("?tagging"), tags))
        return SimpleNamespace(status_code=200), {"ResponseMetadata": {"HTTPStatusCode": 200}}

    world.running._bucket.client.meta.events.register("before-call.s3.PutObjectTagging", answer)
    return asked


def test_objects_are_tagged_with_their_offsets(world: World) -> None:
    world.more = {**BY_FIELD, "s3.object.tagging": "true", "s3.object.tagging.key.value.pairs": "team:a:b,env:prod"}
    world.produce(P0, *(Log({"id": number, "kind": "ab"[number % 2]}) for number in range(3)))
    world.begin()
    asked = tagged(world)
    world.put(P0)
    world.commit()
    more = {"team": "a:b", "env": "prod"}
    assert sorted(asked) == [
        ("orders+0+0000000000.json", {"startOffset": "0", "endOffset": "2", "recordCount": "2", **more}),
        ("orders+0+0000000001.json", {"startOffset": "1", "endOffset": "1", "recordCount": "1", **more}),
    ]


def test_an_object_whose_tags_a_kill_prevented_gets_them_later(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(Bucket, "tag", lambda self, key, tags: asked.append(tags["recordCount"]))
    world.more = {"s3.object.tagging": "true"}
    world.produce(P0, *numbered(3))
    world.begin()
    world.put(P0)
    world.die_at = ("s3.after_complete", 1)
    with pytest.raises(Killed):
        world.commit()
    assert asked == []
    world.die_at = None
    world.begin()
    assert asked == ["3"]


def test_a_server_without_tags_matters_if_the_config_says_so(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.more = {"s3.object.tagging": "true"}
    assert len(write(world, *numbered(3))) == 1
    assert "Cannot tag topics/orders/partition=0/orders+0+0000000000.json: NotImplemented" in caplog.text
    world.more = {"s3.object.tagging": "true", "s3.object.behavior.on.tagging.error": "fail"}
    world.produce(P0, *numbered(3))
    world.begin()
    world.put(P0)
    with pytest.raises(TaskError, match="Cannot tag"):
        world.commit()


def test_numbers_that_json_cannot_hold_are_texts(world: World) -> None:
    world.more = {"flush.size": "1"}
    world.schema = struct({"x": FLOAT64}, "order")
    write(world, Log({"x": float("nan")}))
    assert json.loads(world.get(world.objects()[0])) == {"x": "NaN"}
