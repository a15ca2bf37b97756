"""Which Avro bodies are as long as their schema says: found field by field for many at once, without their values.

All bodies lie one behind the other in ``data``. A step takes the places at which a field begins, one for each body, and
gives those behind the field. Places never go back, so a body whose last field ends where the body does has no byte too
few or too many; whether its values are such as they may be is for a decoder to say. What runs over its body's end goes
on in the next one, whose bytes mean nothing there; behind the last one lie noughts, more than the steps can reach.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

Places = list[int]
Walk = Callable[[bytes, int, Places], Places]
"""Takes the data, a place that is behind all bodies, for what is none of the schema, and the places."""

_FIXED = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_LONGEST_NUMBER = 10
"""Bytes of 64 bits at most."""
_SHORT, _MOST_FIXED = 64, 1_000
"""Bytes that a step goes on at most without a look at where the data ends: of a text, and of what has a fixed size."""


@dataclass(frozen=True, slots=True)
class _Step:
    walk: Walk
    reach: int
    """How far it goes behind the data at most."""


def whole(schema: Any, bodies: Sequence[bytes]) -> list[bool] | None:
    """Which of the bodies are; None for a schema that is not looked at, such as one with unions of several types.
    ``schema`` is written out, as polars reads it."""
    step = _step(schema)
    if step is None:
        return None
    if not bodies:
        return []
    ends = list(accumulate(map(len, bodies)))
    lost = ends[-1] + 1
    data = b"".join(bodies) + bytes(step.reach + _LONGEST_NUMBER + 1)
    found = step.walk(data, lost, [0, *ends[:-1]])
    return [place == end for place, end in zip(found, ends, strict=True)]


def _step(schema: Any) -> _Step | None:
    if isinstance(schema, list):
        return _union(schema)
    kind = schema["type"] if isinstance(schema, dict) else schema
    match kind:
        case "int" | "long":
            return _Step(_numbers, _LONGEST_NUMBER)
        case "string" | "bytes":
            return _Step(_texts, _SHORT)
        case "fixed" if schema["size"] <= _MOST_FIXED:
            return _ahead(schema["size"])
        case "record":
            return _record([_step(field["type"]) for field in schema["fields"]])
        case "array":
            return _list(schema["items"])
        case dict() | list():
            return _step(kind)
        case _:
            return _ahead(_FIXED[kind]) if kind in _FIXED else None


def _ahead(size: int) -> _Step:
    return _Step(lambda _data, _lost, places: [place + size for place in places], size)


def _record(steps: Sequence[_Step | None]) -> _Step | None:
    known = [step for step in steps if step is not None]
    if len(known) < len(steps):
        return None

    def walk(data: bytes, lost: int, places: Places) -> Places:
        for step in known:
            places = step.walk(data, lost, places)
        return places

    return _Step(walk, sum(step.reach for step in known))


def _union(schema: Sequence[Any]) -> _Step | None:
    """A step for a union of null and another type: the number of the branch is one byte."""
    other = [at for at, branch in enumerate(schema) if branch != "null"]
    step = _step(schema[other[0]]) if len(schema) == 2 and len(other) == 1 else None
    if step is None:
        return None
    taken, walk_taken = 2 * other[0], step.walk
    null = 2 - taken

    def walk(data: bytes, lost: int, places: Places) -> Places:
        found = [place + 1 if data[place] == null else lost for place in places]
        chosen = [at for at, place in enumerate(places) if data[place] == taken]
        for at, place in zip(chosen, walk_taken(data, lost, [places[at] + 1 for at in chosen]), strict=True):
            found[at] = place
        return found

    return _Step(walk, step.reach + 1)


def _list(items: Any) -> _Step | None:
    """Blocks of items, each after their count; a negative one has their bytes behind it. The last has none."""
    step = _step(items)
    if step is None:
        return None
    walk_item = step.walk

    def end(data: bytes, lost: int, at: int) -> int:
        while at < lost:
            count, at = _number(data, lost, at)
            if count == 0:
                return at
            if count & 1:
                _, at = _number(data, lost, at)
            left = (count + 1) >> 1
            # Items without bytes, of which there may be any number, are left to others.
            while left and at < lost and left <= lost - at:
                left -= 1
                (at,) = walk_item(data, lost, [at])
            if left:
                return lost
        return lost

    def walk(data: bytes, lost: int, places: Places) -> Places:
        return [end(data, lost, at) for at in places]

    return _Step(walk, step.reach + 2 * _LONGEST_NUMBER)


def _numbers(data: bytes, lost: int, places: Places) -> Places:
    return [at + 1 if data[at] < 128 else at + 2 if data[at + 1] < 128 else _number(data, lost, at)[1] for at in places]


def _texts(data: bytes, lost: int, places: Places) -> Places:
    # A size of one byte, that is less than 64 and not below zero, has neither the first bit nor the last.
    return [at + 1 + (size >> 1) if not (size := data[at]) & 0x81 else _text(data, lost, at) for at in places]


def _text(data: bytes, lost: int, at: int) -> int:
    size, at = _number(data, lost, at)
    end = at + (size >> 1)
    return lost if size & 1 or end > lost else end


def _number(data: bytes, lost: int, at: int) -> tuple[int, int]:
    """A number, its sign in the last bit, and the place behind it."""
    number = 0
    for shift in range(0, 7 * _LONGEST_NUMBER, 7):
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 128:
            return number, at
    return 0, lost
