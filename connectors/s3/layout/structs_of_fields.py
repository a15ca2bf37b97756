"""Records of Aiven's Avro and Parquet files: structs of format.output.fields (SinkSchemaBuilder)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

import polars as pl

from ferryman.connectors.s3.formats.frame import frame
from ferryman.errors import DataError
from ferryman.record import Batch, Columns, Headers, Rows
from ferryman.schema import INT64, STRING, Schema, Type, mapping, struct

_Column = tuple[Schema, Sequence[Any]]


def as_structs(fields: Sequence[str], envelope: bool, form: str) -> Callable[[Batch], Batch]:
    """What makes the records of a file of a batch: structs of the fields or, without an envelope, the one field itself
    if it is a struct. Raises DataError for a record of which a field has no schema."""
    name = f"io.aiven.{form}.output.schema.connector_records"

    def structs(batch: Batch) -> Batch:
        alone = {"key": batch.key, "value": batch.value}.get(fields[0])
        if not envelope and alone is not None and _is_struct(alone.schema):
            return replace(batch, value=alone)
        if isinstance(batch.value, Columns) and form == "parquet" and "value" in fields:
            return replace(batch, value=_framed(batch, batch.value, fields, name))
        return replace(batch, value=_rows({field: _COLUMNS[field](batch) for field in fields}, name))

    return structs


def _rows(columns: Mapping[str, _Column], name: str) -> Rows:
    schema = _struct(tuple((field, each) for field, (each, _) in columns.items()), name)
    rows = zip(*(values for _, values in columns.values()), strict=True)
    return Rows(schema, [dict(zip(columns, row, strict=True)) for row in rows])


def _framed(batch: Batch, value: Columns, fields: Sequence[str], name: str) -> Columns:
    """The values stay columns. Raises DataError for another field that no column can hold."""
    made = {"value": (value.schema, value.frame.to_struct("value"))}
    for field in fields:
        if field != "value":
            own, values = _COLUMNS[field](batch)
            alone = struct({field: own})
            made[field] = own, frame(Rows(alone, [{field: each} for each in values]), alone).get_column(field)
    schema = _struct(tuple((field, made[field][0]) for field in fields), name)
    return Columns(schema, pl.DataFrame([made[field][1] for field in fields]))


def _is_struct(schema: Schema | None) -> bool:
    return schema is not None and schema.type is Type.STRUCT


@lru_cache(maxsize=1000)
def _struct(fields: tuple[tuple[str, Schema], ...], name: str) -> Schema:
    """Its version is that of the value's, so that schema.compatibility tells values apart."""
    known = dict(fields)
    return replace(struct(known, name), version=known["value"].version if "value" in known else None)


def _key(batch: Batch) -> _Column:
    return _with_schema("key", batch.key.rows())


def _value(batch: Batch) -> _Column:
    return _with_schema("value", batch.value.rows())


def _with_schema(what: str, rows: Rows) -> _Column:
    if rows.schema is None:
        raise DataError(f"The record's {what} has no schema, which files of Avro and Parquet need")
    return rows.schema, rows.values


def _offsets(batch: Batch) -> _Column:
    return INT64, batch.original_offsets


def _timestamps(batch: Batch) -> _Column:
    if None in batch.timestamps:
        raise DataError("The record has no timestamp, which format.output.fields lists")
    return INT64, batch.timestamps


def _headers(batch: Batch) -> _Column:
    """Maps by name, as Aiven's sink has them: of several with one name the last one stays. Without any headers they are
    maps of texts."""
    given: Sequence[Headers] = batch.headers or [()] * len(batch)
    schemas = list(dict.fromkeys(header.schema for headers in given for header in headers))
    known = [schema for schema in schemas if schema is not None]
    if len(known) < len(schemas):
        raise DataError("A header has no schema, which files of Avro and Parquet need; StringConverter gives one")
    if len({schema.type for schema in known}) > 1:
        raise DataError("Headers are of several types, and a map has one; with StringConverter all are texts")
    values = known[0] if known else STRING
    return mapping(STRING, values), [{header.key: header.value for header in headers} for headers in given]


_COLUMNS: Mapping[str, Callable[[Batch], _Column]] = {
    "key": _key,
    "value": _value,
    "offset": _offsets,
    "timestamp": _timestamps,
    "headers": _headers,
}
