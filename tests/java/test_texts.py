"""Java's texts of values."""

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from ferryman.java.texts import double_text, float_text, java_class, renderer, schema_text, text
from ferryman.schema import FLOAT32, INT32, OPTIONAL_STRING, TIMESTAMP_SCHEMA, array, mapping, struct

MOMENT = datetime(2023, 11, 14, 22, 13, 20, 123000, UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, "1.0"),
        (1e7, "1.0E7"),
        (9999999.0, "9999999.0"),
        (0.001, "0.001"),
        (1e-5, "1.0E-5"),
        (-1.5e-7, "-1.5E-7"),
        (123456789.0, "1.23456789E8"),
        (1.7976931348623157e308, "1.7976931348623157E308"),
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
    ],
)
def test_doubles_have_the_digits_that_java_gives_them(value: float, expected: str) -> None:
    assert double_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1.100000023841858, "1.1"), (123456789.0, "1.2345679E8"), (3.4028234663852886e38, "3.4028235E38"), (0.0, "0.0")],
)
def test_floats_have_the_digits_of_32_bits(value: float, expected: str) -> None:
    assert float_text(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        ({"a": 1, "b": "x", "c": None, "d": True}, "{a=1, b=x, c=null, d=true}"),
        ({"a": [1, {"b": 2.5}]}, "{a=[1, {b=2.5}]}"),
        (b"\x01\x02", "AQI="),
        (Decimal("1E+3"), "1E+3"),
        (MOMENT, "2023-11-14T22:13:20.123Z"),
        (date(2023, 11, 14), "2023-11-14"),
        (time(22, 13, 20, 123000), "22:13:20.123Z"),
    ],
)
def test_schemaless_values_have_the_texts_that_java_gives_them(value: Any, expected: str) -> None:
    assert text(value) == expected


def test_structs_leave_nulls_out_and_know_their_schema() -> None:
    schema = struct(
        {
            "f": FLOAT32,
            "n": OPTIONAL_STRING,
            "at": TIMESTAMP_SCHEMA,
            "in": struct({"x": INT32}),
            "l": array(struct({"x": INT32})),
            "m": mapping(OPTIONAL_STRING, INT32),
        }
    )
    value = {"f": 1.100000023841858, "n": None, "at": MOMENT, "in": {"x": 1}, "l": [{"x": 2}], "m": {"k": 3}}
    assert renderer(schema)(value) == (
        "Struct{f=1.1,at=2023-11-14T22:13:20.123Z,in=Struct{x=1},l=[Struct{x=2}],m={k=3}}"
    )


def test_messages_call_classes_and_schemas_as_java_does() -> None:
    assert java_class(None) == "null"
    assert java_class(5) == "java.lang.Long"
    assert java_class(5, INT32) == "java.lang.Integer"
    assert java_class(b"") == "[B"
    assert schema_text(INT32) == "Schema{INT32}"
    assert schema_text(TIMESTAMP_SCHEMA) == "Schema{org.apache.kafka.connect.data.Timestamp:INT64}"


def test_maps_with_equal_keys_of_other_types_have_their_own_texts() -> None:
    assert [text(each) for each in ({1: "a"}, {True: "a"}, {1.0: "a"})] == ["{1=a}", "{true=a}", "{1.0=a}"]
    assert text({"100%": 1}) == "{100%=1}"


@pytest.mark.parametrize(
    ("value", "text"),
    [(5e-324, "4.9E-324"), (-5e-324, "-4.9E-324"), (2e-5, "2.0E-5"), (1e7, "1.0E7"), (2e23, "2.0E23")],
)
def test_a_double_of_one_digit_is_told_with_the_nearest_two(value: float, text: str) -> None:
    assert double_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(1.4e-45, "1.4E-45"), (2.0, "2.0"), (1e10, "1.0E10"), (0.001, "0.001")])
def test_a_float_of_one_digit_is_told_with_the_nearest_two(value: float, text: str) -> None:
    assert float_text(value) == text
