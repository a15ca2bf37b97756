"""Columns are written as the bytes that their rows would be."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import orjson
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.formats.avro import columns_writer as avro_columns_writer
from ferryman.formats.avro import rows_reader
from ferryman.formats.avro.schemas.schema_writer import writing
from ferryman.formats.json import columns_writer as json_columns_writer
from ferryman.formats.json.columns_writer import How
from ferryman.formats.json.text import dumps_texts
from ferryman.formats.polars_types import dtype
from ferryman.record import Columns
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
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

HEAD = b"\x00\x00\x00\x00\x07"
_EDGES = [0, 63, 64, 8191, 8192, 32767, 32768, 65535, 65536, (1 << 31) - 1, 1 << 31]
LONGS = st.sampled_from([*_EDGES, *(-each - 1 for each in _EDGES)]) | st.integers(-(1 << 63), (1 << 63) - 1)
MILLIS = st.integers(0, 999).map(lambda milli: milli * 1000)
MEMBERS: dict[str, tuple[Schema, st.SearchStrategy[Any]]] = {
    "byte": (INT8, st.integers(-128, 127)),
    "int": (INT32, st.integers(-(1 << 31), (1 << 31) - 1)),
    "long": (INT64, LONGS),
    "positive": (INT64, st.integers(0, (1 << 63) - 1)),
    "text": (STRING, st.text(max_size=80)),
    "long text": (STRING, st.sampled_from(["", "x" * 63, "x" * 64, "ß" * 9000])),
    "double": (FLOAT64, st.floats()),
    "float": (FLOAT32, st.floats(width=32)),
    "flag": (BOOLEAN, st.booleans()),
    "amount": (decimal(2), LONGS.map(lambda number: Decimal(number).scaleb(-2))),
    "tiny": (
        decimal(2),
        st.sampled_from([edge + off for edge in (0, 1 << 7, 1 << 15, 1 << 23) for off in (-1, 0)]).flatmap(
            lambda number: st.sampled_from([Decimal(number).scaleb(-2), Decimal(-number).scaleb(-2)])
        ),
    ),
    "small": (decimal(2), st.integers(0, (1 << 31) - 1).map(lambda number: Decimal(number).scaleb(-2))),
    "day": (DATE_SCHEMA, st.dates(date(1900, 1, 1), date(2100, 1, 1))),
    "clock": (TIME_SCHEMA, st.builds(time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), MILLIS)),
    "moment": (
        TIMESTAMP_SCHEMA,
        st.integers(-(10**12), 10**13).map(lambda at: datetime.fromtimestamp(at // 1000, UTC)),
    ),
    "bytes": (BYTES, st.binary(max_size=80)),
    "nested": (struct({"n": INT64}), st.fixed_dictionaries({"n": LONGS})),
}


@st.composite
def _columns(draw: st.DrawFn) -> Columns:
    names = draw(st.lists(st.sampled_from(sorted(MEMBERS)), min_size=1, max_size=6, unique=True))
    optional = {name: draw(st.booleans()) and name != "nested" for name in names}
    schema = struct({name.replace(" ", "_"): MEMBERS[name][0].as_optional(optional[name]) for name in names}, name="t")
    values = {
        name.replace(" ", "_"): st.none() | MEMBERS[name][1] if optional[name] else MEMBERS[name][1] for name in names
    }
    rows = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=8))
    dtypes = {field.name: dtype(field.schema) for field in schema.fields}
    return Columns(schema.as_optional(draw(st.booleans())), pl.DataFrame(rows, schema=dtypes, orient="row"))


def _avro_of_rows(columns: Columns, how: Any) -> Sequence[bytes]:
    parsed, found = rows_reader.parse(how.plain), []
    for value in columns.rows().values:
        stream = BytesIO()
        fastavro.schemaless_writer(stream, parsed, how.convert(value))
        found.append(HEAD + stream.getvalue())
    return found


def _lowest() -> Columns:
    """A decimal whose digits are the least number of 64 bits."""
    frame = pl.DataFrame({"amount": [Decimal("-92233720368547758.08")]}, schema={"amount": dtype(decimal(2))})
    return Columns(struct({"amount": decimal(2)}, name="t"), frame)


def _beyond_64_bits() -> Columns:
    """A list of decimals with one that no long holds."""
    schema = array(decimal(0))
    frame = pl.DataFrame({"amounts": [[], [Decimal(1 << 63)]]}, schema={"amounts": dtype(schema)})
    return Columns(struct({"amounts": schema}, name="t"), frame)


NESTED: dict[str, tuple[Schema, st.SearchStrategy[Any]]] = {
    "row": (struct({"n": INT64, "d": decimal(2)}), st.fixed_dictionaries({"n": LONGS, "d": MEMBERS["small"][1]})),
    "list": (array(STRING.as_optional()), st.lists(st.none() | st.text(max_size=5), max_size=3)),
    "amounts": (array(decimal(0)), st.lists(st.integers(-(10**20), 10**20).map(Decimal), max_size=3)),
    "rows": (
        array(struct({"n": INT8}, optional=True)),
        st.lists(st.none() | st.fixed_dictionaries({"n": st.integers(-128, 127)}), max_size=3),
    ),
    "names": (mapping(STRING, STRING.as_optional()), st.dictionaries(st.text(max_size=3), st.none() | st.text())),
    "numbered": (
        mapping(INT32, array(FLOAT64)),
        st.dictionaries(LONGS.filter(lambda each: -(1 << 31) <= each < 1 << 31), st.lists(st.floats(), max_size=2)),
    ),
    "double": (FLOAT64, st.floats() | st.sampled_from([1e7, -1e-4, 0.0])),
}


def _as_column(schema: Schema, value: Any) -> Any:
    """A value as polars takes it: a map is a list of pairs."""
    if value is None or schema.type is not Type.MAP:
        return value
    return [{"key": key, "value": item} for key, item in value.items()]


@st.composite
def _nested_columns(draw: st.DrawFn) -> Columns:
    names = draw(st.lists(st.sampled_from([*NESTED, "amount", "tiny"]), min_size=1, max_size=4, unique=True))
    kinds = {name: (NESTED | MEMBERS)[name] for name in names}
    optional = {name: draw(st.booleans()) for name in names}
    schema = struct({name: kind.as_optional(optional[name]) for name, (kind, _) in kinds.items()})
    values = {name: st.none() | made if optional[name] else made for name, (_, made) in kinds.items()}
    rows = draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=6))
    dtypes = {field.name: dtype(field.schema) for field in schema.fields}
    columns = [
        pl.Series(name, [_as_column(kinds[name][0], row[name]) for row in rows], dtype=kind)
        for name, kind in dtypes.items()
    ]
    return Columns(schema, pl.DataFrame(columns))


@given(_columns() | _nested_columns())
@example(_lowest())
@example(_beyond_64_bits())
def test_columns_become_the_avro_messages_that_their_rows_become(columns: Columns) -> None:
    how = writing(columns.schema)

    assert avro_columns_writer.encode(columns, how.plain, HEAD) == _avro_of_rows(columns, how)


@given(_columns() | _nested_columns(), st.booleans())
def test_columns_become_the_json_that_their_rows_become(columns: Columns, numeric: bool) -> None:
    keys = {"schemas.enable": "false", "decimal.format": "NUMERIC" if numeric else "BASE64"}
    converter = JsonConverter(JsonConverterConfig.parse(keys), "value")
    found = json_columns_writer.dumps(columns, How(numeric=numeric))

    assert found == list(converter.from_data("t", columns.rows()))


def test_plain_values_need_no_rows() -> None:
    schema = struct({"id": INT64, "amount": decimal(2), "score": FLOAT64, "note": STRING.as_optional()}, name="t")
    rows = [{"id": 1, "amount": Decimal("-1.28"), "score": 0.5, "note": None}]
    dtypes = {field.name: dtype(field.schema) for field in schema.fields}
    columns = Columns(schema, pl.DataFrame(rows, schema=dtypes, orient="row"))

    assert json_columns_writer.dumps(columns, How()) == [b'{"id":1,"amount":"gA==","score":0.5,"note":null}']
    assert json_columns_writer.dumps(columns, How(numeric=True)) == [b'{"id":1,"amount":-1.28,"score":0.5,"note":null}']


def test_what_is_nested_needs_no_rows() -> None:
    schema = struct({"row": struct({"n": INT64}, optional=True), "list": array(decimal(2), optional=True)})
    rows = [{"row": None, "list": [Decimal("1.5")]}, {"row": {"n": 1}, "list": []}, {"row": None, "list": None}]
    dtypes = {field.name: dtype(field.schema) for field in schema.fields}
    columns = Columns(schema, pl.DataFrame(rows, schema=dtypes, orient="row"))

    assert json_columns_writer.dumps(columns, How(numeric=True)) == [
        b'{"row":null,"list":[1.50]}',
        b'{"row":{"n":1},"list":[]}',
        b'{"row":null,"list":null}',
    ]


def test_a_null_that_is_not_allowed_is_for_the_rows_to_refuse() -> None:
    schema = struct({"id": INT64}, name="t")
    columns = Columns(schema, pl.DataFrame({"id": [1, None]}))

    assert avro_columns_writer.encode(columns, writing(schema).plain, HEAD) is None
    assert json_columns_writer.dumps(columns, How()) is None


@given(st.lists(st.text(max_size=80) | st.sampled_from(["", "x" * 64, "ß" * 9000, "a\nb", '"\\']), min_size=1))
def test_plain_texts_become_what_each_of_them_becomes(texts: list[str]) -> None:
    assert dumps_texts(texts) == [orjson.dumps(value) for value in texts]


@pytest.mark.parametrize("other", [None, 1, "\ud800"])
def test_what_is_no_plain_text_is_left_to_the_rows(other: Any) -> None:
    assert dumps_texts(["a", other]) is None
