"""URLs of MariaDB and MySQL: both JDBC drivers', SQLAlchemy's, and the driver properties that are allowed."""

import re
from collections.abc import Mapping

from sqlalchemy import URL

from ferryman.connectors.sql.dialects.urls import BadUrl, Location, hosts_and_path, refusal, server

_DRIVER = "mysql+pymysql"
_PORT = 3306
_CONNECT_SECONDS = 10

_TLS = {
    # Connector/J's, then MariaDB's.
    "disabled": "off",
    "preferred": "preferred",
    "required": "required",
    "verify_ca": "verify-ca",
    "verify_identity": "verify-identity",
    "disable": "off",
    "trust": "required",
    "verify-ca": "verify-ca",
    "verify-full": "verify-identity",
}
"""How far TLS is insisted on, by the values of ``sslMode``."""

_FLAGS: Mapping[tuple[str, str], str] = {
    ("useSSL", "true"): "required",
    ("useSSL", "false"): "off",
    ("requireSSL", "true"): "required",
    ("verifyServerCertificate", "true"): "verify-ca",
    ("useSsl", "true"): "verify-identity",
    ("useSsl", "false"): "off",
    ("trustServerCertificate", "true"): "required",
    ("ssl_disabled", "true"): "off",
}
"""The older flags that mean a value of ``sslMode``; the strictest one given counts."""
_STRICTNESS = ("off", "preferred", "required", "verify-ca", "verify-identity")

_CERTIFICATES = ("serverSslCert", "ssl_ca")
_MILLISECONDS = {"connectTimeout": ("connect_timeout",), "socketTimeout": ("read_timeout", "write_timeout")}
_SECONDS = ("connect_timeout", "read_timeout", "write_timeout")

_UNCHANGING: Mapping[str, str] = {
    "allowLoadLocalInfile": "false",
    "allowLocalInfile": "false",
    "allowUrlInLocalInfile": "false",
    "allowMultiQueries": "",
    "allowPublicKeyRetrieval": "true",
    "autoDeserialize": "false",
    "autoReconnect": "",
    "cachePrepStmts": "",
    "cacheCallableStmts": "",
    "cacheServerConfiguration": "",
    "characterEncoding": "",
    "charset": "utf8mb4",
    "connectionCollation": "",
    "connectionTimeZone": "",
    "defaultFetchSize": "",
    "elideSetAutoCommits": "",
    "jdbcCompliantTruncation": "true",
    "maintainTimeStats": "",
    "nullCatalogMeansCurrent": "",
    "nullDatabaseMeansCurrent": "",
    "prepStmtCacheSize": "",
    "prepStmtCacheSqlLimit": "",
    "rewriteBatchedStatements": "",
    "serverTimezone": "",
    "tcpKeepAlive": "true",
    "tcpNoDelay": "",
    "tinyInt1isBit": "",
    "transformedBitIsBoolean": "",
    "useBulkStmts": "",
    "useCompression": "false",
    "useConfigs": "",
    "useCursorFetch": "",
    "useJDBCCompliantTimezoneShift": "",
    "useLegacyDatetimeCode": "",
    "useLocalSessionState": "",
    "useServerPrepStmts": "",
    "useTimezone": "",
    "useUnicode": "",
    "yearIsDateType": "",
    "zeroDateTimeBehavior": "",
}
"""Properties of the Java drivers that change neither what is written nor where, with any value ("") or with this one.
Those that are about zones change nothing because db.timezone says which clock is meant."""


class MysqlUrls:
    """See ``Urls``."""

    jdbc: tuple[str, ...] = ("mysql", "mariadb")
    sqlalchemy: tuple[str, ...] = ("mysql", "mariadb", _DRIVER, "mariadb+pymysql")
    example = "jdbc:mysql://host:port/database"

    def from_jdbc(self, kind: str, rest: str) -> tuple[URL, dict[str, str]]:
        """``//host:port/database?…``: one host, without the modes of several (replication, loadbalance, sequential)."""
        if not rest.startswith("//"):
            raise BadUrl(f"jdbc:{kind}: is followed by //host:port/database, without a mode of several hosts")
        hosts, name, given = hosts_and_path(rest, _PORT)
        if len(hosts) != 1:
            raise BadUrl(f"jdbc:{kind}: takes one host here; a proxy or a name that moves stands for several")
        return URL.create(_DRIVER, host=hosts[0][0], port=hosts[0][1], database=name or None), given

    def from_sqlalchemy(self, url: URL) -> tuple[URL, dict[str, str]]:
        """One host."""
        return server(url, _DRIVER, _PORT)

    def location(self, url: URL, properties: Mapping[str, str]) -> Location:
        """The properties of Connector/J, MariaDB's driver and PyMySQL that are allowed, in PyMySQL's terms, and ``tls``
        and ``ca``, of which the engine makes a context."""
        arguments: dict[str, object] = {"connect_timeout": _CONNECT_SECONDS}
        for name, value in properties.items():
            arguments.update(_converted(name, value))
        tls = _tls(properties)
        ca = next((properties[name] for name in _CERTIFICATES if name in properties), None)
        if ca is not None and tls in ("off", "preferred", "required"):
            raise BadUrl("a certificate is given, but sslMode does not say that it is verified: VERIFY_CA does")
        return Location(url, {**arguments, "tls": tls, "ca": ca})


def _converted(name: str, value: str) -> dict[str, object]:
    if name in _MILLISECONDS:
        return dict.fromkeys(_MILLISECONDS[name], max(1, _number(name, value) // 1000)) if _number(name, value) else {}
    if name in _SECONDS:
        return {name: max(1, _number(name, value))}
    if name in (*_CERTIFICATES, "sslMode") or (name, value.lower()) in _FLAGS or _is_default_flag(name, value):
        return {}
    needed = _UNCHANGING.get(name)
    if needed is None:
        raise refusal(
            name, {*_MILLISECONDS, *_SECONDS, *_CERTIFICATES, "sslMode", *(n for n, _ in _FLAGS), *_UNCHANGING}
        )
    if needed and value.lower() != needed:
        raise BadUrl(f"the driver property {name} can only be {needed} here")
    return {}


def _is_default_flag(name: str, value: str) -> bool:
    return value.lower() == "false" and (name, "true") in _FLAGS


def _number(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,9}", value):
        raise BadUrl(f"{name} must be a number")
    return int(value)


def _tls(properties: Mapping[str, str]) -> str:
    mode = properties.get("sslMode")
    if mode is not None:
        if mode.lower() not in _TLS:
            raise BadUrl("sslMode must be DISABLED, PREFERRED, REQUIRED, VERIFY_CA or VERIFY_IDENTITY")
        return _TLS[mode.lower()]
    found = {_FLAGS[name, value.lower()] for name, value in properties.items() if (name, value.lower()) in _FLAGS}
    return max(found, key=_STRICTNESS.index, default="preferred")
