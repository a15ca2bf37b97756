"""A task's one connection to the database: opened when needed, closed when it fails, one transaction at a time."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import Connection, Engine, NullPool, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError

from ferryman.connectors.sql.config.url import Database
from ferryman.connectors.sql.database.errors import classified, fault, rolled_back
from ferryman.errors import DataError, Indeterminate, RetriableError

# A task that is frozen in a transaction must not hold its offset's row for ever; one that waits for it asks again.
_SETTINGS = {"TimeZone": "UTC", "idle_in_transaction_session_timeout": "20s", "lock_timeout": "10s"}
_SQLITE_BUSY_SECONDS = 5.0


def engine(database: Database) -> Engine:
    """An engine without a pool: whoever connects owns the connection."""
    if database.is_postgres:
        arguments: dict[str, object] = dict(database.arguments)
    else:
        # An immediate transaction takes the file's lock at once, so that none that has begun to write must give up.
        arguments = {"timeout": _SQLITE_BUSY_SECONDS, "isolation_level": "IMMEDIATE"}
    made = create_engine(database.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)
    if database.is_postgres:
        settings = {**_SETTINGS, **database.settings}

        @event.listens_for(made, "connect")
        def prepare(connection: DBAPIConnection, _: object) -> None:
            cursor = connection.cursor()
            for name, value in settings.items():
                cursor.execute("SELECT set_config(%s, %s, false)", (name, value))
            cursor.close()
            connection.commit()

    return made


class Session:
    """Runs transactions, each wholly done or not at all, and says whose fault it is when one fails."""

    def __init__(self, database: Database, *, connect_backoff: float | None, backoff: float | None) -> None:
        self.is_postgres = database.is_postgres
        self._database = database
        self._engine = engine(database)
        self._connection: Connection | None = None
        self._connect_backoff = connect_backoff
        self._backoff = backoff
        self.number = 0
        """How many connections there have been; whatever lives as long as a connection is made again when it grows."""

    @contextlib.contextmanager
    def transaction(self, doing: str) -> Iterator[Connection]:
        """A transaction, committed at the end. ``doing`` continues "Cannot".

        Raises Indeterminate when nobody can say whether the commit took place; after any other error it did not.
        """
        connection = self._open()
        # Explicitly: SQLAlchemy does not see statements that go to the driver, and would neither commit nor undo them.
        connection.begin()
        try:
            with classified(doing, self._backoff):
                yield connection
        except BaseException as error:
            self._undo(connection, isinstance(error, RetriableError))
            raise
        self._commit(connection, doing)

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self.close()
            with classified(f"connect to {self._database}", self._connect_backoff):
                self._connection = self._engine.connect()
            self.number += 1
        return self._connection

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
            found = fault(error, doing, self._backoff)
            if isinstance(found, DataError) or rolled_back(error):
                raise found from None
            raise Indeterminate(f"{found} (while committing: the outcome is unknown)") from None

    def close(self) -> None:
        """Gives the connection back; an open transaction is rolled back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.invalidate()
                connection.close()
