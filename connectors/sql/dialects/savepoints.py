"""Rows one run after the other, each after a savepoint: what the database refuses is halved down to single rows."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Refused, Run, Transactions
from ferryman.connectors.sql.dialects.faults import Undone
from ferryman.errors import DataError


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
