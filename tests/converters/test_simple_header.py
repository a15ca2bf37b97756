"""SimpleHeaderConverter: the answers of Kafka's own class, in UTC."""

import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ferryman.converters.simple_header import SimpleHeaderConverter, SimpleHeaderConverterConfig
from ferryman.formats import header_text
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
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    array,
    decimal,
    mapping,
)

CONVERTER = SimpleHeaderConverter(SimpleHeaderConverterConfig.parse({}), "header")
STRINGS = (
    "",
    "abc",
    "True",
    "5L",
    "0x10",
    "2020-01-01T12:34:56Z",
    "{a:1}",
    '"quoted"',
    " hello ",
    "a:b",
    "NaN",
    "123abc",
    '\\"x',
    " ",
    "   ",
    "[a]",
    "[1",
    "}",
    '"',
    '"a" b',
    ".5",
    "1_000",
    "[1,null,3]",
    '{"a":1',
    "true,false",
    "2020-01-01T12:34:56.789Z  ",
    '["a""b"]',
    '["a",,"b"]',
    '{"a"1}',
    "true:1",
    "-",
    "+",
    "e5",
)
VALUES: list[tuple[str, Schema | None, Any]] = [
    ("true", BOOLEAN, True),
    (" true ", BOOLEAN, True),
    ("false", BOOLEAN, False),
    ("null", None, None),
    ("null ", None, None),
    ("1", INT8, 1),
    ("127", INT8, 127),
    ("128", INT16, 128),
    ("-128", INT8, -128),
    ("32768", INT32, 32768),
    ("16777217", INT32, 16777217),
    ("2147483648", INT64, 2147483648),
    ("9223372036854775808", decimal(0), Decimal("9223372036854775808")),
    ("1.0", INT8, 1),
    ("5.", INT8, 5),
    ("1.5", FLOAT32, 1.5),
    ("3.14159265358979", FLOAT32, 3.1415927410125732),
    ("16777217.5", FLOAT32, 16777218.0),
    ("1e3", INT16, 1000),
    ("1e-3", FLOAT32, 0.0010000000474974513),
    ("1e39", FLOAT64, 1e39),
    ("1.7976931348623157E308", FLOAT64, 1.7976931348623157e308),
    ("1e400", decimal(-400), Decimal("1e400")),
    ("1e-400", FLOAT32, 0.0),
    ("-0", INT8, 0),
    ("+5", INT8, 5),
    ("01", INT8, 1),
    ("\t5", INT8, 5),
    ("5\n", INT8, 5),
    ("١٢", INT8, 12),
    ("1,2,3", INT8, 1),
    ("1::2", INT8, 1),
    ("2020-01-01", DATE_SCHEMA, date(2020, 1, 1)),
    ("2020-01-01 ", DATE_SCHEMA, date(2020, 1, 1)),
    ("2020-13-45", DATE_SCHEMA, date(2021, 2, 14)),
    ("12:34:56.789Z", TIME_SCHEMA, time(12, 34, 56, 789000)),
    ("2020-01-01T12:34:56.789Z", TIMESTAMP_SCHEMA, datetime(2020, 1, 1, 12, 34, 56, 789000, UTC)),
    ("[1,2,3]", array(INT8), [1, 2, 3]),
    ("[ 1 , 2 ]", array(INT8), [1, 2]),
    ("[1,2,300]", array(INT16), [1, 2, 300]),
    ("[1,2.5]", array(FLOAT32), [1.0, 2.5]),
    ('[1,"a"]', array(None), [1, "a"]),
    ("[true,1]", array(None), [True, 1]),
    ("[]", array(None), []),
    ("[1,]", array(INT8), [1]),
    ("[null]", array(None), [None]),
    ("[[1],[2]]", array(array(INT8)), [[1], [2]]),
    ('["2020-01-01"]', array(DATE_SCHEMA), [date(2020, 1, 1)]),
    ('["a","b"]', array(STRING), ["a", "b"]),
    ("{}", mapping(None, None), {}),
    ('{"a":1}', mapping(STRING, INT8), {"a": 1}),
    ('{ "a" : 1 , "b" : 2 }', mapping(STRING, INT8), {"a": 1, "b": 2}),
    ('{"a":1,"b":"x"}', mapping(STRING, None), {"a": 1, "b": "x"}),
    ('{"a":1,"b":2.5}', mapping(STRING, FLOAT32), {"a": 1.0, "b": 2.5}),
    ('{"a":{"b":1}}', mapping(STRING, mapping(STRING, INT8)), {"a": {"b": 1}}),
    ("{1:2}", mapping(INT8, INT8), {1: 2}),
    ('{"k":null}', mapping(STRING, None), {"k": None}),
    ('{1:2,"a":1.5}', mapping(None, None), {1: 2, "a": 1.5}),
    ('{"a":null,1:2}', mapping(None, None), {"a": None, 1: 2}),
    ("{1:1,300:2}", mapping(INT16, INT8), {1: 1, 300: 2}),
    ("[1.5,1e39]", array(FLOAT64), [1.5, 1e39]),
    ("[2020-01-01 ]", array(DATE_SCHEMA), [date(2020, 1, 1)]),
    ("[ 12:34:56.789Z]", array(TIME_SCHEMA), [time(12, 34, 56, 789000)]),
    ("  12:34:56.789Z", TIME_SCHEMA, time(12, 34, 56, 789000)),
    ("12:34:56.789Z ", INT8, 12),
    ('["2020-01-01 "]', array(STRING), ["2020-01-01 "]),
    ('[" 2020-01-01"]', array(STRING), [" 2020-01-01"]),
]


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [*VALUES, *((text, STRING, text) for text in STRINGS)],
    ids=lambda part: repr(part)[:30],
)
def test_types_are_inferred_as_kafka_does(text: str, schema: Schema | None, value: Any) -> None:
    (piece,) = CONVERTER.to_data("t", [text.encode()])
    assert piece == Rows(schema, [value])
    assert type(piece.rows().values[0]) is type(value)


@pytest.mark.parametrize(
    ("schema", "value", "text"),
    [
        (STRING, "s", b"s"),
        (INT32, 1, b"1"),
        (FLOAT32, 1.100000023841858, b"1.1"),
        (FLOAT64, 1.5, b"1.5"),
        (BOOLEAN, True, b"true"),
        (BYTES, b"\x01\x02", b"AQI="),
        (None, ["a", 1], b'["a",1]'),
        (None, {"k": 'v"', "n": 2}, b'{"k":"v\\"","n":2}'),
        (TIME_SCHEMA, time(), b"00:00:00.000Z"),
        (DATE_SCHEMA, date(1970, 1, 2), b"1970-01-02"),
        (TIMESTAMP_SCHEMA, datetime(2023, 11, 14, 22, 13, 20, 123000, UTC), b"2023-11-14T22:13:20.123Z"),
        (decimal(-3), Decimal("1E+3"), b"1E+3"),
        (None, None, None),
    ],
)
def test_values_are_written_as_kafka_does(schema: Schema | None, value: Any, text: bytes | None) -> None:
    assert CONVERTER.from_data("t", Rows(schema, [value])) == [text]


def test_hostile_text_is_a_string() -> None:
    for text in ("[" * 5000, "1e999999999999", "{" * 300 + "}" * 300, "[" * 300 + "]" * 300):
        assert CONVERTER.to_data("t", [text.encode()]) == [Rows(STRING, [text])]


_WORDS = r'a true null false é 0 007 12 9 - + . e E5 : , [ ] { } " \ 2024-01-02 T12:34:56.789Z ٣ 9223372036854775808 Z'
PARTS = st.sampled_from([*_WORDS.split(), " ", "\t", "\u2009", "f" * 30])


@given(st.lists(PARTS, min_size=1, max_size=6).map("".join) | st.text(min_size=1))
def test_what_is_told_by_its_beginning_is_what_the_parser_says(text: str) -> None:
    assert shown(header_text.infer(text)) == shown(header_text._Tokens(text).value(0, embedded=False))


TEXTS = st.lists(PARTS, max_size=3).map("".join)
NUMBERS = st.integers() | st.integers(-300, 300) | st.floats(allow_nan=False)
NESTED = st.recursive(
    TEXTS | NUMBERS | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300)
@given(NESTED, st.sampled_from([(",", ":"), (", ", ": "), (" ,", "\t:")]), st.sampled_from(["", "", " ", "x", ","]))
@example({"a, ,b": " "}, (",", ":"), "")
@example({"a": 1, "b": 1 << 63, "c": [1, 2.5, None]}, (", ", ": "), "")
def test_lists_and_objects_of_json_are_what_the_parser_says(value: Any, separators: tuple[str, str], end: str) -> None:
    text = json.dumps(value, separators=separators, ensure_ascii=False) + end
    assert shown(header_text.infer(text)) == shown(header_text._Tokens(text).value(0, embedded=False))


def shown(found: header_text.Inferred) -> str:
    """As text, in which 1 and true differ, and 1.0 and 1."""
    return repr(found)


def test_values_of_each_schema_are_one_piece_wherever_they_stand() -> None:
    found = CONVERTER.decode("t", [b"a", b"1", None, b"b", b"2", b"300"])
    told = {piece.data.schema: (list(piece.positions), piece.data.rows().values) for piece in found.pieces}
    assert told == {STRING: ([0, 3], ["a", "b"]), INT8: ([1, 4], [1, 2]), None: ([2], [None]), INT16: ([5], [300])}
    assert [len(data) for data in CONVERTER.to_data("t", [b"a", b"b", b"1"])] == [2, 1]


def test_half_of_a_pair_is_one_character_that_cannot_be_read() -> None:
    (found,) = CONVERTER.to_data("t", [b"a\xed\xa0\x80"])
    assert found.rows().values == ["a\ufffd"]
