"""Sessions of MariaDB and MySQL: what each is set to before it is used."""

import contextlib
import socket
import ssl
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine, NullPool, create_engine, event

from ferryman.connectors.sql.dialects.urls import Location
from ferryman.tls.trusting import trusting

_SQL_MODE = (
    "STRICT_ALL_TABLES",  # refuse what does not fit, in tables of every engine
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_AUTO_VALUE_ON_ZERO",  # 0 in a key that counts by itself is 0
    "NO_ENGINE_SUBSTITUTION",
)
"""All of it: NO_BACKSLASH_ESCAPES and ANSI_QUOTES, which a server may have on, would change how texts are read."""

_SETTINGS = (
    # The default, REPEATABLE READ, locks the gaps between rows, so that tasks which touch neighbouring keys or offsets
    # wait for each other.
    "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
    f"SET SESSION sql_mode = '{','.join(_SQL_MODE)}', time_zone = '+00:00', sql_notes = 1, max_error_count = 64",
    # One that waits for a lock asks again: for a row, and for a table that is being changed.
    "SET SESSION innodb_lock_wait_timeout = 10, lock_wait_timeout = 10",
)
_FROZEN_SECONDS = 20
"""How long a session may be silent in a transaction: that long a frozen task keeps its successor waiting."""

_LIVENESS = {
    "TCP_KEEPIDLE": 30,
    "TCP_KEEPINTVL": 10,
    "TCP_KEEPCNT": 3,
    "TCP_USER_TIMEOUT": 60_000,
}


def engine(location: Location) -> Engine:
    """See ``Dialect.engine``."""
    arguments = _arguments(location.arguments)
    answer = arguments.get("read_timeout")
    # PyMySQL's connect_timeout ends with the TCP connection; a server may take that and never greet.
    arguments["read_timeout"] = min(filter(None, (arguments.get("connect_timeout"), answer)), default=None)
    found = create_engine(location.url, poolclass=NullPool, connect_args=arguments, hide_parameters=True)

    @event.listens_for(found, "connect")
    def prepare(connection: Any, _: object) -> None:
        _keep_alive(connection)
        connection._read_timeout = answer
        with connection.cursor() as cursor:
            for statement in _SETTINGS:
                cursor.execute(statement)
            cursor.execute("SHOW VARIABLES LIKE 'idle_transaction_timeout'")
            # MariaDB ends only sessions that are silent in a transaction. MySQL can end silent sessions, whatever they
            # do: the connection is tried before it is used again.
            limit = "idle_transaction_timeout" if cursor.fetchone() else "wait_timeout"
            cursor.execute(f"SET SESSION {limit} = {_FROZEN_SECONDS}")
        connection.commit()

    return found


def _arguments(given: Mapping[str, object]) -> dict[str, Any]:
    tls, ca = given.get("tls"), given.get("ca")
    arguments: dict[str, Any] = {name: value for name, value in given.items() if name not in ("tls", "ca")}
    # The server could ask for any file that this process can read; so it is never offered one.
    arguments |= {"charset": "utf8mb4", "local_infile": False}
    if tls == "off":
        return {**arguments, "ssl_disabled": True}
    if tls == "preferred":
        return arguments
    context = trusting(None if ca is None else str(ca))
    context.check_hostname = tls == "verify-identity"
    context.verify_mode = ssl.CERT_NONE if tls == "required" else ssl.CERT_REQUIRED
    return {**arguments, "ssl": context}


def _keep_alive(connection: Any) -> None:
    # PyMySQL has no setting for it: a server that vanishes silently is noticed by the socket.
    found = getattr(connection, "_sock", None)
    for name, value in _LIVENESS.items():
        if found is not None and hasattr(socket, name):
            with contextlib.suppress(OSError):
                found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
