"""The table that picks a dialect: by the URL. This is the only file outside ``dialects/`` that names databases."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ferryman.connectors.sql.dialects.dialect import Dialect
from ferryman.connectors.sql.dialects.mysql.dialect import MysqlDialect
from ferryman.connectors.sql.dialects.postgresql.dialect import PostgresDialect
from ferryman.connectors.sql.dialects.sqlite.dialect import SqliteDialect
from ferryman.connectors.sql.dialects.urls import BadUrl, Location

DIALECTS: tuple[Dialect, ...] = (PostgresDialect(), MysqlDialect(), SqliteDialect())

KEYS_OF_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "dialect.sqlserver.identity.insert": "SQL Server is not supported",
        "dialect.starrocks.catalog.name": "StarRocks is not supported",
        "mssql.use.merge.holdlock": "SQL Server is not supported",
    }
)
"""Keys for databases that have no dialect; they have no effect."""

NEW_DIALECT = "docs/writing-a-dialect.md says how another one is added"


@dataclass(frozen=True, slots=True)
class Database:
    """A database that can be written to."""

    dialect: Dialect
    """What kind it is."""
    location: Location
    """How to reach it."""

    def __str__(self) -> str:
        return f"{self.dialect.name} {self.location}"


def database(text: str, user: str | None, password: str | None, properties: Mapping[str, str]) -> Database:
    """The database that a URL names; ``user``, ``password`` and ``properties`` (of the driver) win over the URL's.

    Raises BadUrl.
    """
    dialect, url, given = _jdbc(text) if text.startswith("jdbc:") else _sqlalchemy(text)
    given = {**given, **properties}
    user = user or given.pop("user", None) or url.username
    password = password or given.pop("password", None) or _plain(url.password)
    given = {name: value for name, value in given.items() if name not in ("user", "password")}
    return Database(dialect, dialect.urls.location(url.set(username=user, password=password), given))


def _plain(password: object) -> str | None:
    return None if password is None else str(password)


def _jdbc(text: str) -> tuple[Dialect, URL, dict[str, str]]:
    kind, _, rest = text.removeprefix("jdbc:").partition(":")
    dialect = next((each for each in DIALECTS if kind in each.urls.jdbc), None)
    if dialect is None:
        raise _unknown(kind)
    return dialect, *dialect.urls.from_jdbc(kind, rest)


def _sqlalchemy(text: str) -> tuple[Dialect, URL, dict[str, str]]:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadUrl(f"not a URL of a database; {_supported()}") from None
    dialect = next((each for each in DIALECTS if url.drivername in each.urls.sqlalchemy), None)
    if dialect is None:
        raise _unknown(url.drivername)
    return dialect, *dialect.urls.from_sqlalchemy(url)


def _unknown(kind: str) -> BadUrl:
    known = kind if re.fullmatch(r"[a-z0-9+-]{1,20}", kind) else "this kind of URL"
    return BadUrl(f"{known} is not supported; {_supported()}")


def _supported() -> str:
    examples = ", ".join(each.urls.example for each in DIALECTS)
    names = ", ".join(f"{each.urls.sqlalchemy[0]}://" for each in DIALECTS)
    return f"supported are {examples}, or SQLAlchemy's {names} ({NEW_DIALECT})"
