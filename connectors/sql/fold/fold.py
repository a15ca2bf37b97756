"""Which records a run may write into the table of its live connector: of each key the last word that live has heard.

The reasons are in docs/decisions/0023. In short, with L for live's next offset of a partition, from its row in the
table of offsets:

    noting      from the run's own position up to L, in slices of time: the last offset of each key
    a put       moves the run's own offset, locks live's rows and reads L again; what is lacking up to there is noted
                under the lock if it is little; then a record is written if it lies below L and is the last of its key
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ferryman.api import Assigned
from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.database.offsets_table import Offsets
from ferryman.connectors.sql.database.rows import RowMaker, origins_of
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.fold.keys import Texts, digests
from ferryman.connectors.sql.fold.notes import Notes
from ferryman.context import History
from ferryman.errors import FerrymanError, TaskError, Unfinished
from ferryman.record import Batch, Polled, TopicPartition

SLICE = 0.5
"""Seconds of noting between two looks at whether the task is to stop."""
UNDER_LOCK, LITTLE = 2.0, 2_000
"""Seconds that live may be kept waiting for what is still to be noted, and how many offsets are worth it."""


class Lacking(FerrymanError):
    """Live has gone on too far meanwhile: more must be noted before anything can be written."""


@dataclass
class Fold:
    """What one task of a run has noted."""

    live: Offsets
    """Live's rows in the table of offsets."""
    session: Session
    """One of its own, beside that of the puts."""
    history: History
    rows: RowMaker
    _notes: Notes = field(default_factory=Notes)
    _noted: dict[TopicPartition, int] = field(default_factory=dict)
    """Up to where all was noted, by partition."""
    _texts: dict[TableName, Mapping[str, Texts]] = field(default_factory=dict)

    def open(self, partitions: Iterable[Assigned], starts: Mapping[TopicPartition, int]) -> None:
        """Takes partitions on, of which the run goes on at these offsets. TaskError if live never wrote there."""
        for each in partitions:
            self.live.knows(each.source, each.topic_id)
            self._noted[each.source] = starts[each.source]
            self._notes.forget(each.source)
            self.history.begin(each.source, starts[each.source])
        self._reached([each.source for each in partitions])

    def close(self, sources: Iterable[TopicPartition]) -> None:
        """Gives partitions up."""
        for source in sources:
            if self._noted.pop(source, None) is not None:
                self._notes.forget(source)
                self.history.end(source)

    def stop(self) -> None:
        """Lets everything go."""
        self.close(list(self._noted))
        self._notes.close()
        self.session.close()

    def _reached(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self.session.transaction("read where the live connector is") as connection:
            return self._all_there(sources, self.live.held(connection, sources, lock=False))

    def _all_there(
        self, sources: Sequence[TopicPartition], found: Mapping[TopicPartition, int]
    ) -> Mapping[TopicPartition, int]:
        missing = next((source for source in sources if source not in found), None)
        if missing is not None:
            raise TaskError(
                f"The live connector {self.live.connector} has no offset of {missing} in the table {self.live.table}, "
                "so nobody can tell which records it has written. Let it run there first, or have the run write "
                "elsewhere: set table.name.format"
            )
        return found

    def prepare(self, sources: Sequence[TopicPartition]) -> None:
        """Notes what live has written of these partitions. Raises Unfinished while there is more to note."""
        wanted = self._reached(sources)
        until = time.monotonic() + SLICE
        while lacking := self._lacking(wanted):
            if time.monotonic() >= until:
                left = sum(offset - self._noted[source] for source, offset in lacking.items())
                raise Unfinished(f"{left} offsets are still to be looked through", after=0)
            self._note(lacking, until)

    def _lacking(self, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        return {source: offset for source, offset in wanted.items() if self._noted[source] < offset}

    def _note(self, lacking: Mapping[TopicPartition, int], until: float) -> None:
        for source, batches, reached in self.history.read(lacking, until):
            parts, origins = self.rows.words(batches)
            for part in parts:
                offsets = origins[part.work].offsets
                keys = digests(part, self._how(part.table))
                self._notes.note(source, zip(keys, (offsets[at] for at in part.positions), strict=True))
            self._noted[source] = reached

    def _how(self, table: TableName) -> Mapping[str, Texts]:
        if table not in self._texts:
            with self.session.transaction(f"look how {table} compares texts") as connection:
                self._texts[table] = self.session.dialect.texts(connection, table)
        return self._texts[table]

    def kept(self, connection: Connection, parts: Sequence[Part], batches: Sequence[Batch]) -> list[Part]:
        """Of a put what may be written: live's rows are locked until the end of this transaction, in which the run's
        own offset has been moved already (there are databases that lock with the first change). Raises Lacking."""
        origins = origins_of(batches)
        sources = sorted({origin.source for origin in origins})
        reached = self._all_there(sources, self.live.held(connection, sources, lock=True))
        if sum(offset - self._noted[source] for source, offset in self._lacking(reached).items()) > LITTLE:
            raise Lacking("the live connector has gone on")
        until = time.monotonic() + UNDER_LOCK
        while lacking := self._lacking(reached):
            if time.monotonic() >= until:
                raise Lacking("the live connector has gone on")
            self._note(lacking, until)
        found = (self._last(part, origins[part.work], reached) for part in parts)
        return [part for part in found if part is not None]

    def _last(self, part: Part, origin: Polled, reached: Mapping[TopicPartition, int]) -> Part | None:
        """The rows of a part that are the last words on their keys."""
        keys = digests(part, self._how(part.table))
        last = self._notes.last(origin.source, list(dict.fromkeys(keys)))
        offsets = [origin.offsets[at] for at in part.positions]
        end = reached[origin.source]
        rows = [
            row for row, (key, at) in enumerate(zip(keys, offsets, strict=True)) if at < end and last.get(key) == at
        ]
        if len(rows) == len(keys):
            return part
        return part.only(rows) if rows else None
