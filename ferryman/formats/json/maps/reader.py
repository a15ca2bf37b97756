"""JSON objects without a schema to columns, where those of a poll share their keys, in order, and the kinds of values.

What does not fit is told apart, and the caller reads it by rows. Everything is as the rows would have it: an integer
stays one, a fraction becomes a double only if that has its digits, keys stand in their order.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson
import polars as pl

from ferryman.formats.json import typed_objects
from ferryman.formats.json.maps import shapes
from ferryman.formats.json.maps.frames import frame, taken
from ferryman.formats.json.maps.shapes import Shape
from ferryman.formats.json.maps.spelling import misspelled
from ferryman.record import Maps, Payload

MIN_OBJECTS = 1000
"""From this many objects of a shape on, a frame costs less than it saves: about 2 ms a poll with all steps after it."""
_SAMPLES = 64
_MOST_SHAPES = 4
"""In one poll; what is left is read by rows."""
_PART = 8
"""A shape is worth a frame if it is that of at least this part of the objects."""
_CELLS = 66_000
"""So many values are parsed before they are made columns, as of JSON with a schema."""
_FEWEST_AT_ONCE = 1000


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
    """The shape of the first body that is an object."""
    samples = [value for value in map(_parsed, bodies[:_SAMPLES]) if value.__class__ is dict]
    return shapes.shape_of(samples) if samples else None


def _parsed(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _of_shape(shape: Shape, bodies: Sequence[bytes]) -> tuple[Maps | None, Sequence[int]]:
    """The bodies of a shape, and the places of the others."""
    parts, others = list[pl.DataFrame](), list[int]()
    at_once = max(_CELLS // shapes.width(shape), _FEWEST_AT_ONCE)
    for start in range(0, len(bodies), at_once):
        found, left = _part(shape, bodies[start : start + at_once])
        parts += [] if found is None else [found]
        others += [start + at for at in left]
        if start == 0 and found is None:
            return None, range(len(bodies))
    if not parts:
        return None, others
    return Maps(parts[0] if len(parts) == 1 else pl.concat(parts, rechunk=True)), others


def _part(shape: Shape, bodies: Sequence[bytes]) -> tuple[pl.DataFrame | None, Sequence[int]]:
    objects, misfits = typed_objects.typed(shapes.decoder(shape), bodies)
    if not objects:
        return None, range(len(bodies))
    left_out = set(misfits)
    places = [at for at in range(len(bodies)) if at not in left_out]
    odd = misspelled(shape, objects, [bodies[at] for at in places] if misfits else bodies)
    found, unlike = frame(shape, objects)
    odd |= unlike
    left = taken(found, odd)
    return (left if left.height else None), sorted([*misfits, *(places[at] for at in odd)])
