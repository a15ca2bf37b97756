"""Of a poll's rows only those are written that have a last word; what a table holds after them is the same."""

from collections.abc import Iterable, Sequence

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.sql.database.superseding import RowChange, still_needed

SHAPES = [("a", "b"), ("b", "c"), ("c",), (), None]
CHANGES = st.lists(st.tuples(st.sampled_from(["x", "X", "y", "z"]), st.sampled_from(SHAPES)), max_size=30)


def changes(drawn: Iterable[tuple[str, Sequence[str] | None]]) -> list[RowChange]:
    return [RowChange(key.lower(), key, columns) for key, columns in drawn]


def table(given_: Sequence[RowChange], places: Iterable[int], same_case: bool) -> dict[str, dict[str, int]]:
    """The rows that are there, each column with the place of the row that filled it; begun with one that was there."""
    rows = {"z": {"a": -1, "b": -1, "c": -1}}
    for place in places:
        change = given_[place]
        key = str(change.equality_class if same_case else change.key)
        if change.columns is None:
            rows.pop(key, None)
        else:
            rows.setdefault(key, {}).update(dict.fromkeys(change.columns, place))
    return rows


@given(CHANGES, st.booleans())
def test_the_rows_that_are_needed_leave_what_all_rows_leave(
    drawn: list[tuple[str, Sequence[str] | None]], same_case: bool
) -> None:
    """Whether the database holds keys that differ by case to be the same, or not."""
    given_ = changes(drawn)
    assert table(given_, still_needed(given_), same_case) == table(given_, range(len(given_)), same_case)


@given(CHANGES)
def test_what_opens_a_row_is_the_same(drawn: list[tuple[str, Sequence[str] | None]]) -> None:
    """The first row after the last delete may be the only one that can be added."""
    given_ = changes(drawn)
    kept = still_needed(given_)
    for key in "yz":
        mine = [place for place, change in enumerate(given_) if change.key == key]
        last_delete = max((place for place in mine if given_[place].columns is None), default=-1)
        opener = next((place for place in mine if place > last_delete), None)
        assert opener is None or opener in kept


def test_many_turns_of_one_key_are_few_rows() -> None:
    turns = changes([("y", SHAPES[number % 2]) for number in range(1000)])
    assert still_needed(turns) == [0, 998, 999]
    assert still_needed(changes([("y", SHAPES[0]), ("y", None)] * 500)) == [999]


def test_keys_that_might_be_the_same_keep_every_row() -> None:
    assert still_needed(changes([("x", ("a",)), ("X", ("a",)), ("x", None), ("X", ("a",))])) == [0, 1, 2, 3]
