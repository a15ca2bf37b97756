"""Whose fault an error of SQLite is: by its result code, never by its text."""

import sqlite3

from ferryman.connectors.sql.dialects.dialect import StaleTable
from ferryman.errors import DataError, FerrymanError, RetriableError, TaskError

_DATA = frozenset({sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG})
_NEIGHBOUR = frozenset(
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
_ROLLED_BACK = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT})


def fault(error: sqlite3.Error, doing: str, after: float | None) -> FerrymanError:
    """See ``Dialect.fault``."""
    code = _code(error)
    # SQLite's texts name tables and columns, never values.
    text = f"Cannot {doing}: {error}"
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.DataError) and code is None:
        return DataError(f"Cannot {doing}: a value that SQLite cannot hold")
    if code in _DATA:
        return DataError(text)
    if code in _NEIGHBOUR:
        return RetriableError(text, after)
    return StaleTable(text) if code == sqlite3.SQLITE_ERROR else TaskError(text)


def rolled_back(error: sqlite3.Error) -> bool:
    """See ``Dialect.rolled_back``."""
    return _code(error) in _ROLLED_BACK


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
