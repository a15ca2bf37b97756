"""A task's one connection to the database: opened when needed, closed when it fails, one transaction at a time."""

import contextlib
from collections.abc import Iterator

import sqlalchemy
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ferryman.connectors.sql.config.databases import Database
from ferryman.connectors.sql.dialects.dialect import Dialect
from ferryman.connectors.sql.dialects.faults import Late, Undone
from ferryman.errors import DataError, FerrymanError, Indeterminate, RetriableError, TaskError


@contextlib.contextmanager
def classified(dialect: Dialect, doing: str, after: float | None) -> Iterator[None]:
    """Turns errors of the database into ours. ``doing`` continues "Cannot", ``after`` is the wait before a retry."""
    try:
        yield
    except FerrymanError:
        raise
    except Exception as error:
        found = fault(dialect, error, doing, after)
        if found is None:
            raise
        # The driver's own error is not chained: a traceback would print its text, which may quote the row.
        raise found from None


def fault(dialect: Dialect, error: Exception, doing: str, after: float | None) -> FerrymanError | None:
    """Our error for one of SQLAlchemy or of the driver; None for any other."""
    found = dialect.fault(_cause(error), doing, after)
    if found is None and isinstance(error, SQLAlchemyError):
        return TaskError(f"Cannot {doing}: {type(error).__name__}")
    return found


def _cause(error: Exception) -> Exception:
    original = error.orig if isinstance(error, DBAPIError) else None
    return original if isinstance(original, Exception) else error


class Session:
    """Runs transactions, each wholly done or not at all, and says whose fault it is when one fails."""

    def __init__(self, database: Database, *, connect_backoff: float | None, backoff: float | None) -> None:
        self.dialect = database.dialect
        self._database = database
        self._engine = database.dialect.engine(database.location)
        self._connection: Connection | None = None
        self._connect_backoff = connect_backoff
        self._backoff = backoff
        self.doing = ""
        """What the open transaction is for."""
        self.number = 0
        """How many connections there have been; whatever lives as long as a connection is made again when it grows."""

    @property
    def sql_dialect(self) -> sqlalchemy.Dialect:
        """SQLAlchemy's own dialect, which knows the server's version once there was a connection."""
        return self._engine.dialect

    @contextlib.contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """A transaction, committed at the end. ``doing`` continues "Cannot".

        Raises Indeterminate if it is not known whether the commit took place; after any other error it did not.
        """
        connection, self.doing = self._open(), doing
        # Explicitly: SQLAlchemy does not see statements that go to the driver, and would neither commit nor undo them.
        connection.begin()
        try:
            with classified(self.dialect, doing, self._backoff):
                yield connection
        except BaseException as error:
            self._undo(connection, isinstance(error, RetriableError))
            raise
        self._commit(connection, doing)

    @contextlib.contextmanager
    def savepoint(self, connection: Connection) -> Iterator[None]:
        """A part of the open transaction, which is undone alone when it fails.

        Raises Undone when that cannot be, since the error has undone all of the transaction.
        """
        savepoint = connection.begin_nested()
        try:
            with classified(self.dialect, self.doing, self._backoff):
                yield
        except BaseException as error:
            try:
                savepoint.rollback()
            except SQLAlchemyError:
                raise Undone(str(error)) from error
            raise
        savepoint.commit()

    def check_deferred_constraints(self, connection: Connection) -> None:
        """Has the database check now what it would check at the commit of the open transaction, and what comes after
        that at once. Raises Late for what is wrong with a row."""
        try:
            with classified(self.dialect, self.doing, self._backoff):
                self.dialect.check_deferred_constraints(connection)
        except DataError as error:
            raise Late(str(error)) from None

    @property
    def is_there(self) -> bool:
        """Whether there is a database to connect to."""
        return self.dialect.is_there(self._database.location)

    @property
    def name(self) -> str:
        """The database, without its password."""
        return str(self._database)

    def _open(self) -> Connection:
        if self._connection is None or not self._is_usable(self._connection):
            self.close()
            with classified(self.dialect, f"connect to {self._database}", self._connect_backoff):
                self._connection = self._engine.connect()
            self.number += 1
        return self._connection

    def _is_usable(self, connection: Connection) -> bool:
        return not (connection.closed or connection.invalidated) and self.dialect.is_alive(connection)

    def _undo(self, connection: Connection, broken: bool) -> None:
        try:
            connection.rollback()
        except SQLAlchemyError:
            broken = True
        if broken:
            self.close()

    def _commit(self, connection: Connection, doing: str) -> None:
        try:
            connection.commit()
        except SQLAlchemyError as error:
            self._undo(connection, broken=True)
            found = fault(self.dialect, error, doing, self._backoff)
            if found is not None and (isinstance(found, DataError) or self.dialect.rolled_back(_cause(error))):
                raise found from None
            raise Indeterminate(f"{found} (while committing: the outcome is unknown)") from None

    def close(self) -> None:
        """Gives the connection back; an open transaction is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
