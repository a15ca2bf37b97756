"""PostgreSQL's URLs: pgjdbc's and SQLAlchemy's, and the driver properties of both that are allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import URL

from ferryman.connectors.sql.dialects.urls import BadUrl, Location, hosts_and_path, refusal, server

_DRIVER = "postgresql+psycopg"
_PORT = 5432

_LIBPQ = frozenset(
    {
        "application_name",
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "sslcert",
        "sslkey",
        "sslmode",
        "sslpassword",
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

_CONVERTED = {"currentSchema", "socketTimeout", "ssl", "tcpKeepAlive", "targetServerType"}

_LIVENESS = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}

_NO_FILES = {"passfile": "/dev/null/nothing"}
"""A path at which there can be no file: a password is the config's, and not one that lies in somebody's ~/.pgpass."""


class PostgresUrls:
    """See ``Urls``."""

    jdbc: tuple[str, ...] = ("postgresql",)
    sqlalchemy: tuple[str, ...] = ("postgresql", _DRIVER)
    example = "jdbc:postgresql://host:port/database"

    def from_jdbc(self, kind: str, rest: str) -> tuple[URL, dict[str, str]]:
        """``//host:port,host:port/database?…``, or a database on this machine alone."""
        hosts, name, given = hosts_and_path(rest, _PORT)
        if len(hosts) == 1:
            return URL.create(_DRIVER, host=hosts[0][0], port=hosts[0][1], database=name or None), given
        several = tuple(f"{host}:{port}" for host, port in hosts)
        return URL.create(_DRIVER, database=name or None, query={"host": several}), given

    def from_sqlalchemy(self, url: URL) -> tuple[URL, dict[str, str]]:
        """One host; libpq's other ways to name a server are refused."""
        return server(url, _DRIVER, _PORT)

    def location(self, url: URL, properties: Mapping[str, str]) -> Location:
        """The properties of pgjdbc and libpq that are allowed, in libpq's terms."""
        found = _Properties()
        for name, value in properties.items():
            found.add(name, value)
        if "sslmode" in properties:
            found.arguments["sslmode"] = properties["sslmode"]
        return Location(url, {**_LIVENESS, **found.arguments, **_NO_FILES}, found.settings)


@dataclass
class _Properties:
    arguments: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, value: str) -> None:
        match name:
            case "currentSchema":
                self.settings["search_path"] = value
            case "socketTimeout":
                self.settings["statement_timeout"] = f"{value}s"
            case "ssl" if value.lower() in ("true", "", "false"):
                self.arguments.setdefault("sslmode", "prefer" if value.lower() == "false" else "verify-full")
            case "tcpKeepAlive" if value.lower() in ("true", "false"):
                self.arguments["keepalives"] = "1" if value.lower() == "true" else "0"
            case "targetServerType" if value.lower() in _SERVERS:
                self.arguments["target_session_attrs"] = _SERVERS[value.lower()]
            case "sslmode" if value not in _SSL_MODES:
                raise BadUrl(f"sslmode must be one of {', '.join(sorted(_SSL_MODES))}")
            case _ if name in _LIBPQ or name in _RENAMED:
                self.arguments[_RENAMED.get(name, name)] = value
            case _ if name not in _TUNING:
                raise refusal(name, {*_LIBPQ, *_RENAMED, *_TUNING, *_CONVERTED})
