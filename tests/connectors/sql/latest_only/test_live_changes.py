"""Which changes on a row stand: applied alone, they leave what all of them leave."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.sql.latest_only.live_changes import LiveChange, columns_left, still_standing

COLUMNS = st.none() | st.frozensets(st.sampled_from("abc"))
CHANGES = st.lists(COLUMNS, min_size=1, max_size=10).map(
    lambda each: [LiveChange(place, columns, True) for place, columns in enumerate(each)]
)
Row = dict[str, int] | None


def left(changes: list[LiveChange], shares: bool) -> Row:
    """What a row holds, by the places of the changes: each fills what it has, or what it is to fill."""
    row: Row = None
    for change in changes:
        if change.columns is None:
            row = None
            continue
        wanted = columns_left(changes, change.offset) if shares else change.columns
        assert wanted is not None
        added = dict.fromkeys(change.columns, change.offset) if row is None else {}
        row = {**(row or {}), **added, **dict.fromkeys(wanted, change.offset)}
    return row


@given(CHANGES)
def test_those_that_stand_leave_what_all_leave(changes: list[LiveChange]) -> None:
    assert left(still_standing(changes), shares=True) == left(changes, shares=False)


@given(CHANGES, st.integers(0, 9))
def test_it_matters_not_when_they_are_told(changes: list[LiveChange], cut: int) -> None:
    before = still_standing(changes[:cut]) if changes[:cut] else []
    assert left(still_standing([*before, *changes[cut:]]) if changes[cut:] else before, True) == left(changes, False)


def test_a_word_is_passed_over_where_a_later_one_is_not_the_runs() -> None:
    first, last = LiveChange(0, frozenset("ab"), True), LiveChange(1, frozenset("a"), False)
    assert columns_left([first, last], 0) is None
    assert columns_left([first, last._replace(in_run=True)], 0) == frozenset("b")
    assert columns_left([first], 7) is None
