"""Checks MariaDB or MySQL: the version, whether it accepts writes, whether sessions are as they were set."""

import re
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection

from ferryman.findings import Finding, mend, ok, warning

OLDEST_MYSQL = (8, 0, 17)
OLDEST_MARIADB = (10, 5)
SMALLEST_PACKET = 1 << 20
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})\.(\d{1,4})")
_NAMES = (
    "binlog_format",
    "character_set_connection",
    "log_bin",
    "max_allowed_packet",
    "max_connections",
    "max_user_connections",
    "read_only",
    "sql_mode",
    "time_zone",
    "transaction_isolation",
    "tx_isolation",
)


def findings(connection: Connection, tasks: int) -> Iterator[Finding]:
    """All of it; ``tasks`` are how many connections are needed."""
    yield _version(str(connection.exec_driver_sql("SELECT version()").scalar_one()))
    names = ", ".join(f"'{name}'" for name in _NAMES)
    rows = connection.exec_driver_sql(f"SHOW VARIABLES WHERE variable_name IN ({names})")
    known = {str(name).lower(): str(value) for name, value in rows}
    yield _writes(known)
    yield from _session(known)
    yield _packet(int(known.get("max_allowed_packet", SMALLEST_PACKET)))
    used = connection.exec_driver_sql("SHOW STATUS LIKE 'Threads_connected'").one()[1]
    yield _connections(known, int(used), tasks)


def _version(text: str) -> Finding:
    # MariaDB calls itself 5.5.5-10.… for clients of old.
    found = _VERSION.search(text.removeprefix("5.5.5-"))
    numbers = tuple(map(int, found.groups())) if found else (0,)
    if "mariadb" in text.lower():
        if numbers < OLDEST_MARIADB:
            return warning("version", f"MariaDB {text} gets no more corrections", "MariaDB 10.5 or newer")
        return ok("version", f"MariaDB {text}")
    if numbers < OLDEST_MYSQL:
        return mend("version", f"MySQL {text}", "MySQL 8.0.17 or newer")
    return ok("version", f"MySQL {text}; the sink is tested on MariaDB")


def _writes(known: Mapping[str, str]) -> Finding:
    if known.get("read_only", "OFF").upper() not in ("OFF", "0"):
        what = "SET GLOBAL read_only = OFF, or name the primary in connection.url"
        return mend("writes", "read_only=ON: the server takes none", what)
    statements = known.get("binlog_format", "").upper() == "STATEMENT"
    if statements and known.get("log_bin", "OFF").upper() in ("ON", "1"):
        said = "binlog_format=STATEMENT: the server takes no writes of READ COMMITTED transactions"
        return mend("writes", said, "SET GLOBAL binlog_format = 'ROW'")
    return ok("writes", "the server takes them")


def _session(known: Mapping[str, str]) -> Iterator[Finding]:
    """Whatever is between us and the server may have sessions of its own."""
    isolation = known.get("transaction_isolation", known.get("tx_isolation", ""))
    wanted = {
        "isolation": (isolation, isolation == "READ-COMMITTED", "READ-COMMITTED"),
        "sql_mode": (known.get("sql_mode", ""), "STRICT_ALL_TABLES" in known.get("sql_mode", ""), "STRICT_ALL_TABLES"),
        "time zone": (known.get("time_zone", ""), known.get("time_zone") == "+00:00", "+00:00"),
        "encoding": (
            known.get("character_set_connection", ""),
            known.get("character_set_connection") == "utf8mb4",
            "utf8mb4",
        ),
    }
    for subject, (found, right, meant) in wanted.items():
        if right:
            yield ok(subject, f"{meant} in our sessions")
        else:
            said = f"{found or 'nothing'} in our sessions, which were set to {meant}"
            yield mend(subject, said, "connect to the server itself, not by a proxy that changes sessions")


def _packet(size: int) -> Finding:
    said = f"max_allowed_packet={size}: the largest row that can be written"
    if size < SMALLEST_PACKET:
        return warning("row size", said, "SET GLOBAL max_allowed_packet = 16777216")
    return ok("row size", said)


def _connections(known: Mapping[str, str], used: int, tasks: int) -> Finding:
    own = int(known.get("max_user_connections", "0"))
    # The look itself has one.
    left = int(known.get("max_connections", "0")) - used + 1
    free = min(left, own) if own else left
    said = f"{max(free, 0)} are left, tasks.max={tasks}"
    if free < tasks:
        return warning("connections", said, f"tasks.max={max(free, 1)}, or a higher max_connections")
    return ok("connections", said)
