"""Stands between a client and a worker, and writes down what they say."""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

_OF_THE_CONNECTION = {"host", "connection", "content-length", "transfer-encoding", "keep-alive", "user-agent"}


@dataclass(frozen=True)
class Request:
    """What a client sends."""

    method: str
    path: str
    """As it is sent, with the query."""
    headers: Mapping[str, str]
    """Without those of the connection and the client's name."""
    body: str
    """Bytes that are no UTF-8 are surrogates, as in Python's file names: one client writes Latin-1."""


@dataclass(frozen=True)
class Answer:
    """What a worker answers."""

    status: int
    content_type: str | None
    location: str | None
    body: Any
    """The value of JSON; a text if it is none, None without a body."""


@dataclass(frozen=True)
class Exchange:
    """A request and its answer."""

    request: Request
    answer: Answer

    def written(self) -> dict[str, Any]:
        """In JSON's types."""
        return asdict(self)


def ask(worker: str, request: Request) -> tuple[Answer, bytes]:
    """The answer of a worker, ``worker`` being its host and port, and its body as it came."""
    connection = http.client.HTTPConnection(worker, timeout=120)
    try:
        connection.putrequest(request.method, request.path, skip_accept_encoding=True)
        body = request.body.encode(errors="surrogateescape")
        for name, text in request.headers.items():
            connection.putheader(name, text)
        if body or request.method in {"POST", "PUT", "PATCH"}:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        answer = connection.getresponse()
        content = answer.read()
        return Answer(
            answer.status, answer.getheader("content-type"), answer.getheader("location"), said(content)
        ), content
    finally:
        connection.close()


def said(content: bytes) -> Any:
    """What a body says."""
    if not content:
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content.decode(errors="replace")


@dataclass
class Tap:
    """What has been said since ``taken``."""

    worker: str
    url: str
    exchanges: list[Exchange] = field(default_factory=list)

    def taken(self) -> list[Exchange]:
        found, self.exchanges = self.exchanges, []
        return found


@contextmanager
def tapped(worker: str) -> Iterator[Tap]:
    """An address that hands everything on to a worker."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name: text for name, text in self.headers.items() if name.lower() not in _OF_THE_CONNECTION}
            request = Request(self.command, self.path, headers, body.decode(errors="surrogateescape"))
            answer, content = ask(worker, request)
            tap.exchanges.append(Exchange(request, answer))
            self.send_response(answer.status)
            if answer.content_type is not None:
                self.send_header("Content-Type", answer.content_type)
            if answer.location is not None:
                self.send_header("Location", answer.location)
            if answer.status != 204:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _pass_on  # noqa: N815 - as http.server calls them

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        tap = Tap(worker, f"http://127.0.0.1:{server.server_address[1]}")
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield tap
        finally:
            server.shutdown()
            thread.join()
