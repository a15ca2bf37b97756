"""Which records a run by version may write into the table of its live connector: those that live has read.

Whether one of them is newer than its row the database says, in the statement that writes it (``version_column``): so
nothing has to be read again, no row of live's offsets is locked, and tasks do not have to know of each other. Records
that live has not read yet are left to it: it writes them whatever stands there, and readers of the table would see rows
go forward, back and forward again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ferryman.api import Assigned, SinkContext
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.config.version_rules import version_field
from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.database.offsets_table import Offsets, session_and_offsets
from ferryman.connectors.sql.database.rows import origins_of
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.latest_only.live_rows import checked_to_be_there
from ferryman.record import Batch, TopicPartition
from ferryman.runs.keys import RunKeys


@dataclass(frozen=True, slots=True)
class NewerOnly:
    """What one task of such a run knows of its live connector."""

    session: Session
    """The task's own."""
    live: Offsets
    """Live's rows in the table of offsets."""

    def open(self, partitions: Iterable[Assigned], starts: Mapping[TopicPartition, int]) -> None:
        """Takes partitions on, of which the run goes on at these offsets. UnsafeRun if live never wrote there."""
        for each in partitions:
            self.live.knows(each.source, each.topic_id)
        self._reached(sorted(starts))

    def of_live(self, parts: Sequence[Part], batches: Sequence[Batch]) -> list[Part]:
        """The rows of records that live has read. UnsafeRun if it has no offset of their partitions any more."""
        origins = origins_of(batches)
        reached = self._reached(sorted({origin.source for origin in origins}))
        return list(_before(parts, [(origin.offsets, reached[origin.source]) for origin in origins]))

    def _reached(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self.session.transaction("read where the live connector is") as connection:
            return checked_to_be_there(self.live, sources, self.live.read_offsets(connection, sources, lock=False))


def _before(parts: Sequence[Part], works: Sequence[tuple[Sequence[int], int]]) -> Iterator[Part]:
    for part in parts:
        offsets, end = works[part.work]
        rows = [row for row, position in enumerate(part.positions) if offsets[position] < end]
        if rows:
            yield part if len(rows) == len(part.positions) else part.only(rows)


def newer_only_of(config: SqlSinkConfig, context: SinkContext, session: Session) -> NewerOnly | None:
    """What a task of a run by version needs; None for any other."""
    run = RunKeys.of(context.raw)
    if run is None or version_field(context.raw) is None:
        return None
    return NewerOnly(session, session_and_offsets(config, context, run.ferryman_run_of)[1])
