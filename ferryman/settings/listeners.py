"""Listener URLs: where the REST API and its admin endpoints are served, and under which address others find them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ferryman.config import trim

_LISTENER = re.compile(r"(?P<scheme>.*)://\[?(?P<host>[0-9a-zA-Z\-%._:]*)\]?:(?P<port>-?[0-9]+)")
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on."""

    host: str
    """Empty for every interface."""
    port: int
    """0 for any free one."""
    secure: bool = False
    """Whether it speaks TLS."""

    @property
    def scheme(self) -> str:
        """http or https."""
        return SCHEMES[self.secure]

    @property
    def authority(self) -> str:
        """``host:port`` as URLs have it."""
        return authority(self.host, self.port)

    @property
    def url(self) -> str:
        """``scheme://host:port/``."""
        return f"{self.scheme}://{self.authority}/"

    @property
    def local(self) -> bool:
        """Whether only this machine can reach it."""
        return self.host in {"localhost", "::1"} or self.host.startswith("127.")


def listener(url: str) -> Listener:
    """A listener URL taken apart. Raises ValueError in words for the user."""
    found = _LISTENER.fullmatch(trim(url))
    if not found:
        raise ValueError(f"{url!r} is not a listener like http://127.0.0.1:8083")
    scheme = found["scheme"].lower()
    if scheme not in SCHEMES:
        raise ValueError('Listener protocol must be either "http" or "https".')
    if not 0 <= int(found["port"]) <= 65535:
        raise ValueError(f"port {found['port']} is not between 0 and 65535")
    host = "" if found["host"] == "0.0.0.0" else found["host"]  # noqa: S104
    return Listener(host, int(found["port"]), scheme == "https")


def advertised(addresses: Sequence[Listener], scheme: str | None) -> Listener:
    """The listener that others are told of: the first of that scheme, by default of http, else of any.

    As in Kafka Connect a scheme that no listener has may be advertised, since a proxy may speak it.
    """
    wanted = scheme or next((each for each in SCHEMES if any(one.scheme == each for one in addresses)), "http")
    return next((one for one in addresses if one.scheme == wanted), addresses[0])


def authority(host: str, port: int) -> str:
    """``host:port`` as URLs have it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
