"""Why MariaDB or MySQL refuses a login: by its greeting, and by the number of its error."""

import ssl
from dataclasses import replace

import pymysql
from sqlalchemy.exc import DBAPIError

from ferryman.connectors.sql.dialects import reachability
from ferryman.connectors.sql.dialects.mysql import session
from ferryman.connectors.sql.dialects.mysql.errors import number_of
from ferryman.connectors.sql.dialects.urls import Location
from ferryman.findings import Finding, mend

_GREETING, _REFUSAL = 10, 255
"""The first byte of what a server says."""
_TLS = 0x0800
"""A bit of what it says that it can."""
_OF_LOGINS = frozenset({1045, 1698})
_ONLY_BY_TLS = frozenset({1835, 3159})
_FULL = frozenset({1040, 1203, 1226})
_HOSTS = frozenset({1129, 1130})


def finding(subject: str, location: Location) -> Finding | None:
    """What is in the way, as far as the server lets that be seen; None if the login succeeds or the reason is
    unknown."""
    host, port = location.url.host or "localhost", location.url.port or 3306
    found = reachability.unreachable(subject, host, port)
    if found is not None:
        return found
    said = reachability.first_answer(host, port, b"", 4096)
    if len(said) < 7 or said[4] not in (_GREETING, _REFUSAL):
        return reachability.wrong_server(subject, host, port, "MariaDB or MySQL")
    tls = str(location.arguments.get("tls"))
    if said[4] == _GREETING and not _has_tls(said) and tls in ("required", "verify-ca", "verify-identity"):
        what = "give the server a certificate (ssl_cert, ssl_key), or set sslMode=PREFERRED in connection.url"
        return mend(subject, "the server has no TLS, and sslMode asks for it", what)
    error = _error(location)
    return None if error is None else _told(subject, location, error)


def _has_tls(greeting: bytes) -> bool:
    """After the version stand the session's number, eight random bytes and one that is none."""
    at = greeting.find(b"\0", 5) + 1 + 4 + 8 + 1
    return bool(int.from_bytes(greeting[at : at + 2], "little") & _TLS)


def _error(location: Location) -> pymysql.Error | None:
    try:
        session.engine(location).connect().close()
    except DBAPIError as error:
        return error.orig if isinstance(error.orig, pymysql.Error) else None
    return None


def _told(subject: str, location: Location, error: pymysql.Error) -> Finding | None:
    number, user, database = number_of(error) or 0, location.url.username or "", location.url.database or ""
    if isinstance(getattr(error, "original_exception", None), ssl.SSLError):
        what = "name its authority's certificate by serverSslCert, or correct the host in connection.url"
        return mend(subject, "the server's certificate is not one that sslMode takes", what)
    if number in _OF_LOGINS:
        return _of_login(subject, location, user)
    if number in _ONLY_BY_TLS:
        return mend(subject, "the server lets nobody in without TLS", "sslMode=REQUIRED in connection.url")
    quoted = f"`{database.replace('`', '``')}`"
    if number == 1049:
        what = f"CREATE DATABASE {quoted}, or correct the database in connection.url"
        return mend(subject, f"user and password are right, and there is no database {database}", what)
    if number == 1044:
        said = f"user and password are right, and {user} may not use a database {database}, if there is one"
        what = f"GRANT … ON {quoted}.* TO the user, CREATE DATABASE {quoted}, or correct connection.url"
        return mend(subject, said, what)
    if number in _FULL:
        return mend(subject, "the server takes no more connections", "a higher max_connections, or fewer clients")
    if number in _HOSTS:
        what = "CREATE USER for the host that we come from, or FLUSH HOSTS if it was blocked after errors"
        return mend(subject, "the server lets nobody in from this host", what)
    return None


def _of_login(subject: str, location: Location, user: str) -> Finding:
    if location.arguments.get("tls") == "off" and _error(_encrypted(location)) is None:
        what = "sslMode=REQUIRED in connection.url"
        return mend(subject, f"the server lets {user} in by TLS only, and sslMode=DISABLED", what)
    if not location.url.password:
        return mend(subject, f"the server does not let {user} in without a password", "set connection.password")
    said = f"the server does not let {user} in with this password; which of the two is wrong it does not tell"
    what = "correct connection.user or connection.password; an account is for a host, and another one may be meant"
    return mend(subject, said, what)


def _encrypted(location: Location) -> Location:
    return replace(location, arguments={**location.arguments, "tls": "required"})
