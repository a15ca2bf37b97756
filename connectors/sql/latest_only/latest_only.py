"""Which records a run may write into the table of its live connector: of each key the last changes that live has read.

The reasons are in docs/decisions/0023 and 0033. In short, with L for live's next offset of a partition, from its row in
the table of offsets:

    noting      from the run's own position up to L, in slices of time: of each key the changes that stand, without
                those that the table does not take; of all partitions that the task has, since a key that is in two of a
                topic ends the run
    a put       takes to the database what may be written by what is noted: a record that lies below L and stands on its
                key, and of its columns those that no later change has filled; moves the run's own offset, locks live's
                rows and reads L again; what is lacking up to there is noted under the lock if it is little; if then
                the same may be written as before, it is, else all of it is done again
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from ferryman.api import Assigned, Bad, BadRecords, SinkContext
from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.database.loads import Part, loads_in_poll_order
from ferryman.connectors.sql.database.offsets_table import Offsets, session_and_offsets
from ferryman.connectors.sql.database.rows import RowMaker, origins_of
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.database.tables import Tables
from ferryman.connectors.sql.dialects.dialect import Load, TableColumn, Writer, other_columns
from ferryman.connectors.sql.dialects.dialect import Mode as Mode
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.latest_only.key_digests import TextComparison, digests
from ferryman.connectors.sql.latest_only.live_changes import columns_left
from ferryman.connectors.sql.latest_only.live_rows import checked_to_be_there
from ferryman.connectors.sql.latest_only.lock_pauses import LockPauses
from ferryman.connectors.sql.latest_only.note_taker import NoteTaker
from ferryman.connectors.sql.latest_only.notes import Key
from ferryman.connectors.sql.latest_only.trial_writes import TrialWrites
from ferryman.connectors.sql.records.values import Zones
from ferryman.context import History
from ferryman.errors import DataError, FerrymanError, Unfinished
from ferryman.record import Batch, Polled, TopicPartition
from ferryman.runs.keys import RunKeys
from ferryman.runs.ranges import MAX_OFFSET

NOTING_SECONDS, LONGEST_NOTING_SECONDS = 0.5, 4.0
"""Seconds of noting between two looks at whether the task is to stop; up to the second while live writes faster than is
noted, since the run could come to no end."""
UNDER_LOCK_SECONDS, UNDER_LOCK_OFFSETS = 0.05, 500
"""Seconds that live may be kept waiting for what is still to be noted, and how many offsets are worth it. Twice as many
with each put in vain, since the run could come to no end beside one that writes faster; up to
MOST_UNDER_LOCK_SECONDS."""
MOST_UNDER_LOCK_SECONDS = 2.0
PUTS_UNDER_LOCK = 20
"""How many puts are brought to the database under the lock after one of which something was overtaken meanwhile."""


class LiveHasGoneOn(FerrymanError):
    """Live has gone on too far meanwhile: more must be noted before anything can be written."""


@dataclass(frozen=True, slots=True)
class LiveDatabase:
    """What there is of the database beside the puts, for looking at what live has written."""

    session: Session
    """One of its own: it looks at tables while the transaction of a put is open."""
    live: Offsets
    """Live's rows in the table of offsets."""
    tables: Tables
    rows: RowMaker
    writer: Writer
    mode: Mode


@dataclass
class LatestOnly:
    """What one task of a run has noted, and what it may write by that (``ferryman.run.fold``)."""

    database: LiveDatabase
    history: History
    run: RunKeys
    _texts: dict[TableName, Mapping[str, TextComparison]] = field(default_factory=dict)
    _reached: Mapping[TopicPartition, int] = field(default_factory=dict)
    """The live connector's position at the last check."""
    _left: int = MAX_OFFSET
    """How many offsets were still to be noted last."""
    _noting_seconds: float = NOTING_SECONDS
    _puts_under_lock: int = 0
    """How many puts more are brought to the database under the lock."""
    _in_vain: int = 0
    """How many puts live has outrun since the last that was not."""
    _put: Sequence["_Keyed"] = ()
    """What is to be put."""

    def __post_init__(self) -> None:
        self.pauses = LockPauses()
        trial = TrialWrites(self.database.session, self.database.writer, self.database.mode, self.pauses)
        self._note_taker = NoteTaker(self.history, self.database.rows, trial, self._text_comparison, self.run)

    def open(self, partitions: Iterable[Assigned], starts: Mapping[TopicPartition, int]) -> None:
        """Takes partitions on, of which the run goes on at these offsets. UnsafeRun if live never wrote there."""
        for each in partitions:
            self.database.live.knows(each.source, each.topic_id)
            self._note_taker.begin(each.source, starts[each.source])
        self._look([each.source for each in partitions])

    def close(self, sources: Iterable[TopicPartition]) -> None:
        """Gives partitions up."""
        for source in sources:
            self._note_taker.end(source)

    def stop(self) -> None:
        """Lets everything go."""
        self.close(list(self._note_taker.noted))
        self._note_taker.notes.close()
        self.database.session.close()

    def forget(self, table: TableName) -> None:
        """Has the next use read a table's structure again."""
        self.database.tables.forget(table)
        self._texts.pop(table, None)

    def _look(self, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        with self.database.session.transaction("read where the live connector is") as connection:
            found = self.database.live.read_offsets(connection, sources, lock=False)
            return checked_to_be_there(self.database.live, sources, found)

    def prepare(self, parts: Sequence[Part], batches: Sequence[Batch]) -> "PreparedPut":
        """Notes what live has written. Raises Unfinished while there is more to note, BadRecords for those of the
        batches that the table does not take, UnsafeRun if a key is in two partitions of a topic."""
        self.pauses.rest()
        self._note_all(sorted(self._note_taker.noted))
        self._check(batches)
        origins = origins_of(batches)
        self._put = [
            _Keyed(part, origins[part.work], digests(part, self._text_comparison(part.table))) for part in parts
        ]
        foreseen = self._rows_that_stand()
        partial = [found for found in foreseen if (found.table, found.columns) not in {*map(_shape, parts)}]
        is_early = not self._puts_under_lock and not self.database.session.dialect.writes_alone
        return PreparedPut(loads_in_poll_order([*parts, *partial])[0], foreseen if is_early else None)

    def _note_all(self, sources: Sequence[TopicPartition]) -> None:
        known, self._reached, self._note_taker.fresh_keys = self._reached, self._look(sources), None
        self.pauses.live_moves = any(offset != known.get(source, offset) for source, offset in self._reached.items())
        if not self._note_taker.note(self._reached, time.monotonic() + self._noting_seconds, self._lock):
            left, before = self._note_taker.left(self._reached), self._left
            self._noting_seconds = (
                min(LONGEST_NOTING_SECONDS, 2 * self._noting_seconds)
                if left >= before
                else max(NOTING_SECONDS, self._noting_seconds / 2)
            )
            self._left = left
            raise Unfinished(f"{left} offsets are still to be looked through", after=0)
        self._left, self._noting_seconds = MAX_OFFSET, NOTING_SECONDS

    def _check(self, batches: Sequence[Batch]) -> None:
        bad = list[Bad]()
        for batch in batches:
            offsets = batch.offsets
            refused = self._note_taker.notes.refused(batch.source, offsets[0], offsets[-1])
            bad += [(batch, at, DataError(refused[each])) for at, each in enumerate(offsets) if each in refused]
        if bad:
            raise BadRecords(bad)

    def _lock(self, connection: Connection, source: TopicPartition) -> None:
        """Live changes no rows of a partition while somebody holds its offset: no two wait for each other."""
        self._lock_and_read(connection, [source])

    def _lock_and_read(self, connection: Connection, sources: Sequence[TopicPartition]) -> Mapping[TopicPartition, int]:
        found = self.database.live.read_offsets(connection, sources, lock=True)
        self.pauses.on_locked()
        return found

    def _text_comparison(self, table: TableName) -> Mapping[str, TextComparison]:
        if table not in self._texts:
            session = self.database.session
            with session.transaction(f"look how {table} compares texts") as connection:
                self._texts[table] = session.dialect.texts(connection, table)
        return self._texts[table]

    def lock_and_recheck(
        self, connection: Connection, batches: Sequence[Batch], foreseen: Sequence[Part] | None
    ) -> list[Part]:
        """What may be written of what was prepared: live's rows are locked until the end of this transaction, in which
        the run's own offset has been moved already (there are databases that lock with the first change). Raises
        LiveHasGoneOn, also if it is not what was foreseen; and as ``prepare`` BadRecords."""
        sources = sorted({batch.source for batch in batches})
        before = self._reached
        self._reached = checked_to_be_there(self.database.live, sources, self._lock_and_read(connection, sources))
        self._note_under_lock(connection)
        if foreseen is not None and not self._is_touched(before):
            return list(foreseen)
        self._check(batches)
        kept = self._rows_that_stand()
        self._puts_under_lock = max(0, self._puts_under_lock - 1)
        if foreseen is not None and list(map(_rows, kept)) != list(map(_rows, foreseen)):
            self._puts_under_lock = PUTS_UNDER_LOCK
            raise LiveHasGoneOn("the live connector has overtaken what was to be written")
        return kept

    def _is_touched(self, before: Mapping[TopicPartition, int]) -> bool:
        """Whether something was noted of what is to be put, or live's offsets were before where its records lie."""
        fresh_keys = self._note_taker.fresh_keys or ()
        return any(
            put.last >= min(before[put.source], self._reached[put.source])
            or any((put.source, key) in fresh_keys for key in put.keys)
            for put in self._put
        )

    def _note_under_lock(self, connection: Connection) -> None:
        self._note_taker.fresh_keys = set()
        within = connection if self.database.session.dialect.writes_alone else None
        until = time.monotonic() + min(MOST_UNDER_LOCK_SECONDS, UNDER_LOCK_SECONDS * 2**self._in_vain)
        try:
            is_little = self._note_taker.left(self._reached) <= UNDER_LOCK_OFFSETS * 2**self._in_vain
            if not is_little or not self._note_taker.note(
                self._reached, until, lambda connection, source: None, within
            ):
                self._in_vain += 1
                raise LiveHasGoneOn("the live connector has gone on")
        except Undone as error:
            raise LiveHasGoneOn(str(error)) from None
        self._in_vain = 0

    def _rows_that_stand(self) -> list[Part]:
        """The rows of what is to be put that stand on their keys, by the columns that they are to fill."""
        return [found for each in self._put for found in self._rows_that_stand_of(each)]

    def _rows_that_stand_of(self, put: "_Keyed") -> Iterator[Part]:
        changes = self._note_taker.notes.of(put.origin.source, list(dict.fromkeys(put.keys)))
        offsets, end = [put.origin.offsets[at] for at in put.part.positions], self._reached[put.origin.source]
        rows: dict[frozenset[str], list[int]] = {}
        for row, (key, offset) in enumerate(zip(put.keys, offsets, strict=True)):
            columns = columns_left(changes.get(key, ()), offset) if offset < end else None
            if columns is not None:
                rows.setdefault(columns, []).append(row)
        for columns, some in rows.items():
            found = put.part if len(some) == len(put.keys) else put.part.only(some)
            yield replace(found, columns=_filling(put.part, columns))


def latest_only_of(config: SqlSinkConfig, context: SinkContext) -> LatestOnly | None:
    """What a task of a run keeps apart; None where it belongs to no run that asks for one."""
    run = RunKeys.of(context.raw)
    if run is None or not run.ferryman_run_fold:
        return None
    assert context.history is not None
    session, live = session_and_offsets(config, context, run.ferryman_run_of)
    zones = Zones(config.db_timezone, config.date_zone)
    tables = Tables(config, session, zones)
    rows, writer = RowMaker(config, context, session, tables), session.dialect.writer(session, config.mode, zones)
    return LatestOnly(LiveDatabase(session, live, tables, rows, writer, config.mode), context.history, run)


@dataclass(frozen=True, slots=True)
class PreparedPut:
    """What is known of a put before live's rows are locked."""

    loads: Sequence[Load]
    """What a writer must be ready for."""
    foreseen: Sequence[Part] | None
    """What may be written if live does not overtake it; None if that is to be found out under the lock."""

    def checked(self, loads: Sequence[Load]) -> Sequence[Load]:
        """The same. Raises LiveHasGoneOn for what a writer is not ready for, since live has gone on since."""
        if not {(load.table, load.columns) for load in loads} <= {(load.table, load.columns) for load in self.loads}:
            raise LiveHasGoneOn("the live connector has gone on")
        return loads


@dataclass(frozen=True, slots=True)
class _Keyed:
    """A part of a put, with the keys of its rows."""

    part: Part
    origin: Polled
    keys: Sequence[Key]

    @property
    def source(self) -> TopicPartition:
        """The partition that the part's records came from."""
        return self.origin.source

    @property
    def last(self) -> int:
        """The offset of its last record."""
        return self.origin.offsets[self.part.positions[-1]]


def _shape(part: Part) -> tuple[TableName, tuple[TableColumn, ...]]:
    return part.table, part.columns


def _rows(part: Part) -> tuple[object, ...]:
    return part.table, part.columns, part.deletes, part.work, list(part.positions)


def _filling(part: Part, wanted: frozenset[str]) -> tuple[TableColumn, ...]:
    """The columns of a part, those that are not wanted filled in rows that are added only."""
    left = {part.columns[at].name for at in other_columns(part.columns)} - wanted
    if part.deletes or not left:
        return part.columns
    return tuple(replace(column, only_added=column.name in left) for column in part.columns)
