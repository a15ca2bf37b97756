"""Avro by rows and by columns: the same schema and bytes give the same values."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC
from decimal import Decimal
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.errors import DataError
from ferryman.formats.avro import columns_reader, rows_reader
from ferryman.formats.avro.schemas.schema_reader import Reading, reading
from ferryman.formats.polars_types import dtype
from ferryman.schema import Schema, Type
from tests.converters.test_avro import encode

SCALARS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("int", st.integers(-(1 << 31), (1 << 31) - 1)),
    ("long", st.integers(-(1 << 63), (1 << 63) - 1)),
    ("double", st.floats(allow_nan=False)),
    ("float", st.floats(width=32, allow_nan=False)),
    ("boolean", st.booleans()),
    ("string", st.text()),
    ("bytes", st.binary(max_size=20)),
    ({"type": "int", "logicalType": "date"}, st.dates()),
    (
        {"type": "long", "logicalType": "timestamp-millis"},
        st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)),
    ),
    (
        {"type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 4},
        st.integers(-(10**29), 10**29).map(lambda number: Decimal(number).scaleb(-4)),
    ),
]


KEYS: list[tuple[Any, st.SearchStrategy[Any]]] = [
    ("string", st.text(max_size=3)),
    ("long", st.integers(-3, 3)),
    ("boolean", st.booleans()),
]


@st.composite
def shapes(draw: st.DrawFn, depth: int = 2) -> Any:
    """A schema and its values; a union's are spelled with their types only where several would be told apart."""
    nested = ["scalar", "optional", "one type", "array", "map", "pairs", "record"]
    match draw(st.sampled_from(nested if depth else ["scalar", "enum", "time"])):
        case "scalar":
            return draw(st.sampled_from(SCALARS))
        case "enum":
            return {"type": "enum", "name": "E", "symbols": ["A", "B", "C"]}, st.sampled_from("ABC")
        case "time":
            moments = st.times().map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
            return {"type": "int", "logicalType": "time-millis"}, moments
        case "record":
            members = draw(st.lists(shapes(depth - 1), min_size=1, max_size=3))
            return record_of({f"f{place}": member for place, member in enumerate(members)})
        case "array":
            inner, values = draw(shapes(depth - 1))
            return {"type": "array", "items": inner}, st.lists(values, max_size=3)
        case "map":
            inner, values = draw(shapes(depth - 1))
            return {"type": "map", "values": inner}, st.dictionaries(st.text(max_size=3), values, max_size=3)
        case "pairs":
            entry, values = record_of({"key": draw(st.sampled_from(KEYS)), "value": draw(shapes(depth - 1))})
            entry["connect.internal.type"] = "MapEntry"
            return {"type": "array", "items": entry}, st.lists(values, max_size=3)
        case kind:
            inner, values = draw(shapes(depth - 1))
            if isinstance(inner, list):
                return inner, values
            return ([inner], values) if kind == "one type" else (["null", inner], st.none() | values)


def record_of(members: dict[str, Any]) -> tuple[dict[str, Any], st.SearchStrategy[Any]]:
    fields = [{"name": member, "type": schema} for member, (schema, _) in members.items()]
    values = st.fixed_dictionaries({member: strategy for member, (_, strategy) in members.items()})
    return {"type": "record", "name": "R", "fields": fields}, values


def named(node: Any, numbers: Iterator[int]) -> Any:
    """The schema with another name for each type."""
    if isinstance(node, list):
        return [named(each, numbers) for each in node]
    if not isinstance(node, dict):
        return node
    found = {key: named(each, numbers) for key, each in node.items()}
    return {**found, "name": f"{node['name']}{next(numbers)}"} if node["type"] in ("record", "enum") else found


def by_rows(found: Reading, bodies: Sequence[bytes]) -> list[Any]:
    return list(rows_reader.decode(found, rows_reader.parse_strictly(found.rows), bodies).values)


@st.composite
def messages(draw: st.DrawFn) -> tuple[Reading, list[bytes]]:
    members = draw(st.lists(shapes(), min_size=1, max_size=4))
    schema, values = record_of({f"m{place}": member for place, member in enumerate(members)})
    schema = named(schema, count())
    return reading(schema), encode(schema, draw(st.lists(values, min_size=1, max_size=8)))


@settings(max_examples=60, deadline=None)
@given(messages())
def test_rows_and_columns_agree(made: tuple[Reading, list[bytes]]) -> None:
    found, bodies = made
    columns, odd = columns_reader.decode(found, bodies)
    expected = by_rows(found, bodies)
    assert found.reason is None
    if odd:
        assert has_pairs(found.schema)  # of which two may have one key
    else:
        assert columns is not None
        assert columns.rows().values == expected
        assert columns.frame.schema == {each.name: dtype(each.schema) for each in found.schema.fields}


def has_pairs(schema: Schema) -> bool:
    inner = (*(field.schema for field in schema.fields), schema.keys, schema.values)
    return schema.type is Type.MAP or any(has_pairs(each) for each in inner if each is not None)


@settings(max_examples=80, deadline=None)
@given(messages(), st.data())
def test_damaged_messages_are_left_to_the_rows_or_mean_what_they_mean_to_rows(
    made: tuple[Reading, list[bytes]], data: st.DataObject
) -> None:
    found, bodies = made
    at = data.draw(st.integers(0, len(bodies) - 1))
    body = bytearray(bodies[at])
    place = data.draw(st.integers(0, max(0, len(body) - 1)))
    body[place : place + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    bodies[at] = bytes(body)
    columns, odd = columns_reader.decode(found, bodies)
    if columns is None or odd:
        return
    try:
        expected = by_rows(found, bodies)
    except DataError:
        # To polars any number of a union's branch but that of null is the other one.
        assert '["null"' in json.dumps(found.columns)
    else:
        assert shown(columns.rows().values) == shown(expected)


def shown(values: Sequence[Any]) -> str:
    """As text, since a NaN equals nothing."""
    return repr(values).replace("zoneinfo.ZoneInfo(key='UTC')", "datetime.timezone.utc")


TAGGED = reading(
    {
        "type": "record",
        "name": "Tagged",
        "fields": [
            {"name": "id", "type": "long"},
            {"name": "tags", "type": {"type": "map", "values": "int"}},
            {"name": "one", "type": ["int"]},
        ],
    }
)


@pytest.mark.parametrize(
    "blocks",
    [
        b"\x04\x02a\x02\x02b\x04\x00",
        b"\x03\x0c\x02a\x02\x02b\x04\x00",
        b"\x02\x02a\x02\x01\x06\x02b\x04\x00",
    ],
    ids=["one block", "with its size", "two blocks"],
)
def test_a_map_may_come_in_any_blocks(blocks: bytes) -> None:
    bodies = [b"\x02" + blocks + b"\x00\x0a"] * 3
    columns, odd = columns_reader.decode(TAGGED, bodies)
    assert not odd
    assert columns is not None
    assert columns.rows().values == [{"id": 1, "tags": {"a": 1, "b": 2}, "one": 5}] * 3


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\x02\x04\x02a\x02\x02a\x04\x00\x00\x0a", {"id": 1, "tags": {"a": 2}, "one": 5}),
        (b"\x02\x02\x02a\x80\x80\x80\x80\x10\x00\x00\x0a", None),
        (b"\x02\x00\x02", None),
        (b"\x02\x00\x01\x0a", None),
        (b"\x02\x02\x02\xff\x02\x00\x00\x0a", None),
        (b"\x02\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02a", None),
        (b"\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x02\x02a", None),
    ],
    ids=["a key twice", "a wide int", "another type", "type -1", "no UTF-8", "endless", "endless backwards"],
)
def test_what_a_column_would_have_otherwise_goes_by_rows_alone(body: bytes, value: Any) -> None:
    good = b"\x02\x02\x02a\x02\x00\x00\x0a"
    columns, odd = columns_reader.decode(TAGGED, [*[good] * 100, body, *[good] * 100])
    assert columns is not None
    assert 100 in odd
    assert len(columns) + len(odd) == 201
    assert set(map(str, columns.rows().values)) == {"{'id': 1, 'tags': {'a': 1}, 'one': 5}"}
    if value is None:
        with pytest.raises(DataError):
            by_rows(TAGGED, [body])
    else:
        assert by_rows(TAGGED, [body]) == [value]
