"""Paths to nested fields (KIP-821), one name in version 1, names between dots in version 2, and what lies there."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from ferryman.errors import DataError, UnknownField
from ferryman.record import Columns, Data, Rows, values_of
from ferryman.schema import Field, Schema, Type

NO_STEPS = "fromIndex(0) > toIndex(-1)"
"""What Java says of an empty path."""


class UnbalancedBackticks(ValueError):
    """A path in which a backtick lacks its partner."""


def steps(path: str) -> Sequence[str]:
    """The names in a path of version 2; backticks hold a name with dots together, ``\\`` before one makes it plain.

    Raises UnbalancedBackticks, in Kafka's words.
    """
    found: list[str] = []
    at = 0
    while at < len(path):
        name, at = _quoted(path, at) if path[at] == "`" else _plain(path, at)
        found.append(name)
    return [*found, ""] if path.endswith(".") else found


def _plain(path: str, start: int) -> tuple[str, int]:
    stop = path.find(".", start)
    return (path[start:], len(path)) if stop < 0 else (path[start:stop], stop + 1)


def _quoted(path: str, opening: int) -> tuple[str, int]:
    """The name in backticks and where the next begins. Only a backtick before a dot or at the end can close it."""
    parts: list[str] = []
    start = at = opening + 1
    while (at := path.find("`", at)) >= 0:
        escaped = path[at - 1] == "\\"
        last = at == len(path) - 1
        if not last and path[at + 1] != ".":
            at += 1
        elif not escaped:
            return "".join([*parts, path[start:at]]), at + (1 if last else 2)
        elif last:
            break
        else:
            parts += [path[start : at - 1], "`"]
            start = at = at + 1
    raise UnbalancedBackticks(
        f"Incomplete backtick pair in path: [{path}],"
        f" consider adding a backslash before backtick at position {opening} to escape it"
    )


def schemas(schema: Schema, names: Sequence[str]) -> Sequence[Field] | None:
    """The fields along a path; None if there is no such. Raises DataError where the path leaves the structs."""
    if not names:
        raise UnknownField(NO_STEPS)
    found: list[Field] = []
    for name in names:
        if schema.type is not Type.STRUCT:
            raise DataError("Cannot look up fields on non-struct type")
        if name not in schema.by_name:
            return None
        found.append(schema.by_name[name])
        schema = found[-1].schema
    return found


def extract_field(rows: Rows, path: Sequence[Field], replace_null_with_default: bool) -> Rows:
    """What lies at the end of a path; null if something on the way is. Defaults on the way always stand in for null."""
    values = rows.values
    for field in path:
        default = field.schema.default if field is not path[-1] or replace_null_with_default else None
        name = field.name
        if default is None:
            values = [None if value is None else value.get(name) for value in values]
        else:
            values = [_read(value, name, default) for value in values]
    return Rows(path[-1].schema, values)


def extracted_columns(column: pl.Series, schema: Schema) -> Data:
    """A field's values; structs without null become columns again."""
    if schema.type is Type.STRUCT and schema.fields and not column.null_count():
        return Columns(schema, column.struct.unnest())
    return Rows(schema, values_of(column, schema))


def _read(value: Any, name: str, default: Any) -> Any:
    if value is None:
        return None
    item = value.get(name)
    return default if item is None else item
