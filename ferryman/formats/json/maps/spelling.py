"""Whether objects without a schema are written so that what was parsed of them says all: keys in the shape's order,
none twice, and no number that a double would change."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import compress, pairwise
from typing import Any

import msgspec
import orjson
import polars as pl

from ferryman.formats.json.exact_numbers import changes, may_change
from ferryman.formats.json.maps import shapes
from ferryman.formats.json.maps.shapes import Shape

_ENCODER = msgspec.json.Encoder()
_NUMBERS = b"0123456789.eE+-"
_LEFT_OUT = _NUMBERS + b" \t\r\n"
_LOOK = 32
"""So many bodies show how their producer spells them."""
_TEXT = "\0text"
_BLANKS = r"[ \t\r\n]*"
_LONG = r"(?:-?[0-9.]{17}|-?[0-9.]*[eE]|\[)"
"""A number of more than 15 digits, or with an exponent: a double may not have its digits. Or a list of numbers."""


def misspelled(shape: Shape, objects: Sequence[Any], bodies: Sequence[bytes]) -> set[int]:
    """The places of bodies whose keys stand in another order, or of which a double would change a number."""
    if shapes.is_once_each(shape) and not _are_mostly_alike(objects[:_LOOK], bodies[:_LOOK]):
        return set(_by_search(shape, bodies))
    # Printed again, most producers' texts are the same. Then so are the order of keys and the digits.
    printed = list(map(_ENCODER.encode, objects))
    others = [at for at, (text, body) in enumerate(zip(printed, bodies, strict=True)) if text != body]
    if not others:
        return set()
    if shapes.is_once_each(shape):
        return {others[at] for at in _by_search(shape, [bodies[at] for at in others])}
    alike, unlike = [], others
    if _is_told_by_letters(shape):
        # Or they are the same but for blanks and numbers, which no key needs to be known by.
        same = [printed[at].translate(None, _LEFT_OUT) == bodies[at].translate(None, _LEFT_OUT) for at in others]
        alike, unlike = list(compress(others, same)), [at for at, held in zip(others, same, strict=True) if not held]
    odd = {alike[at] for at in _changed(shape, [bodies[at] for at in alike])}
    return odd.union(at for at in unlike if _is_odd(printed[at], bodies[at]))


def _are_mostly_alike(objects: Sequence[Any], bodies: Sequence[bytes]) -> bool:
    alike = sum(_ENCODER.encode(each) == body for each, body in zip(objects, bodies, strict=True))
    return 2 * alike > len(objects)


@lru_cache(maxsize=1000)
def _is_told_by_letters(shape: Shape) -> bool:
    """Whether no two keys of an object are the same without digits and blanks."""
    return all(
        len({name.encode().translate(None, _LEFT_OUT) for name, _ in each}) == len(each)
        for each in shapes.objects_in(shape)
    )


def _changed(shape: Shape, bodies: Sequence[bytes]) -> Iterator[int]:
    """The places of bodies with a number that a double would change; none has a key with escapes."""
    names = _names(shape)
    if not names or not bodies:
        return
    texts = pl.Series(bodies, dtype=pl.Binary()).cast(pl.String())
    long = texts.str.contains(f'"(?:{names})"{_BLANKS}:{_BLANKS}{_LONG}')
    if long.any():
        yield from (at for at in long.arg_true() if changes(bodies[at]))


@lru_cache(maxsize=1000)
def _names(shape: Shape) -> str:
    return "|".join(sorted({*map(pl.escape_regex, shapes.floats(shape))}))


def _by_search(shape: Shape, bodies: Sequence[bytes]) -> Iterator[int]:
    """The places of bodies whose keys do not stand in order, or of which a double would change a number.

    A key with its quotes and its colon is nowhere but where it is a key, since quotes inside a text are escaped. One
    that is spelled with escapes, or with blanks before the colon, is not found.
    """
    texts = pl.Series(_TEXT, bodies, dtype=pl.Binary()).cast(pl.String()).to_frame().lazy()
    marks = [f'"{name}":' for name in shapes.keys(shape)]
    found = texts.with_columns(pl.col(_TEXT).str.find(mark, literal=True).alias(mark) for mark in marks)
    in_order = [pl.col(marks[-1]).is_not_null(), *(pl.col(one) < pl.col(other) for one, other in pairwise(marks))]
    is_plain = found.select(pl.all_horizontal(in_order).fill_null(False)).collect().to_series()
    if not is_plain.all():
        yield from (~is_plain).arg_true()
    yield from _changed(shape, bodies)


def _is_odd(printed: bytes, body: bytes) -> bool:
    """The same for one body, of which keys may stand in several objects."""
    try:
        same = _ENCODER.encode(orjson.loads(body)) == printed
    except orjson.JSONDecodeError:
        return True
    return not same or (may_change(body) and changes(body))
