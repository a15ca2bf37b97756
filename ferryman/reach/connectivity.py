"""How far the way to a server goes: its name, its port, TLS. No request is made, and nobody logs in."""

import contextlib
import socket
import ssl
from dataclasses import dataclass
from typing import Literal

Place = Literal["name", "port", "road", "silence", "no tls", "tls", "authority", "time", "other name", "identity"]
"""Nobody has the name; nothing listens; nothing comes back; who listens says nothing. Who listens speaks no TLS and
should; speaks TLS and should not. The certificate is of an authority that is not trusted; has run out, or is for later;
is another host's. The server does not accept our own certificate, or wants one."""
_HOSTNAME, _ADDRESS = 62, 64
_TOO_EARLY, _TOO_LATE = 9, 10
"""OpenSSL's numbers for what is wrong with a certificate (X509_V_ERR_…)."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where the way ends."""

    at: Place
    said: str
    """A sentence that names host and port."""


def obstacle(host: str, port: int, seconds: float, tls: ssl.SSLContext | None) -> Obstacle | None:
    """What stands between us and a server that speaks TLS from its first byte as ``tls`` wants it, or (None) does not.
    None if nothing does. Each step may take ``seconds``."""
    return unreachable(host, port, seconds) or (
        _unencrypted(host, port, seconds) if tls is None else _encrypted(host, port, seconds, tls)
    )


def unreachable(host: str, port: int, seconds: float) -> Obstacle | None:
    """What stands between us and something that listens there; None if nothing does."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return unknown(host)
    try:
        socket.create_connection((host, port), seconds).close()
    except ConnectionRefusedError:
        return nobody(host, port)
    except TimeoutError:
        return Obstacle("road", f"{host}:{port} does not answer")
    except OSError as error:
        return Obstacle("road", f"{host}:{port} cannot be reached: {error.strerror}")
    return None


def answer(host: str, port: int, said: bytes, size: int, seconds: float) -> bytes:
    """What a server says first, or to what it is told: up to so many bytes, as many as come at once; none in time are
    none."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), seconds) as line:
        line.settimeout(seconds)
        if said:
            line.sendall(said)
        return line.recv(size)
    return b""


def _encrypted(host: str, port: int, seconds: float, context: ssl.SSLContext) -> Obstacle | None:
    try:
        _greet(host, port, seconds, context)
    except ssl.SSLCertVerificationError as error:
        return of_certificate(host, port, error)
    except TimeoutError:
        return _silence(host, port)
    except OSError as error:
        return no_tls(host, port, getattr(error, "reason", None) or error.strerror or str(error))
    return None


def unknown(host: str) -> Obstacle:
    """There is nobody of that name."""
    return Obstacle("name", f"the host name {host} is not known")


def nobody(host: str, port: int) -> Obstacle:
    """Connections are refused."""
    return Obstacle("port", f"nothing listens at {host}:{port}")


def no_tls(host: str, port: int, reason: str) -> Obstacle:
    """The handshake fails, and not for a certificate."""
    return Obstacle("no tls", f"what listens at {host}:{port} does not accept TLS from here ({reason})")


def of_certificate(host: str, port: int, error: ssl.SSLCertVerificationError) -> Obstacle:
    """What is wrong with a server's certificate."""
    said = f"the certificate of {host}:{port}"
    match error.verify_code:
        case number if number in (_HOSTNAME, _ADDRESS):
            return Obstacle("other name", f"{said} is not for {host}")
        case number if number in (_TOO_EARLY, _TOO_LATE):
            return Obstacle("time", f"{said} is not valid now: {error.verify_message}")
        case _:
            return Obstacle("authority", f"{said} is not trusted: {error.verify_message}")


def _unencrypted(host: str, port: int, seconds: float) -> Obstacle | None:
    """Found by speaking TLS to it: who answers that in plain words, or hangs up, is there and speaks none."""
    anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    try:
        _greet(host, port, seconds, anybody)
    except TimeoutError:
        return _silence(host, port)
    except OSError:
        return None
    return Obstacle("tls", f"{host}:{port} speaks only TLS, but was addressed without it")


def _silence(host: str, port: int) -> Obstacle:
    return Obstacle("silence", f"{host}:{port} accepts connections but does not answer")


def _greet(host: str, port: int, seconds: float, context: ssl.SSLContext) -> None:
    with socket.create_connection((host, port), seconds) as line, context.wrap_socket(line, server_hostname=host):
        pass
