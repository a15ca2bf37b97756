"""Whose fault a database's error is: by its SQLSTATE (PostgreSQL) or result code (SQLite), never by its text.

An error's text may quote the row, so it is passed on only where it can name nothing but objects.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ferryman.errors import DataError, FerrymanError, RetriableError, TaskError

_DATA = ("22", "23", "54000")
_NEIGHBOUR = ("08", "25006", "25P03", "25P04", "40", "53", "55006", "55P03", "57", "58")
_STALE = ("42P01", "42703", "0A000")

_SQLITE_DATA = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG})
_SQLITE_NEIGHBOUR = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_INTERRUPT,
        sqlite3.SQLITE_PROTOCOL,
    }
)
SQLITE_ROLLED_BACK = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT})
POSTGRES_ROLLED_BACK = ("22", "23", "40")


class StaleTable(TaskError):
    """A table or column that was there is gone, or has changed: worth one more look, then the task's failure."""


@contextmanager
def classified(doing: str, after: float | None) -> Iterator[None]:
    """Turns errors of the database into ours. ``doing`` continues "Cannot", ``after`` is the wait before a retry."""
    try:
        yield
    except (SQLAlchemyError, psycopg.Error, sqlite3.Error) as error:
        # The driver's own error is not chained: a traceback would print its text, which may quote the row.
        raise fault(error, doing, after) from None


def fault(error: Exception, doing: str, after: float | None) -> FerrymanError:
    """Our error for one of SQLAlchemy, psycopg or sqlite3."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        return _postgres(cause, doing, after)
    if isinstance(cause, sqlite3.Error):
        return _sqlite(cause, doing, after)
    return TaskError(f"Cannot {doing}: {type(error).__name__}")


def rolled_back(error: Exception) -> bool:
    """Whether a failed COMMIT certainly left nothing behind."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, psycopg.Error):
        return (cause.sqlstate or "").startswith(POSTGRES_ROLLED_BACK)
    return isinstance(cause, sqlite3.Error) and _code(cause) in SQLITE_ROLLED_BACK


def _postgres(error: psycopg.Error, doing: str, after: float | None) -> FerrymanError:
    state = error.sqlstate
    if state is None:
        return _without_state(error, doing, after)
    text = f"Cannot {doing}: {type(error).__name__} (SQLSTATE {state}){_objects(error)}"
    if state.startswith(_DATA):
        return DataError(text)
    if state.startswith(_NEIGHBOUR):
        return RetriableError(f"{text}: {error.diag.message_primary}", after)
    text = f"{text}: {error.diag.message_primary}"
    return StaleTable(text) if state in _STALE else TaskError(text)


def _without_state(error: psycopg.Error, doing: str, after: float | None) -> FerrymanError:
    if isinstance(error, psycopg.DataError):
        return DataError(f"Cannot {doing}: a value that PostgreSQL cannot hold")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # libpq's text for a lost or refused connection names host, port, user and database, not the password.
        return RetriableError(f"Cannot {doing}: {' '.join(str(error).split())}", after)
    return TaskError(f"Cannot {doing}: {type(error).__name__}")


def _objects(error: psycopg.Error) -> str:
    diag = error.diag
    named = {"table": diag.table_name, "column": diag.column_name, "constraint": diag.constraint_name}
    return "".join(f", {what} {name}" for what, name in named.items() if name)


def copied_column(error: psycopg.Error) -> int | None:
    """The number of the staging column (c0, c1, …) whose value COPY could not read; the context's rest quotes it."""
    if not (error.sqlstate or "").startswith(_DATA):
        return None
    words = (error.diag.context or "").replace(":", " ").replace(",", " ").split()
    return next((int(word[1:]) for word in words if word[:1] == "c" and word[1:].isdigit()), None)


def _sqlite(error: sqlite3.Error, doing: str, after: float | None) -> FerrymanError:
    code = _code(error)
    # SQLite's texts name tables and columns, never values.
    text = f"Cannot {doing}: {error}"
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.DataError) and code is None:
        return DataError(f"Cannot {doing}: a value that SQLite cannot hold")
    if code in _SQLITE_DATA:
        return DataError(text)
    if code in _SQLITE_NEIGHBOUR:
        return RetriableError(text, after)
    return StaleTable(text) if code == sqlite3.SQLITE_ERROR else TaskError(text)


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
