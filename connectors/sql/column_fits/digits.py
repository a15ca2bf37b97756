"""Numbers as texts of digits: what of them a column would round or cut."""

from decimal import Decimal
from math import isfinite

import polars as pl

NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?$"
"""A decimal number; one exponent has at most three digits, so that its digits can be written out."""
DOUBLE_DIGITS, SINGLE_DIGITS = 15, 6
"""Digits that every number has which came to a float of 64 or 32 bits and back (DBL_DIG, FLT_DIG of C)."""
_SMALLEST = {True: 2.2250738585072014e-308, False: 1.1754943508222875e-38}
_LARGEST = {True: 1.7976931348623157e308, False: 3.4028234663852886e38}


def texts(values: pl.Series) -> pl.Series:
    """Numbers as texts without exponents; what is no finite number as some text without digits."""
    found = values if values.dtype == pl.String else values.cast(pl.String)
    if not found.str.contains("[eE]").any():
        return found
    return pl.Series([_plain(each) for each in found], dtype=pl.String)


def _plain(text: str | None) -> str | None:
    if text is None or not any(character in text for character in "eE"):
        return text
    return format(Decimal(text), "f")


def beyond(plain: pl.Series, scale: int) -> pl.Series:
    """Which numbers have digits beyond ``scale`` places after the point; before it, if it is negative."""
    if scale >= 0:
        return plain.str.contains(rf"\.[0-9]{{{scale}}}[0-9]*[1-9]")
    return plain.str.contains("[1-9]") & ~plain.str.contains(rf"^[+-]?[0-9]*0{{{-scale}}}(\.0*)?$")


def significant(plain: pl.Series) -> pl.Series:
    """How many digits a number has, without zeros at its ends."""
    return plain.str.replace_all(r"[^0-9]", "").str.strip_chars("0").str.len_chars()


def inexact(plain: pl.Series, double: bool) -> pl.Series:
    """Which numbers may come back from a float as another one, or are too small or too large for it."""
    near = plain.cast(pl.Float64, strict=False)
    size = near.abs()
    zero = ~plain.str.contains("[1-9]")
    outside = (size > _LARGEST[double]) | (size < _SMALLEST[double])
    long = significant(plain) > (DOUBLE_DIGITS if double else SINGLE_DIGITS)
    if long.any():
        long = long & ~_equal(plain, near if double else near.cast(pl.Float32).cast(pl.Float64))
    return long | (outside & ~zero)


def _equal(plain: pl.Series, floats: pl.Series) -> pl.Series:
    """Which floats are exactly the numbers."""
    pairs = zip(plain, floats, strict=True)
    return pl.Series([text is None or (isfinite(near) and Decimal(near) == Decimal(text)) for text, near in pairs])


def whole(plain: pl.Series) -> pl.Series:
    """Numbers without their fraction, which must be none."""
    return plain.str.replace(r"\..*$", "")
