"""Where the database is: a ``jdbc:`` URL or SQLAlchemy's, and the driver properties that are allowed with it.

Properties can make a driver read files, load code or go elsewhere (CVE-2022-21724, CVE-2023-32697), so they pass an
allow-list, whether they come in the URL, percent-encoded or as ``connection.*`` keys.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from ferryman.files import allowed_folders

SUPPORTED = "jdbc:postgresql://host:port/database, jdbc:sqlite:path, or SQLAlchemy's postgresql:// and sqlite:///"
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)?(?::(\d{1,5}))?")

_LIBPQ = frozenset(
    {
        "application_name",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "sslmode",
        "sslrootcert",
        "target_session_attrs",
        "tcp_user_timeout",
    }
)
_RENAMED = {
    "ApplicationName": "application_name",
    "connectTimeout": "connect_timeout",
    "loginTimeout": "connect_timeout",
}
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
_SERVERS = {"any": "any", "primary": "read-write", "master": "read-write", "secondary": "standby"}
_TUNING = frozenset(
    {
        "adaptiveFetch",
        "assumeMinServerVersion",
        "autosave",
        "binaryTransfer",
        "charSet",
        "cleanupSavepoints",
        "defaultRowFetchSize",
        "logUnclosedConnections",
        "loggerLevel",
        "preferQueryMode",
        "prepareThreshold",
        "preparedStatementCacheQueries",
        "preparedStatementCacheSizeMiB",
        "reWriteBatchedInserts",
        "receiveBufferSize",
        "sendBufferSize",
        "stringtype",
        "tcpNoDelay",
    }
)
"""Properties of the Java driver that change neither what is written nor where: there is nothing here to tune."""

_LIVENESS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


class BadUrl(ValueError):
    """A URL or driver property that is refused. Its text never repeats the URL, which may hold a password."""


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach the database: the URL, what goes to the driver, and what to set in each new session."""

    url: URL
    arguments: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_postgres(self) -> bool:
        """Whether it is PostgreSQL; else it is SQLite."""
        return self.url.get_backend_name() == "postgresql"

    def __str__(self) -> str:
        if self.is_postgres:
            return f"PostgreSQL {self.url.render_as_string(hide_password=True)}"
        return f"SQLite {self.url.database}"


def database(text: str, user: str | None, password: str | None, properties: Mapping[str, str]) -> Database:
    """The database that a URL names; ``user``, ``password`` and ``properties`` (of the driver) win over the URL's.

    Raises BadUrl.
    """
    url, given = _jdbc(text) if text.startswith("jdbc:") else _sqlalchemy(text)
    given = {**given, **properties}
    user = user or given.pop("user", None) or url.username
    password = password or given.pop("password", None) or _plain(url.password)
    given = {name: value for name, value in given.items() if name not in ("user", "password")}
    if url.get_backend_name() == "sqlite":
        if given:
            raise BadUrl(f"the property {min(given)} is not supported with SQLite")
        return Database(url)
    arguments, settings = _postgres(given)
    return Database(url.set(username=user, password=password), {**_LIVENESS, **arguments}, settings)


def _plain(password: object) -> str | None:
    return None if password is None else str(password)


def _jdbc(text: str) -> tuple[URL, dict[str, str]]:
    kind, _, rest = text.removeprefix("jdbc:").partition(":")
    if kind == "sqlite":
        return _sqlite(rest), {}
    if kind != "postgresql":
        known = kind if re.fullmatch(r"[a-z0-9+-]{1,20}", kind) else "this kind of URL"
        raise BadUrl(f"{known} is not supported; supported are {SUPPORTED}")
    place, _, query = rest.partition("?")
    hosts, name = "", place
    if place.startswith("//"):
        hosts, _, name = place[2:].partition("/")
    return _postgres_url(hosts, unquote(name)), _parameters(query)


def _postgres_url(hosts: str, name: str) -> URL:
    found = [_host(unquote(host)) for host in hosts.split(",")]
    if len(found) == 1:
        return URL.create("postgresql+psycopg", host=found[0][0], port=found[0][1], database=name or None)
    several = tuple(f"{host}:{port}" for host, port in found)
    return URL.create("postgresql+psycopg", database=name or None, query={"host": several})


def _host(text: str) -> tuple[str, int]:
    if "@" in text:
        raise BadUrl("a jdbc: URL holds no user: set connection.user and connection.password")
    found = _HOST.fullmatch(text)
    if found is None:
        raise BadUrl("the host must be a name or an address with an optional port")
    return (found[1] or "localhost").strip("[]"), int(found[2] or 5432)


def _parameters(query: str) -> dict[str, str]:
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        raise BadUrl("a parameter occurs twice in the URL")
    return given


def _sqlite(path: str) -> URL:
    if not path or path.startswith((":", "file:")) or "?" in path:
        raise BadUrl("an SQLite URL must be the path of a file, without parameters")
    try:
        return URL.create("sqlite", database=allowed_folders.check(path))
    except ValueError as error:
        raise BadUrl(str(error)) from None


def _sqlalchemy(text: str) -> tuple[URL, dict[str, str]]:
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadUrl(f"not a URL of a database; supported are {SUPPORTED}") from None
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadUrl(f"{url.drivername} is not supported; supported are {SUPPORTED}")
    if driver == "sqlite":
        if url.query or url.host:
            raise BadUrl("an SQLite URL must be the path of a file, without parameters")
        return _sqlite(url.database or ""), {}
    given = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if len(given) != len(url.query):
        raise BadUrl("a parameter occurs twice in the URL")
    host, port = _host(f"[{url.host}]" if url.host and ":" in url.host else url.host or "")
    return url.set(drivername=driver, host=host, port=url.port or port, query={}), given


def _postgres(given: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    arguments: dict[str, str] = {}
    settings: dict[str, str] = {}
    for name, value in given.items():
        match name:
            case "currentSchema":
                settings["search_path"] = value
            case "socketTimeout":
                settings["statement_timeout"] = f"{value}s"
            case "ssl" if value.lower() in ("true", "", "false"):
                arguments.setdefault("sslmode", "prefer" if value.lower() == "false" else "verify-full")
            case "tcpKeepAlive" if value.lower() in ("true", "false"):
                arguments["keepalives"] = "1" if value.lower() == "true" else "0"
            case "targetServerType" if value.lower() in _SERVERS:
                arguments["target_session_attrs"] = _SERVERS[value.lower()]
            case "sslmode" if value not in _SSL_MODES:
                raise BadUrl(f"sslmode must be one of {', '.join(sorted(_SSL_MODES))}")
            case _ if name in _LIBPQ or name in _RENAMED:
                arguments[_RENAMED.get(name, name)] = value
            case _ if name not in _TUNING:
                raise BadUrl(refusal(name))
    if "sslmode" in given:
        arguments["sslmode"] = given["sslmode"]
    return arguments, settings


def refusal(name: str) -> str:
    """Why a driver property is refused."""
    allowed = sorted(
        {*_LIBPQ, *_RENAMED, *_TUNING, "currentSchema", "socketTimeout", "ssl", "tcpKeepAlive", "targetServerType"}
    )
    return f"the driver property {name} is not allowed; allowed are {', '.join(allowed)}"
