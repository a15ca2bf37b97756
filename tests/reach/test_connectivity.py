"""How far the way to a server goes, with real sockets."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import trustme

from ferryman.reach import connectivity

AUTHORITY = trustme.CA()
SECONDS = 30.0


@contextmanager
def serving(tls: ssl.SSLContext | None = None, says: bytes = b"") -> Iterator[int]:
    """The port of a server that says a word to everybody, and hangs up when it is answered."""

    def serve() -> None:
        while True:
            try:
                line = server.accept()[0]
            except OSError:
                return
            try:
                with line if tls is None else tls.wrap_socket(line, server_side=True) as found:
                    found.sendall(says)
                    found.recv(1)
            except OSError:
                line.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(SECONDS)


def certified(name: str, until: datetime | None = None) -> ssl.SSLContext:
    """A server's side of TLS, for a name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    since = None if until is None else until - timedelta(days=9)
    AUTHORITY.issue_cert(name, not_before=since, not_after=until).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """A client's."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


def met(port: int, tls: ssl.SSLContext | None, seconds: float = SECONDS, host: str = "127.0.0.1") -> str:
    found = connectivity.obstacle(host, port, seconds, tls)
    assert found is None or "127.0.0.1" in found.said or host in found.said
    return found.at if found else ""


def test_a_server_is_reached_without_tls_and_with_it() -> None:
    with serving(says=b"220 hello\r\n") as port:
        assert met(port, None) == ""
    with serving(certified("127.0.0.1")) as port:
        assert met(port, trusting()) == ""


def test_names_and_ports_that_are_nobodys() -> None:
    assert met(80, None, host="nobody.invalid") == "name"
    assert met(1, None) == "port"


def test_tls_that_only_one_side_speaks_is_told() -> None:
    with serving(certified("127.0.0.1")) as port:
        assert met(port, None) == "tls"
    with serving(says=b"220 hello\r\n") as port:
        assert met(port, trusting()) == "no tls"


def test_a_server_that_says_nothing_is_told_as_silence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        assert (met(port, None, 0.2), met(port, trusting(), 0.2)) == ("silence", "silence")


def test_certificates_of_strangers_of_other_hosts_and_of_other_times() -> None:
    with serving(certified("127.0.0.1")) as port:
        assert met(port, ssl.create_default_context()) == "authority"
    with serving(certified("elsewhere.example")) as port:
        assert met(port, trusting()) == "other name"
        assert met(port, trusting(), host="localhost") == "other name"
    ended = datetime.now(UTC) - timedelta(days=1)
    with serving(certified("127.0.0.1", until=ended)) as port:
        assert met(port, trusting()) == "time"


@pytest.mark.parametrize(("said", "told"), [(b"", b"220 hello\r\n"), (b"EHLO\r\n", b"220 hello\r\n")])
def test_what_a_server_says_first_is_told(said: bytes, told: bytes) -> None:
    with serving(says=b"220 hello\r\n") as port:
        assert connectivity.answer("127.0.0.1", port, said, 100, SECONDS) == told
    assert connectivity.answer("127.0.0.1", 1, said, 100, SECONDS) == b""
