"""Connections and bodies that take too long, are too many or too large, over real sockets."""

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn

from ferryman.rest import app, bodies, connections
from ferryman.settings import settings
from tests.rest.served import SETTINGS, Memory
from tests.running import until


@dataclass
class Served:
    """A REST server in this process."""

    port: int

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 30)

    def ask(self, text: str) -> str:
        """The whole answer to raw text."""
        with self.connect() as client:
            client.sendall(text.encode())
            return _all(client)


def _all(client: socket.socket) -> str:
    pieces = []
    try:
        while piece := client.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass
    return b"".join(pieces).decode()


def get(path: str) -> str:
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def post(length: int, body: str = "") -> str:
    return f"POST /connectors HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"


@contextmanager
def serving() -> Iterator[Served]:
    found = settings.parse(SETTINGS)
    config = uvicorn.Config(
        app.app(Memory(found), found),
        http=connections.LimitedConnection,
        port=0,
        log_config=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    bound = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[bound])))
    thread.start()
    try:
        yield Served(bound.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join()
        bound.close()


def test_a_request_whose_head_never_ends_is_cut_off_even_if_it_drips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.5)
    with serving() as served, served.connect() as slow:
        slow.settimeout(0.1)
        assert any(_gone(slow, letter) for letter in "GET / HTTP/1.1\r\n" + "X-More: and more\r\n" * 1000)
        assert "200 OK" in served.ask(get("/health"))


def _gone(client: socket.socket, letter: str) -> bool:
    """Whether the other side has hung up, after one more letter."""
    try:
        client.sendall(letter.encode())
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


def test_those_who_only_hold_connections_open_keep_nobody_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_CONNECTIONS", 10)
    with serving() as served:
        held = [served.connect() for _ in range(50)]
        assert "200 OK" in served.ask(get("/health"))
        until(lambda: len(connections._open) <= 10, 30)
        for each in held:
            each.close()


def test_a_body_that_never_comes_is_answered_with_408(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.Bodies, "__init__", _with(patience=0.2))
    with serving() as served:
        answer = served.ask(post(1000, "{"))
    assert answer.startswith("HTTP/1.1 408 ")
    assert json.loads(answer.partition("\r\n\r\n")[2])["error_code"] == 408


def test_a_body_that_is_too_large_is_refused_before_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.Bodies, "__init__", _with(largest=100_000))
    with serving() as served:
        assert served.ask(post(10_000_000, "x" * 100_001)).startswith("HTTP/1.1 413 ")


def test_all_bodies_together_have_a_limit_that_small_ones_pass_under(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies.Bodies, "__init__", _with(all=300_000))
    with serving() as served:
        held = [served.connect() for _ in range(2)]
        for each in held:
            each.sendall(post(1_000_000, "x" * 140_000).encode())
        until(lambda: served.ask(post(200_000, " " * 199_990 + '{"a": 1}  ')).startswith("HTTP/1.1 503 "), 30)
        assert served.ask(post(8, '{"a": 1}').replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")).startswith(
            "HTTP/1.1 400 "
        )
        for each in held:
            each.close()
        large = post(200_000, " " * 199_990 + '{"a": 1}  ').replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
        until(lambda: served.ask(large).startswith("HTTP/1.1 400 "), 30)


def test_an_upload_that_is_given_up_is_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), serving() as served:
        with served.connect() as client:
            client.sendall(post(1000, "{").encode())
        until(lambda: [each for each in caplog.records if "a client gave up its request" in each.getMessage()], 30)
    assert [each.exc_info for each in caplog.records] == [None]


def _with(**changed: float) -> object:
    def init(self: bodies.Bodies) -> None:
        chosen = {
            "largest": bodies.MAX_BODY_BYTES,
            "all": bodies.MAX_TOTAL_BYTES,
            "patience": bodies.BODY_SECONDS,
            "held": 0,
            **changed,
        }
        for name, value in chosen.items():
            setattr(self, name, value)

    return init


def test_a_request_may_name_the_server_before_the_path() -> None:
    with serving() as served:
        assert served.ask(get("http://connect.example:8083/connectors?expand=info")).endswith("{}")
        assert served.ask(get("HTTP://connect.example/connectors")).endswith("[]")
        assert '"version"' in served.ask(get("http://connect.example"))


def test_a_client_that_asks_for_another_protocol_is_answered_without_a_word(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA\r\n\r\n"
    with serving() as served:
        assert served.ask(f"GET /connectors HTTP/1.1\r\nHost: localhost\r\n{upgrade}").endswith("[]")
    assert "pgrade" not in caplog.text
    assert "install" not in caplog.text
