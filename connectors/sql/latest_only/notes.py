"""The changes that stand on each key, noted in a temporary file of SQLite, so that memory does not grow with the
keys."""

import sqlite3
from collections.abc import Mapping, Sequence

from ferryman.connectors.sql.latest_only.live_changes import LiveChange, still_standing
from ferryman.errors import UnsafeRun
from ferryman.record import TopicPartition

KEYS_A_QUERY = 500
"""Keys in one question."""
_DELETES = -1
"""Stands for the columns of a change that deletes."""
Key = bytes


class Notes:
    """Notes of some partitions. They are gone with the object, or with the process."""

    def __init__(self) -> None:
        # An empty name is a file that is deleted as soon as it is opened; notes are made anew after any end.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "PRAGMA cache_size = -32768",
            "CREATE TABLE changes (source INTEGER, key BLOB, place INTEGER, columns INTEGER, in_run INTEGER, "
            "PRIMARY KEY (source, key, place)) WITHOUT ROWID",
            "CREATE TABLE homes (topic INTEGER, key BLOB, source INTEGER, place INTEGER, PRIMARY KEY (topic, key)) "
            "WITHOUT ROWID",
            "CREATE TABLE refusals (source INTEGER, place INTEGER, text TEXT, PRIMARY KEY (source, place))",
        ):
            self._file.execute(statement)
        self._numbers: dict[TopicPartition, int] = {}
        self._topics: dict[str, int] = {}
        self._columns: dict[frozenset[str], int] = {}
        """A number for each set of columns."""
        self._sets: list[frozenset[str]] = []

    def note(self, source: TopicPartition, changes: Mapping[Key, Sequence[LiveChange]]) -> None:
        """These come behind all that was noted of these keys of a partition, in their order. Raises UnsafeRun for a key
        of which something was noted of another partition of the topic: nobody can tell which came last."""
        self._home(source, changes)
        number, known = self._number(source), self.of(source, list(changes))
        added, gone = list[tuple[int, Key, int, int, bool]](), list[tuple[int, Key, int]]()
        for key, some in changes.items():
            before = known.get(key, [])
            left = still_standing([*before, *some])
            places = {change.offset for change in left}
            gone += [(number, key, change.offset) for change in before if change.offset not in places]
            added += [
                (number, key, change.offset, self._number_of(change.columns), change.in_run)
                for change in left
                if not before or change.offset > before[-1].offset
            ]
        self._file.execute("BEGIN")
        self._file.executemany("DELETE FROM changes WHERE source = ? AND key = ? AND place = ?", gone)
        self._file.executemany("INSERT INTO changes VALUES (?, ?, ?, ?, ?)", added)
        self._file.execute("COMMIT")

    def _home(self, source: TopicPartition, changes: Mapping[Key, Sequence[LiveChange]]) -> None:
        topic, number, keys = self._topics.setdefault(source.topic, len(self._topics)), self._number(source), [*changes]
        rows = ((topic, key, number, changes[key][0].offset) for key in keys)
        self._file.execute("BEGIN")
        self._file.executemany("INSERT OR IGNORE INTO homes VALUES (?, ?, ?, ?)", rows)
        self._file.execute("COMMIT")
        for start in range(0, len(keys), KEYS_A_QUERY):
            some = keys[start : start + KEYS_A_QUERY]
            marks = ",".join("?" * len(some))
            query = f"SELECT key, source, place FROM homes WHERE topic = ? AND source != ? AND key IN ({marks})"  # noqa: S608
            for key, other, place in self._file.execute(query, (topic, number, *some)):
                homes = {number: source for source, number in self._numbers.items()}
                raise UnsafeRun(
                    f"The records {homes[other]}@{place} and {source}@{changes[key][0].offset} have one key but are in "
                    "two partitions, so nobody can tell which of them came last. Make the run with a field that tells "
                    "(--version-field), or have it write elsewhere: set table.name.format"
                )

    def refuse(self, source: TopicPartition, refusals: Mapping[int, str]) -> None:
        """What the table says against the records at these offsets."""
        rows = ((self._number(source), place, text) for place, text in refusals.items())
        self._file.executemany("INSERT OR REPLACE INTO refusals VALUES (?, ?, ?)", rows)

    def refused(self, source: TopicPartition, first: int, last: int) -> dict[int, str]:
        """What was noted so, from one offset to another."""
        query = "SELECT place, text FROM refusals WHERE source = ? AND place BETWEEN ? AND ?"
        return dict(self._file.execute(query, (self._number(source), first, last)))

    def of(self, source: TopicPartition, keys: Sequence[Key]) -> dict[Key, list[LiveChange]]:
        """The changes that stand on each of these keys, in their order; none where nothing was noted."""
        found: dict[Key, list[LiveChange]] = {}
        for start in range(0, len(keys), KEYS_A_QUERY):
            some = list(keys[start : start + KEYS_A_QUERY])
            marks = ",".join("?" * len(some))
            query = f"SELECT key, place, columns, in_run FROM changes WHERE source = ? AND key IN ({marks})"  # noqa: S608
            for key, place, columns, in_run in self._file.execute(query, (self._number(source), *some)):
                change = LiveChange(place, None if columns == _DELETES else self._sets[columns], bool(in_run))
                found.setdefault(key, []).append(change)
        for changes in found.values():
            changes.sort()
        return found

    def forget(self, source: TopicPartition) -> None:
        """Nothing was noted of this partition."""
        if source in self._numbers:
            number = self._numbers.pop(source)
            for table in ("changes", "homes", "refusals"):
                self._file.execute(f"DELETE FROM {table} WHERE source = ?", (number,))  # noqa: S608 - a name of ours

    def close(self) -> None:
        """Lets the file go."""
        self._file.close()

    def _number(self, source: TopicPartition) -> int:
        return self._numbers.setdefault(source, max(self._numbers.values(), default=0) + 1)

    def _number_of(self, columns: frozenset[str] | None) -> int:
        if columns is None:
            return _DELETES
        if columns not in self._columns:
            self._columns[columns] = len(self._sets)
            self._sets.append(columns)
        return self._columns[columns]
