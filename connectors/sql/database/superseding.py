"""Which changes to rows need not be written, since later ones of the same key fill all their columns.

Of a key that comes in several shapes the database could only be told shape by shape; many turns of a few keys would be
as many statements. What is left of a key is: the last delete, the first row after it (which may be the one that can be
added: the others may lack columns that need a value), and the last row for each column.

Two keys that are alike need not be the same. But a text is the same as itself in every collation, so those of which
only one spelling occurs are folded, and only where several are alike the database is given every row.
"""

from collections.abc import Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row that is to be written or deleted, as far as it matters here."""

    equality_class: Hashable
    """The same for all keys that the database might hold to be this one."""
    key: Hashable
    """The key as it is spelled."""
    columns: Collection[str] | None
    """The columns that it fills beside the key; None if it deletes the row."""


def still_needed(changes: Sequence[RowChange]) -> list[int]:
    """The places of the changes that have to be written, of all in their order."""
    ambiguous = _ambiguous(changes)
    by_key: dict[Hashable, list[int]] = {}
    for place, change in enumerate(changes):
        by_key.setdefault(change.equality_class, []).append(place)
    kept: list[int] = []
    for equality_class, places in by_key.items():
        if equality_class in ambiguous:
            kept += places
        else:
            kept += [places[at] for at in still_needed_of_row([changes[place].columns for place in places])]
    return sorted(kept)


def still_needed_of_row(filled: Sequence[Collection[str] | None]) -> list[int]:
    """The same for the changes to one row, each by the columns that it fills; None for a delete."""
    first = 1 + max((at for at, columns in enumerate(filled) if columns is None), default=-1)
    kept, later = list[int](), set[str]()
    for at in reversed(range(first, len(filled))):
        columns = filled[at] or ()
        if at == first or not later.issuperset(columns):
            kept.append(at)
            later.update(columns)
    return [first - 1, *reversed(kept)] if first else kept[::-1]


def _ambiguous(changes: Iterable[RowChange]) -> set[Hashable]:
    spelled: dict[Hashable, Hashable] = {}
    return {
        change.equality_class
        for change in changes
        if spelled.setdefault(change.equality_class, change.key) != change.key
    }
