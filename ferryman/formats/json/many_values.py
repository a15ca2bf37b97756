"""Many values without a schema as JSON, printed at once where orjson prints them as JsonConverter does.

To print one costs orjson a kilobyte that it gives back, and to make one ready for it more than to print it.
"""

import re
from collections.abc import Callable, Sequence
from itertools import chain
from math import isfinite
from secrets import token_hex
from typing import Any

import orjson

from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.text import plain

_AT_ONCE = 500
"""Values; of more, the first are no longer in the processor's cache when they are printed."""
_CLASSES = frozenset({str, int, bool, float, type(None), dict, list})
_DEEPEST = 250
"""Levels; orjson prints hardly more."""
_MARK = token_hex(16)
"""Stands between values. Nobody outside can know it."""
_BETWEEN = f',"{_MARK}",'.encode()
_MAYBE_ODD = re.compile(rb"(?:^|[:,\[])-?(?:[0-9]{8,}\.|0\.000|[0-9.]+e)")
"""What begins a double in which Java has an exponent, or orjson; in a text it may be something else."""


def texts(values: Sequence[Any], one: Callable[[Any], bytes]) -> list[bytes]:
    """The JSON of each value. ``one`` prints a single value, whatever it is, and raises what is to be raised."""
    found = list[bytes]()
    for start in range(0, len(values), _AT_ONCE):
        part = values[start : start + _AT_ONCE]
        found += _texts(part, one) or map(one, part)
    return found


def printed_all(values: Sequence[Any], prepare: Callable[[Any], Any]) -> list[bytes]:
    """The JSON of what ``prepare`` makes of each value. Raises what that does, and orjson.JSONEncodeError."""
    found = list[bytes]()
    for start in range(0, len(values), _AT_ONCE):
        prepared = list(map(prepare, values[start : start + _AT_ONCE]))
        found += _together(prepared) or map(printed, prepared)
    return found


def _texts(values: Sequence[Any], one: Callable[[Any], bytes]) -> list[bytes] | None:
    """None where each must be printed by itself."""
    fractions = _fractions(values)
    if fractions is None or not all(map(isfinite, fractions)):
        return None
    found = _together(values)
    if found is None or all(map(plain, fractions)):
        return found
    return [one(value) if _MAYBE_ODD.search(text) else text for value, text in zip(values, found, strict=True)]


def _together(values: Sequence[Any]) -> list[bytes] | None:
    """None where orjson refuses one of them."""
    between: list[Any] = [_MARK] * (2 * len(values) - 1)
    between[::2] = values
    try:
        return orjson.dumps(between)[1:-1].split(_BETWEEN)
    except (orjson.JSONEncodeError, RecursionError):
        return None


def _fractions(values: Sequence[Any]) -> list[float] | None:
    """All doubles in the values; None where something is of a class that JSON has not. Keys
    are left to orjson, which refuses what is no text."""
    found = list[float]()
    for _ in range(_DEEPEST):
        if not values:
            return found
        classes = set(map(type, values))
        if not classes <= _CLASSES:
            return None
        if float in classes:
            found += [value for value in values if value.__class__ is float]
        maps = [value for value in values if value.__class__ is dict] if dict in classes else []
        lists = [value for value in values if value.__class__ is list] if list in classes else []
        values = [*chain.from_iterable(map(dict.values, maps)), *chain.from_iterable(lists)]
    return None
