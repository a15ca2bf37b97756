"""What transforms that change one side of a record (``…$Key``, ``…$Value``) share."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from ferryman.api import StepC, Transform
from ferryman.errors import DataError
from ferryman.record import Batch, Columns, Data, Record, Rows
from ferryman.schema import Schema, Type
from ferryman.values import java_class

Defaults = Sequence[tuple[str, Any]]


class Sided(Transform[StepC]):
    """A transform written for whole batches, rows or columns, of its side; single records are batches of one."""

    sided = True

    def rows_reason(self) -> str | None:
        """None: it takes columns too, and goes over to rows by itself where a schema needs it."""
        return None

    @abstractmethod
    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """A whole batch."""

    def apply(self, record: Record) -> Record | None:
        """A single record."""
        batch = Batch(
            topic=record.topic,
            partition=record.partition,
            key=Rows(record.key_schema, [record.key]),
            value=Rows(record.value_schema, [record.value]),
            timestamps=[record.timestamp],
            origin=[record],
            positions=[0],
        )
        (changed,) = self.apply_batch(batch)
        data = self.data(changed).rows()
        if self.side == "key":
            return replace(record, key=data.values[0], key_schema=data.schema)
        return replace(record, value=data.values[0], value_schema=data.schema)

    def data(self, batch: Batch) -> Data:
        """The side that the transform changes."""
        return batch.key if self.side == "key" else batch.value

    def changed(self, batch: Batch, data: Data) -> Batch:
        """The batch with that side replaced."""
        return replace(batch, key=data) if self.side == "key" else replace(batch, value=data)

    def past_nulls(self, batch: Batch, change: Callable[[Batch], Data]) -> Sequence[Batch]:
        """The batch changed except for records that are null on this side, which pass with their schema as it was."""
        data = self.data(batch)
        if isinstance(data, Columns) or not any(value is None for value in data.values):
            return [self.changed(batch, change(batch))]
        present = [value is not None for value in data.values]
        return [self.changed(part, change(part)) if there else part for there, part in batch.runs(present)]


def maps(values: Sequence[Any], purpose: str) -> Sequence[dict[Any, Any]]:
    """Schemaless values that are maps. Raises DataError, as Kafka's Requirements.requireMap, for any other."""
    for value in values:
        if value.__class__ is not dict:
            found = java_class(value)
            raise DataError(f"Only Map objects supported in absence of schema for [{purpose}], found: {found}")
    return values


def structs(rows: Rows, purpose: str, null: bool = False) -> Sequence[Any]:
    """Values with a schema that are structs (or null, if allowed). Raises DataError, as requireStruct, for others."""
    assert rows.schema is not None
    of_struct = rows.schema.type is Type.STRUCT
    for value in rows.values:
        if not (of_struct and value.__class__ is dict) and not (null and value is None):
            found = java_class(value, rows.schema)
            raise DataError(f"Only Struct objects supported for [{purpose}], found: {found}")
    return rows.values


def defaults(schema: Schema, replace_null_with_default: bool) -> Defaults:
    """The fields whose null is read as a default, with that default."""
    if not replace_null_with_default:
        return ()
    return [(field.name, field.schema.default) for field in schema.fields if field.schema.default is not None]


def copied(value: dict[str, Any], with_defaults: Defaults) -> dict[str, Any]:
    """A struct as Kafka's transforms copy it."""
    new = value.copy()
    for name, default in with_defaults:
        if new.get(name) is None:
            new[name] = default
    return new


def with_defaults(columns: Columns, replace_null_with_default: bool) -> pl.DataFrame | None:
    """The frame with nulls read as defaults; None if a default is not a plain value and the rows must do it."""
    fill = defaults(columns.schema, replace_null_with_default)
    if not fill:
        return columns.frame
    if any(isinstance(default, (dict, list)) for _, default in fill):
        return None
    dtypes = columns.frame.schema
    return columns.frame.with_columns(
        pl.col(name).fill_null(pl.lit(default, dtype=dtypes[name])) for name, default in fill
    )
