"""TCP ports on 127.0.0.1, the only address that the embedded world listens on."""

import http.client
import random
import socket
from collections import deque
from collections.abc import Container

HOST = "127.0.0.1"
_FREE = range(15_000, 30_000)
_random = random.SystemRandom()
_HELD: deque[socket.socket] = deque(maxlen=500)
"""The latest; a server that has not begun to listen by then has no claim any more."""


def is_free(port: int) -> bool:
    """Whether a server could listen on it now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A free port below those that the system gives to outgoing connections, which no other call of this gets, in
    whatever process, while this one lives.

    A component that restarts must get its port back. Were it one of those, a client that tries again and again could
    be given the very port it is calling, be connected to itself and keep the server out.
    """
    while True:
        port = _random.choice(_FREE)
        held = _held(port)
        if held is not None:
            _HELD.append(held)
            return port


def _held(port: int) -> socket.socket | None:
    """A socket that is bound to a port and does not listen; None if another one is.

    It keeps out who binds without SO_REUSEADDR, as the next lines do. Servers set it, and so can listen beside it.
    """
    found = socket.socket()
    try:
        found.bind((HOST, port))
    except OSError:
        found.close()
        return None
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return found


def answers_http(port: int, path: str, refusals: Container[int] = ()) -> bool:
    """Whether a page is there, or is refused in one of these ways. Raises OSError or HTTPException while nothing proper
    answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
        return 200 <= status < 300 or status in refusals
    finally:
        connection.close()
