"""Envelopes have the same bytes whether the values they are around came as columns or as rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.connectors.s3.formats.format import Avro, Format, Parquet
from ferryman.connectors.s3.formats.text import JsonLines
from ferryman.connectors.s3.layout.keys_and_headers import enveloped
from ferryman.errors import DataError
from ferryman.record import Batch, Columns, Data, Header, Polled, Rows
from ferryman.schema import INT64, OPTIONAL_STRING, STRING, Schema, struct
from tests.connectors.s3.test_columns_written import decoded
from tests.formats.json.any_payloads import STRUCTS, text_of

FORMATS: list[Format] = [JsonLines(False, None), JsonLines(True, None), Avro("null", True), Parquet("none")]
KEY = struct({"id": INT64}, "shop.Key")
HEADERS: list[list[Header]] = [
    [],
    [Header("trace", "é", STRING), Header("raw", b"\x00", None)],
    [Header("n", 5, INT64), Header("none", None, None)],
]


def batch(value: Data, keys: Data, headers: Sequence[Any] | None, times: list[int | None]) -> Batch:
    count = len(value)
    raw = Polled("orders", 3, range(7, 7 + count), [0] * count, [None] * count, [b""] * count)
    return Batch(
        topic="orders",
        partition=3,
        key=keys,
        value=value,
        timestamps=times,
        headers=headers,
        origin=raw,
        positions=range(count),
    )


def written(form: Format, given_batch: Batch) -> Any:
    try:
        whole = enveloped(given_batch, mark=isinstance(form, JsonLines))
        found = form.encode(whole, whole.value.schema)
    except DataError as error:
        return str(error)
    return found.rows() if isinstance(found, pl.DataFrame) else found


def keys(count: int) -> st.SearchStrategy[Data]:
    numbers = [{"id": number} for number in range(count)]
    return st.sampled_from(
        [
            Rows(None, [None] * count),
            Rows(KEY, numbers),
            Rows(KEY, [None, *numbers[1:]]),
            Columns(KEY, pl.DataFrame({"id": range(count)}, schema={"id": pl.Int64})),
            Rows(STRING, [f"key {number}" for number in range(count)]),
            Rows(OPTIONAL_STRING, [None] * count),
            Rows(replace(STRING, default="none", optional=True), [None] * count),
            Rows(None, list(range(count))),
            Rows(INT64, ["no number"] * count),
        ]
    )


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_an_envelope_has_the_bytes_of_that_of_rows_whatever_the_schema(data: st.DataObject) -> None:
    schema: Schema = replace(data.draw(STRUCTS), name="shop.Order")
    bodies = [text.encode("utf-8", "surrogateescape") for text in data.draw(st.lists(text_of(schema), min_size=1))]
    for value in decoded(schema, bodies):
        count = len(value)
        headers = data.draw(st.none() | st.lists(st.sampled_from(HEADERS), min_size=count, max_size=count))
        moments = st.none() | st.integers(-(10**13), 10**13) | st.just(1 << 62)
        times = data.draw(st.lists(moments, min_size=count, max_size=count))
        one = batch(value, data.draw(keys(count)), headers, times)
        other = replace(one, key=one.key.rows(), value=one.value.rows())
        for form in FORMATS:
            assert written(form, one) == written(form, other)


@pytest.mark.parametrize("form", FORMATS)
def test_an_envelope_around_columns_needs_no_rows(form: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    schema = struct({"id": INT64, "name": STRING}, "shop.Order")
    (value,) = decoded(schema, [orjson.dumps({"id": number, "name": "a"}) for number in range(3)])
    given_batch = batch(value, Rows(KEY, [{"id": number} for number in range(3)]), HEADERS, [0, None, 5])
    wanted = written(form, replace(given_batch, value=value.rows()))
    with monkeypatch.context() as patch:
        patch.delattr(Columns, "rows")
        assert written(form, given_batch) == wanted
