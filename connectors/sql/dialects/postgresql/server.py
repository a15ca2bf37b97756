"""Checks PostgreSQL: the version, whether it accepts writes, its encoding, how many connections are left."""

from collections.abc import Iterator

from sqlalchemy import Connection

from ferryman.findings import Finding, mend, ok, warning

OLDEST_UPSERT = 90500
OLDEST_KEPT = 130000
"""As server_version_num; the oldest that PostgreSQL's own people still kept up when this was written."""
_SETTINGS = """\
SELECT current_setting('server_version_num')::int, current_setting('server_version'),
  current_setting('server_encoding'), pg_is_in_recovery(), current_setting('transaction_read_only'),
  current_setting('transaction_isolation')"""
_CONNECTIONS = """\
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int,
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE backend_type = 'client backend'),
  (SELECT rolconnlimit FROM pg_catalog.pg_roles WHERE rolname = current_user),
  (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usename = current_user AND backend_type = 'client backend')"""


def findings(connection: Connection, tasks: int) -> Iterator[Finding]:
    """All of it; ``tasks`` are how many connections are needed."""
    number, version, encoding, standby, read_only, isolation = connection.exec_driver_sql(_SETTINGS).one()
    yield _version(int(number), str(version))
    yield _writes(bool(standby), str(read_only))
    yield _encoding(str(encoding))
    yield _isolation(str(isolation))
    if int(number) >= 100000:
        most, used, own_most, own = connection.exec_driver_sql(_CONNECTIONS).one()
        yield _connections(int(most) - int(used), int(own_most) - int(own) if int(own_most) >= 0 else None, tasks)


def _version(number: int, text: str) -> Finding:
    said = f"PostgreSQL {text}"
    if number < OLDEST_UPSERT:
        return mend("version", f"{said} has no INSERT … ON CONFLICT", "PostgreSQL 9.5 or newer")
    if number < OLDEST_KEPT:
        return warning("version", f"{said} gets no more corrections", "PostgreSQL 13 or newer")
    return ok("version", said)


def _writes(standby: bool, read_only: str) -> Finding:
    if standby:
        return mend("writes", "the server is a standby, which takes none", "name the primary in connection.url")
    if read_only == "on":
        what = "ALTER ROLE … SET default_transaction_read_only = off, or the same for the database or the server"
        return mend("writes", "its transactions are read-only", what)
    return ok("writes", "the server takes them")


def _encoding(encoding: str) -> Finding:
    if encoding == "UTF8":
        return ok("encoding", "UTF8")
    said = f"{encoding}: a text that it cannot hold is an error of its record"
    return warning("encoding", said, "a database WITH ENCODING 'UTF8'")


def _isolation(isolation: str) -> Finding:
    if isolation == "read committed":
        return ok("isolation", "read committed; sessions are in UTC")
    said = f"{isolation}: tasks that meet in a table have to try again"
    return warning("isolation", said, "ALTER ROLE … SET default_transaction_isolation = 'read committed'")


def _connections(left: int, own_left: int | None, tasks: int) -> Finding:
    # The look itself has one.
    free = 1 + min(left, left if own_left is None else own_left)
    said = f"{max(free, 0)} are left, tasks.max={tasks}"
    if free < tasks:
        what = f"tasks.max={max(free, 1)}, a higher max_connections, or ALTER ROLE … CONNECTION LIMIT"
        return warning("connections", said, what)
    return ok("connections", said)
