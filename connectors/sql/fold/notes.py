"""The last offset of each key, noted in a temporary file of SQLite, so that memory does not grow with the keys."""

import sqlite3
from collections.abc import Iterable, Sequence

from ferryman.record import TopicPartition

_MOST = 500
"""Keys in one question."""


class Notes:
    """Notes of some partitions. They are gone with the object, or with the process."""

    def __init__(self) -> None:
        # An empty name is a file that is deleted as soon as it is opened; notes are made anew after any end.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA cache_size = -32768",
            "CREATE TABLE words (source INTEGER, key BLOB, place INTEGER, PRIMARY KEY (source, key)) WITHOUT ROWID",
        ):
            self._file.execute(statement)
        self._numbers: dict[TopicPartition, int] = {}

    def note(self, source: TopicPartition, words: Iterable[tuple[bytes, int]]) -> None:
        """These keys occur at these offsets of a partition, in any order; of each key the greatest is kept."""
        number = self._number(source)
        self._file.execute("BEGIN")
        self._file.executemany(
            "INSERT INTO words VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET place = max(place, excluded.place)",
            ((number, key, offset) for key, offset in words),
        )
        self._file.execute("COMMIT")

    def last(self, source: TopicPartition, keys: Sequence[bytes]) -> dict[bytes, int]:
        """The greatest offset of each of these keys that was noted."""
        found: dict[bytes, int] = {}
        for start in range(0, len(keys), _MOST):
            some = list(keys[start : start + _MOST])
            marks = ",".join("?" * len(some))
            query = f"SELECT key, place FROM words WHERE source = ? AND key IN ({marks})"  # noqa: S608
            found.update(self._file.execute(query, (self._number(source), *some)))
        return found

    def forget(self, source: TopicPartition) -> None:
        """Nothing was noted of this partition."""
        if source in self._numbers:
            self._file.execute("DELETE FROM words WHERE source = ?", (self._numbers.pop(source),))

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()

    def _number(self, source: TopicPartition) -> int:
        return self._numbers.setdefault(source, max(self._numbers.values(), default=0) + 1)
