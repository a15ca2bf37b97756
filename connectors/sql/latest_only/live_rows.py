"""The live connector's rows in the table of offsets, without which nobody knows what it has written."""

from collections.abc import Mapping, Sequence

from ferryman.connectors.sql.database.offsets_table import Offsets
from ferryman.errors import UnsafeRun
from ferryman.record import TopicPartition


def checked_to_be_there(
    live: Offsets, sources: Sequence[TopicPartition], found: Mapping[TopicPartition, int]
) -> Mapping[TopicPartition, int]:
    """Live's next offsets of these partitions. UnsafeRun if it has none of one."""
    missing = next((source for source in sources if source not in found), None)
    if missing is not None:
        raise UnsafeRun(
            f"The live connector {live.connector} has no offset of {missing} in the table {live.table}, "
            "so nobody can tell which records it has written. Let it run there first, or have the run write "
            "elsewhere: set table.name.format"
        )
    return found
