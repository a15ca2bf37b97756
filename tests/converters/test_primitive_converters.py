"""The converters of single numbers and booleans: sizes, classes and messages of Kafka's own."""

import math
import struct as binary
from datetime import date
from typing import Any, Literal, get_args

import pytest

from ferryman.chain import builder
from ferryman.conversion import Converter, Side
from ferryman.errors import DataError
from ferryman.plugins import catalog
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
    Schema,
    struct,
)

CASES: list[tuple[str, Schema, Any, bytes]] = [
    ("Short", INT16, -2, b"\xff\xfe"),
    ("Short", INT16, 32767, b"\x7f\xff"),
    ("Integer", INT32, 1, b"\x00\x00\x00\x01"),
    ("Integer", INT32, -(1 << 31), b"\x80\x00\x00\x00"),
    ("Long", INT64, (1 << 63) - 1, b"\x7f" + b"\xff" * 7),
    ("Float", FLOAT32, 1.5, b"\x3f\xc0\x00\x00"),
    ("Float", FLOAT32, math.inf, b"\x7f\x80\x00\x00"),
    ("Double", FLOAT64, -0.0, b"\x80" + b"\x00" * 7),
    ("Double", FLOAT64, 0.1, binary.pack(">d", 0.1)),
    ("Boolean", BOOLEAN, True, b"\x01"),
    ("Boolean", BOOLEAN, False, b"\x00"),
]
SIZES = {"Short": 2, "Integer": 4, "Long": 8, "Float": 4, "Double": 8, "Boolean": 1}


def converter(name: str, side: Side = "value") -> Converter[Any]:
    key = f"{side}.converter"
    return builder.converter(side, {key: f"org.apache.kafka.connect.converters.{name}Converter"}, {})


@pytest.mark.parametrize(("name", "schema", "value", "payload"), CASES)
@pytest.mark.parametrize("side", get_args(Side))
def test_values_pass_in_both_directions_on_every_side(
    name: str, schema: Schema, value: Any, payload: bytes, side: Literal["key", "value", "header"]
) -> None:
    used = converter(name, side)
    assert used.from_data("t", Rows(schema, [value, None])) == [payload, None]
    assert used.to_data("t", [payload, None]) == [Rows(schema.as_optional(), [value, None])]


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize("change", [-1, 1, None])
def test_another_size_is_refused(name: str, change: int | None) -> None:
    size = 0 if change is None else SIZES[name] + change
    text = f"Failed to deserialize {name.lower()}: Size of data received by {name}Deserializer is not {SIZES[name]}"
    with pytest.raises(DataError) as error:
        converter(name).to_data("t", [b"\x00" * size])
    assert str(error.value) == text


def test_only_zero_and_one_are_booleans() -> None:
    with pytest.raises(DataError, match=r"^Failed to deserialize boolean: Unexpected byte .* -1$"):
        converter("Boolean").to_data("t", [b"\xff"])


@pytest.mark.parametrize(
    ("name", "schema", "value", "was"),
    [
        ("Integer", STRING, "1", "java.lang.String"),
        ("Integer", OPTIONAL_STRING, "1", "java.lang.String"),
        ("Integer", INT64, 1, "java.lang.Long"),
        ("Integer", INT8, 1, "java.lang.Byte"),
        ("Integer", None, 1, "java.lang.Long"),
        ("Integer", DATE_SCHEMA, date(2020, 1, 1), "java.util.Date"),
        ("Integer", BOOLEAN, True, "java.lang.Boolean"),
        ("Short", INT32, 1, "java.lang.Integer"),
        ("Long", INT32, 1, "java.lang.Integer"),
        ("Long", None, 1.5, "java.lang.Double"),
        ("Float", None, 1.5, "java.lang.Double"),
        ("Double", FLOAT32, 1.5, "java.lang.Float"),
        ("Double", struct({"a": INT32}), {"a": 1}, "org.apache.kafka.connect.data.Struct"),
        ("Double", BYTES, b"x", "[B"),
    ],
)
def test_a_value_of_another_class_is_refused_by_its_java_name(
    name: str, schema: Schema | None, value: Any, was: str
) -> None:
    with pytest.raises(DataError) as error:
        converter(name).from_data("t", Rows(schema, [value]))
    assert str(error.value).startswith(f"Failed to serialize to {name.lower()} (was class {was}): ")


def test_without_a_schema_integers_are_longs_and_floats_are_doubles() -> None:
    assert converter("Long").from_data("t", Rows(None, [1])) == [b"\x00" * 7 + b"\x01"]
    assert converter("Double").from_data("t", Rows(None, [1.5])) == [binary.pack(">d", 1.5)]


def test_a_value_that_its_schema_does_not_allow_is_refused() -> None:
    with pytest.raises(DataError, match="Failed to serialize to integer: 2147483648 is out of its range"):
        converter("Integer").from_data("t", Rows(INT32, [1 << 31]))


def test_booleans_are_checked_by_schema_and_by_class() -> None:
    with pytest.raises(DataError, match=r"^Invalid schema type for BooleanConverter: STRING$"):
        converter("Boolean").from_data("t", Rows(STRING, [None]))
    with pytest.raises(DataError, match=r"not compatible with objects of type class java\.lang\.Long$"):
        converter("Boolean").from_data("t", Rows(None, [1]))
    assert converter("Boolean").from_data("t", Rows(None, [True, None])) == [b"\x01", None]


@pytest.mark.parametrize("name", SIZES)
def test_they_are_found_by_every_name_that_kafka_has(name: str) -> None:
    full = f"org.apache.kafka.connect.converters.{name}Converter"
    assert {catalog.find("converter", each) for each in (full, f"{name}Converter", name)} == {type(converter(name))}
