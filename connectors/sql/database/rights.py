"""Missing rights: what the sink needs of each table, and errors that name the statements which grant it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

from ferryman.connectors.sql.config.sink_config import SqlSinkConfig
from ferryman.connectors.sql.database.session import Session
from ferryman.connectors.sql.dialects.dialect import Use
from ferryman.connectors.sql.dialects.faults import Denied
from ferryman.connectors.sql.dialects.names import TableName
from ferryman.errors import FerrymanError, RefusedError

_STATEMENTS = {"insert": {"INSERT"}, "upsert": {"INSERT", "UPDATE"}, "update": {"UPDATE"}}
_KEEPING = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})


def use_of(config: SqlSinkConfig, table: TableName) -> Use:
    """What a config does to a table."""
    deletes = {"DELETE"} if config.delete_enabled else set()
    return Use(table, frozenset(_STATEMENTS[config.mode] | deletes), config.creates)


def use_of_offsets(table: TableName) -> Use:
    """What is done to the table of offsets; rows are deleted when offsets are reset."""
    return Use(table, _KEEPING, creates=True)


@contextlib.contextmanager
def naming_missing_rights(session: Session, uses: Callable[[], Sequence[Use]]) -> Iterator[None]:
    """Turns the error about a missing right into one that names the statements which grant it."""
    try:
        yield
    except Denied as error:
        raise with_statements(error, grants(session, uses())) from None


def with_statements(error: Denied, statements: Sequence[str], otherwise: str = "") -> RefusedError:
    """The error with what helps against it. ``otherwise``: what would help as well."""
    ways = ["grant it: " + "; ".join(statements)] if statements else []
    ways += [otherwise] if otherwise else []
    text = f"{error}. Let someone who may do so {', or '.join(ways)}" if ways else str(error)
    return RefusedError(text, key=error.key, after=error.after)


def grants(session: Session, uses: Sequence[Use]) -> Sequence[str]:
    """The statements that grant the missing rights for these uses; none if the database does not even show that."""
    with contextlib.suppress(FerrymanError), session.transaction("look at the rights of the user") as connection:
        return session.dialect.grants(connection, uses)
    return ()
