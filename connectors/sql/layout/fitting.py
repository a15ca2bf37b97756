"""Records meet the columns of their table: every value is stored as it is, or its record is refused."""

from collections.abc import Callable, Iterator, Sequence

import polars as pl

from ferryman.api import BadRecords
from ferryman.connectors.sql.column_fits.fit import as_written, broken
from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.errors import DataError
from ferryman.record import Batch, Coordinates

_NULL = "takes no null"


def values_to_write(
    table: TableName,
    batch: Batch,
    columns: Sequence[TableColumn],
    values: Sequence[pl.Series],
    needs_value: Callable[[TableColumn], bool],
) -> Iterator[pl.Series]:
    """A batch's values as they are written, column by column. Raises BadRecords for all records of which a value would
    be stored as another one, or is null in a column that needs one."""
    bad: dict[int, DataError] = {}
    for column, found in zip(columns, values, strict=True):
        for at, problem in _problems(column, found, needs_value(column)):
            record = str(Coordinates(*batch.original_source, batch.original_offsets[at]))
            null_key = column.primary and problem == _NULL
            text = f"The primary key's column {column.name} is null"
            bad.setdefault(at, DataError(text) if null_key else misfit(table, column, problem, record))
    if bad:
        raise BadRecords([(batch, at, bad[at]) for at in sorted(bad)])
    for column, found in zip(columns, values, strict=True):
        yield as_written(column.fit, found).alias(found.name)


def _problems(column: TableColumn, values: pl.Series, needs_value: bool) -> Iterator[tuple[int, str]]:
    if needs_value and values.null_count():
        yield from ((at, _NULL) for at in values.is_null().arg_true())
    misfits = broken(column.fit, values)
    if misfits is not None:
        yield from ((at, f"takes {misfits[1]} only") for at in misfits[0].arg_true())
