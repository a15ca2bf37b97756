"""The error for a value that its column does not take: all that is known but the value."""

from ferryman.connectors.sql.dialects.dialect import TableColumn
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.errors import DataError

ADVICE = (
    "Change the column's type, convert the field by a transform (Cast: its key spec; TimestampConverter: its key "
    "target.type), or put such records aside with errors.tolerance=all"
)


def misfit(table: TableName, column: TableColumn, problem: str, record: str = "") -> DataError:
    """A value of a column, of which ``problem`` says what is wrong; ``record`` names the record, where it is known."""
    what = f"{record} " if record else ""
    text = f"Cannot write {what}to {table}: the column {column.name} of type {column.type!r} {problem}. {ADVICE}"
    schema = column.source.schema
    return DataError(text).in_field(column.source.field or column.source.name, schema.name or schema.type)
