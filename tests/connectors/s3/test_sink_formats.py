"""What is in the S3 sink's objects: every type in every format, and what does not fit."""

import datetime as dt
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ferryman.record import Rows
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
from tests.connectors.s3.archives import (
    AVRO,
    BY_FIELD,
    BYTES_FORMAT,
    NOON,
    PARQUET,
    write,
)
from tests.connectors.s3.s3_task import P0, Log, World
from tests.connectors.sql.sql_task import columns
from tests.pairs import in_pairs

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
        "inside": array(struct({"tags": mapping(STRING, INT64)}, "tagged")),
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
    "inside": [{"tags": {"a": 1, "b": 2}}, {"tags": {}}],
    "in": {"a": 7, "b": None},
}


@pytest.fixture
def world(s3_server: str, unique: str) -> Iterator[World]:
    """A bucket of the test's own."""
    made = World(s3_server, unique)
    yield made
    made.kill()


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "lz4", "brotli", "zstd"])
@pytest.mark.parametrize("form", ["rows", "columns"])
def test_every_type_comes_back_from_parquet(world: World, codec: str, form: str) -> None:
    world.more = {**PARQUET, "parquet.codec": codec, "flush.size": "2"}
    world.schema = ALL
    if form == "columns":
        world.as_data = lambda schema, values: columns(schema or ALL, values)
    (found,) = write(world, Log(VALUE), Log({**VALUE, "maybe": "x"})).values()
    assert found == [in_pairs(VALUE, ALL), {**in_pairs(VALUE, ALL), "maybe": "x"}]


@pytest.mark.parametrize("codec", ["null", "deflate", "bzip2", "snappy"])
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


DEFAULTS = struct(
    {
        "number": replace(INT64, optional=True, default=7),
        "text": replace(OPTIONAL_STRING, default="none"),
        "amount": replace(decimal(2), optional=True, default=Decimal("0.10")),
        "in": struct({"a": replace(INT64, optional=True, default=3), "b": OPTIONAL_STRING}, "inner"),
        "list": array(replace(OPTIONAL_STRING, default="x")),
        "plain": OPTIONAL_STRING,
    }
)


@pytest.mark.parametrize("fields", [list(DEFAULTS.by_name), ["number", "text", "plain"]], ids=["all", "scalars"])
@pytest.mark.parametrize("form", [columns, Rows])
def test_a_null_in_parquet_is_its_fields_default_at_any_depth(world: World, form: Any, fields: list[str]) -> None:
    world.more = {**PARQUET, "flush.size": "2"}
    world.schema, world.as_data = struct({name: DEFAULTS.by_name[name].schema for name in fields}), form
    nulls = {"number": None, "text": None, "amount": None, "in": {"a": None, "b": None}, "list": [None], "plain": None}
    given = {"number": 1, "text": "", "amount": Decimal("1.00"), "in": {"a": 1, "b": "b"}, "list": [], "plain": "p"}
    (found,) = write(world, *(Log({name: each[name] for name in fields}) for each in (nulls, given))).values()
    expected = {
        **nulls,
        "number": 7,
        "text": "none",
        "amount": Decimal("0.10"),
        "in": {"a": 3, "b": None},
        "list": ["x"],
    }
    assert found == [{name: each[name] for name in fields} for each in (expected, given)]


@pytest.mark.parametrize("form", [columns, Rows])
def test_records_of_several_paths_find_their_parquet_files(world: World, form: Any) -> None:
    world.more = {**PARQUET, **BY_FIELD, "flush.size": "7"}
    world.schema, world.as_data = struct({"id": INT64, "kind": STRING}), form
    orders = [Log({"id": number, "kind": kind}) for number, kind in enumerate("abacbaa")]
    found = write(world, *orders)
    assert [[each["id"] for each in found[key]] for key in sorted(found)] == [[0, 2, 5, 6], [1, 4], [3]]
    assert [each["kind"] for key in sorted(found) for each in found[key]] == [*"aaaabbc"]


@pytest.mark.parametrize("form", [columns, Rows])
def test_maps_are_lists_of_entries_in_parquet(world: World, form: Any) -> None:
    world.more = {**PARQUET, "flush.size": "1"}
    world.schema, world.as_data = struct({"m": mapping(STRING, INT32), "l": array(decimal(1))}, "mapped"), form
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


def test_numbers_that_json_cannot_hold_are_texts(world: World) -> None:
    world.more = {"flush.size": "1"}
    world.schema = struct({"x": FLOAT64}, "order")
    write(world, Log({"x": float("nan")}))
    assert json.loads(world.get(world.objects()[0])) == {"x": "NaN"}


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


NOTHING = Schema(Type.STRUCT)


@pytest.mark.parametrize(
    ("schema", "value", "reason"),
    [
        (NOTHING, {}, r"no struct without fields \(field e\)"),
        (struct({"deep": Schema(Type.ARRAY, values=NOTHING)}), {"deep": [{}]}, r"without fields \(field e.deep\)"),
        (decimal(5000), Decimal(1), r"scale from 0 to 38, not 5000 \(field e\)"),
        (decimal(0), Decimal(10) ** 40, r"at most 38 digits, as Parquet has them \(field e\)"),
    ],
)
def test_what_parquet_has_no_type_for_is_that_records_error_and_names_the_field(
    world: World, schema: Schema, value: Any, reason: str
) -> None:
    world.more, world.schema = {**PARQUET, "flush.size": "1"}, struct({"e": schema}, "odd")
    write(world, Log({"e": value}))
    ((offset, error),) = world.reported
    assert offset == 0
    assert re.search(reason, str(error))


@pytest.mark.parametrize("form", [AVRO, PARQUET], ids=["avro", "parquet"])
def test_a_record_of_a_time_beyond_the_year_9999_costs_itself_alone(world: World, form: dict[str, str]) -> None:
    """As a producer has it that counts microseconds."""
    world.more = {**form, "flush.size": "2", "store.envelope": "true"}
    world.schema, world.key_schema = struct({"id": INT64}, "order"), STRING
    logs = [
        Log({"id": number}, key="k", timestamp=1_700_000_000_000 * (1000 if number == 1 else 1)) for number in range(3)
    ]
    (kept,) = write(world, *logs).values()
    assert [each["value"]["id"] for each in kept] == [0, 2]
    ((offset, error),) = world.reported
    assert (offset, "lies outside the years 1 to 9999" in str(error)) == (1, True)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"x": 12345678.5}, b'{"x":1.23456785E7}'),
        ({"x": 0.5, "y": None, "z": True}, b'{"x":0.5,"y":null,"z":true}'),
        ({"x": float("inf")}, b'{"x":"Infinity"}'),
        ({"x": b"\x00\xff"}, b'{"x":"AP8="}'),
        ({"x": dt.date(1970, 1, 2)}, b'{"x":86400000}'),
        ({"x": {"y": [1e10]}}, b'{"x":{"y":[1.0E10]}}'),
        ({1: "x"}, b'[[1,"x"]]'),
        ("text", b'"text"'),
    ],
)
def test_values_without_a_schema_look_as_in_java_whatever_is_beside_them(world: World, value: Any, text: bytes) -> None:
    world.more = {"flush.size": "2"}
    write(world, Log({"id": 1, "price": 2.5}), Log(value))
    assert world.get(world.objects()[0]) == b'{"id":1,"price":2.5}\n' + text + b"\n"
