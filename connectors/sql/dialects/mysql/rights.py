"""Which rights a user of MariaDB or MySQL lacks, as the statements that give them."""

from collections.abc import Iterator, Sequence

import sqlalchemy as sa
from sqlalchemy import Connection

from ferryman.connectors.sql.dialects.dialect import Use
from ferryman.connectors.sql.dialects.mysql import roles
from ferryman.connectors.sql.dialects.mysql.statements import name
from ferryman.connectors.sql.dialects.names import TableName

_ORDER = ("CREATE", "ALTER", "SELECT", "INSERT", "UPDATE", "DELETE")
_STAGING = "CREATE TEMPORARY TABLES"

# A right to a database may be to a pattern of names; those that come by a role are told by SHOW GRANTS only.
_HELD = sa.text(
    "SELECT privilege_type FROM information_schema.user_privileges WHERE grantee = :user "
    "UNION SELECT privilege_type FROM information_schema.schema_privileges "
    "WHERE grantee = :user AND :schema LIKE table_schema "
    "UNION SELECT privilege_type FROM information_schema.table_privileges "
    "WHERE grantee = :user AND table_schema = :schema AND table_name = :table"
)


def grants(connection: Connection, uses: Sequence[Use]) -> Sequence[str]:
    """See ``Dialect.grants``. What is granted already is not among them."""
    account, database = connection.exec_driver_sql("SELECT current_user(), database()").one()
    user = _user(str(account))
    found: list[str] = []
    if database is not None and _STAGING not in _held(connection, user, str(database), ""):
        found.append(f"GRANT {_STAGING} ON {_quoted(str(database))}.* TO {user}")
    for use in uses:
        schema = use.table.schema or str(database)
        found += _for_table(connection, use, TableName(schema, use.table.name), user)
    return list(dict.fromkeys(found))


def _for_table(connection: Connection, use: Use, table: TableName, user: str) -> Iterator[str]:
    wanted = set(use.statements)
    if wanted & {"UPDATE", "DELETE"}:
        wanted.add("SELECT")  # of the keys that rows are joined by
    if use.creates:
        wanted.add("CREATE")
    if use.evolves:
        wanted.add("ALTER")
    lacking = wanted - _held(connection, user, str(table.schema), table.name)
    if lacking:
        rights = ", ".join(right for right in _ORDER if right in lacking)
        yield f"GRANT {rights} ON {_quoted(str(table.schema))}.{_quoted(table.name)} TO {user}"


def _held(connection: Connection, user: str, schema: str, table: str) -> set[str]:
    place = {"user": user, "schema": schema, "table": table}
    own = {str(right) for right in connection.execute(_HELD, place).scalars()}
    return own | roles.rights_of_roles(connection, schema, table)


def _quoted(text: str) -> str:
    return name(text).replace("%%", "%")


def _user(account: str) -> str:
    """An account as GRANT takes it, and as the servers' lists of rights show it."""
    user, _, host = account.rpartition("@")
    return f"'{user}'@'{host}'"
