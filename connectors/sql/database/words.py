"""Of the records of a poll, leaves out bad ones and checks that one row's records cannot lie in several partitions."""

from collections.abc import Sequence

from ferryman.api import Bad
from ferryman.connectors.sql.config.rules import SqlSinkConfig
from ferryman.connectors.sql.dialects.dialect import TableColumn, key_columns
from ferryman.errors import TaskError
from ferryman.record import Batch


def without(batches: Sequence[Batch], bad: Sequence[Bad]) -> list[Batch]:
    """The batches but for these records."""
    places: dict[int, set[int]] = {}
    for batch, index, _ in bad:
        places.setdefault(id(batch.origin), set()).add(batch.positions[index])
    left = (batch.without(places.get(id(batch.origin), ())) for batch in batches)
    return [batch for batch in left if batch is not None]


def check_whole_key(config: SqlSinkConfig, batch: Batch, columns: Sequence[TableColumn]) -> None:
    """Raises TaskError where only a part of the record's key is the row's: what differs in the rest lies in other
    partitions, and may be about the same row."""
    schema = batch.key.schema
    if schema is not None and len(schema.fields or ()) > len(key_columns(columns)):
        raise TaskError(
            f"pk.fields={','.join(config.pk_fields)} is a part of the keys of {batch.source.topic}: the records of one "
            "row may come from several partitions. Have the run write elsewhere: set table.name.format"
        )
