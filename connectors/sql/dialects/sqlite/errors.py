"""What an error of SQLite comes to: by its result code (https://sqlite.org/rescode.html), never by its text."""

import sqlite3
from collections.abc import Mapping

from ferryman.connectors.sql.dialects import faults
from ferryman.connectors.sql.dialects.faults import Fault
from ferryman.errors import DataError, FerrymanError

_FAULTS: Mapping[int, Fault] = {
    sqlite3.SQLITE_ABORT: Fault.AWAY,
    sqlite3.SQLITE_AUTH: Fault.REFUSED,
    sqlite3.SQLITE_BUSY: Fault.CONFLICT,
    sqlite3.SQLITE_CANTOPEN: Fault.REFUSED,  # no folder, or no right to it
    sqlite3.SQLITE_CONSTRAINT: Fault.DATA,  # RAISE in a trigger too
    sqlite3.SQLITE_ERROR: Fault.STALE,  # what a statement names is not there, among other things
    sqlite3.SQLITE_FULL: Fault.AWAY,
    sqlite3.SQLITE_INTERRUPT: Fault.AWAY,
    sqlite3.SQLITE_IOERR: Fault.AWAY,
    sqlite3.SQLITE_LOCKED: Fault.CONFLICT,
    sqlite3.SQLITE_MISMATCH: Fault.DATA,
    sqlite3.SQLITE_NOMEM: Fault.AWAY,
    sqlite3.SQLITE_PERM: Fault.REFUSED,
    sqlite3.SQLITE_PROTOCOL: Fault.CONFLICT,
    sqlite3.SQLITE_READONLY: Fault.REFUSED,
    sqlite3.SQLITE_SCHEMA: Fault.STALE,
    sqlite3.SQLITE_TOOBIG: Fault.DATA,
}
"""The others mean a file that is broken or no database, or a mistake of ours."""
_ROLLED_BACK = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_CONSTRAINT})


def fault(error: sqlite3.Error, doing: str, after: float | None) -> FerrymanError:
    """See ``Dialect.fault``."""
    code = _code(error)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.DataError) and code is None:
        return DataError(f"Cannot {doing}: a value that SQLite cannot hold")
    found = Fault.CONFIG if code is None else _FAULTS.get(code, Fault.CONFIG)
    # SQLite's texts name tables and columns, never values; that of a RAISE may name anything.
    is_raised = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_CONSTRAINT_TRIGGER
    text = f"Cannot {doing}: a trigger refuses the row" if is_raised else f"Cannot {doing}: {error}"
    return faults.error(found, text, after, key="connection.url")


def rolled_back(error: sqlite3.Error) -> bool:
    """See ``Dialect.rolled_back``."""
    return _code(error) in _ROLLED_BACK


def _code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
