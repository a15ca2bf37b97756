"""Goes through what the live connector has written, and notes of each key the words that stand."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection

from ferryman.connectors.sql.database.loads import Part
from ferryman.connectors.sql.database.rows import RowMaker
from ferryman.connectors.sql.dialects.dialect import other_columns
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.connectors.sql.fold.keys import Texts, digests
from ferryman.connectors.sql.fold.notes import Notes
from ferryman.connectors.sql.fold.standing import Word
from ferryman.connectors.sql.fold.trial import Trial
from ferryman.context import History
from ferryman.record import Batch, Polled, TopicPartition
from ferryman.runs.keys import RunKeys

PIECE = 500
"""Records that are looked at together: live may have to wait for the trial of that many rows."""


@dataclass(frozen=True, slots=True)
class _Piece:
    batches: Sequence[Batch]
    reached: int
    """The offset behind all that lies before the next piece."""


@dataclass
class Noting:
    """The notes of one task, by partition."""

    history: History
    rows: RowMaker
    trial: Trial
    how: Callable[[TableName], Mapping[str, Texts]]
    """How a table's columns compare texts."""
    run: RunKeys
    notes: Notes = field(default_factory=Notes)
    noted: dict[TopicPartition, int] = field(default_factory=dict)
    """Up to where all was noted."""
    _read: dict[TopicPartition, deque[_Piece]] = field(default_factory=dict)
    """What the history has handed out and is not noted yet: it does not do so twice."""

    def begin(self, source: TopicPartition, offset: int) -> None:
        """A partition is to be noted from an offset on."""
        self.noted[source], self._read[source] = offset, deque()
        self.notes.forget(source)
        self.history.begin(source, offset)

    def end(self, source: TopicPartition) -> None:
        """And is no more."""
        if self.noted.pop(source, None) is not None:
            del self._read[source]
            self.notes.forget(source)
            self.history.end(source)

    def lacking(self, wanted: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Those of these offsets up to which not all was noted."""
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
        and ``within``: see Trial."""
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
        parts, origins = self.rows.words(piece.batches)
        keys = [digests(part, self.how(part.table)) for part in parts]
        doubtful = list(_that_overtake(parts, keys, set(self.notes.of(source, list({*_flat(keys)})))))
        refused = self.trial.refused(doubtful, lock, within) if doubtful else {}
        words: dict[bytes, list[Word]] = {}
        against: dict[int, str] = {}
        for part, some in zip(parts, keys, strict=True):
            for key, place, word in zip(some, part.places(), self._words(source, part, origins), strict=True):
                if place in refused:
                    against[word.place] = str(refused[place])
                else:
                    words.setdefault(key, []).append(word)
        for each in words.values():
            each.sort(key=lambda word: word.place)
        self.notes.refuse(source, against)
        self.notes.note(source, words)

    def _words(self, source: TopicPartition, part: Part, origins: Sequence[Polled]) -> Iterator[Word]:
        columns = None if part.deletes else frozenset(part.columns[at].name for at in other_columns(part.columns))
        range_, origin = self.run.ranges.of.get(source), origins[part.work]
        for at in part.positions:
            offset = origin.offsets[at]
            is_meant = range_ is not None and range_.first <= offset < range_.behind
            yield Word(offset, columns, is_meant and self.run.period.holds(origin.timestamps[at]))


def _flat(keys: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    return (key for some in keys for key in some)


def _that_overtake(parts: Sequence[Part], keys: Sequence[Sequence[bytes]], known: set[bytes]) -> Iterator[Part]:
    """Those of the rows before which there are others of their key. Only on these something depends: the first on its
    key is tried when it is written."""
    first: dict[bytes, int] = {}
    for part, some in zip(parts, keys, strict=True):
        for key, place in zip(some, part.places(), strict=True):
            first[key] = min(place, first.get(key, place))
    for part, some in zip(parts, keys, strict=True):
        places = part.places()
        rows = [row for row, key in enumerate(some) if key in known or places[row] > first[key]]
        if rows:
            yield part if len(rows) == len(some) else part.only(rows)


def _pieces(batches: Sequence[Batch], reached: int) -> Iterator[_Piece]:
    cut = [batch.slice(at, min(at + PIECE, len(batch))) for batch in batches for at in range(0, len(batch), PIECE)]
    some, count = list[Batch](), 0
    for batch in cut:
        if some and count + len(batch) > PIECE:
            yield _Piece(some, some[-1].offsets[-1] + 1)
            some, count = [], 0
        some.append(batch)
        count += len(batch)
    yield _Piece(some, reached)
