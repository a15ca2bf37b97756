"""What the S3 sink calls its objects: the names that keys promise, and values that no name may be made of."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from ferryman.connectors.s3.layout.partitioners import ByFields
from ferryman.schema import (
    FLOAT64,
    INT64,
    STRING,
    struct,
)
from tests.connectors.s3.archives import (
    AVRO,
    BY_FIELD,
    BY_RECORD_TIME,
    NOON,
    PARQUET,
    numbered,
    write,
)
from tests.connectors.s3.s3_task import P0, P1, Log, World


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


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
        "1700049600000",
        float(NOON) + 0.678,
        dt.datetime(2023, 11, 15, 12, tzinfo=dt.UTC),
    ],
)
def test_a_time_in_a_nested_field_chooses_the_folder_and_what_is_no_time_is_reported(world: World, value: Any) -> None:
    world.more = {**BY_RECORD_TIME, "timestamp.extractor": "RecordField", "timestamp.field": "a.at", "flush.size": "1"}
    write(world, Log({"a": {"at": value}}), Log({"a": {"at": "soon"}}), Log({"a": None}))
    assert world.objects() == ["topics/orders/year=2023/month=11/day=15/hour=12/orders+0+0000000000.json"]
    assert [offset for offset, _ in world.reported] == [1, 2]


@pytest.mark.parametrize(
    ("text", "year"),
    [("1710123112345", "2024"), ("-1", "1969"), ("2023", "1970"), ("9" * 19, None), ("17101231123450000000", None)],
)
def test_digits_alone_are_milliseconds(world: World, text: str, year: str | None) -> None:
    world.more = {**BY_RECORD_TIME, "timestamp.extractor": "RecordField", "timestamp.field": "at", "flush.size": "1"}
    write(world, Log({"at": text}))
    assert [key.split("/")[2] for key in world.objects()] == ([] if year is None else [f"year={year}"])
    assert len(world.reported) == (year is None)


def test_fractions_of_milliseconds_are_refused_by_a_schema_that_has_them(world: World) -> None:
    world.more = {**BY_RECORD_TIME, "timestamp.extractor": "RecordField", "timestamp.field": "at", "flush.size": "1"}
    world.schema = struct({"at": FLOAT64})
    write(world, Log({"at": float(NOON)}))
    assert (world.objects(), len(world.reported)) == ([], 1)


@pytest.mark.parametrize(("delim", "end"), [("/", "/"), ("_", "_"), ("_", "")])
def test_a_paths_format_may_end_in_a_delimiter(world: World, delim: str, end: str) -> None:
    pattern = {"path.format": f"yyyy{delim}MM{end}", "directory.delim": delim}
    world.more = {**BY_RECORD_TIME, **pattern, "flush.size": "1"}
    assert [*write(world, Log({"id": 1}))] == [
        delim.join(["topics", "orders", "2023", "11", "orders+0+0000000000.json"])
    ]


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


@pytest.mark.parametrize(
    ("kinds", "folders"),
    [
        ([True, 1], ["kind=true", "kind=1"]),
        ([1, 2], ["kind=1", "kind=2"]),
    ],
)
def test_values_that_are_equal_but_look_different_go_different_ways(
    world: World, kinds: list[Any], folders: list[str]
) -> None:
    batch = world.batch(P0, 0, [Log({"kind": kind}) for kind in kinds])
    assert ByFields(["kind"], "/").paths(batch, None) == [f"orders/{folder}" for folder in folders]
