"""Rows one stretch after the other, each after a savepoint: what the database refuses is halved down to single rows.

The most that a database without anything better needs: for the rows of a load on their way to it (``sifted``), and from
there into their tables (``write_each``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Load, Refused, RowStretch, Transactions
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.errors import DataError

STRETCH_ROWS = 64
"""Rows that are tried together once all of them have failed."""


def sifted(
    session: Transactions, connection: Connection, load: Load, fill: Callable[[Load], object]
) -> Iterator[Refused]:
    """Brings a load's rows to the database by ``fill``, which raises DataError for what that does not take; such rows
    are left out. All rows are tried first, then stretches of some, then their halves."""
    yield from _filled(session, connection, load, fill, STRETCH_ROWS)


def _filled(
    session: Transactions, connection: Connection, load: Load, fill: Callable[[Load], object], size: int
) -> Iterator[Refused]:
    count = load.frame.height
    try:
        with session.savepoint(connection):
            fill(load)
    except Undone:
        raise
    except DataError as error:
        if count == 1:
            yield Refused(load.span[0], error)
            return
        size = min(size, (count + 1) // 2)
        for start in range(0, count, size):
            piece = replace(load, frame=load.frame.slice(start, size))
            yield from _filled(session, connection, piece, fill, size)


def write_each(session: Transactions, connection: Connection, stretches: Sequence[RowStretch]) -> Sequence[Refused]:
    """See ``Writer.write_each``."""
    return [refused for stretch in stretches for refused in _tried(session, connection, stretch)]


def _tried(session: Transactions, connection: Connection, stretch: RowStretch) -> Iterator[Refused]:
    try:
        with session.savepoint(connection):
            stretch.apply(stretch.first, stretch.last)
    except Undone:
        raise
    except DataError as error:
        if stretch.first == stretch.last:
            yield Refused(stretch.first, error)
            return
        middle = (stretch.first + stretch.last) // 2
        yield from _tried(session, connection, replace(stretch, last=middle))
        yield from _tried(session, connection, replace(stretch, first=middle + 1))
