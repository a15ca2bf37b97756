"""The answer to the question whether a column takes a field's values: a fit with its checks, or a refusal."""

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from ferryman.connectors.sql.records.values import Form

Mask = Callable[[pl.Series], pl.Series]
"""Which values are meant; null for null."""
Convert = Callable[[pl.Series], pl.Series]
"""The same values in other words."""


@dataclass(frozen=True, eq=False, slots=True)
class Check:
    """Values that a column would not store as they are."""

    broken: Mask
    """Which values these are."""
    takes: str
    """What the column does take: a noun phrase."""


@dataclass(frozen=True, eq=False, slots=True)
class Fit:
    """How values go into a column."""

    form: Form
    """How they are written."""
    checks: tuple[Check, ...] = ()
    """Each is asked before anything is written."""
    convert: Convert | None = None
    """What is written instead of the values: the same ones, as the column reads them."""
    items: "Fit | None" = None
    """How the items of an array go in."""
    echoed: bool = False
    """Whether the column must give each text back as it got it, since nothing else can say how it changes one."""

    @property
    def takes(self) -> tuple[str, ...]:
        """What the column takes, where it does not take everything."""
        own = [check.takes for check in self.checks] + (["texts that it gives back as they are"] if self.echoed else [])
        return (*own, *(self.items.takes if self.items else ()))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A column that takes no value of a type."""

    reason: str
    """Why not: a sentence without its stop."""
    mend: str
    """What to do about it, with the keys to set."""


def broken(fit: Fit, values: pl.Series) -> tuple[pl.Series, str] | None:
    """Which values break the first check that any break, and what the column takes; None if all are fine."""
    for check in fit.checks:
        found = check.broken(values)
        if found.any():
            return found.fill_null(value=False), check.takes
    return None if fit.items is None else _broken_items(fit.items, values)


def _broken_items(fit: Fit, lists: pl.Series) -> tuple[pl.Series, str] | None:
    rows = pl.int_range(len(lists), eager=True).alias("row")
    items = pl.DataFrame([rows, lists.alias("item")]).filter(lists.list.len() > 0).explode("item")
    found = broken(fit, items.get_column("item"))
    if found is None:
        return None
    guilty = items.get_column("row").filter(found[0])
    return rows.is_in(guilty.implode()), found[1]


def as_written(fit: Fit, values: pl.Series) -> pl.Series:
    """The values as they are written."""
    if fit.convert is not None:
        return fit.convert(values)
    inner = fit.items
    if inner is None or not is_converted(inner) or not isinstance(values.dtype, pl.List):
        return values
    kind = as_written(inner, pl.Series([], dtype=values.dtype.inner)).dtype
    return values.list.eval(pl.element().map_batches(lambda items: as_written(inner, items), return_dtype=kind))


def is_converted(fit: Fit) -> bool:
    """Whether other words are written than the values have."""
    return fit.convert is not None or (fit.items is not None and is_converted(fit.items))
