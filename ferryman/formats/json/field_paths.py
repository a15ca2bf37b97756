"""Conversions of what values are made of, whose errors tell the path of the one at fault: ``lines[2].price``.

The place is known from how far a conversion came, so that nothing is converted twice. Done again at every level, an
error in a value of thirty levels would take a thousand million conversions.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ferryman.errors import DataError

Convert = Callable[[Any], Any]
Member = tuple[str, str, Convert]
"""A struct's field: its name in the value, its name in what comes out, and what converts it."""
MISFITS = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What conversions raise, beside DataError, for a value that is not of its schema's type."""


def members(fields: Sequence[Member], get: Callable[[str], Any]) -> dict[str, Any]:
    """A struct's fields. Raises DataError with the field."""
    found, name = dict[str, Any](), ""
    try:
        for name, written, convert in fields:
            found[written] = convert(get(name))
    except DataError as error:
        error.in_field(name)
        raise
    except MISFITS as error:
        raise _misfit(error).in_field(name) from error
    return found


def elements(convert: Convert, values: Sequence[Any]) -> list[Any]:
    """A list's elements. Raises DataError with the place of one, from 0."""
    found = list[Any]()
    try:
        for value in values:
            found.append(convert(value))
    except DataError as error:
        error.in_field(f"[{len(found)}]")
        raise
    except MISFITS as error:
        raise _misfit(error).in_field(f"[{len(found)}]") from error
    return found


def entries(convert: Convert, values: Mapping[str, Any]) -> dict[str, Any]:
    """A map's values by their keys, which are texts. Raises DataError with the key."""
    return dict(pairs(str, convert, values.items()))


def pairs(key: Convert, convert: Convert, values: Iterable[Sequence[Any]]) -> list[tuple[Any, Any]]:
    """A map's keys and values. Raises DataError with the key."""
    found, name = list[tuple[Any, Any]](), None
    try:
        for name, value in values:
            found.append((key(name), convert(value)))
    except DataError as error:
        error.in_field(f'["{name}"]')
        raise
    except MISFITS as error:
        raise _misfit(error).in_field(f'["{name}"]') from error
    return found


def _misfit(error: Exception) -> DataError:
    return DataError(f"The value does not fit its schema: {error}")
