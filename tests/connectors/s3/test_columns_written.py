"""Files of JSON and Avro have the same bytes whether their records came as columns or as rows."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.connectors.s3.formats.format import Avro, Format
from ferryman.connectors.s3.formats.text import JsonLines
from ferryman.conversion import ColumnsWherePossible
from ferryman.converters.json import JsonConverter, JsonConverterConfig
from ferryman.errors import DataError
from ferryman.formats.json.schema import to_json
from ferryman.record import Batch, Columns, Data, Polled, Rows
from ferryman.schema import FLOAT64, INT64, STRING, Schema, array, mapping, struct
from tests.formats.json.any_payloads import STRUCTS, text_of

FORMATS: list[Format] = [JsonLines(False, None), JsonLines(True, None), Avro("null", True), Avro("null", False)]


def batch(data: Data) -> Batch:
    count = len(data)
    raw = Polled("orders", 0, range(count), [0] * count, [None] * count, [b""] * count)
    return Batch(
        topic="orders",
        partition=0,
        key=Rows(None, [None] * count),
        value=data,
        timestamps=[0] * count,
        origin=raw,
        positions=range(count),
    )


def decoded(schema: Schema, bodies: list[bytes]) -> list[Data]:
    keys = {"schema.content": orjson.dumps(to_json(schema)).decode()}
    converter = JsonConverter(JsonConverterConfig.parse(keys), "value")
    converter.forms, converter.fewest_nested = ColumnsWherePossible(1), 1
    return [piece.data for piece in converter.decode("orders", bodies).pieces]


def written(form: Format, data: Data, schema: Schema) -> Any:
    try:
        return form.encode(batch(data), schema)
    except DataError as error:
        return str(error)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_file_has_the_bytes_of_its_rows_whatever_the_schema(data: st.DataObject) -> None:
    schema = data.draw(STRUCTS)
    schema = replace(schema, name="shop.Order") if data.draw(st.booleans()) else schema
    bodies = [text.encode("utf-8", "surrogateescape") for text in data.draw(st.lists(text_of(schema), min_size=1))]
    for given_data in decoded(schema, bodies):
        for form in FORMATS:
            assert written(form, given_data, schema) == written(form, given_data.rows(), schema)


@pytest.mark.parametrize("form", FORMATS)
def test_columns_with_lists_maps_and_structs_that_may_be_null_are_written_without_rows(
    form: Format, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = struct({"a": INT64, "tags": array(STRING)}, optional=True)
    schema = struct({"id": INT64, "in": inner, "names": mapping(STRING, FLOAT64)}, "shop.Order")
    bodies = [
        orjson.dumps({"id": 1, "in": None, "names": {"x": 1e9}}),
        orjson.dumps({"id": 2, "in": {"a": -1, "tags": ["é", ""]}, "names": {}}),
    ]
    (columns,) = decoded(schema, bodies)
    wanted = written(form, columns.rows(), schema)
    with monkeypatch.context() as patch:
        patch.delattr(Columns, "rows")
        assert form.encode(batch(columns), schema) == wanted
