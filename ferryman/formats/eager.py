"""Steps on columns that begin no query. polars makes a query of most of its methods, and hands it to a thread of its
own: for the few records of a live poll that costs more than the work, and where all cores are busy it waits for one.
"""

from collections.abc import Iterable, Sequence
from functools import reduce

import polars as pl

_FEW = 32


def put(frame: pl.DataFrame, columns: Iterable[pl.Series]) -> pl.DataFrame:
    """The frame with these columns set one after the other: in place of those with their names, or else behind them."""
    return pl.DataFrame({each.name: each for each in (*frame.iter_columns(), *columns)})


def select(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """These columns, in this order."""
    return pl.DataFrame([frame.get_column(name) for name in names])


def member(structs: pl.Series, name: str) -> pl.Series:
    """A field of structs; null where the struct is."""
    return structs.struct.unnest().get_column(name)


def same(name: str, value: object, dtype: pl.DataType, count: int) -> pl.Series:
    """A column of one plain value."""
    return pl.Series(name, [value], dtype=dtype).new_from_index(0, count)


def nulls(values: pl.Series) -> pl.Series:
    """Which values are null."""
    found = values.null_count()
    return values.is_null() if 0 < found < len(values) else same("", bool(found), pl.Boolean(), len(values))


def filled(values: pl.Series, default: object) -> pl.Series:
    """The values with a plain one in place of null."""
    if not values.null_count():
        return values
    return values.zip_with(~nulls(values), same(values.name, default, values.dtype, len(values)))


def stacked(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The rows of all frames, at least one, which have the same columns."""
    # Each step copies the list of what is there already, so that many go at once.
    return reduce(pl.DataFrame.vstack, frames) if len(frames) <= _FEW else pl.concat(frames)
