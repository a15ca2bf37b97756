"""The proxy of the tests does to a connection what it says."""

import socket
import threading
import time
from collections.abc import Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.reliability.links.proxy import Proxy, proxy
from tests.running import until


class _Echo(StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            if line == b"bye\n":
                return
            self.wfile.write(line)


@pytest.fixture
def link() -> Iterator[Proxy]:
    """A proxy to a server that answers each line with itself, and closes after ``bye``."""
    with ThreadingTCPServer(("127.0.0.1", 0), _Echo) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            with proxy(f"127.0.0.1:{server.server_address[1]}") as made:
                yield made
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def client(link: Proxy) -> Iterator[socket.socket]:
    """A connection that was made in good times and has been used."""
    with connected(link) as made:
        assert echoed(made, b"hello\n")
        yield made


def connected(link: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", link.port), 30)


def echoed(client: socket.socket, data: bytes) -> bool:
    client.sendall(data)
    found = b""
    while len(found) < len(data):
        found += client.recv(65536)
    return found == data


def silent(client: socket.socket) -> bool:
    """Whether a line gets no answer for a moment."""
    client.settimeout(0.2)
    try:
        client.sendall(b"anybody?\n")
        return not client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(30)


def test_a_slow_link_delivers_everything_later(link: Proxy, client: socket.socket) -> None:
    link.suffer("slow")
    began = time.monotonic()
    assert echoed(client, b"hello\n")
    assert time.monotonic() - began >= 0.2
    assert link.felt >= 2


def test_a_throttled_link_delivers_everything_in_pieces(link: Proxy, client: socket.socket) -> None:
    link.suffer("throttled")
    began = time.monotonic()
    assert echoed(client, b"x" * 10_000 + b"\n")
    assert time.monotonic() - began >= 2 * 39 * 0.002


def test_a_cut_link_resets_connections_until_it_heals(link: Proxy, client: socket.socket) -> None:
    link.suffer("cut")
    with pytest.raises(ConnectionResetError):
        client.recv(1)
    with pytest.raises(ConnectionResetError), connected(link) as late:
        late.recv(1)
    assert link.felt == 2
    link.heal()
    with connected(link) as fresh:
        assert echoed(fresh, b"hello\n")


def test_a_half_open_link_swallows_everything_and_resets_when_it_heals(link: Proxy, client: socket.socket) -> None:
    link.suffer("half-open")
    with connected(link) as late:
        assert silent(client)
        assert silent(late)
        assert link.felt == 3
        link.heal()
        for each in (client, late):
            with pytest.raises(ConnectionResetError):
                each.recv(1)
    with connected(link) as fresh:
        assert echoed(fresh, b"hello\n")


def test_a_link_that_closes_slowly_looks_open_for_a_while(link: Proxy, client: socket.socket) -> None:
    link.suffer("closing slowly")
    began = time.monotonic()
    assert client.recv(1) == b""
    assert time.monotonic() - began >= 0.4
    with connected(link) as late:
        assert echoed(late, b"hello\n")
        late.sendall(b"bye\n")
        assert late.recv(1) == b""
    until(lambda: link.felt >= 2, 60)
