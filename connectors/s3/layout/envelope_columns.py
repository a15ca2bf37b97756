"""The envelopes of a batch whose values came as columns, as columns: for all records at once."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ferryman.connectors.s3.formats.frame import frame
from ferryman.errors import DataError
from ferryman.formats import eager
from ferryman.formats.polars_types import dtype
from ferryman.java.texts import instant
from ferryman.record import Batch, Columns, Data, Rows
from ferryman.repeated import Repeated
from ferryman.schema import Schema, struct

Written = list[dict[str, Any]]
"""The headers of a record as its envelope has them."""


def columns(batch: Batch, schema: Schema, headers: Repeated[Written]) -> Columns | None:
    """The envelopes by this schema; None where rows have to be made. Raises DataError for a time that has no year."""
    if not isinstance(batch.value, Columns):
        return None
    keys = _keys(batch.key, schema.by_name["key"].schema)
    if keys is None:
        return None
    source, count = batch.original_source, len(batch)
    offsets = pl.Series("offset", list(batch.original_offsets), pl.Int64)
    found = [
        keys,
        batch.value.frame.to_struct("value"),
        _headers(headers, schema.by_name["headers"].schema, count),
        eager.same("topic", source.topic, pl.String(), count),
        eager.same("partition", source.partition, pl.Int32(), count),
        offsets,
        _timestamps(batch.timestamps),
    ]
    return Columns(schema, pl.DataFrame(found))


def _keys(keys: Data, schema: Schema) -> pl.Series | None:
    if isinstance(keys, Columns):
        return keys.frame.to_struct("key")
    rows = Rows(None, [{"key": key} for key in keys.rows().values])
    try:
        return frame(rows, struct({"key": schema})).get_column("key")
    except DataError:
        return None  # which may be Parquet's alone


def _headers(headers: Repeated[Written], schema: Schema, count: int) -> pl.Series:
    kind = dtype(schema)
    if not any(headers.distinct):
        return pl.Series("headers", [[]], kind).new_from_index(0, count)
    return pl.Series("headers", headers.distinct, kind)[list(headers.numbers)]


def _timestamps(times: Sequence[int | None]) -> pl.Series:
    known = [time for time in times if time is not None]
    if known:
        instant(min(known)), instant(max(known))
    return pl.Series("timestamp", times, pl.Int64).cast(pl.Datetime("ms", "UTC"))
