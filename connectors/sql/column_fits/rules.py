"""Which column takes which Connect type, as far as that is the same for all databases."""

from collections.abc import Callable
from dataclasses import replace

from ferryman.connectors.sql.column_fits import numbers, texts, times
from ferryman.connectors.sql.column_fits.fit import Check, Fit, Refusal
from ferryman.connectors.sql.column_fits.target import (
    Array,
    Bytes,
    Date,
    Flags,
    Json,
    NotWritable,
    Target,
    TimeOfDay,
    Timestamp,
)
from ferryman.connectors.sql.records.values import TEMPORAL, Zones
from ferryman.schema import DECIMAL, Schema, Type

_CAST = "Convert the field with the transform Cast (its key spec), or change the column's type"
_TIME = (
    "Convert the field with the transform TimestampConverter (its keys field and target.type), "
    "or change the column's type"
)
_NESTED = "Flatten it with the transform Flatten, drop it with ReplaceField (its key exclude), or make the column JSON"


def fit(schema: Schema, target: Target, zones: Zones, flags: Flags) -> Fit | Refusal:
    """How values of a schema go into a column."""
    if isinstance(target, NotWritable):
        return Refusal(target.reason, "Change the column's type, or drop the field with ReplaceField (its key exclude)")
    if schema.type in (Type.STRUCT, Type.MAP, Type.ARRAY):
        return _nested(schema, target, lambda items, inner: fit(items, inner, zones, flags))
    return _single(schema, target, zones, flags) or _refusal(schema, target)


def _nested(schema: Schema, target: Target, items_of: Callable[[Schema, Target], Fit | Refusal]) -> Fit | Refusal:
    if isinstance(target, Json):
        return Fit("json")
    if not isinstance(target, Array) or schema.type is not Type.ARRAY or schema.values is None:
        return Refusal("it has no column of its own", _NESTED)
    # A column's dimensions are no part of its type: an array of arrays goes into one as into any other.
    inner = target if schema.values.type is Type.ARRAY else target.items
    items = items_of(schema.values, inner)
    if isinstance(items, Refusal):
        return items
    if items.echoed:
        return Refusal("nobody knows what it makes of its items", _NESTED)
    if items.form == "array":
        items = replace(items, checks=(Check(lambda lists: lists.list.len() == 0, "arrays that are not empty inside"),))
    return Fit("array", items=items)


def _single(schema: Schema, target: Target, zones: Zones, flags: Flags) -> Fit | None:
    if schema.name in TEMPORAL:
        return times.fit(schema, target, zones)
    match schema.type:
        case Type.STRING:
            return texts.text(target, zones.timestamps)
        case Type.BOOLEAN:
            return numbers.boolean(target, as_numbers=flags == "as numbers")
        case Type.BYTES if schema.name != DECIMAL:
            return _bytes(target)
        case _:
            return numbers.number(schema, target)


def _bytes(target: Target) -> Fit | None:
    match target:
        case Bytes(length=None):
            return Fit("bytes")
        case Bytes(length=int(length)):
            return Fit("bytes", (Check(lambda values: values.bin.size() != length, f"{length} bytes"),))
        case _:
            return None


def _refusal(schema: Schema, target: Target) -> Refusal:
    if isinstance(target, Date | TimeOfDay | Timestamp) or schema.name in TEMPORAL:
        return Refusal("that would be taken for something else", _TIME)
    if isinstance(target, Array):
        return Refusal("it takes arrays", "Make the field an array, or change the column's type")
    if isinstance(target, Json):
        return Refusal("it takes JSON: structs, maps, arrays, numbers, booleans, and texts of JSON", _CAST)
    return Refusal("that would be taken for something else", _CAST)
