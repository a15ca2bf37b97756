"""Plain values of JSON as columns, each value's class checked so that nothing is coerced."""

from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import lru_cache
from typing import Any

import polars as pl

from ferryman.errors import DataError
from ferryman.formats.halving import unfit
from ferryman.formats.json import decimal_columns
from ferryman.formats.polars_types import TIMES, dtype
from ferryman.schema import DATE, DECIMAL, FLOATS, INTEGERS, TIME, Schema, Type

Column = Callable[[Sequence[Any]], pl.Series]

LOGICAL = frozenset({DECIMAL, *(name for name in TIMES if name)})
_TRIES, _PER_TRY = 50, 5
"""How often a column is tried to find what does not fit: a try costs about what five rows cost."""
_CLASSES: Mapping[Type, frozenset[type]] = {
    **dict.fromkeys(INTEGERS, frozenset({int, type(None)})),
    **dict.fromkeys(FLOATS, frozenset({float, int, type(None)})),
    Type.BOOLEAN: frozenset({bool, type(None)}),
    Type.STRING: frozenset({str, type(None)}),
    Type.BYTES: frozenset({str, type(None)}),
}
_DAY = 86_400_000
# The rows' datetimes end with these years; a frame could hold more, and then the two forms would differ.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
DOUBTS = (DataError, ArithmeticError, KeyError, TypeError, ValueError, pl.exceptions.PolarsError)
"""What is raised for a value that columns might read otherwise than rows; it is left to the rows."""


def plain(schema: Schema, values: Sequence[Any], checked: bool) -> tuple[pl.Series, Set[int]]:
    """A column, null where a value is odd, and the places of these. ``checked``: whether all are known to be of the
    schema's type, if it is no logical one."""
    read = _reader(schema, checked)
    try:
        return read(values), frozenset()
    except DOUBTS:
        odd = set(_guilty(schema, values, read))
        return read([None if at in odd else value for at, value in enumerate(values)]), odd


def _guilty(schema: Schema, values: Sequence[Any], read: Column) -> Iterator[int]:
    """What does not fit: by its class, which is seen at once, or else by halving, as long as that is faster than to
    read all by rows."""
    classes = _classes(schema)
    places = [at for at, value in enumerate(values) if value.__class__ in classes]
    yield from set(range(len(values))) - set(places)

    def fits(start: int, stop: int) -> bool:
        try:
            read([values[at] for at in places[start:stop]])
        except DOUBTS:
            return False
        return True

    if not fits(0, len(places)):
        yield from (places[at] for at in unfit(len(places), fits, tries=len(places) // _PER_TRY + _TRIES))


def _classes(schema: Schema) -> Set[type]:
    """What the values of a type are in JSON."""
    return decimal_columns.CLASSES if schema.name == DECIMAL else _CLASSES[schema.type]


@lru_cache(maxsize=4000)
def _reader(schema: Schema, checked: bool) -> Column:
    if schema.name == DECIMAL:
        return decimal_columns.reader(schema)
    if schema.name in TIMES:
        return _times(schema)
    if schema.type is Type.BYTES:
        return _bytes
    kind = dtype(schema)
    return _scalar(kind) if checked else _checked(kind, _classes(schema))


def _scalar(kind: pl.DataType) -> Column:
    # The class and not an object of it: it takes two thirds of the time.
    wide = pl.Float64 if kind.is_float() else type(kind)
    if kind == wide:
        return lambda values: pl.Series(values, dtype=wide)
    return lambda values: pl.Series(values, dtype=wide).cast(kind)


def _checked(kind: pl.DataType, allowed: Set[type]) -> Column:
    scalar = _scalar(kind)

    def column(values: Sequence[Any]) -> pl.Series:
        found = set(map(type, values))
        if not found <= allowed:
            raise TypeError("another kind of value")
        if float in found and int in found:
            return scalar([None if value is None else float(value) for value in values])
        return scalar(values)

    return column


def _bytes(values: Sequence[Any]) -> pl.Series:
    decoded = [None if value is None else b64decode(value, validate=True) for value in values]
    return pl.Series(decoded, dtype=pl.Binary)


def _times(schema: Schema) -> Column:
    """Dates are days, times and timestamps milliseconds."""
    kind = dtype(schema)
    if schema.name == DATE:
        return _integers(pl.Int32(), _FIRST // _DAY, _LAST // _DAY, lambda days: days.cast(kind))
    if schema.name == TIME:
        return _integers(pl.Int32(), 0, _DAY - 1, lambda ms: (ms.cast(pl.Int64()) * 1_000_000).cast(kind))
    return _integers(pl.Int64(), _FIRST, _LAST, lambda ms: ms.cast(kind))


def _integers(kind: pl.DataType, low: int, high: int, cast: Callable[[pl.Series], pl.Series]) -> Column:
    scalar = _checked(kind, _CLASSES[Type.INT64])

    def column(values: Sequence[Any]) -> pl.Series:
        series = scalar(values)
        least, most = series.min(), series.max()
        if least is not None and most is not None and not low <= least <= most <= high:  # type: ignore[operator]
            raise OverflowError("out of range")
        return cast(series)

    return column
