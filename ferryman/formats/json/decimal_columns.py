"""Decimals of JSON as columns: unscaled bytes in base64, or numbers, whose digits reach here as they stand in the text.

Both may be mixed. A column holds 38 digits; what has more, or more after the point than its schema, raises an error.
"""

from binascii import a2b_base64
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

from ferryman.formats.polars_types import dtype
from ferryman.java.decimals import from_unscaled, rescaled
from ferryman.schema import Schema

CLASSES: frozenset[type] = frozenset({str, int, bytes, type(None)})
"""Base64, an integer, the digits of another number, null."""
_ENCODED = frozenset({str, type(None)})
_MOST_DIGITS = 38
_MOST_BYTES = 15
"""Any number of so many bytes has no more digits than that."""
_LONG_SCALE = 18
"""Up to here a 64-bit number times ten to the scale has no more digits either, so polars can shift it."""
_MANY = 1200
"""So many are worth the fixed price of polars' expressions."""
_FULL = pl.Series([1 << 8 * size for size in range(8)], dtype=pl.Int64)


def reader(schema: Schema) -> Callable[[Sequence[Any]], pl.Series]:
    """What makes a column of values. It raises TypeError, ValueError, ArithmeticError, DataError, or polars' errors."""
    encoded, numbers = _of_base64(schema), _of_numbers(schema)

    def column(values: Sequence[Any]) -> pl.Series:
        classes = set(map(type, values))
        if classes <= _ENCODED:
            return encoded(values)
        if not classes <= CLASSES:
            raise TypeError("neither base64 nor a number")
        if str not in classes:
            return numbers(values)
        texts = encoded([value if value.__class__ is str else None for value in values])
        return texts.fill_null(numbers([None if value.__class__ is str else value for value in values]))

    return column


def _of_base64(schema: Schema) -> Callable[[Sequence[str | None]], pl.Series]:
    scale, kind = schema.scale, dtype(schema)
    unit = pl.Series([Decimal(1).scaleb(-scale)], dtype=kind)

    def column(values: Sequence[str | None]) -> pl.Series:
        if len(values) >= _MANY and scale <= _LONG_SCALE and (small := _short(values)) is not None:
            return small.cast(kind) * unit
        raw = [None if value is None else a2b_base64(value, strict_mode=True) for value in values]
        longest = max((len(item) for item in raw if item is not None), default=0)
        if longest > _MOST_BYTES:
            raise ValueError("too many digits")
        numbers = [None if item is None else int.from_bytes(item, "big", signed=True) for item in raw]
        if longest <= 8 and scale <= _LONG_SCALE:
            return pl.Series(numbers, dtype=pl.Int64).cast(kind) * unit
        return pl.Series([None if number is None else from_unscaled(number, scale) for number in numbers], dtype=kind)

    return column


def _short(texts: Sequence[str | None]) -> pl.Series | None:
    """Numbers of one to seven bytes in base64; None where there is anything else."""
    try:
        raw = pl.Series(texts, dtype=pl.String).str.decode("base64")
        sizes = raw.bin.size()
        if not sizes.is_between(1, 7).all():
            return None
        found = raw.bin.encode("hex").str.to_integer(base=16)
    except (TypeError, pl.exceptions.PolarsError):
        return None
    full = _FULL.gather(sizes)
    return found - full.set(found < full // 2, 0)


def _of_numbers(schema: Schema) -> Callable[[Sequence[int | bytes | None]], pl.Series]:
    scale, kind = schema.scale, dtype(schema)
    after = rf"(?:\.[0-9]{{0,{scale}}}0*)?"
    plain = f"^-?[0-9]{{1,{max(_MOST_DIGITS - scale, 1)}}}{after}$"

    def column(values: Sequence[int | bytes | None]) -> pl.Series:
        texts = _texts(values)
        # Beyond what the schema has room for, polars would round without a word.
        if not texts.str.contains(plain).all():
            fit = texts.str.contains(plain).fill_null(True)
            others = [
                text if is_plain or text is None else format(rescaled(Decimal(text), scale), "f")
                for text, is_plain in zip(texts.to_list(), fit, strict=True)
            ]
            texts = pl.Series(others, dtype=pl.String)
        return texts.cast(kind)

    return column


def _texts(values: Sequence[int | bytes | None]) -> pl.Series:
    if int in set(map(type, values)):
        texts = [
            value.decode() if isinstance(value, bytes) else None if value is None else str(value) for value in values
        ]
        return pl.Series(texts, dtype=pl.String)
    return pl.Series(values, dtype=pl.Binary).cast(pl.String)
