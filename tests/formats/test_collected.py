"""A converter puts its pieces together in any order; each payload is in one of them or among the failures."""

import pytest

from ferryman.errors import DataError
from ferryman.formats.collected import Collected, others
from ferryman.record import Rows
from ferryman.schema import INT64, STRING, Schema


def refused() -> tuple[Schema | None, object]:
    raise DataError("no")


def test_single_payloads_of_one_schema_become_one_piece() -> None:
    found = Collected()
    found.attempt(4, lambda: (INT64, 4))
    found.attempt(2, refused)
    found.attempt(7, lambda value: (INT64, value), 7)
    found.add([0, 1], Rows(STRING, ["a", "b"]))
    found.add([], Rows(STRING, []))
    decoded = found.decoded()
    assert [(list(piece.positions), piece.data) for piece in decoded.pieces] == [
        ([0, 1], Rows(STRING, ["a", "b"])),
        ([4, 7], Rows(INT64, [4, 7])),
    ]
    assert [(at, str(error)) for at, error in decoded.failures] == [(2, "no")]


def test_pieces_in_order_are_cut_where_the_schema_changes_and_the_first_failure_is_raised() -> None:
    found, other = Collected(), Collected()
    found.add([0, 3], Rows(STRING, ["a", "d"]))
    other.add([1, 2], Rows(INT64, [1, 2]))
    found.merge(other)
    assert found.decoded().consecutive() == [Rows(STRING, ["a"]), Rows(INT64, [1, 2]), Rows(STRING, ["d"])]
    found.attempt(5, refused)
    with pytest.raises(DataError, match="no"):
        found.decoded().consecutive()


def test_the_others_are_all_but_the_odd() -> None:
    assert others(range(4), ()) == range(4)
    assert others([3, 5, 9], [1]) == [3, 9]
