"""JSON objects without a schema to columns, where those of a poll share their keys, in order, and the kinds of values.

What does not fit is told apart, and the caller reads it by rows. Everything is as the rows would have it: an integer
stays one, a fraction becomes a double only if that has its digits, keys stand in their order.
"""

from collections.abc import Iterator, Mapping, Sequence, Set
from itertools import pairwise
from typing import Any, NamedTuple

import orjson
import polars as pl

from ferryman.formats.json import typed_objects
from ferryman.formats.json.exact_numbers import changes
from ferryman.formats.json.maps import shapes
from ferryman.formats.json.maps.shapes import Kind, Shape
from ferryman.record import Maps, Payload

MIN_OBJECTS = 1000
"""From this many objects of a shape on, a frame costs less than it saves: about 2 ms a poll with all steps after it."""
_SAMPLES = 64
_MOST_SHAPES = 4
"""In one poll; what is left is read by rows."""
_PART = 8
"""A shape is worth a frame if it is that of at least this part of the objects."""
_TEXT = "\0text"
_LONG = r"[ \t\r\n]*(?:-?[0-9.]{17}|-?[0-9.]*[eE]|\[)"
"""A number of more than 15 digits, or with an exponent: a double may not have its digits. Or a list of numbers."""
_TOO_WIDE = (OverflowError, TypeError)
"""What polars raises for an integer that a column has no room for."""
_LOW, _HIGH = -(1 << 63), (1 << 63) - 1
_DTYPES: Mapping[str, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "str": pl.String(),
    "null": pl.Null(),
}


class Found(NamedTuple):
    """Objects of one shape."""

    places: Sequence[int]
    maps: Maps


def reason(count: int) -> str | None:
    """Why this many payloads are not examined for maps that are alike; None if they are."""
    return f"fewer than {MIN_OBJECTS} records without a schema" if count < MIN_OBJECTS else None


def maps(payloads: Sequence[Payload]) -> tuple[list[Found], Sequence[int]]:
    """The objects of each shape that many have, and the places of all other payloads."""
    found, left = list[Found](), [at for at, payload in enumerate(payloads) if payload]
    out = [at for at, payload in enumerate(payloads) if not payload]
    fewest = max(MIN_OBJECTS, len(left) // _PART)
    for _ in range(_MOST_SHAPES):
        if len(left) < fewest:
            break
        bodies = [payloads[at] or b"" for at in left]
        shape = _shape(bodies)
        if shape is None:
            break
        fit, others = _of_shape(shape, bodies)
        if fit is None or len(fit) < fewest:
            break
        rest = set(others)
        found.append(Found([place for at, place in enumerate(left) if at not in rest] if rest else left, fit))
        left = [left[at] for at in others]
    return found, sorted([*out, *left])


def _shape(bodies: Sequence[bytes]) -> Shape | None:
    """That of the first body that is an object."""
    samples = [value for value in map(_parsed, bodies[:_SAMPLES]) if value.__class__ is dict]
    return shapes.shape_of(samples) if samples else None


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _of_shape(shape: Shape, bodies: Sequence[bytes]) -> tuple[Maps | None, Sequence[int]]:
    """The bodies of a shape, and the places of the others."""
    objects, misfits = typed_objects.typed(shapes.decoder(shape), bodies)
    if not objects:
        return None, range(len(bodies))
    left_out = set(misfits)
    places = [at for at in range(len(bodies)) if at not in left_out]
    odd = {*_unlike(shape, objects), *_misspelled(shape, [bodies[at] for at in places] if misfits else bodies)}
    frame, wide = _frame_of(shape, objects, odd)
    return (Maps(frame) if frame.height else None), sorted([*misfits, *(places[at] for at in (*odd, *wide))])


def _frame_of(shape: Shape, objects: Sequence[Any], odd: Set[int]) -> tuple[pl.DataFrame, Set[int]]:
    """The frame of all but the odd ones, and the places of others that hold integers beyond 64 bits."""
    try:
        return _frame(shape, _others(objects, odd)), set()
    except _TOO_WIDE:
        wide = {*_wide(shape, objects)} - odd
        return _frame(shape, _others(objects, odd | wide)), wide


def _others(objects: Sequence[Any], odd: Set[int]) -> Sequence[Any]:
    return [each for at, each in enumerate(objects) if at not in odd] if odd else objects


def _misspelled(shape: Shape, bodies: Sequence[bytes]) -> Iterator[int]:
    """The places of bodies whose keys stand in another order, or of which a double would change a number.

    A key with its quotes and its colon is nowhere but where it is a key, since quotes inside a text are escaped. One
    that is spelled with escapes, or with blanks before the colon, is not found.
    """
    texts = pl.Series(_TEXT, bodies, dtype=pl.Binary()).cast(pl.String()).to_frame().lazy()
    marks = [f'"{name}":' for name in shapes.keys(shape)]
    found = texts.with_columns(pl.col(_TEXT).str.find(mark, literal=True).alias(mark) for mark in marks)
    in_order = [pl.col(marks[-1]).is_not_null(), *(pl.col(one) < pl.col(other) for one, other in pairwise(marks))]
    names = "|".join(map(pl.escape_regex, shapes.floats(shape)))
    long = pl.col(_TEXT).str.contains(f'"(?:{names})":{_LONG}') if names else pl.lit(False)
    is_plain = pl.all_horizontal(in_order).fill_null(False)
    checked = found.select(plain=is_plain, long=long).collect()
    if not checked["plain"].all():
        yield from (~checked["plain"]).arg_true()
    if checked["long"].any():
        yield from (at for at in checked["long"].arg_true() if changes(bodies[at]))


def _unlike(shape: Shape, objects: Sequence[Any]) -> Iterator[int]:
    """The places of objects with an integer where the others have fractions."""
    for place, (_, kind) in enumerate(shape):
        if kind.name == "float":
            values = typed_objects.values(objects, place)
            if int in set(map(type, values)):
                yield from (at for at, value in enumerate(values) if value.__class__ is int)
        elif kind.items is not None and kind.items.name == "float":
            lists = typed_objects.values(objects, place)
            yield from (at for at, value in enumerate(lists) if int in map(type, value or ()))
        elif kind.shape is not None:
            yield from _unlike(kind.shape, typed_objects.values(objects, place))


def _wide(shape: Shape, objects: Sequence[Any]) -> Iterator[int]:
    """The places of objects with an integer that has more than 64 bits."""
    for place, (_, kind) in enumerate(shape):
        values = typed_objects.values(objects, place)
        if kind.name == "int":
            yield from (at for at, value in enumerate(values) if value is not None and not _LOW <= value <= _HIGH)
        elif kind.items is not None and kind.items.name == "int":
            yield from (at for at, each in enumerate(values) if not all(_LOW <= item <= _HIGH for item in each or ()))
        elif kind.shape is not None:
            yield from _wide(kind.shape, values)


def _frame(shape: Shape, objects: Sequence[Any]) -> pl.DataFrame:
    return pl.DataFrame(
        {name: _series(kind, typed_objects.values(objects, place)) for place, (name, kind) in enumerate(shape)}
    )


def _series(kind: Kind, values: Sequence[Any]) -> pl.Series:
    if kind.shape is not None:
        return _frame(kind.shape, values).to_struct()
    if kind.items is not None:
        return pl.Series(values, dtype=pl.List(_DTYPES[kind.items.name]))
    return pl.Series(values, dtype=_DTYPES[kind.name])
