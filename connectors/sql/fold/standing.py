"""Which words on a row stand, and what each of them has still to say. Pure.

A word is a record that the table takes: it fills columns of the row with its key, or deletes it. What it fills stands
until a later word fills it or deletes the row; a column that a record does not have it leaves alone.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Word(NamedTuple):
    """A record, as far as it matters here."""

    place: int
    """Its offset."""
    columns: frozenset[str] | None
    """The columns that it fills beside the key; None if it deletes the row."""
    ours: bool
    """Whether the run is to write it, or pass it over: it lies in the run's bounds."""


def standing(words: Sequence[Word]) -> list[Word]:
    """Those of the words on one row, in their order, that count: the last, each that has filled what no later one has,
    and the one by which the row can be added, since later ones may lack columns that need a value."""
    last = words[-1]
    if last.columns is None:
        return [last]
    rows = list(words[1 + max((at for at, word in enumerate(words) if word.columns is None), default=-1) :])
    first, filled, kept = rows[0], set[str](), list[Word]()
    for word in reversed(rows):
        columns = word.columns or frozenset()
        is_opener = word is first and not columns <= (last.columns or frozenset())
        if word is last or is_opener or not columns <= filled:
            kept.append(word)
        filled |= columns
    return kept[::-1]


def share(words: Sequence[Word], place: int) -> frozenset[str] | None:
    """The columns that the word at a place is to fill in a row that is there, nothing of them for a deletion; None if
    it is none of those that stand (see ``standing``), or if the row is given its last form by somebody else."""
    at = next((at for at, word in enumerate(words) if word.place == place), None)
    if at is None or not all(word.ours for word in words[at:]):
        return None
    columns = words[at].columns or frozenset()
    return columns.difference(*(word.columns or () for word in words[at + 1 :]))
