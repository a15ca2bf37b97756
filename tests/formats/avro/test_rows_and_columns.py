"""Avro by rows and by columns: the same schema and bytes give the same values."""

from datetime import UTC
from decimal import Decimal
from typing import Any

import fastavro
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.formats.avro import columns_reader, rows_reader
from ferryman.formats.avro.schema_reader import reading
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


@st.composite
def shapes(draw: st.DrawFn, depth: int = 2) -> Any:
    kind = draw(st.sampled_from(["scalar", "optional", "array", "record"] if depth else ["scalar"]))
    if kind == "scalar":
        return draw(st.sampled_from(SCALARS))
    if kind == "record":
        members = draw(st.lists(shapes(depth - 1), min_size=1, max_size=3))
        name = f"R{draw(st.integers(0, 10**9))}_{depth}"
        fields = [{"name": f"f{place}", "type": schema} for place, (schema, _) in enumerate(members)]
        values = st.fixed_dictionaries({f"f{place}": strategy for place, (_, strategy) in enumerate(members)})
        return {"type": "record", "name": name, "fields": fields}, values
    inner, values = draw(shapes(depth - 1))
    if kind == "array":
        return {"type": "array", "items": inner}, st.lists(values, max_size=3)
    return (inner, values) if isinstance(inner, list) else (["null", inner], st.none() | values)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_and_columns_agree(data: st.DataObject) -> None:
    members = data.draw(st.lists(shapes(), min_size=1, max_size=4))
    fields = [{"name": f"m{place}", "type": schema} for place, (schema, _) in enumerate(members)]
    schema = {"type": "record", "name": "Top", "fields": fields}
    record = st.fixed_dictionaries({f"m{place}": strategy for place, (_, strategy) in enumerate(members)})
    try:
        bodies = encode(schema, data.draw(st.lists(record, min_size=1, max_size=8)))
    except fastavro.schema.SchemaParseException:
        return
    found = reading(schema)
    columns, odd = columns_reader.decode(found, bodies)
    assert found.reason is None
    assert columns is not None
    assert not odd
    assert columns.rows().values == rows_reader.decode(found, rows_reader.parse_strictly(found.rows), bodies).values
