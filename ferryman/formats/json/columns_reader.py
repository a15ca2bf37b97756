"""JSON objects to columns, for struct schemas that polars can hold, whatever is nested in them.

Every value's class is checked before polars sees it, so nothing is coerced: mostly as it is parsed, or else afterwards
in plain dicts. Objects with a value that leaves a doubt are told apart, and the caller reads them by rows, whose
results and errors are the right ones.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import orjson
import polars as pl

from ferryman.errors import SchemaMismatch
from ferryman.formats.json import nested_columns, typed_objects
from ferryman.formats.json.nested_columns import How
from ferryman.formats.json.plain_columns import DOUBTS, LOGICAL
from ferryman.record import Columns
from ferryman.schema import DECIMAL, INTEGERS, Schema, Type

_MOST_DIGITS = 38
_CELLS = 66_000
"""So many values are parsed before they are made columns: of 10,000 change events with 33 values each the first are no
longer in the processor's cache, and each takes twice the time."""
_FEWEST_AT_ONCE = 1000


def reason(schema: Schema | None) -> str | None:
    """Why payloads of a schema cannot become columns; None if they can."""
    if schema is None or schema.type is not Type.STRUCT:
        return "the value is not a struct"
    if not schema.fields:
        return "the struct has no fields"
    return _members_reason(schema)


def nested(schema: Schema) -> bool:
    """Whether a struct has others, arrays or maps inside."""
    return any(field.schema.type in (Type.STRUCT, Type.ARRAY, Type.MAP) for field in schema.fields)


def _members_reason(schema: Schema) -> str | None:
    return next((why for field in schema.fields if (why := _field_reason(field.schema, field.name))), None)


def _field_reason(schema: Schema, name: str) -> str | None:
    if schema.name == DECIMAL:
        return _decimal_reason(schema, name)
    if schema.name in LOGICAL:
        return None if schema.type in INTEGERS else f"field {name} is a {schema.name} that is no integer"
    if schema.type is Type.STRUCT:
        return _members_reason(schema) if schema.fields else f"field {name} is a struct without fields"
    if schema.type is Type.MAP and schema.keys is not None and (why := _keys_reason(schema.keys, name)):
        return why
    if schema.type in (Type.ARRAY, Type.MAP):
        return (
            f"field {name} has elements without a schema"
            if schema.values is None
            else _field_reason(schema.values, name)
        )
    return None


def _keys_reason(schema: Schema, name: str) -> str | None:
    if schema.type in (Type.STRUCT, Type.ARRAY, Type.MAP):
        return f"field {name} is a map whose keys are no plain values"
    if schema.type is Type.STRING:
        return f"field {name} is a map whose keys are a {schema.name} in texts" if schema.name in LOGICAL else None
    return _field_reason(schema, name)


def _decimal_reason(schema: Schema, name: str) -> str | None:
    try:
        return None if 0 <= schema.scale <= _MOST_DIGITS else f"field {name} is a Decimal of scale {schema.scale}"
    except SchemaMismatch:
        return f"field {name} is a Decimal without a scale"


def columns(
    schema: Schema, bodies: Sequence[bytes], replace_null_with_default: bool = True
) -> tuple[Columns | None, Sequence[int]]:
    """JSON objects as columns of a schema without ``reason``, and the places of those that are not plainly of it.

    The columns are of all others; None if there are none.
    """
    frames, odd = list[pl.DataFrame](), list[int]()
    at_once = max(_CELLS // _width(schema), _FEWEST_AT_ONCE)
    for start in range(0, len(bodies), at_once):
        frame, misfits = _part(schema, bodies[start : start + at_once], replace_null_with_default)
        frames += [] if frame is None else [frame]
        odd += [start + at for at in misfits]
    if not frames:
        return None, odd
    return Columns(schema, frames[0] if len(frames) == 1 else pl.concat(frames, rechunk=True)), odd


@lru_cache(maxsize=4000)
def _width(schema: Schema) -> int:
    """How many plain columns there are, with those inside others."""
    inner = [schema.keys, schema.values, *(field.schema for field in schema.fields)]
    return sum(_width(each) for each in inner if each is not None) or 1


def _part(schema: Schema, bodies: Sequence[bytes], replace: bool) -> tuple[pl.DataFrame | None, Sequence[int]]:
    objects, others = typed_objects.typed(typed_objects.of_schema(schema), bodies)
    found, odd = _frame(schema, objects, replace)
    if not others:
        return found, odd
    left_out = set(others)
    places = [at for at in range(len(bodies)) if at not in left_out] if objects else []
    rest, rest_odd = _plain(schema, [bodies[at] for at in others], replace)
    odd = sorted([*(places[at] for at in odd), *(others[at] for at in rest_odd)])
    if found is None or rest is None:
        return (rest if found is None else found), odd
    odd_ones = set(odd)
    order = pl.Series([at for at in (*places, *others) if at not in odd_ones], dtype=pl.UInt32)
    return pl.concat([found, rest])[order.arg_sort()], odd


def _plain(schema: Schema, bodies: Sequence[bytes], replace: bool) -> tuple[pl.DataFrame | None, Sequence[int]]:
    """The frame of bodies that are parsed into dicts, and the places of those that have a doubt."""
    objects, places = list[dict[str, Any]](), list[int]()
    for at, body in enumerate(bodies):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            continue
        if value.__class__ is dict:
            objects.append(value)
            places.append(at)
    found, odd = _frame(schema, objects, replace)
    return found, sorted({*range(len(bodies))} - {*places} | {places[at] for at in odd})


def _frame(schema: Schema, objects: Sequence[Any], replace: bool) -> tuple[pl.DataFrame | None, Sequence[int]]:
    """The frame of all objects but the odd ones, None if it has no rows; and where these stand."""
    if not objects:
        return None, ()
    try:
        frame, odd = nested_columns.members(schema, objects, How(replace, isinstance(objects[0], msgspec.Struct)))
    except DOUBTS:
        return None, range(len(objects))
    if not odd:
        return frame, ()
    good = pl.Series([at for at in range(len(objects)) if at not in odd], dtype=pl.UInt32)
    return (frame[good] if len(good) else None), sorted(odd)
