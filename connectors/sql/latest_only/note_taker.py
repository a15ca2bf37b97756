"""Goes through what the live connector has written, and notes of each key the changes that stand."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from sqlalchemy import Connection

from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.database.rows import RowMaker
from ferryman.connectors.sql.dialects.dialect import other_columns
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.latest_only.key_digests import TextComparison, digests
from ferryman.connectors.sql.latest_only.live_changes import LiveChange, still_standing
from ferryman.connectors.sql.latest_only.notes import Key, Notes
from ferryman.connectors.sql.latest_only.trial_writes import TrialWrites
from ferryman.context import History
from ferryman.record import Batch, Polled, TopicPartition
from ferryman.runs.keys import RunKeys

PIECE_RECORDS = 5_000
"""How many records are processed together."""
TRIAL_ROWS = 500
"""Rows in one trial: live may have to wait for it."""


@dataclass(frozen=True, slots=True)
class _Piece:
    batches: Sequence[Batch]
    reached: int
    """The offset behind all that lies before the next piece."""


@dataclass
class NoteTaker:
    """The notes of one task, by partition."""

    history: History
    rows: RowMaker
    trial: TrialWrites
    text_comparison: Callable[[TableName], Mapping[str, TextComparison]]
    """How a table's columns compare texts."""
    run: RunKeys
    notes: Notes = field(default_factory=Notes)
    noted: dict[TopicPartition, int] = field(default_factory=dict)
    """Up to where all was noted."""
    fresh_keys: set[tuple[TopicPartition, Key]] | None = None
    """The keys about which something was noted, while that is of interest."""
    _read: dict[TopicPartition, deque[_Piece]] = field(default_factory=dict)
    """What the history has handed out and is not noted yet: it does not do so twice."""

    def begin(self, source: TopicPartition, offset: int) -> None:
        """A partition is to be noted from an offset on."""
        self.noted[source], self._read[source] = offset, deque()
        self.notes.forget(source)
        self.history.begin(source, offset)

    def end(self, source: TopicPartition) -> None:
        """The task no longer owns it."""
        if self.noted.pop(source, None) is not None:
            del self._read[source]
            self.notes.forget(source)
            self.history.end(source)

    def lacking(self, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """The offsets, of these, up to which not all was noted."""
        return {source: offset for source, offset in wanted.items() if self.noted[source] < offset}

    def left(self, wanted: Mapping[TopicPartition, int]) -> int:
        """How many offsets that are."""
        return sum(offset - self.noted[source] for source, offset in self.lacking(wanted).items())

    def note(
        self,
        wanted: Mapping[TopicPartition, int],
        until: float,
        lock: Callable[[Connection, TopicPartition], object],
        within: Connection | None = None,
    ) -> bool:
        """Notes up to these offsets; False if there was no time for all until a moment of ``time.monotonic``. ``lock``
        and ``within``: see TrialWrites."""
        while lacking := self.lacking(wanted):
            if time.monotonic() >= until:
                return False
            source = next((each for each in lacking if self._read[each]), None)
            if source is None:
                for read, batches, reached in self.history.read(lacking, until):
                    self._read[read].extend(_pieces(batches, reached))
                continue
            self._note(source, self._read[source][0], lambda connection: lock(connection, source), within)  # noqa: B023
            self.noted[source] = self._read[source].popleft().reached
        return True

    def _note(
        self,
        source: TopicPartition,
        piece: _Piece,
        lock: Callable[[Connection], object],
        within: Connection | None,
    ) -> None:
        parts, origins = self.rows.parts_without_bad(piece.batches)
        read: dict[Key, list[_ReadChange]] = {}
        for number, part in enumerate(parts):
            keys, changes = digests(part, self.text_comparison(part.table)), self._changes(source, part, origins)
            for row, (key, place, change) in enumerate(zip(keys, part.places(), changes, strict=True)):
                read.setdefault(key, []).append(_ReadChange(change, place, (number, row)))
        for some in read.values():
            some.sort(key=lambda each: each.change.offset)
        if self.fresh_keys is not None:
            self.fresh_keys.update((source, key) for key in read)
        known = self.notes.of(source, list(read))
        against: dict[int, str] = {}
        for wanted in (_that_stand, _all_of_refused_keys):
            # All of a key only where what stands is refused: mostly that is little, and all of it is taken.
            doubtful = [each for key, some in read.items() for each in wanted(known.get(key, []), some, against)]
            for start in range(0, len(doubtful), TRIAL_ROWS):
                against |= self._refused(parts, doubtful[start : start + TRIAL_ROWS], lock, within)
        self.notes.refuse(source, against)
        left = {key: [each.change for each in some if each.change.offset not in against] for key, some in read.items()}
        self.notes.note(source, {key: changes for key, changes in left.items() if changes})

    def _refused(
        self,
        parts: Sequence[Part],
        doubtful: Sequence["_ReadChange"],
        lock: Callable[[Connection], object],
        within: Connection | None,
    ) -> dict[int, str]:
        """What the table says against records, by their offsets."""
        rows: dict[int, list[int]] = {}
        for number, row in sorted(each.at for each in doubtful):
            rows.setdefault(number, []).append(row)
        refused = self.trial.refused([parts[number].only(some) for number, some in rows.items()], lock, within)
        return {each.change.offset: str(refused[each.place]) for each in doubtful if each.place in refused}

    def _changes(self, source: TopicPartition, part: Part, origins: Sequence[Polled]) -> Iterator[LiveChange]:
        columns = None if part.deletes else frozenset(part.columns[at].name for at in other_columns(part.columns))
        range_, origin = self.run.ranges.of.get(source), origins[part.work]
        for at in part.positions:
            offset = origin.offsets[at]
            is_meant = range_ is not None and range_.first <= offset < range_.behind
            yield LiveChange(offset, columns, is_meant and self.run.period.holds(origin.timestamps[at]))


class _ReadChange(NamedTuple):
    """A record that has been read."""

    change: LiveChange
    place: int
    """In the order of what was read together."""
    at: tuple[int, int]
    """The number of its part, and of its row there."""


def _that_stand(
    before: Sequence[LiveChange], read: Sequence[_ReadChange], against: Mapping[int, str]
) -> list[_ReadChange]:
    """The changes that stand as far as is known, where there are others before them on whose standing that bears: the
    first on its key is tried when it is written."""
    if not before and len(read) == 1:
        return []
    places = {change.offset for change in still_standing([*before, *(each.change for each in read)])}
    return [each for each in read if each.change.offset in places]


def _all_of_refused_keys(
    before: Sequence[LiveChange], read: Sequence[_ReadChange], against: Mapping[int, str]
) -> list[_ReadChange]:
    """All of a key of which one was refused, but for those that were."""
    is_refused = any(each.change.offset in against for each in read)
    return [each for each in read if is_refused and each.change.offset not in against]


def _pieces(batches: Sequence[Batch], reached: int) -> Iterator[_Piece]:
    cut = [
        batch.slice(at, min(at + PIECE_RECORDS, len(batch)))
        for batch in batches
        for at in range(0, len(batch), PIECE_RECORDS)
    ]
    some, count = list[Batch](), 0
    for batch in cut:
        if some and count + len(batch) > PIECE_RECORDS:
            yield _Piece(some, some[-1].offsets[-1] + 1)
            some, count = [], 0
        some.append(batch)
        count += len(batch)
    yield _Piece(some, reached)
