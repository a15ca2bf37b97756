"""Keys that a database might hold to be the same: two that are equal to it are alike here, not the other way round.

Databases compare texts by case, accents, padding or width, as the column's collation says, and decimals by value. What
they can only call different is different here: integers, bytes, dates; and of texts, letters and digits if all are
ASCII, else the digits alone, which no collation takes for anything else.
"""

import unicodedata
from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import Any

import polars as pl

Keys = Sequence[pl.Series]
"""The columns of a key."""
_SIGNS = str.maketrans("", "", "".join(chr(sign) for sign in range(128) if not chr(sign).isalnum()))


def equality_classes(shapes: Sequence[Keys]) -> list[list[Hashable]]:
    """For each shape and row a value that is the same for keys that might be equal.

    Shapes whose keys have another number of columns, or of other types, are alike in all rows.
    """
    if not are_comparable(shapes):
        return [[None] * (len(keys[0]) if keys else 0) for keys in shapes]
    columns = [_alike([keys[number] for keys in shapes]) for number in range(len(shapes[0]))]
    return [list(zip(*(column[shape] for column in columns), strict=True)) for shape in range(len(shapes))]


def are_comparable(shapes: Sequence[Keys]) -> bool:
    """Whether the keys of all shapes have columns of the same types."""
    return len({tuple(_kind(series.dtype) for series in keys) for keys in shapes}) == 1 and bool(shapes[0])


def _kind(dtype: pl.DataType) -> str:
    if dtype.is_integer():
        return "integer"
    return "text" if dtype == pl.String or dtype.is_decimal() else str(dtype)


def _alike(parts: Sequence[pl.Series]) -> list[list[Hashable]]:
    """One column of the keys, of all shapes."""
    if all(part.dtype == pl.Binary for part in parts):
        return [[None if value is None else value.rstrip(b"\0") for value in part] for part in parts]
    if any(part.dtype == pl.String or part.dtype.is_decimal() for part in parts):
        return _alike_texts([[None if value is None else str(value) for value in part.to_list()] for part in parts])
    return [part.to_list() for part in parts]


def _alike_texts(parts: Sequence[Sequence[str | None]]) -> list[list[Hashable]]:
    ascii_only = all(text is None or text.isascii() for part in parts for text in part)
    reduced: Callable[[str], Hashable] = _letters if ascii_only else _digits
    return [[None if text is None else reduced(text) for text in part] for part in parts]


def _letters(text: str) -> Hashable:
    try:
        number = Decimal(text)
        if number.is_finite():
            return number.normalize()
    except ArithmeticError:
        pass
    return text.translate(_SIGNS).lower()


def _digits(text: str) -> Any:
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if sign.isdigit())
