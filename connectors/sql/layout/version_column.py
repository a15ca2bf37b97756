"""The column by which a run tells whether a record is newer than its row."""

from collections.abc import Sequence
from dataclasses import replace

from ferryman.api import BadRecords
from ferryman.connectors.sql.config.version_rules import no_version, unfit
from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.records.values import Zones
from ferryman.errors import DataError
from ferryman.record import Batch


def with_version(
    table: TableName, columns: Sequence[TableColumn], field: str, zones: Zones, batch: Batch
) -> tuple[TableColumn, ...]:
    """The columns, with a mark on the one that this field of the value fills. Raises BadRecords if the records have
    no such field, UnsafeRun if its values do not tell which of two is newer."""
    found = next((column for column in columns if (column.source.part, column.source.field) == ("value", field)), None)
    if found is None:
        text = f"The value has no field {field}, so nobody can tell whether the record is newer than its row in {table}"
        raise BadRecords([(batch, at, DataError(text)) for at in range(len(batch))])
    reason = "it is in the key, so that rows with other versions are other rows" if found.primary else None
    reason = reason or unfit(found, zones)
    if reason is not None:
        raise no_version(field, table, reason)
    return tuple(replace(column, is_version=column is found) for column in columns)
