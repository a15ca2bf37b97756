"""Which words on a row stand: applied alone, they leave what all of them leave."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.sql.fold.standing import Word, share, standing

COLUMNS = st.none() | st.frozensets(st.sampled_from("abc"))
WORDS = st.lists(COLUMNS, min_size=1, max_size=10).map(
    lambda each: [Word(place, columns, True) for place, columns in enumerate(each)]
)
Row = dict[str, int] | None


def left(words: list[Word], shares: bool) -> Row:
    """What a row holds, by the places of the words: each fills what it has, or what it is to fill."""
    row: Row = None
    for word in words:
        if word.columns is None:
            row = None
            continue
        wanted = share(words, word.place) if shares else word.columns
        assert wanted is not None
        added = dict.fromkeys(word.columns, word.place) if row is None else {}
        row = {**(row or {}), **added, **dict.fromkeys(wanted, word.place)}
    return row


@given(WORDS)
def test_those_that_stand_leave_what_all_leave(words: list[Word]) -> None:
    assert left(standing(words), shares=True) == left(words, shares=False)


@given(WORDS, st.integers(0, 9))
def test_it_matters_not_when_they_are_told(words: list[Word], cut: int) -> None:
    before = standing(words[:cut]) if words[:cut] else []
    assert left(standing([*before, *words[cut:]]) if words[cut:] else before, True) == left(words, False)


def test_a_word_is_passed_over_where_a_later_one_is_not_the_runs() -> None:
    first, last = Word(0, frozenset("ab"), True), Word(1, frozenset("a"), False)
    assert share([first, last], 0) is None
    assert share([first, last._replace(ours=True)], 0) == frozenset("b")
    assert share([first], 7) is None
