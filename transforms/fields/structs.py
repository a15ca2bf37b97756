"""Maps and structs that transforms change: which values there may be, and how they are copied, with their defaults."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import polars as pl

from ferryman.errors import DataError, SchemaMismatch
from ferryman.formats import eager
from ferryman.java.texts import java_class
from ferryman.record import Columns, Rows
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type
from ferryman.transforms.fields.each_value import each

Defaults = Sequence[tuple[str, Any]]
_MOST_DIGITS = 38
Convert = Callable[[Any], Any]


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
            found = class_name(value, rows.schema)
            raise DataError(f"Only Struct objects supported for [{purpose}], found: {found}")
    return rows.values


def fields(members: Iterable[tuple[str, Schema]]) -> tuple[Field, ...]:
    """The fields of a new schema. Raises SchemaMismatch, as SchemaBuilder, for a name that is empty or given twice."""
    found: dict[str, Field] = {}
    for name, schema in members:
        if not name:
            raise SchemaMismatch("fieldName cannot be null.")
        if name in found:
            raise SchemaMismatch(f"Cannot create field because of field name duplication {name}")
        found[name] = Field(name, schema)
    return tuple(found.values())


def class_name(value: Any, schema: Schema | None) -> str:
    """The class that Java has for a value: a schema's name matters only if it is that of a logical type."""
    logical = schema is None or schema.name in (None, DECIMAL, DATE, TIME, TIMESTAMP)
    return java_class(value, schema if schema is None or logical else replace(schema, name=None))


def refuse_nulls(values: Sequence[dict[str, Any]], schema: Schema, *names: str) -> None:
    """Raises DataError for null in a required field, of those named, whose default does not stand in for it.

    Required fields without a default need no look: no converter lets null pass there.
    """
    for name in names:
        member = schema.by_name[name].schema
        _refuse_null(values, member, name, member)


def _refuse_null(values: Sequence[dict[str, Any]], old: Schema, name: str, new: Schema) -> None:
    if old.default is not None and not old.optional and any(value.get(name) is None for value in values):
        raise null_refused(name, new)


def converted(
    rows: Rows, schema: Schema, replace_null_with_default: bool, members: Mapping[str, Convert]
) -> list[dict[str, Any]]:
    """Structs copied into another schema with the same names, some fields converted, in the schema's order; null stays.

    Raises DataError as ``refuse_nulls``, and whatever a conversion raises; of several errors that of the first field.
    """
    assert rows.schema is not None
    fill = defaults(rows.schema, replace_null_with_default)
    new = (
        [copy_with_defaults(value, fill) for value in rows.values] if fill else [value.copy() for value in rows.values]
    )
    checked = members.items() if replace_null_with_default else [(name, members.get(name)) for name in schema.by_name]
    for name, convert in checked:
        if convert is not None:
            try:
                items = each([value.get(name) for value in new], convert)
            except DataError as error:
                raise error.in_field(name, rows.schema.by_name[name].schema.type) from error.__cause__
            for value, item in zip(new, items, strict=True):
                if item is not None:
                    value[name] = item
        if not replace_null_with_default:
            _refuse_null(new, rows.schema.by_name[name].schema, name, schema.by_name[name].schema)
    return new


def null_refused(name: str, schema: Schema) -> DataError:
    """The error for null in a required field, as ConnectSchema.validateValue words it."""
    return DataError(f'Invalid value: null used for required field: "{name}", schema type: {schema.type}')


def defaults(schema: Schema, replace_null_with_default: bool) -> Defaults:
    """The fields whose null is read as a default, with that default."""
    if not replace_null_with_default:
        return ()
    return [(field.name, field.schema.default) for field in schema.fields if field.schema.default is not None]


def copy_with_defaults(value: dict[str, Any], with_defaults: Defaults) -> dict[str, Any]:
    """A struct as Kafka's transforms copy it."""
    new = value.copy()
    for name, default in with_defaults:
        if new.get(name) is None:
            new[name] = default
    return new


def is_plain(value: Any) -> bool:
    """Whether a column can be given that value at once: it is plain, and not beyond the 38 digits of a column."""
    if isinstance(value, Decimal):
        return len(value.as_tuple().digits) <= _MOST_DIGITS
    return not isinstance(value, (dict, list))


def with_defaults(columns: Columns, replace_null_with_default: bool) -> pl.DataFrame | None:
    """The frame with nulls read as defaults; None where rows must do it: a default is not plain, or a null is wrong."""
    fill = defaults(columns.schema, replace_null_with_default)
    if not fill:
        required = [
            name for name, _ in defaults(columns.schema, True) if not columns.schema.by_name[name].schema.optional
        ]
        return None if any(columns.frame[name].null_count() for name in required) else columns.frame
    found = [(columns.frame.get_column(name), default) for name, default in fill]
    lacking = [(column, default) for column, default in found if column.null_count()]
    if not all(is_plain(default) for _, default in lacking):
        return None
    return eager.put(columns.frame, [eager.filled(*each) for each in lacking]) if lacking else columns.frame
