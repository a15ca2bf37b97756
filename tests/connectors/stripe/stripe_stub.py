"""A gateway for tests: a real HTTP server with Stripe's list of events, its paging and its moods, on a free port."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Order = Literal["newest first", "as they appear", "oldest first"]
Body = dict[str, Any]


def payment(id: str, created: int, type: str = "payment_intent.succeeded", **subject: Any) -> Body:
    """An event about a payment of 12.34 EUR."""
    about = {"id": f"pi_{id}", "object": "payment_intent", "amount": 1234, "currency": "eur", **subject}
    return {"id": id, "object": "event", "created": created, "type": type, "data": {"object": about}}


@dataclass
class StripeStub:
    """The server's state. ``oldest first`` sorts by time, ``as they appear`` as a server that appends to a list.

    ``strict`` servers, as the real one, refuse to go on from an unknown event; others begin at the beginning and refuse
    ``types``.
    """

    order: Order = "newest first"
    page: int = 100
    strict: bool = True
    now: int = 2_000_000_000
    events: list[Body] = field(default_factory=list)
    moods: list[str | tuple[int, Mapping[str, str]]] = field(default_factory=list)
    """What the next requests meet: a status with headers, or ``hang up``, ``drip``, ``nonsense``, ``cut``, ``none``.

    ``cut`` ends the answer in its middle, as a gateway does that knows of no length."""
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens at the gateway just before each of the next requests."""
    requests: list[dict[str, list[str]]] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    url: str = ""

    def add(self, *events: Body) -> None:
        """Lets events appear."""
        self.events.extend(events)

    def listed(self) -> list[Body]:
        """All events in the server's order; events of one second in the order in which they came."""
        if self.order == "as they appear":
            return list(self.events)
        by_time = sorted(self.events, key=lambda event: event["created"])
        return by_time if self.order == "oldest first" else by_time[::-1]

    def meet(self, query: dict[str, list[str]]) -> str | tuple[int, Mapping[str, str], bytes]:
        """What becomes of a request: one of the moods by name, or an answer's status, headers and body."""
        self.requests.append(query)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        match self.moods.pop(0) if self.moods else "none":
            case "none":
                status, body = self.answer(query)
                return status, {}, json.dumps(body).encode()
            case "cut":
                status, body = self.answer(query)
                text = json.dumps(body)
                return status, {}, text[: len(text) // 2].encode()
            case "nonsense":
                return 200, {}, b"<html>It works!</html>"
            case (status, headers):
                return status, headers, b'{"error": {"message": "so be it"}}'
            case str(mood):
                return mood

    def answer(self, query: Mapping[str, list[str]]) -> tuple[int, Any]:
        """The status and body for a request's query."""
        types = query.get("types[]")
        if types and not self.strict:
            return 400, {"error": {"message": "Unexpected types"}}
        since = int(query.get("created[gte]", ["0"])[0])
        before = int(query.get("created[lt]", [str(10**15)])[0])
        found = [
            one for one in self.listed() if since <= one["created"] < before and (not types or one["type"] in types)
        ]
        start = 0
        if "starting_after" in query:
            ids = [event["id"] for event in found]
            cursor = query["starting_after"][0]
            known = ids if not self.strict else [event["id"] for event in self.events]
            if self.strict and cursor not in known:
                return 400, {"error": {"message": f"No such event: '{cursor}'"}}
            start = ids.index(cursor) + 1 if cursor in ids else 0
        limit = min(int(query.get("limit", ["10"])[0]), self.page)
        return 200, {"object": "list", "data": found[start : start + limit], "has_more": len(found) > start + limit}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stub: StripeStub

    def do_GET(self) -> None:
        self.stub.headers.append(dict(self.headers))
        match self.stub.meet(parse_qs(urlsplit(self.path).query)):
            case "drip":
                self._drip()
            case str():
                self.close_connection = True
            case (status, headers, body):
                self._send(status, headers, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.close_connection = True
        try:
            for _ in range(200):
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(0.02)
        except OSError:
            pass

    def date_time_string(self, timestamp: float | None = None) -> str:
        return formatdate(self.stub.now, usegmt=True)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving(stub: StripeStub) -> Iterator[StripeStub]:
    """Runs the server while the block runs."""
    handler = type("Handler", (_Handler,), {"stub": stub, "disable_nagle_algorithm": True, "wbufsize": -1})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield stub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
