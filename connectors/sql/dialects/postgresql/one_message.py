"""Several statements in one message: the server answers all of them without waiting for this process in between.

PostgreSQL ends a transaction whose client says nothing for a while (``idle_in_transaction_session_timeout``), but only
where it has answered everything. In a pipeline it has not: frozen between two sendings,

    task                                   server
    begin; moves the offsets
    sends its first insert                 executes it, waits for what comes next: not "idle in transaction"
    (frozen: SIGSTOP, a paused machine)    waits for ever, and so does whoever wants these offsets' rows

Sent as one text without parameters, all of them are there or none is.
"""

from collections.abc import Iterable, Mapping, Sequence

import psycopg
import sqlalchemy as sa
from sqlalchemy import Connection

from ferryman.errors import DataError

_SENT_CHARACTERS = 1_000_000
"""Characters of statements that are sent together; a single one may be longer."""


def cursor_of(connection: Connection) -> psycopg.Cursor:
    """One of the driver's own, beneath SQLAlchemy."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver.cursor()


def run(cursor: psycopg.Cursor, statements: Iterable[str]) -> None:
    """Runs the statements one after the other, many with one message to the server.

    Raises DataError for one with the character NUL: PostgreSQL has it in no text, and the message would end there.
    """
    waiting, length = list[str](), 0
    for statement in statements:
        if waiting and length + len(statement) > _SENT_CHARACTERS:
            _send(cursor, waiting)
            waiting, length = [], 0
        waiting.append(statement)
        length += len(statement)
    if waiting:
        _send(cursor, waiting)


def _send(cursor: psycopg.Cursor, statements: Sequence[str]) -> None:
    text = ";".join(statements)
    if "\0" in text:
        raise DataError("A text has the character NUL, which PostgreSQL cannot hold")
    # Without parameters, so that it goes as it is, and may have several statements.
    cursor.execute(text.encode(), prepare=False)


def change_each(connection: Connection, change: sa.Update, values: Sequence[Mapping[str, object]]) -> int:
    """See ``Dialect.change_each``."""
    cursor = cursor_of(connection)
    compiled, bound = change.compile(dialect=connection.dialect), psycopg.ClientCursor(cursor.connection)
    _send(cursor, [bound.mogrify(str(compiled), {**compiled.params, **each}) for each in values])
    found = cursor.rowcount
    while cursor.nextset():
        found += cursor.rowcount
    return found
