"""Ctrl-C and SIGTERM in the middle of a command: what shells expect, and no trace."""

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.running import FERRYMAN

RUN = {"name": "again", "letters": 1, "records": 1, "target": "", "passed_over": {}, "complete": True, "ranges": {}}
RUNNING = {"name": "again", "connector": {"state": "RUNNING", "worker_id": "w"}, "tasks": []}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(120)
        yield server


def begun(server: socket.socket, *words: str) -> subprocess.Popen[str]:
    """A command that waits for the server, from the moment at which it does."""
    address = f"127.0.0.1:{server.getsockname()[1]}"
    command = [FERRYMAN, *(word.replace("ADDRESS", address) for word in words)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    server.accept()
    return process


def ended(process: subprocess.Popen[str], *numbers: int) -> tuple[int, str, str]:
    for number in numbers:
        process.send_signal(number)
    said, complaints = process.communicate(timeout=300)
    return process.returncode, said, complaints


REST = ("connectors", "list", "--url", "http://ADDRESS")
KAFKA = ("translate-offsets", "restored", "--group", "g", "--bootstrap", "ADDRESS")


@pytest.mark.parametrize("words", [REST, KAFKA], ids=["a worker", "Kafka"])
def test_ctrl_c_ends_a_command_that_waits_for_somebody_silent(silent: socket.socket, words: tuple[str, ...]) -> None:
    assert ended(begun(silent, *words), signal.SIGINT) == (130, "", "")


def test_ctrl_c_twice_does_too(silent: socket.socket) -> None:
    assert ended(begun(silent, *KAFKA), signal.SIGINT, signal.SIGINT) == (130, "", "")


def test_sigterm_ends_it_at_once(silent: socket.socket) -> None:
    assert ended(begun(silent, *KAFKA), signal.SIGTERM) == (-signal.SIGTERM, "", "")


class Busy(BaseHTTPRequestHandler):
    """A worker whose run never comes to its end."""

    asked = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(202, RUN)

    def do_GET(self) -> None:
        self._answer(200, RUNNING)
        self.asked.set()

    def _answer(self, status: int, body: Any) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Says nothing."""


@pytest.mark.parametrize("words", [("dlq", "replay", "orders", "--all"), ("connectors", "backfill", "orders")])
def test_who_no_longer_waits_for_a_run_hears_that_it_goes_on(words: tuple[str, ...]) -> None:
    Busy.asked.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Busy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        command = [FERRYMAN, *words, "--wait", "--json", "--url", url]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert Busy.asked.wait(120)
        code, said, complaints = ended(process, signal.SIGINT)
        server.shutdown()
    assert (code, json.loads(said)["name"], complaints) == (130, "again", "again goes on\n")
