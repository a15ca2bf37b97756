"""Records meet the columns of their table: every value is stored as it is, or its record is refused."""

from collections.abc import Iterator, Sequence

import polars as pl

from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.dialects.misfit import misfit
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.fits.fit import broken, written
from ferryman.record import Batch, Coordinates


def fitted(
    table: TableName, batch: Batch, columns: Sequence[TableColumn], values: Sequence[pl.Series]
) -> Iterator[pl.Series]:
    """A batch's values as they are written, column by column. Raises DataError for the first record of which a value
    would be stored as another one."""
    for column, found in zip(columns, values, strict=True):
        misfits = broken(column.fit, found)
        if misfits is not None:
            first, takes = misfits[0].arg_true()[0], misfits[1]
            record = Coordinates(*batch.source, batch.offsets[first])
            raise misfit(table, column, f"takes {takes} only", str(record))
        yield written(column.fit, found).alias(found.name)
