"""Rows one run after the other, each after a savepoint: what the database refuses is halved down to single rows.

The most that a database without anything better needs: for the rows of a load on their way to it (``sifted``), and from
there into their tables (``each``).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Load, Refused, Run, Transactions
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.errors import DataError

RUN = 64
"""Rows that are tried together once all of them have failed."""


def sifted(
    session: Transactions, connection: Connection, load: Load, fill: Callable[[Load], object]
) -> Iterator[Refused]:
    """Brings a load's rows to the database by ``fill``, which raises DataError for what that does not take; such rows
    are left out. All rows are tried first, then runs of some, then their halves."""
    yield from _filled(session, connection, load, fill, RUN)


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


def each(session: Transactions, connection: Connection, runs: Sequence[Run]) -> Sequence[Refused]:
    """See ``Writer.each``."""
    return [refused for run in runs for refused in _tried(session, connection, run)]


def _tried(session: Transactions, connection: Connection, run: Run) -> Iterator[Refused]:
    try:
        with session.savepoint(connection):
            run.apply(run.first, run.last)
    except Undone:
        raise
    except DataError as error:
        if run.first == run.last:
            yield Refused(run.first, error)
            return
        middle = (run.first + run.last) // 2
        yield from _tried(session, connection, replace(run, last=middle))
        yield from _tried(session, connection, replace(run, first=middle + 1))
