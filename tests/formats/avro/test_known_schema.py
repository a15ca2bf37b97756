"""Bodies that are damaged keep no others from being columns; each record is read once, or told as bad, wherever the
damage is."""

from collections import Counter
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from ferryman.formats.avro.known_schema import Known
from ferryman.formats.avro.rows_reader import parse_strictly
from ferryman.formats.avro.schemas.schema_reader import reading
from ferryman.formats.collected import Collected
from ferryman.record import Columns
from tests.converters.test_avro import encode

NOTE = {
    "type": "record",
    "name": "Note",
    "fields": [
        {"name": "n", "type": "long"},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
    ],
}
DAMAGES = st.sampled_from(["cut", "longer", "empty", "a key twice"])
"""The last is none: rows can have it, columns cannot."""


@dataclass
class Counts:
    by: Counter[str] = field(default_factory=Counter)

    def columns(self, count: int, reason: str | None) -> bool:
        self.by["columns"] += count
        return reason is None

    def gave_up(self, count: int, reason: str) -> None:
        self.by["columns"] -= count
        self.by["rows"] += count

    def encoded_by_rows(self, count: int, reason: str) -> None:
        raise AssertionError(reason)


def known() -> Known:
    found = reading(NOTE)
    return Known(found, parse_strictly(found.rows), anything=False, raw=False)


def damaged(body: bytes, how: str) -> bytes:
    twice = b"\x02\x04\x02a\x02\x02a\x04\x00"
    return {"cut": body[:-2], "longer": body + b"\x00\x00", "empty": b"", "a key twice": twice}[how]


@given(count=st.integers(1, 400), harm=st.dictionaries(st.integers(0, 399), DAMAGES, max_size=5))
def test_only_what_is_damaged_is_not_among_the_columns(count: int, harm: dict[int, str]) -> None:
    bodies = encode(NOTE, [{"n": 7, "tags": {"a": number}} for number in range(count)])
    broken = [damaged(body, harm[at]) if at in harm else body for at, body in enumerate(bodies)]
    bad = {1000 + at for at, how in harm.items() if at < count and how != "a key twice"}
    odd = {1000 + at for at, how in harm.items() if at < count and how == "a key twice"}

    found, counts = Collected(), Counts()
    known().decode(range(1000, 1000 + count), broken, found, counts)

    done = found.decoded()
    assert {position for position, _ in done.failures} == bad
    values = dict(each for piece in done.pieces for each in zip(piece.positions, piece.data.rows().values, strict=True))
    expected = {1000 + at: {"n": 7, "tags": {"a": at}} for at in range(count) if 1000 + at not in bad | odd}
    assert values == expected | {at: {"n": 1, "tags": {"a": 2}} for at in odd}
    in_columns = sum(len(piece.positions) for piece in done.pieces if isinstance(piece.data, Columns))
    assert counts.by["columns"] == in_columns
    assert counts.by["columns"] + counts.by["rows"] == count
    if not odd:
        assert in_columns == count - len(bad)
