"""What the URLs of databases have in common: hosts, parameters, and that no message repeats them.

Properties can make a driver read files, load code or go elsewhere (CVE-2022-21724, CVE-2023-32697), so each dialect
has an allow-list, whether they come in the URL, percent-encoded or as ``connection.*`` keys.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import parse_qsl, unquote

from sqlalchemy import URL

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)?(?::(\d{1,5}))?")


class BadUrl(ValueError):
    """A URL or driver property that is refused. Its text never repeats the URL, which may hold a password."""


@dataclass(frozen=True, slots=True)
class Location:
    """How to reach a database."""

    url: URL
    """In SQLAlchemy's form, with user and password, without parameters."""
    arguments: Mapping[str, object] = field(default_factory=dict, repr=False)
    """What the driver's ``connect`` gets besides the URL."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What is set in each new session of the database."""

    def __str__(self) -> str:
        """Without the password."""
        is_file = self.url.host is None and not self.url.query
        return str(self.url.database) if is_file else self.url.render_as_string(hide_password=True)


class Urls(Protocol):
    """Which URLs mean a database, and what its driver may be told."""

    jdbc: tuple[str, ...]
    """What follows ``jdbc:``."""
    sqlalchemy: tuple[str, ...]
    """SQLAlchemy's names, with and without a driver."""
    example: str
    """A URL, for messages."""

    def from_jdbc(self, kind: str, rest: str) -> tuple[URL, dict[str, str]]:
        """The database of ``jdbc:<kind>:<rest>``, and the properties in it. Raises BadUrl."""

    def from_sqlalchemy(self, url: URL) -> tuple[URL, dict[str, str]]:
        """What ``from_jdbc`` gives, of SQLAlchemy's URL."""

    def location(self, url: URL, properties: Mapping[str, str]) -> Location:
        """With the driver properties in the driver's own terms. Raises BadUrl for one that is not allowed."""


def hosts_and_path(rest: str, port: int) -> tuple[list[tuple[str, int]], str, dict[str, str]]:
    """The hosts with their ports, the path and the parameters of ``//host:port,host:port/path?parameters``."""
    place, _, query = rest.partition("?")
    hosts, path = "", place
    if place.startswith("//"):
        hosts, _, path = place[2:].partition("/")
    return [host(unquote(each), port) for each in hosts.split(",")], unquote(path), parameters(query)


def host(text: str, port: int) -> tuple[str, int]:
    """A host and its port, or ``port``. Raises BadUrl for anything else, such as a socket's path."""
    if "@" in text:
        raise BadUrl("a jdbc: URL holds no user: set connection.user and connection.password")
    found = _HOST.fullmatch(text)
    if found is None:
        raise BadUrl("the host must be a name or an address with an optional port")
    return (found[1] or "localhost").strip("[]"), int(found[2] or port)


def parameters(query: str) -> dict[str, str]:
    """The parameters of a URL. Raises BadUrl if one occurs twice."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    if len(given) != len(pairs):
        raise BadUrl("a parameter occurs twice in the URL")
    return given


def server(url: URL, drivername: str, port: int) -> tuple[URL, dict[str, str]]:
    """SQLAlchemy's URL of a server under the driver that is used, and the parameters taken out of it."""
    given = {name: value for name, value in url.query.items() if isinstance(value, str)}
    if len(given) != len(url.query):
        raise BadUrl("a parameter occurs twice in the URL")
    name, port = host(f"[{url.host}]" if url.host and ":" in url.host else url.host or "", port)
    return url.set(drivername=drivername, host=name, port=url.port or port, query={}), given


def refusal(name: str, allowed: set[str]) -> BadUrl:
    """The error for a driver property that is not allowed."""
    return BadUrl(f"the driver property {name} is not allowed; allowed are {', '.join(sorted(allowed))}")
