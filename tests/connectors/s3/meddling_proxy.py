"""A proxy before a real S3 server: one that refuses some requests, keeps answers to itself, or takes headers away."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Literal
from urllib.parse import urlsplit

Refuses = Callable[[str, str], bool]
"""Whether a request, by its method and its path with the query, is refused."""
Fate = Literal["pass", "refuse", "away", "lose"]
"""What becomes of a request; a lost one is met, but nobody hears of it."""
Meddles = Callable[[str, str, dict[str, str]], Fate]
"""The fate of a request, by its method, its path with the query, and its headers, which may be changed."""
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
AWAY = b"<Error><Code>ServiceUnavailable</Code><Message>Later</Message></Error>"
_OWN = {"connection", "transfer-encoding", "content-length", "date", "server"}


def no_delete(method: str, path: str) -> bool:
    """Credentials without s3:DeleteObject."""
    return method == "DELETE" and "uploadId=" not in path


def no_abort(method: str, path: str) -> bool:
    """Credentials without s3:AbortMultipartUpload."""
    return method == "DELETE" and "uploadId=" in path


def no_comparison(method: str, path: str, headers: dict[str, str]) -> Fate:
    """A server that does not know If-Match."""
    for name in [name for name in headers if name.lower() == "if-match"]:
        del headers[name]
    return "pass"


@contextmanager
def refusing(url: str, refuses: Refuses, status: int = 403) -> Iterator[str]:
    """The URL of a proxy that refuses; with the status 503 it is away."""

    def meddle(method: str, path: str, headers: dict[str, str]) -> Fate:
        return "pass" if not refuses(method, path) else "refuse" if status == 403 else "away"

    with meddling(url, meddle) as found:
        yield found


@contextmanager
def meddling(url: str, meddles: Meddles) -> Iterator[str]:
    """The URL of a proxy to a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name: value for name, value in self.headers.items() if name.lower() != "expect"}
            fate = meddles(self.command, self.path, headers)
            if fate in ("refuse", "away"):
                status, said = (403, DENIED) if fate == "refuse" else (503, AWAY)
                self.answer(status, [("Content-Type", "application/xml")], said)
                return
            behind = HTTPConnection(urlsplit(url).netloc, timeout=60)
            behind.request(self.command, self.path, body, headers)
            found = behind.getresponse()
            data = found.read()
            behind.close()
            if fate == "lose":
                self.close_connection = True
            else:
                self.answer(found.status, found.getheaders(), data)

        def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _OWN or (self.command == "HEAD" and name == "Content-Length"):
                    self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = forward  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
