"""The way to a database's server, for a look that says where it ends: the name, the port, what listens there."""

import contextlib
import socket

from ferryman.findings import Finding, mend

SECONDS = 5.0
"""For a connection, and for a server's first words."""


def unreachable(subject: str, host: str, port: int) -> Finding | None:
    """What stands between us and something that listens there; None if nothing does."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return mend(subject, f"no host is known by the name {host}", "correct the host in connection.url")
    try:
        socket.create_connection((host, port), SECONDS).close()
    except ConnectionRefusedError:
        what = "start the server, or correct host and port in connection.url"
        return mend(subject, f"nothing listens at {host}:{port}", what)
    except TimeoutError:
        what = "correct host and port in connection.url, or let us through a firewall in between"
        return mend(subject, f"{host}:{port} does not answer", what)
    except OSError as error:
        return mend(subject, f"there is no way to {host}:{port}: {error.strerror}", "correct connection.url")
    return None


def stranger(subject: str, host: str, port: int, name: str) -> Finding:
    """What listens there is none of those that are meant."""
    what = "correct host and port in connection.url"
    return mend(subject, f"what listens at {host}:{port} does not speak as {name} does", what)


def answer(host: str, port: int, said: bytes, size: int) -> bytes:
    """What a server says first, or to what it is told: up to so many bytes, as many as come at once; none in time are
    none."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), SECONDS) as line:
        line.settimeout(SECONDS)
        if said:
            line.sendall(said)
        return line.recv(size)
    return b""
