"""The S3 source puts back what the S3 sink has written, whatever the format, the layout and the moment of a kill."""

import io
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ferryman.record import Header, Record
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT64,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIMESTAMP_SCHEMA,
    array,
    decimal,
    mapping,
    struct,
)
from tests.connectors.s3.archives import AVRO, BY_FIELD, BY_RECORD_TIME, BYTES_FORMAT, FORMATS, PARQUET
from tests.connectors.s3.s3_task import P0, P1, Log, World
from tests.connectors.s3.source_task import Restore

JSON = {"format.class": f"{FORMATS}.json.JsonFormat"}
KEYS = {"store.kafka.keys": "true"}
HEADERS = {"store.kafka.headers": "true"}
ENVELOPE = {"store.envelope": "true"}
ORDER = struct(
    {
        "id": INT64,
        "kind": OPTIONAL_STRING,
        "paid": BOOLEAN,
        "price": decimal(2),
        "rate": FLOAT64,
        "on": DATE_SCHEMA,
        "at": TIMESTAMP_SCHEMA,
        "tags": array(STRING),
        "counts": mapping(STRING, INT32),
        "customer": struct({"name": STRING, "age": INT32.as_optional()}, "shop.Customer", optional=True),
    },
    "shop.Order",
)

ARCHIVES = pytest.mark.parametrize(
    ("form", "layout"),
    [(JSON, {}), (JSON, BY_FIELD), (AVRO, BY_RECORD_TIME), (PARQUET, {}), (PARQUET, BY_FIELD)],
    ids=["json", "json by field", "avro by time", "parquet", "parquet by field"],
)


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


def order(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "kind": None if number % 5 == 0 else "abc"[number % 3],
        "paid": number % 2 == 0,
        "price": Decimal(number).scaleb(-2),
        "rate": number / 8,
        "on": date(2026, 1, 1 + number % 28),
        "at": datetime(2026, 1, 1, number % 24, tzinfo=UTC),
        "tags": ["a", "b"][: number % 3],
        "counts": {"x": number} if number % 2 else {},
        "customer": None if number % 4 == 0 else {"name": f"n{number}", "age": None if number % 3 else number},
    }


def plain(number: int) -> dict[str, Any]:
    return {"id": number, "kind": "abc"[number % 3], "rate": number / 8, "tags": ["a", "b"][: number % 3]}


def logs(count: int, value: Any, nulls: bool = False) -> list[Log]:
    return [
        Log(
            None if nulls and number % 4 == 1 else value(number),
            timestamp=1_700_000_000_000 + number * 600_000,
            key=f"k{number % 7}",
            headers=(Header("number", str(number), STRING), Header("who", "Ann", STRING)),
        )
        for number in range(count)
    ]


def archive(world: World, count: int, value: Any = plain, nulls: bool = False) -> None:
    """Both partitions are written, some records at a time."""
    world.produce(P0, *logs(count, value, nulls))
    world.produce(P1, *logs(count // 2, value, nulls))
    world.begin()
    while any(world.positions[source] < len(world.logs[source]) for source in (P0, P1)):
        for source in (P0, P1):
            world.put(source, 8)
        world.commit()
    world.end()


def of(records: Sequence[Record], partition: int) -> list[Record]:
    return [record for record in records if record.partition == partition]


def expected(world: World, source: Any) -> list[Log]:
    """What of a partition is in committed objects."""
    return world.logs[source][: world.group[source].offset]


@ARCHIVES
def test_values_keys_and_headers_come_back(world: World, form: dict[str, str], layout: dict[str, str]) -> None:
    schemas = form is not JSON
    world.schema, world.key_schema = (ORDER, STRING) if schemas else (None, STRING)
    world.more = {**form, **layout, **KEYS, **HEADERS, "flush.size": "8"}
    archive(world, 40, order if schemas else plain)
    found = Restore(world, {**form, **layout, **KEYS, **HEADERS}).drain()
    for source in (P0, P1):
        wanted, restored = expected(world, source), of(found, source.partition)
        assert len(wanted) > 10
        restored.sort(key=lambda record: record.value["id"])
        assert [record.value for record in restored] == [log.value for log in wanted]
        assert [record.key for record in restored] == [log.key for log in wanted]
        assert [record.headers for record in restored] == [log.headers for log in wanted]
        assert {record.value_schema for record in restored} == {world.schema}
        assert {record.topic for record in restored} == {"orders"}


def test_without_folders_by_content_the_order_is_that_of_the_partition(world: World) -> None:
    archive(world, 40)
    found = Restore(world).drain()
    assert [record.value for record in of(found, 0)] == [log.value for log in expected(world, P0)]


@ARCHIVES
def test_an_envelope_comes_back_whole_and_in_order(world: World, form: dict[str, str], layout: dict[str, str]) -> None:
    schemas = form is not JSON
    world.schema, world.key_schema = (ORDER, STRING) if schemas else (None, STRING)
    world.more = {**form, **layout, **ENVELOPE, "behavior.on.null.values": "write", "flush.size": "12"}
    archive(world, 48, order if schemas else plain, nulls=True)
    found = Restore(world, {**form, **layout, **ENVELOPE, "record.batch.max.size": "7"}).drain()
    for source in (P0, P1):
        wanted, restored = expected(world, source), of(found, source.partition)
        assert len(wanted) > 10
        assert [record.value for record in restored] == [log.value for log in wanted]
        assert [record.key for record in restored] == [log.key for log in wanted]
        assert [record.timestamp for record in restored] == [log.timestamp for log in wanted]
        assert [record.headers for record in restored] == [log.headers for log in wanted]
        assert {record.value_schema for record in restored} == {world.schema, None}


def put_parquet(world: World, frame: pl.DataFrame, **more: Any) -> None:
    out = io.BytesIO()
    frame.write_parquet(out, row_group_size=100, **more)
    key = "topics/orders/partition=0/orders+0+0000000000.snappy.parquet"
    world.s3.put_object(Bucket=world.bucket, Key=key, Body=out.getvalue())


def test_parquet_of_anybody_has_the_schema_of_its_columns(world: World) -> None:
    at = datetime(2026, 1, 31, 12, 30, 0, 123000)  # noqa: DTZ001
    frame = pl.DataFrame({"id": range(450), "at": [at] * 450, "tags": [["a"], []] * 225, "n": [1, None] * 225})
    put_parquet(world, frame.with_columns(pl.col("n").cast(pl.UInt8)))
    found = Restore(world, {**PARQUET, "record.batch.max.size": "70"}).drain()
    assert [record.value["id"] for record in found] == list(range(450))
    assert found[0].value == {"id": 0, "at": at.replace(tzinfo=UTC), "tags": ["a"], "n": 1}
    assert found[1].value["n"] is None
    assert {str(found[0].value_schema.by_name[name].schema.type) for name in ("id", "n")} == {"INT64", "INT16"}  # type: ignore[union-attr]


def test_parquet_of_confluents_sink_has_the_schema_that_its_footer_notes(world: World) -> None:
    schema = {
        "type": "record",
        "name": "Order",
        "namespace": "shop",
        "fields": [
            {"name": "id", "type": "int"},
            {"name": "counts", "type": {"type": "map", "values": "long"}},
            {"name": "at", "type": ["null", {"type": "long", "logicalType": "timestamp-millis"}], "default": None},
        ],
    }
    counts = pl.List(pl.Struct({"key": pl.String, "value": pl.Int64}))
    frame = pl.DataFrame(
        {"id": [1, 2], "counts": [[{"key": "a", "value": 1}], []], "at": [datetime(2026, 1, 1, tzinfo=UTC), None]},
        {"id": pl.Int32, "counts": counts, "at": pl.Datetime("ms", "UTC")},
    )
    put_parquet(world, frame, metadata={"parquet.avro.schema": json.dumps(schema)})
    first, second = Restore(world, PARQUET).drain()
    assert first.value == {"id": 1, "counts": {"a": 1}, "at": datetime(2026, 1, 1, tzinfo=UTC)}
    assert second.value == {"id": 2, "counts": {}, "at": None}
    assert first.value_schema is not None
    assert (first.value_schema.name, first.value_schema.by_name["id"].schema) == ("shop.Order", INT32)


def test_tombstones_with_keys_of_their_own_come_back(world: World) -> None:
    world.key_schema = STRING
    more = {**JSON, **KEYS, "behavior.on.null.values": "write"}
    world.more = {**more, "flush.size": "4"}
    archive(world, 16, nulls=True)
    found = of(Restore(world, more).drain(), 0)
    wanted = [(log.key, log.value) for log in expected(world, P0)]
    assert len(found) == len(wanted)
    assert [pair for pair in wanted if pair[1] is None] == [(r.key, r.value) for r in found if r.value is None]
    assert [pair for pair in wanted if pair[1] is not None] == [(r.key, r.value) for r in found if r.value is not None]


def test_bytes_come_back_as_they_were(world: World) -> None:
    world.schema = BYTES
    world.more = {**BYTES_FORMAT, "s3.compression.type": "gzip", "format.bytearray.separator": "\\r\\n"}
    values = [b"one", b"t\nwo", b"", b"four"]
    world.produce(P0, *(Log(value) for value in values))
    world.begin(P0)
    world.drain()
    world.end()
    found = Restore(world, world.more).drain()
    assert [record.value for record in found] == values[: world.group[P0].offset]
