"""JSON of one schema read as columns is what its rows are, however it is spelled, broken or mistyped."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.conversion import ColumnsWherePossible
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.formats.json import columns_reader, typed_objects
from ferryman.formats.json.schema import to_json
from ferryman.record import Columns
from ferryman.schema import INT64, OPTIONAL_STRING, Schema, struct
from tests.formats.json.any_payloads import LEAVES, ODD, STRUCTS, bodies_of, nested, text_of

SAME_ZONE = ("zoneinfo.ZoneInfo(key='UTC')", "datetime.timezone.utc")


def decoded(schema: Schema, bodies: Sequence[bytes], fewest: int, replace: str) -> str:
    """What each payload becomes, and what is said of those that fail, with columns from so many records on.

    As a text, which tells 1 from 1.0 and 0.0 from -0.0.
    """
    keys = {"schema.content": orjson.dumps(to_json(schema)).decode(), "replace.null.with.default": replace}
    converter = JsonConverter(JsonConverterConfig.parse(keys), "value")
    converter.forms, converter.fewest_nested = ColumnsWherePossible(fewest), fewest
    found = converter.decode("t", bodies)
    values: dict[int, Any] = {
        at: value for piece in found.pieces for at, value in zip(piece.positions, piece.data.rows().values, strict=True)
    }
    failures = {at: f"{type(error).__name__}: {error}" for at, error in found.failures}
    return f"{sorted(values.items())} {sorted(failures.items())}".replace(*SAME_ZONE)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_columns_are_what_rows_are_for_any_schema_and_any_spelling(data: st.DataObject) -> None:
    schema = data.draw(STRUCTS)
    bodies = data.draw(st.lists(bodies_of(schema), min_size=1, max_size=5))
    replace = data.draw(st.sampled_from(["true", "false"]))
    assert decoded(schema, bodies, 1, replace) == decoded(schema, bodies, 1 << 60, replace)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_columns_are_what_rows_are_for_any_value_in_a_field(data: st.DataObject) -> None:
    schema = data.draw(st.sampled_from(LEAVES).flatmap(lambda leaf: st.just(leaf) | nested(st.just(leaf))))
    texts = data.draw(st.lists(text_of(schema) | st.sampled_from(ODD), min_size=1, max_size=4))
    bodies = [f'{{"x":{text}}}'.encode("utf-8", "surrogateescape") for text in texts]
    replace = data.draw(st.sampled_from(["true", "false"]))
    assert decoded(struct({"x": schema}), bodies, 1, replace) == decoded(
        struct({"x": schema}), bodies, 1 << 60, replace
    )


TEN = struct({**{f"n{at}": INT64 for at in range(9)}, "text": OPTIONAL_STRING})


def plain(number: int) -> bytes:
    return json.dumps({**{f"n{at}": number for at in range(9)}, "text": "x"}).encode()


def test_plain_payloads_are_checked_as_they_are_parsed() -> None:
    objects, others = typed_objects.typed(typed_objects.of_schema(TEN), [plain(number) for number in range(50)])
    assert (len(objects), list(others)) == (50, [])
    assert typed_objects.values(objects, 3) == list(range(50))


@pytest.mark.parametrize("surplus", [1, 20, 99, 100])
def test_members_that_the_schema_has_not_leave_their_payloads_in_the_columns_and_in_their_places(surplus: int) -> None:
    bodies = [plain(number) for number in range(100)]
    step = 100 // surplus
    for at in range(0, surplus * step, step):
        bodies[at] = bodies[at].replace(b'"text"', b'"more": 1, "text"')
    columns, odd = columns_reader.columns(TEN, bodies)
    assert isinstance(columns, Columns)
    assert list(odd) == []
    assert columns.frame["n5"].to_list() == list(range(100))


@pytest.mark.parametrize("surplus", [b'"\xff": 1', b'"more": "\xff"', b'"more": [1E400, "\\ud800"]'])
def test_members_that_the_schema_has_not_are_looked_at_too(surplus: bytes) -> None:
    bodies = [plain(number) for number in range(20)]
    bodies[7] = bodies[7].replace(b'"text"', surplus + b', "text"')
    columns, odd = columns_reader.columns(TEN, bodies)
    assert columns is not None
    assert list(odd) == [7]


def test_odd_values_among_surplus_members_are_left_out_and_the_others_keep_their_order() -> None:
    bodies = [plain(number) for number in range(60)]
    for at in range(0, 60, 7):
        bodies[at] = bodies[at].replace(b'"text"', b'"more": 1, "text"')
    for at in (7, 8, 40, 42):
        bodies[at] = bodies[at].replace(b'"n4": ', b'"n4": 1234567890123456789012')
    columns, odd = columns_reader.columns(TEN, bodies)
    assert columns is not None
    assert list(odd) == [7, 8, 40, 42]
    assert columns.frame["n5"].to_list() == [number for number in range(60) if number not in odd]


def test_a_struct_of_very_many_fields_becomes_columns_too() -> None:
    wide = struct({f"n{at}": INT64 for at in range(1000)})
    body = json.dumps({f"n{at}": at for at in reversed(range(1000))}).encode()
    columns, odd = columns_reader.columns(wide, [body] * 20)
    assert columns is not None
    assert list(odd) == []
    assert columns.frame["n999"].to_list() == [999] * 20
