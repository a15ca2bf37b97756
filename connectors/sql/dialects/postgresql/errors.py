"""What an error of PostgreSQL comes to: by its SQLSTATE and by where in the server it was raised, never by its text.

An error's text may quote the row, so it is passed on only where it can name nothing but objects.
"""

import psycopg

from ferryman.connectors.sql.dialects import faults
from ferryman.connectors.sql.dialects.faults import Fault
from ferryman.connectors.sql.dialects.postgresql.sqlstates import fault_of
from ferryman.errors import DataError, FerrymanError, RefusedError, RetriableError, TaskError

_REFUSED_KEYS = {"28P01": "connection.password", "3D000": "connection.url"}
_ROLLED_BACK = ("22", "23", "40")
_ABOUT_A_ROW = frozenset(
    {
        "exec_stmt_raise",  # RAISE in PL/pgSQL, which may give any SQLSTATE
        "ExecWithCheckOptions",  # a policy of row-level security, whose SQLSTATE is that of a lacking right
    }
)
"""Functions of the server that raise errors about nothing but the row."""


def fault(error: psycopg.Error, doing: str, after: float | None) -> FerrymanError:
    """See ``Dialect.fault``."""
    state = error.sqlstate
    if state is None:
        return _without_state(error, doing, after)
    found, is_about_a_row = fault_of(state), error.diag.source_function in _ABOUT_A_ROW
    if is_about_a_row and found is not Fault.CONFLICT:
        found = Fault.DATA
    text = f"Cannot {doing}: {type(error).__name__} (SQLSTATE {state}){_objects(error)}"
    if found is not Fault.DATA and not is_about_a_row:
        text = f"{text}: {error.diag.message_primary}"
    return faults.error(found, text, after, _REFUSED_KEYS.get(state, "connection.user"))


def rolled_back(error: psycopg.Error) -> bool:
    """See ``Dialect.rolled_back``."""
    return (error.sqlstate or "").startswith(_ROLLED_BACK)


def _without_state(error: psycopg.Error, doing: str, after: float | None) -> FerrymanError:
    if isinstance(error, psycopg.DataError):
        return DataError(f"Cannot {doing}: a value that PostgreSQL cannot hold")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        # libpq's text for a lost or refused connection names host, port, user and database, not the password.
        if _was_refused(error):
            text = f"Cannot {doing}: {' '.join(str(error).split())} (see connection.password, connection.url)"
            return RefusedError(text, key="connection.password", after=after)
        return RetriableError(f"Cannot {doing}: {' '.join(str(error).split())}", after)
    return TaskError(f"Cannot {doing}: {type(error).__name__}")


def _was_refused(error: psycopg.Error) -> bool:
    """Whether the server asked for a password and then sent us away. libpq passes no SQLSTATE on while it connects;
    that a server is starting or stopping is said before it asks."""
    connection = error.pgconn
    return connection is not None and bool(connection.used_password or connection.needs_password)


def _objects(error: psycopg.Error) -> str:
    diag = error.diag
    named = {"table": diag.table_name, "column": diag.column_name, "constraint": diag.constraint_name}
    return "".join(f", {what} {name}" for what, name in named.items() if name)


def copied_column(error: psycopg.Error) -> int | None:
    """The number of the staging column (c0, c1, …) whose value COPY could not read; the context's rest quotes it.

    What a type's own reader says of a text need not be of the class of data errors: tsvector's is a syntax error.
    """
    if fault_of(error.sqlstate or "") in (Fault.AWAY, Fault.CONFLICT):
        return None
    words = (error.diag.context or "").replace(":", " ").replace(",", " ").split()
    return next((int(word[1:]) for word in words if word[:1] == "c" and word[1:].isdigit()), None)
