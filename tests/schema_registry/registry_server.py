"""A tiny schema registry on a free port: real HTTP, no storage but a dict, and failures on demand."""

import json
import re
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote


class FakeRegistry:
    """What the server knows. ``failing`` is a status for every request, ``refusing`` one for registrations."""

    def __init__(self) -> None:
        self.schemas: dict[int, dict[str, Any]] = {}
        self.subjects: list[tuple[str, int]] = []
        self.requests: list[tuple[str, str, str | None]] = []
        self.headers: list[dict[str, str]] = []
        self.failing: int | None = None
        self.refusing: int | None = None
        self.url = ""

    def add(self, schema: Any, subject: str | None = None, **more: Any) -> int:
        """Stores a schema, perhaps as the next version of a subject, and returns its id."""
        number = len(self.schemas) + 1
        self.schemas[number] = {"schema": json.dumps(schema), **more}
        if subject is not None:
            self.subjects.append((subject, number))
        return number

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """What the registry says to a request."""
        path = path.partition("?")[0]
        if self.failing is not None:
            return self.failing, {"error_code": self.failing, "message": "failing"}
        if match := re.fullmatch(r"/schemas/ids/(-?\d+)", path):
            found = self.schemas.get(int(match[1]))
            return (200, found) if found else (404, {"error_code": 40403, "message": "Schema not found"})
        if match := re.fullmatch(r"/schemas/ids/(\d+)/versions", path):
            return 200, list(self._versions(int(match[1])))
        if match := re.fullmatch(r"/subjects/([^/]+)/versions/(\w+)", path):
            return self._version(unquote(match[1]), match[2])
        match = re.fullmatch(r"/subjects/([^/]+)(/versions)?", path)
        assert match is not None, path
        return self._subject(unquote(match[1]), body["schema"], register=bool(match[2]))

    def _version(self, subject: str, version: str) -> tuple[int, Any]:
        numbers = [number for name, number in self.subjects if name == subject]
        at = len(numbers) if version == "latest" else int(version)
        if not 0 < at <= len(numbers):
            return 404, {"error_code": 40402, "message": "Version not found"}
        number = numbers[at - 1]
        return 200, {"subject": subject, "version": at, "id": number, **self.schemas[number]}

    def _versions(self, wanted: int) -> Iterator[dict[str, Any]]:
        counts: dict[str, int] = {}
        for subject, number in self.subjects:
            counts[subject] = counts.get(subject, 0) + 1
            if number == wanted:
                yield {"subject": subject, "version": counts[subject]}

    def _subject(self, subject: str, text: str, register: bool) -> tuple[int, Any]:
        if self.refusing is not None:
            return self.refusing, {"error_code": self.refusing, "message": "incompatible"}
        for name, number in self.subjects:
            if name == subject and self.schemas[number]["schema"] == text:
                return 200, {"id": number, "subject": subject}
        if not register:
            return 404, {"error_code": 40403, "message": "Schema not found"}
        number = self.add(json.loads(text))
        self.schemas[number]["schema"] = text
        self.subjects.append((subject, number))
        return 200, {"id": number}


@contextmanager
def running(tls: ssl.SSLContext | None = None) -> Iterator[FakeRegistry]:
    """A registry that answers as long as the block runs."""
    registry = FakeRegistry()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            registry.requests.append((self.command, self.path, self.headers.get("Authorization")))
            registry.headers.append(dict(self.headers))
            status, answer = registry.answer(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = _serve  # noqa: N815

        def log_message(self, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    registry.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}"
    try:
        yield registry
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
