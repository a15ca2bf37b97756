"""The rows of the table: each says how its records differ from plain ones, and where every one of them lies.

A record has an index. Records go to the slots (the partitions of all topics) in turn, so that what changes "by turns"
changes from one record of a partition to the next.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import lcm
from typing import Literal

from bench.records import PARTITIONS

Spelling = Literal["own", "blanks", "payload first"]
Sink = Literal["sql", "s3-parquet", "s3-json", "file", "plugin"]
SINKS: tuple[Sink, ...] = ("sql", "s3-parquet", "s3-json", "file", "plugin")
REFUSED = "a note that no table takes"
BACK = 40
"""How many turns before a tombstone the row was written that it deletes."""


@dataclass(frozen=True)
class Row:
    """How the records of a row differ. ``poisoned``, ``violating``, ``refused``, ``overflowing`` and ``undated`` mean
    one in so many, 0 none."""

    name: str
    topics: int = 1
    partitions: int = PARTITIONS
    avro: bool = False
    spelling: Spelling = "own"
    schemas: int = 1
    """How many follow one another by turns, each with a field more than the last."""
    alike: int = 1
    """How many schemas with the same fields follow one another by turns: only their version differs."""
    change_events: bool = False
    """Values are Debezium's envelopes, whose rows are optional structs."""
    numeric: bool = False
    """Decimals are JSON's numbers (decimal.format=NUMERIC)."""
    null_keys: bool = False
    """Every second key is null."""
    tombstones: bool = False
    """Every second value is null; keys are structs, as Debezium's sink wants them to delete by."""
    poisoned: int = 0
    violating: int = 0
    """The field ``note`` is null, and the table does not allow it."""
    refused: int = 0
    """The field ``note`` is one that a CHECK of the table does not allow."""
    overflowing: int = 0
    """The field ``amount`` has more digits than its column in the table."""
    undated: int = 0
    """A transform reads the field ``note`` as a date, which it is not."""
    letters: bool = False
    """What is skipped goes to a dead letter queue, with context headers."""
    headers: bool = False
    """Every second record has two."""
    own_headers: bool = False
    """Every record has two that no other has."""
    note_bytes: int = 0
    """The length of the field ``note``; 0 leaves it short."""
    sinks: tuple[Sink, ...] = SINKS
    peer: bool = True
    """Whether Kafka Connect gets through these records."""
    near: bool = True
    """Whether it is only the form of the records that differs, so that a third of the best rate is expected."""

    @property
    def slots(self) -> int:
        """The partitions of all its topics."""
        return self.topics * self.partitions

    @property
    def skips(self) -> bool:
        """Whether its records need errors.tolerance=all."""
        return bool(self.poisoned or self.violating or self.refused or self.overflowing or self.undated)

    @property
    def letter_topic(self) -> str:
        """Where its dead letters go."""
        return f"{self.topic_names[0]}_letters"

    @property
    def topic_names(self) -> list[str]:
        """Its topics, which are also names of tables."""
        name = "cliff_" + self.name.replace("-", "_")
        return [name] if self.topics == 1 else [f"{name}_{number:04d}" for number in range(self.topics)]


ROWS: Mapping[str, Row] = {
    row.name: row
    for row in (
        Row("own-spelling"),
        Row("blanks", spelling="blanks"),
        Row("payload-first", spelling="payload first"),
        Row("null-keys", null_keys=True),
        Row("three-schemas", schemas=3),
        Row("two-writers", avro=True, schemas=2),
        Row("tombstones", tombstones=True),
        Row("headers", headers=True),
        Row("own-headers", own_headers=True),
        # Debezium's sink takes its row out of an envelope; nobody else's does.
        Row("change-events", change_events=True, sinks=("sql",)),
        Row("numeric-decimals", numeric=True),
        Row("1100-schemas", alike=1100, sinks=("sql",)),
        Row("poisoned-1000", poisoned=1000, near=False),
        Row("poisoned-10", poisoned=10, near=False),
        Row("letters-10", poisoned=10, letters=True, near=False),
        Row("damaged-1000", avro=True, poisoned=1000, near=False),
        Row("damaged-10", avro=True, poisoned=10, near=False),
        Row("undated-1000", undated=1000, near=False),
        Row("undated-10", undated=10, near=False),
        # Debezium's sink reports no single record: a violated constraint fails its task.
        Row("not-null-10", violating=10, sinks=("sql",), peer=False, near=False),
        Row("refused-1000", refused=1000, sinks=("sql",), peer=False, near=False),
        Row("refused-10", refused=10, sinks=("sql",), peer=False, near=False),
        Row("overflow-1000", overflowing=1000, sinks=("sql",), peer=False, near=False),
        Row("overflow-10", overflowing=10, sinks=("sql",), peer=False, near=False),
        Row("12-topics", topics=12, near=False),
        Row("100-partitions", partitions=100, near=False),
        Row("1000-tables", topics=1000, partitions=1, sinks=("sql",), near=False),
        Row("5-mb", note_bytes=5_000_000, near=False),
    )
}


@dataclass(frozen=True)
class Lot:
    """The records of a row: ``turns`` in each of its slots."""

    row: Row
    turns: int

    @property
    def records(self) -> int:
        """How many records there are in all."""
        return self.turns * self.row.slots

    def poisoned(self, turn: int) -> bool:
        """Whether it cannot be parsed."""
        return _one_in(self.row.poisoned, turn)

    def violating(self, turn: int) -> bool:
        """Whether the table refuses it."""
        return _one_in(self.row.violating, turn)

    def refused(self, turn: int) -> bool:
        """Whether only the table can tell that it does not take it."""
        return _one_in(self.row.refused, turn)

    def overflowing(self, turn: int) -> bool:
        """Whether a value of it has too many digits for the table."""
        return _one_in(self.row.overflowing, turn)

    def undated(self, turn: int) -> bool:
        """Whether the transform refuses it."""
        return _one_in(self.row.undated, turn)

    def tombstone(self, turn: int) -> bool:
        """Whether it has no value."""
        return self.row.tombstones and turn % 2 == 1

    def deletes(self, turn: int) -> int | None:
        """Which turn's row a tombstone deletes: two in a row the same one; none at first."""
        deleted = turn // 4 * 4 - BACK
        return deleted if deleted >= 0 else None

    def values(self) -> list[int]:
        """The turns whose values can be read and written."""
        without = self.poisoned, self.violating, self.refused, self.overflowing, self.undated, self.tombstone
        return [turn for turn in range(self.turns) if not any(lacks(turn) for lacks in without)]

    @property
    def readable(self) -> int:
        """How many records come through converters and transforms, tombstones included."""
        return self.row.slots * sum(not (self.poisoned(turn) or self.undated(turn)) for turn in range(self.turns))

    @property
    def table_rows(self) -> int:
        """How many rows the tables have in the end."""
        deleted = {self.deletes(turn) for turn in range(self.turns) if self.tombstone(turn)} - {None}
        return self.row.slots * (len(self.values()) - len(deleted))

    @property
    def last(self) -> list[int]:
        """The index of each slot's last record that becomes a row."""
        first = self.values()[-1] * self.row.slots
        return list(range(first, first + self.row.slots))

    @property
    def files(self) -> int:
        """Into how many files each partition goes on S3."""
        return 5 if self.row.slots == PARTITIONS and self.turns >= 300 else 1

    @property
    def flush_size(self) -> int:
        """The records of a file."""
        return len(self.values()) // self.files

    def turns_and_slots(self) -> Iterator[tuple[int, int]]:
        """Where each record lies, by its index."""
        return ((turn, slot) for turn in range(self.turns) for slot in range(self.row.slots))


def _one_in(many: int, turn: int) -> bool:
    return many > 0 and turn % many == many - 1


def lot(row: Row, records: int) -> Lot:
    """About so many records; large ones a thousandth of it.

    The last of each partition is a plain one, by which the end is seen, and S3's files come out even: each begins with
    the newest schema and none stays open.
    """
    wanted = max(1, (records // 1000 if row.note_bytes else records) // row.slots)
    even = [turns for turns in range(wanted, max(0, wanted - 200), -1) if _even(Lot(row, turns))]
    return Lot(row, even[0] if even else wanted)


def _even(made: Lot) -> bool:
    values = made.values()
    return bool(values) and values[-1] == made.turns - 1 and len(values) % lcm(made.files, made.row.schemas) == 0
