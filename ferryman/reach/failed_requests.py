"""How far the way to a server goes, as the error of a request tells that was sent there."""

import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from ferryman.reach import connectivity
from ferryman.reach.connectivity import Obstacle

_ALERTS_ABOUT_US = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "ACCESS_DENIED")
"""What alerts have in their names with which a server turns down who shows it no certificate, or another one."""


def obstacle(url: str, error: BaseException) -> Obstacle | None:
    """Where the way to the server of a URL ends, by the error and what it comes from; None if that does not say."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    return next((found for each in _origins(error) if (found := _obstacle(host, port, each))), None)


def _obstacle(host: str, port: int, error: BaseException) -> Obstacle | None:
    match error:
        case ssl.SSLCertVerificationError():
            return connectivity.of_certificate(host, port, error)
        case ssl.SSLError() if "ALERT" in (reason := error.reason or ""):
            if any(each in reason for each in _ALERTS_ABOUT_US):
                return Obstacle(
                    "identity", f"{host}:{port} asks for a certificate that it trusts, and was shown none ({reason})"
                )
            return connectivity.no_tls(host, port, reason)
        case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "RECORD_LAYER_FAILURE" | "UNSUPPORTED_PROTOCOL" as reason):
            return connectivity.no_tls(host, port, reason)
        case socket.gaierror():
            return connectivity.unknown(host)
        case ConnectionRefusedError():
            return connectivity.nobody(host, port)
        case _:
            return None


def _origins(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that it comes from, also where a library says ``from None``."""
    known = set[int]()
    while error is not None and id(error) not in known:
        known.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
