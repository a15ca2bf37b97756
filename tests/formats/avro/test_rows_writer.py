"""Many rows written at once are the bytes that each of them is by itself, or are left to be written one by one."""

from collections.abc import Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

import fastavro
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ferryman.errors import DataError
from ferryman.formats.avro import rows_reader, rows_writer
from ferryman.formats.avro.schemas.defaults import UNION
from ferryman.formats.avro.schemas.schema_writer import Writing, writing
from ferryman.schema import BYTES, FLOAT32, INT8, INT64, STRING, Field, Schema, Type, decimal, struct
from tests.formats.test_columns_writers import HEAD, MEMBERS

ODD: dict[str, tuple[Schema, st.SearchStrategy[Any]]] = {
    "list": (Schema(Type.ARRAY, values=INT64), st.lists(st.integers(0, 9), max_size=3)),
    "map": (Schema(Type.MAP, keys=STRING, values=INT64), st.dictionaries(st.text(), st.integers(0, 9), max_size=2)),
    "defaulted": (Schema(Type.INT64, default=5), st.none() | st.integers(0, 9)),
    "union": (
        Schema(Type.STRUCT, name=UNION, fields=(Field("int", INT64.as_optional()),)),
        st.fixed_dictionaries({"int": st.integers(0, 9)}),
    ),
    "named otherwise": (Schema(Type.STRING, name="org.apache.kafka.connect.data.Date"), st.text()),
}
MISFITS: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 1, 1 << 63, 0.5, 1e300, "a", "\ud800", b"b", Decimal("0.001"), {}, {"n": 1}, []]
)


@st.composite
def _rows(draw: st.DrawFn) -> tuple[Schema, list[Any]]:
    """Structs of any members, now and then with a value that does not fit, or a null for one."""
    known = MEMBERS | (ODD if draw(st.booleans()) else {})
    names = draw(st.lists(st.sampled_from(sorted(known)), max_size=6, unique=True))
    optional = {name: draw(st.booleans()) for name in names}
    schema = struct({name.replace(" ", "_"): known[name][0].as_optional(optional[name]) for name in names}, name="t")
    odd = draw(st.booleans())
    values = {
        name.replace(" ", "_"): known[name][1]
        | (st.none() if optional[name] else st.nothing())
        | (MISFITS if odd else st.nothing())
        for name in names
    }
    row = st.fixed_dictionaries(values)
    rows = draw(st.lists(row | (MISFITS if odd else st.nothing()), min_size=1, max_size=8))
    return schema.as_optional(draw(st.booleans())), rows


def _one_by_one(rows: Sequence[Any], how: Writing) -> list[bytes] | None:
    parsed, found = rows_reader.parse(how.plain), []
    for value in rows:
        stream = BytesIO()
        try:
            fastavro.schemaless_writer(stream, parsed, how.convert(value))
        except (DataError, ValueError, TypeError, KeyError, IndexError, OverflowError, AttributeError):
            return None
        found.append(HEAD + stream.getvalue())
    return found


@given(_rows())
@example((struct({"n": INT8}, name="t"), [{"n": 128}]))
@example((struct({"n": FLOAT32}, name="t"), [{"n": 1e300}]))
@example((struct({}, name="t"), [{}, {}]))
def test_rows_become_what_each_of_them_becomes_or_are_left_to_be_tried_alone(given: tuple[Schema, list[Any]]) -> None:
    schema, rows = given
    how = writing(schema)

    found = rows_writer.encode(rows, schema, how.plain, HEAD)

    assert found is None or found == _one_by_one(rows, how)


@given(st.lists(st.fixed_dictionaries({name.replace(" ", "_"): each for name, (_, each) in MEMBERS.items()})))
def test_what_fits_is_written_at_once(rows: list[Any]) -> None:
    schema = struct({name.replace(" ", "_"): each for name, (each, _) in MEMBERS.items()}, name="t")
    how = writing(schema)

    assert rows_writer.encode(rows, schema, how.plain, HEAD) == _one_by_one(rows, how)


@pytest.mark.parametrize(
    ("schema", "value"), [(STRING, None), (STRING, 1), (STRING, "\ud800"), (BYTES, b"a"), (decimal(2), Decimal(1))]
)
def test_what_is_no_struct_is_written_at_once_only_if_it_is_text_or_a_number(schema: Schema, value: Any) -> None:
    assert rows_writer.encode([value], schema, writing(schema).plain, HEAD) is None


@given(st.lists(st.text(max_size=80) | st.sampled_from(["", "x" * 64, "ß" * 9000]), min_size=1), st.booleans())
def test_plain_texts_become_what_each_of_them_becomes(texts: list[str], optional: bool) -> None:
    schema = STRING.as_optional(optional)
    how = writing(schema)

    assert rows_writer.encode(texts, schema, how.plain, HEAD) == _one_by_one(texts, how)
