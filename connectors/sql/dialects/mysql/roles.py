"""Rights that come by a role at MariaDB and MySQL, as SHOW GRANTS tells them: other lists have the user's own."""

import re
from collections.abc import Iterator
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

_GRANT = re.compile(r"GRANT ([A-Z ,]+) ON (?:\*|`((?:[^`]|``)*+)`)\.(?:\*|`((?:[^`]|``)*+)`) TO ")
"""Rights to columns, which stand in parentheses, are none to a table, and are not looked for."""
_ALL = frozenset({"CREATE", "ALTER", "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE TEMPORARY TABLES"})
_IS_LIKE = sa.text("SELECT :name LIKE :pattern")


class Granted(NamedTuple):
    """A line of SHOW GRANTS."""

    rights: frozenset[str]
    schema: str | None
    """To which database; a pattern of LIKE where the right is to all of its tables. None for all."""
    table: str | None
    """To which table; None for all."""


def rights_of_roles(connection: Connection, schema: str, table: str) -> set[str]:
    """The rights to a table that the roles give which the session has."""
    found: set[str] = set()
    for each in filter(None, map(rights_granted_by, _lines(connection))):
        if each.table in (None, table) and _means(connection, each, schema):
            found |= each.rights
    return found


def rights_granted_by(line: str) -> Granted | None:
    """What a line tells of rights to tables; None for one that tells of others."""
    found = _GRANT.match(line)
    if found is None:
        return None
    rights = frozenset(right.strip() for right in found[1].split(","))
    schema, table = (each and each.replace("``", "`") for each in (found[2], found[3]))
    return Granted(_ALL if rights & {"ALL", "ALL PRIVILEGES"} else rights, schema, table)


def _means(connection: Connection, found: Granted, schema: str) -> bool:
    if found.schema is None or found.table is not None:
        return found.schema in (None, schema)
    return bool(connection.execute(_IS_LIKE, {"name": schema, "pattern": found.schema}).scalar_one())


def _lines(connection: Connection) -> Iterator[str]:
    active = connection.exec_driver_sql("SELECT current_role()").scalar_one_or_none()
    if active in (None, "", "NONE"):
        return
    # MariaDB shows those of the role with the user's; MySQL has several roles, and wants them named.
    is_mariadb = getattr(connection.dialect, "is_mariadb", False)
    statement = "SHOW GRANTS" if is_mariadb else f"SHOW GRANTS FOR CURRENT_USER() USING {active}"
    try:
        yield from map(str, connection.exec_driver_sql(statement.replace("%", "%%")).scalars())
    except DBAPIError:
        return  # what cannot be seen is asked for
