"""What to do about an obstacle, in the words of the config that has led to it."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from ferryman.findings import Finding, mend
from ferryman.reach.connectivity import Obstacle, Place, obstacle


@dataclass(frozen=True, slots=True)
class Keys:
    """By which keys a config says where a server is and how it is spoken to."""

    host: str
    port: str
    both: str
    """Host and port, in a word."""
    plain: str
    """What to set for a server without TLS."""
    encrypted: str
    """What to set for one with TLS."""
    trust: str
    """What names the authorities that are trusted."""
    identity: str = ""
    """What names the certificate that we show; empty where that is not looked at."""

    @classmethod
    def of_url(cls, key: str, trust: str) -> "Keys":
        """The keys for a server whose URL one key holds."""
        plain, encrypted = f"http:// in place of https:// in {key}", f"https:// in place of http:// in {key}"
        return cls(f"the host in {key}", f"the port in {key}", f"host and port in {key}", plain, encrypted, trust)


def finding(subject: str, found: Obstacle, keys: Keys) -> Finding:
    """The obstacle, and what to do about it."""
    return mend(subject, found.said, what(found, keys))


def what(found: Obstacle, keys: Keys) -> str:
    """What to do about the obstacle."""
    return _WHAT[found.at].format(keys=keys)


def to_url(subject: str, url: str, tls: ssl.SSLContext, keys: Keys, seconds: float) -> Finding | None:
    """What is in the way to the server of a URL; None if nothing is. ``tls``: how an https server is checked."""
    parts = urlsplit(url)
    encrypted = parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    found = obstacle(parts.hostname or "", port, seconds, tls if encrypted else None)
    return None if found is None else finding(subject, found, keys)


def is_by_proxy(url: str) -> bool:
    """Whether the environment names a proxy for a URL: then the way to its server is not ours to walk."""
    parts = urlsplit(url)
    return parts.scheme in getproxies() and not proxy_bypass(parts.hostname or "")


_WHAT: Mapping[Place, str] = {
    "name": "correct {keys.host}",
    "port": "start the server, or correct {keys.both}",
    "road": "correct {keys.both}, or open the firewall in between",
    "silence": "check whether the server hangs, or is not the one that is meant; otherwise correct {keys.both}",
    "no tls": "{keys.plain}, or correct {keys.port}",
    "tls": "{keys.encrypted}, or correct {keys.port}",
    "authority": "give its authority's certificate with {keys.trust}",
    "time": "renew the certificate, or set the clock",
    "other name": "correct {keys.host}, or give the server a certificate for it",
    "identity": "name one that the server trusts with {keys.identity}",
}
