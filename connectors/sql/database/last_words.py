"""Which rows of a poll need not be written, since later ones of the same key have the last word on all their columns.

Of a key that comes in several shapes the database could only be told shape by shape; many turns of a few keys would be
as many statements. What is left of a key is: the last delete, the first row after it (which may be the one that can be
added: the others may lack columns that need a value), and the last row for each column.

Two keys that are alike need not be the same. But a text is the same as itself in every collation, so those of which
only one spelling occurs are folded, and only where several are alike the database is given every row.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """A row, as far as it matters here."""

    likeness: Hashable
    """The same for all keys that the database might hold to be this one."""
    key: Hashable
    """The key as it is spelled."""
    columns: Collection[str] | None
    """The columns that it fills beside the key; None if it deletes the row."""


def needed(words: Sequence[Word]) -> list[int]:
    """The places of the rows that have to be written, of all in their order."""
    ambiguous, openers = _ambiguous(words), _openers(words)
    kept: list[int] = []
    deleted = set[Hashable]()
    filled: dict[Hashable, set[str]] = {}
    for place in reversed(range(len(words))):
        word = words[place]
        if word.likeness in ambiguous:
            kept.append(place)
        elif word.likeness in deleted:
            continue
        elif word.columns is None:
            kept.append(place)
            deleted.add(word.likeness)
        else:
            later = filled.setdefault(word.likeness, set())
            if place in openers or not later.issuperset(word.columns):
                kept.append(place)
                later.update(word.columns)
    return kept[::-1]


def _ambiguous(words: Iterable[Word]) -> set[Hashable]:
    spelled: dict[Hashable, Hashable] = {}
    return {word.likeness for word in words if spelled.setdefault(word.likeness, word.key) != word.key}


def _openers(words: Sequence[Word]) -> set[int]:
    """The first row of each key, and the first after each delete."""
    opened: dict[Hashable, int] = {}
    found = set[int]()
    for place, word in enumerate(words):
        if word.columns is None:
            opened.pop(word.likeness, None)
        elif word.likeness not in opened:
            opened[word.likeness] = place
            found.add(place)
    return found
