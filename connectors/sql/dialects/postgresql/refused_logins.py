"""Why PostgreSQL refuses a login, found by asking it in other ways: libpq gives no SQLSTATE while it connects.

It checks the password first and looks for the database then; so another database tells which of the two it is.
"""

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import psycopg
from psycopg import sql

from ferryman.connectors.sql.dialects import reachability
from ferryman.connectors.sql.dialects.urls import Location
from ferryman.findings import Finding, mend

_SSL_REQUEST = bytes([0, 0, 0, 8, 4, 210, 22, 47])
_SPEAKS, _HAS_TLS = (b"S", b"N"), b"S"
_ALWAYS_THERE = ("postgres", "template1")
_STRICT = ("require", "verify-ca", "verify-full")
_DATABASE = "SELECT datallowconn, has_database_privilege(oid, 'CONNECT') FROM pg_catalog.pg_database WHERE datname = %s"
Outcome = Literal["in", "asked", "wanted", "sent away"]
"""Let in; sent away after having asked for a password, or wanted one that there is not; sent away unasked."""


def finding(subject: str, location: Location) -> Finding | None:
    """What is in the way, as far as the server lets that be seen; None if it lets us in or does not."""
    servers = list(_servers(location))
    if len(servers) == 1:
        found = _no_way(subject, location, *servers[0])
        if found is not None:
            return found
    outcome = _outcome(location, {})
    if outcome == "in":
        return None
    encrypted = _about_tls(subject, location, outcome)
    if encrypted is not None:
        return encrypted
    return _about_database(subject, location) or _about_user(subject, location, outcome)


def _servers(location: Location) -> Iterator[tuple[str, int]]:
    several = location.url.query.get("host", ())
    for each in (several,) if isinstance(several, str) else several:
        host, _, port = each.rpartition(":")
        yield host, int(port)
    if not several:
        yield location.url.host or "localhost", location.url.port or 5432


def _no_way(subject: str, location: Location, host: str, port: int) -> Finding | None:
    found = reachability.unreachable(subject, host, port)
    if found is not None:
        return found
    said = reachability.first_answer(host, port, _SSL_REQUEST, 16)
    if said not in _SPEAKS:
        return reachability.wrong_server(subject, host, port, "PostgreSQL")
    mode = str(location.arguments.get("sslmode", "prefer"))
    if said != _HAS_TLS and mode in _STRICT:
        what = "set ssl=on in the server's postgresql.conf, or sslmode=prefer in connection.url"
        return mend(subject, f"the server has no TLS, and sslmode={mode} asks for it", what)
    return None


def _about_tls(subject: str, location: Location, outcome: Outcome) -> Finding | None:
    """Whether it would get us further to be encrypted, or to look less at the certificate."""
    mode = str(location.arguments.get("sslmode", "prefer"))
    if outcome != "sent away" or mode not in ("disable", "verify-ca", "verify-full"):
        return None
    if _outcome(location, {"sslmode": "require"}) == "sent away":
        return None
    if mode == "disable":
        what = "sslmode=require in connection.url, or a line for connections without TLS in the server's pg_hba.conf"
        return mend(subject, "the server lets this user in by TLS only, and sslmode=disable", what)
    what = "name its authority's certificate by sslrootcert, or correct the host in connection.url"
    return mend(subject, f"the server's certificate is not one that sslmode={mode} takes", what)


def _about_database(subject: str, location: Location) -> Finding | None:
    """What another database says of the one that is meant."""
    name = location.url.database or location.url.username
    for other in _ALWAYS_THERE:
        if other == name:
            continue
        with contextlib.suppress(psycopg.Error), _connected(location, {"dbname": other}) as connection:
            found = connection.execute(_DATABASE, [name]).fetchone()
            return _judged(subject, connection, str(name), found)
    return None


def _judged(
    subject: str, connection: psycopg.Connection[Any], name: str, found: tuple[Any, ...] | None
) -> Finding | None:
    def written(statement: str) -> str:
        user = sql.Identifier(str(connection.info.user))
        return sql.SQL(statement).format(sql.Identifier(name), user).as_string(connection)

    if found is None:
        what = f"{written('CREATE DATABASE {}')}, or correct the database in connection.url"
        return mend(subject, f"user and password are right, and there is no database {name}", what)
    takes_any, may = found
    if not takes_any:
        what = f"{written('ALTER DATABASE {} ALLOW_CONNECTIONS true')}, or correct the database in connection.url"
        return mend(subject, f"user and password are right, and the database {name} takes no connections", what)
    if not may:
        what = written("GRANT CONNECT ON DATABASE {} TO {}")
        return mend(subject, f"user and password are right, and may not connect to the database {name}", what)
    return None


def _about_user(subject: str, location: Location, outcome: Outcome) -> Finding | None:
    user = location.url.username or "the worker's own user"
    if outcome == "wanted":
        return mend(subject, f"the server asks {user} for a password, and there is none", "set connection.password")
    if outcome == "asked":
        said = f"the server does not let {user} in with this password; which of the two is wrong it does not tell"
        return mend(subject, said, "correct connection.user or connection.password")
    return None


def _outcome(location: Location, instead: Mapping[str, object]) -> Outcome:
    try:
        with _connected(location, instead):
            return "in"
    except psycopg.Error as error:
        line = error.pgconn
        if line is not None and line.needs_password:
            return "wanted"
        return "asked" if line is not None and line.used_password else "sent away"


def _connected(location: Location, instead: Mapping[str, object]) -> psycopg.Connection[Any]:
    url = location.url
    given: dict[str, Any] = {"host": url.host, "port": url.port, "dbname": url.database, "user": url.username}
    servers = list(_servers(location))
    if len(servers) > 1:
        given |= {"host": ",".join(host for host, _ in servers), "port": ",".join(str(port) for _, port in servers)}
    password = None if url.password is None else str(url.password)
    return psycopg.connect(**{**given, "password": password, **location.arguments, **instead})
