"""JSON of one schema read as columns is what its rows are, however it is spelled, broken or mistyped."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.conversion import ColumnsWherePossible
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.formats.json import columns_reader, decimal_columns, typed_objects
from ferryman.formats.json.schema import to_json
from ferryman.formats.polars_types import dtype
from ferryman.record import Columns, Rows
from ferryman.schema import (
    BOOLEAN,
    BYTES,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    INT8,
    INT32,
    INT64,
    OPTIONAL_STRING,
    STRING,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
    array,
    decimal,
    mapping,
    struct,
)
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


@pytest.mark.parametrize(
    ("schema", "texts"),
    [
        (mapping(INT32, INT32), ["[[1,2],[3,4]]", "[[1,2],[1,3]]", "[]", "[[2,2],[2,2]]"]),
        (mapping(INT32.as_optional(), INT32), ["[[null,2],[null,3]]", "[[null,2]]"]),
        (mapping(STRING, INT32), ['{"a":1,"a":2,"b":3}', '{"":1}']),
        (mapping(BYTES, INT32), ['[["/w==",1],["/x==",2]]', '[["AQ==",1]]']),
        (mapping(FLOAT32, INT32), ["[[0.1,1],[0.10000000001,2]]", "[[1,1],[1.0,2]]"]),
        (mapping(decimal(2), INT32), ['[["AQ==",1],["AAE=",2],[0.01,3]]', "[[1,1]]"]),
        (decimal(2), ["-0.00", "-0", "0.00", "1.5", "1.50000", "1.505", "12e-1", '"AQI="', "5"]),
        (array(decimal(2)), ['[1.5,"AQI=",2]', "[1.555]", "[null]", "[]"]),
        (array(array(INT8)), ["[[1],[],[2,3]]", "[[1],[200]]", "[]", "[null]", "[[null]]"]),
        (struct({"a": INT32.as_optional()}).as_optional(), ["null", "{}", '{"a":null}', '{"a":1}', '{"a":1.0}']),
        (struct({"a": INT32}).as_optional(), ["null", "{}", '{"a":null}', '{"a":1}', "[]", "5"]),
    ],
)
def test_columns_are_what_rows_are_where_it_is_easily_another(schema: Schema, texts: Sequence[str]) -> None:
    bodies = [f'{{"x":{text}}}'.encode() for text in [*texts, *texts]]
    outer = struct({"x": schema})
    assert decoded(outer, bodies, 1, "true") == decoded(outer, bodies, 1 << 60, "true")


@given(
    st.lists(text_of(decimal(2)) | text_of(decimal(19).as_optional()), min_size=1, max_size=4),
    st.sampled_from([0, 2, 18, 19]),
)
def test_many_decimals_at_once_are_what_rows_are_too(texts: list[str], scale: int) -> None:
    bodies = [f'{{"x":{text}}}'.encode("utf-8", "surrogateescape") for text in texts]
    outer = struct({"x": decimal(scale)})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decimal_columns, "_MANY", 0)
        found = decoded(outer, bodies, 1, "true")
    assert found == decoded(outer, bodies, 1 << 60, "true")


@pytest.mark.parametrize(
    ("schema", "texts", "values"),
    [
        (struct({"a": INT64}).as_optional(), ["null", '{"a":1}', "null"], [None, {"a": 1}, None]),
        (struct({"a": INT64}).as_optional(), ["null", "null"], [None, None]),
        (array(struct({"a": STRING})), ['[{"a":"x"},{"a":"y"}]', "[]"], [[{"a": "x"}, {"a": "y"}], []]),
        (array(array(INT64)), ["[[1],[2,3]]", "[]"], [[[1], [2, 3]], []]),
        (mapping(STRING, FLOAT64), ['{"a":1,"b":2.5}', "{}"], [{"a": 1.0, "b": 2.5}, {}]),
        (mapping(INT32, STRING), ['[[1,"a"]]', "[]"], [{1: "a"}, {}]),
        (decimal(2), ["1.5", "12", '"AQI="'], [Decimal("1.50"), Decimal("12.00"), Decimal("2.58")]),
    ],
)
def test_what_is_nested_becomes_columns(schema: Schema, texts: Sequence[str], values: Sequence[Any]) -> None:
    outer = struct({"x": schema})
    assert columns_reader.reason(outer) is None
    columns, odd = columns_reader.columns(outer, [f'{{"x":{text}}}'.encode() for text in texts])
    assert columns is not None
    assert list(odd) == []
    assert columns.rows().values == [{"x": value} for value in values]
    assert columns.frame.schema["x"] == dtype(schema)


@pytest.mark.parametrize("keys", [INT32, INT32.as_optional(), INT8])
def test_a_map_with_a_key_twice_goes_by_rows_since_a_column_would_have_both(keys: Schema) -> None:
    texts = ["[[1,2],[3,4]]", "[[1,2],[1,3]]", "[]", "[[1,2],[2,2],[1,2]]"]
    outer = struct({"x": mapping(keys, INT32)})
    columns, odd = columns_reader.columns(outer, [f'{{"x":{text}}}'.encode() for text in texts])
    assert columns is not None
    assert list(odd) == [1, 3]
    assert columns.frame["x"].list.len().to_list() == [2, 0]


@pytest.mark.parametrize(
    ("keys", "one", "other", "same"),
    [
        (FLOAT32, "0.1", "0.2", "0.10000000001"),
        (FLOAT64, "0.0", "1", "-0.0"),
        (BYTES, '"/w=="', '"AQ=="', '"/x=="'),
        (BOOLEAN, "true", "false", "true"),
        (decimal(2), "1.5", "2", "1.50"),
        (DATE_SCHEMA, "1", "2", "1"),
        (Schema(Type.INT32, default=7), "7", "8", "null"),
    ],
)
def test_a_map_goes_by_rows_if_two_spellings_in_it_are_one_key(keys: Schema, one: str, other: str, same: str) -> None:
    texts = [f"[[{one},2],[{key},3]]" for key in (other, same)]
    outer = struct({"x": mapping(keys, INT32)})
    columns, odd = columns_reader.columns(outer, [f'{{"x":{text}}}'.encode() for text in texts])
    assert columns is not None
    assert list(odd) == [1]
    assert len(columns.rows().values[0]["x"]) == 2


def test_maps_stay_rows_whose_keys_are_nested() -> None:
    assert columns_reader.reason(struct({"x": mapping(array(INT32), INT32)})) is not None


A_DAY = datetime(2024, 2, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "schema",
    [
        Schema(Type.ARRAY, values=decimal(2), default=[Decimal("1.50")]),
        Schema(Type.MAP, keys=INT32, values=TIMESTAMP_SCHEMA, optional=True, default={1: A_DAY, 2: A_DAY}),
        Schema(
            Type.STRUCT,
            fields=(Field("a", Schema(Type.INT32, optional=True, default=7)), Field("f", array(FLOAT32))),
            default={"a": None, "f": [0.5]},
        ),
    ],
)
@pytest.mark.parametrize("are_some_there", [True, False])
def test_a_null_is_the_default_of_what_is_nested(schema: Schema, are_some_there: bool) -> None:
    outer = struct({"x": schema})
    there = [[b'{"x":[]}', b'{"x":{"f":[]}}'][schema.type is Type.STRUCT]] if are_some_there else []
    columns, odd = columns_reader.columns(outer, [*there, b'{"x":null}', b"{}"])
    assert columns is not None
    assert list(odd) == []
    assert [row["x"] for row in columns.rows().values[len(there) :]] == [schema.default, schema.default]


def test_few_records_with_something_nested_are_not_worth_a_frame() -> None:
    outer = struct({"x": struct({"a": INT64}).as_optional()})
    keys = {"schema.content": orjson.dumps(to_json(outer)).decode()}
    converter = JsonConverter(JsonConverterConfig.parse(keys), "value")
    found = [converter.decode("t", [b'{"x":null}'] * count).pieces[0].data for count in (63, 64)]
    assert [type(each) for each in found] == [Rows, Columns]


def test_of_very_many_only_the_odd_go_by_rows_wherever_they_are() -> None:
    outer = struct({"x": array(struct({"a": INT64, **{f"n{at}": INT64.as_optional() for at in range(40)}}))})
    bodies = [b'{"x":[{"a":1},{"a":%d}]}' % (1 << 64 if at in (7, 2500, 4999) else at) for at in range(5000)]
    columns, odd = columns_reader.columns(outer, bodies)
    assert columns is not None
    assert list(odd) == [7, 2500, 4999]
    assert [row["x"][1]["a"] for row in columns.rows().values] == [at for at in range(5000) if at not in odd]


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


def test_what_parses_a_schema_is_made_once_however_many_come_by_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = [struct({f"by_turns{number}": INT64}) for number in range(1500)]
    for schema in schemas:
        typed_objects.of_schema(schema)
    monkeypatch.delattr(typed_objects, "objects")
    for schema in schemas:
        assert typed_objects.of_schema(schema) is not None
