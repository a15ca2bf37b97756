"""The file sink's lines: maps written column by column have the text that each has alone."""

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from ferryman.connectors.file.lines_writer import lines
from ferryman.java.texts import text
from ferryman.record import Rows
from ferryman.schema import Schema, Type
from tests.connectors.sql.sql_task import columns
from tests.differential.strategies import structs

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 70), 1 << 70)
    | st.floats()
    | st.text()
    | st.binary(max_size=4)
    | st.datetimes(timezones=st.just(UTC))
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)
ALIKE = st.lists(st.text(), unique=True, max_size=5).flatmap(
    lambda keys: st.lists(st.fixed_dictionaries(dict.fromkeys(keys, VALUES)), min_size=1, max_size=6)
)
OF_ONE_CLASS = st.sampled_from([st.integers(), st.floats(), st.floats(1e-3, 1e7), st.booleans(), st.text()]).flatmap(
    lambda values: st.lists(st.fixed_dictionaries({"%s": values, "b": values}), min_size=1, max_size=6)
)


@given(ALIKE | OF_ONE_CLASS | st.lists(VALUES, min_size=1, max_size=6))
def test_a_batch_has_the_lines_of_its_values(values: list[Any]) -> None:
    alone = [f"{text(value)}\n".encode("utf-8", "replace") for value in values]
    assert lines(Rows(None, values)) == b"".join(alone)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([{"a": 1, "b": "x"}, {"b": "y", "a": 2}], "{a=1, b=x}\n{b=y, a=2}\n"),
        ([{"a": 1}, {"a": 2, "b": 3}], "{a=1}\n{a=2, b=3}\n"),
        ([{1: "x"}, {True: "y"}], "{1=x}\n{true=y}\n"),
        ([{}, {}], "{}\n{}\n"),
        ([{"a": 0.0001}, {"a": -0.0}, {"a": 1e7}], "{a=1.0E-4}\n{a=-0.0}\n{a=1.0E7}\n"),
        ([{"at": datetime(2023, 11, 14, tzinfo=UTC)}], "{at=2023-11-14T00:00:00.000Z}\n"),
        ([{"a": 1}, None], "{a=1}\nnull\n"),
    ],
)
def test_maps_of_any_shape_have_their_java_text(values: list[Any], expected: str) -> None:
    assert lines(Rows(None, values)).decode() == expected


def has_columns(schema: Schema) -> bool:
    """Whether each struct in it has fields: one without is no column."""
    inner = [*(field.schema for field in schema.fields), *filter(None, (schema.keys, schema.values))]
    return (schema.type is not Type.STRUCT or bool(schema.fields)) and all(map(has_columns, inner))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_structs_in_columns_have_the_lines_of_their_rows(data: st.DataObject) -> None:
    schema, values = data.draw(structs(nested_defaults=True).filter(lambda found: has_columns(found.schema)))
    rows = data.draw(st.lists(values, min_size=1, max_size=4))
    try:
        given = columns(schema, rows)
    except (OverflowError, TypeError, pl.exceptions.PolarsError):
        reject()  # no column holds that
    assert lines(given) == lines(given.rows())
    assert lines(given).count(b"Struct{") >= len(rows)
