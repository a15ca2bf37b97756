"""Which changes on a row stand, and what each of them has still to say. Pure.

A change is a record that the table takes: it fills columns of the row with its key, or deletes it. What it fills stands
until a later change fills it or deletes the row; a column that a record does not have it leaves alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ferryman.connectors.sql.database.superseding import still_needed_of_row


class LiveChange(NamedTuple):
    """A record, as far as it matters here."""

    offset: int
    """Its offset."""
    columns: frozenset[str] | None
    """The columns that it fills beside the key; None if it deletes the row."""
    in_run: bool
    """Whether the run is to write it, or pass it over: it lies in the run's bounds."""


def still_standing(changes: Sequence[LiveChange]) -> list[LiveChange]:
    """The changes on one row, in their order, that count: the last, each that has filled what no later one has, and the
    one by which the row can be added, since later ones may lack columns that need a value."""
    last = changes[-1]
    if last.columns is None:
        return [last]
    needed = (changes[at] for at in still_needed_of_row([change.columns for change in changes]))
    rows = [change for change in needed if change.columns is not None]
    if rows[0] is not last and (rows[0].columns or frozenset()) <= last.columns:
        # The last can add the row as well.
        del rows[0]
    return rows if rows and rows[-1] is last else [*rows, last]


def columns_left(changes: Sequence[LiveChange], offset: int) -> frozenset[str] | None:
    """The columns that the change at a place is to fill in a row that is there, nothing of them for a deletion; None if
    it is none of those that stand (see ``still_standing``), or if the row is given its last form by somebody else."""
    at = next((at for at, change in enumerate(changes) if change.offset == offset), None)
    if at is None or not all(change.in_run for change in changes[at:]):
        return None
    columns = changes[at].columns or frozenset()
    return columns.difference(*(change.columns or () for change in changes[at + 1 :]))
