"""Records as Debezium's sink takes them: change events unwrapped, deletes marked, Debezium's types as ordinary ones.

As ``KafkaDebeziumSinkRecord`` and ``JdbcChangeEventSink`` do it: the row after a change is written as ``insert.mode``
says, a delete deletes, and what says nothing of a row (a truncate, a message, a change of a schema) is passed over.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import polars as pl

from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.records.debezium import Conversion, Notation, conversion, convert, converted_column
from ferryman.connectors.sql.records.frame import tombstones
from ferryman.errors import DataError
from ferryman.record import Batch, Columns, Data, Rows
from ferryman.schema import Field, Schema, Type

logger = logging.getLogger(__name__)

_ENVELOPE = ".Envelope"
_CLOUD_EVENT = "CloudEvents.Envelope"
_SCHEMA_CHANGE = "SchemaChangeValue"
_WRITTEN = frozenset("cru")
_DELETED = "d"


@dataclass(frozen=True, slots=True)
class Change:
    """Records that say something of rows."""

    batch: Batch
    """The rows as their values; of a deleted one what it was, if the event tells that."""
    deletes: Sequence[bool] | None
    """Which of them are deleted; None: none."""

    def split(self) -> Sequence[tuple[bool, Batch]]:
        """The records that are deleted and those that are not, as one batch each."""
        return [(False, self.batch)] if self.deletes is None else self.batch.split(self.deletes)


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes of the fields of a struct."""

    schema: Schema
    """The struct's."""
    conversions: Mapping[str, tuple[Schema, Conversion]]
    """By field, with what it was; an array's are those of its elements."""

    @property
    def by_columns(self) -> bool:
        """Whether a frame's columns can be converted as they are."""
        return all(old.type is not Type.ARRAY and old.type is not Type.STRUCT for old, _ in self.conversions.values())


def changes(batch: Batch, config: SqlSinkConfig, notation: Notation) -> Change | None:
    """What the records of a batch say of rows; None if it is nothing."""
    schema = batch.value.schema
    if schema is not None and _SCHEMA_CHANGE in (schema.name or ""):
        logger.warning("The records of %s are changes of schemas, not of rows: they are passed over", batch.topic)
        return None
    batch = _out_of_cloud_event(batch)
    found = _unwrapped(batch, config) if is_envelope(batch.value.schema) else Change(batch, tombstones(batch))
    found = _with_keys(found, config) if found is not None else None
    if found is None:
        return None
    moves = config.db_timezone != "UTC"
    plain = replace(
        found.batch, key=_plain(found.batch.key, notation, moves), value=_plain(found.batch.value, notation, moves)
    )
    return Change(plain, found.deletes)


def is_envelope(schema: Schema | None) -> bool:
    """Whether values are change events."""
    if schema is None or schema.type is not Type.STRUCT or not {"op", "after"} <= schema.by_name.keys():
        return False
    return schema.name is None or schema.name.endswith(_ENVELOPE)


def _out_of_cloud_event(batch: Batch) -> Batch:
    schema = batch.value.schema
    if schema is None or not (schema.name or "").endswith(_CLOUD_EVENT) or "data" not in schema.by_name:
        return batch
    values = batch.value.rows().values
    data = Rows(schema.by_name["data"].schema, [None if value is None else value.get("data") for value in values])
    return replace(batch, value=data)


def _unwrapped(batch: Batch, config: SqlSinkConfig) -> Change | None:
    assert batch.value.schema is not None
    after = batch.value.schema.by_name["after"].schema
    before = batch.value.schema.by_name.get("before")
    if isinstance(batch.value, Columns) and before is not None and before.schema.fields == after.fields:
        return _of_columns(batch, batch.value.frame, after, by_key=config.pk_mode == "record_key")
    return _of_rows(batch, batch.value.rows().values, after)


def _of_columns(batch: Batch, frame: pl.DataFrame, after: Schema, by_key: bool) -> Change | None:
    ops = frame.get_column("op")
    deletes = ops == _DELETED
    tells_row = deletes if by_key else deletes & frame.get_column("before").is_not_null()
    kept = (tells_row | ops.is_in(list(_WRITTEN))).fill_null(value=False)
    if frame.get_column("after").filter(kept & ~deletes).has_nulls():
        raise _without_row()
    rows = frame.select(pl.when(deletes).then(pl.col("before")).otherwise(pl.col("after")).alias("row"))
    value = Columns(after.as_optional(False), rows.get_column("row").struct.unnest())
    return _kept(replace(batch, value=value), deletes.to_list(), kept.to_list())


def _of_rows(batch: Batch, values: Sequence[Any], after: Schema) -> Change | None:
    ops = [_DELETED if value is None else value.get("op") for value in values]
    rows = [
        None if value is None else value.get("before" if op == _DELETED else "after")
        for op, value in zip(ops, values, strict=True)
    ]
    if any(op in _WRITTEN and row is None for op, row in zip(ops, rows, strict=True)):
        raise _without_row()
    deletes = [op == _DELETED for op in ops]
    kept = [op == _DELETED or op in _WRITTEN for op in ops]
    return _kept(replace(batch, value=Rows(after.as_optional(False), rows)), deletes, kept)


def _without_row() -> DataError:
    return DataError("A change event has no row after the change (field after)")


def _with_keys(found: Change, config: SqlSinkConfig) -> Change | None:
    """Without the deletes that do not tell their row: those of no value, where the key is in the value."""
    if found.deletes is None or config.pk_mode == "record_key" or isinstance(found.batch.value, Columns):
        return found
    values = found.batch.value.values
    kept = [value is not None or not deleted for value, deleted in zip(values, found.deletes, strict=True)]
    return _kept(found.batch, found.deletes, kept)


def _kept(batch: Batch, deletes: Sequence[bool], kept: Sequence[bool]) -> Change | None:
    """The records that are meant; None if there are none."""
    if True not in kept:
        return None
    if False in kept:
        indices = [index for index, is_kept in enumerate(kept) if is_kept]
        batch, deletes = batch.take(indices), [deletes[index] for index in indices]
    return Change(batch, deletes if True in deletes else None)


def _plain(data: Data, notation: Notation, moves_clocks: bool) -> Data:
    """Keys or values without types of Debezium's."""
    if data.schema is None:
        return data
    if data.schema.type is not Type.STRUCT:
        found = conversion(data.schema, notation, moves_clocks)
        return data if found is None else Rows(found.schema, convert(found, data.schema, data.rows().values))
    plan = _plan(data.schema, notation, moves_clocks)
    if not plan.conversions:
        return data
    if isinstance(data, Columns) and plan.by_columns:
        return Columns(plan.schema, data.frame.with_columns(_plain_columns(plan, data.frame)))
    return Rows(plan.schema, _plain_rows(plan, data.rows().values))


@lru_cache(maxsize=1000)
def _plan(schema: Schema, notation: Notation, moves_clocks: bool) -> Plan:
    fields, conversions = [], {}
    for field in schema.fields:
        inner = _innermost(field.schema)
        try:
            found = conversion(inner, notation, moves_clocks)
        except DataError as error:
            raise error.in_field(field.name) from None
        if found is None:
            fields.append(field)
        else:
            conversions[field.name] = (field.schema, found)
            fields.append(Field(field.name, _around(field.schema, found.schema)))
    return Plan(replace(schema, fields=tuple(fields)), conversions)


def _innermost(schema: Schema) -> Schema:
    while schema.type is Type.ARRAY and schema.values is not None:
        schema = schema.values
    return schema


def _around(schema: Schema, inner: Schema) -> Schema:
    if schema.type is not Type.ARRAY or schema.values is None:
        return inner
    return replace(schema, values=_around(schema.values, inner), default=None)


def _plain_columns(plan: Plan, frame: pl.DataFrame) -> Iterator[pl.Series]:
    for name, (old, found) in plan.conversions.items():
        try:
            yield converted_column(found, old, frame.get_column(name)).alias(name)
        except DataError as error:
            raise error.in_field(name) from None


def _plain_rows(plan: Plan, values: Sequence[Any]) -> Sequence[Any]:
    changed = {}
    for name, (old, found) in plan.conversions.items():
        try:
            changed[name] = _items(found, old, [None if value is None else value.get(name) for value in values])
        except DataError as error:
            raise error.in_field(name) from None
    return [
        None if value is None else {**value, **{name: found[index] for name, found in changed.items()}}
        for index, value in enumerate(values)
    ]


def _items(found: Conversion, schema: Schema, values: Sequence[Any]) -> Sequence[Any]:
    if schema.type is not Type.ARRAY or schema.values is None:
        return convert(found, schema, values)
    items = [item for value in values if value is not None for item in value]
    flat = iter(_items(found, schema.values, items))
    return [None if value is None else [next(flat) for _ in value] for value in values]
