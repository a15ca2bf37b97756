"""HTTP between clients and workers, and among workers, over the simulated network; the application is production's."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tests.worker.simulation.machine import Host
from tests.worker.simulation.network import Link


@dataclass
class Reply:
    """What a worker answers."""

    status: int
    headers: dict[str, str]
    content: bytes


@dataclass
class Station:
    """Where a worker listens."""

    host: Host
    link: Link
    application: Any = None


@dataclass(eq=False)
class _Exchange:
    """One request and its answer."""

    method: str
    url: str
    content: bytes
    headers: Mapping[str, str]
    gone: bool = False
    """Whether whoever asked has gone away."""
    went: asyncio.Event | None = None
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""

    def scope(self) -> dict[str, Any]:
        parts = urlsplit(self.url)
        headers = {"host": parts.netloc, "content-length": str(len(self.content)), **self.headers}
        return {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("10.0.0.99", 1),
            "server": (parts.hostname, parts.port),
        }

    async def serve(self, application: Any) -> None:
        """On the loop of the worker that is asked."""
        self.went = asyncio.Event()
        given = False

        async def receive() -> dict[str, Any]:
            nonlocal given
            if not given:
                given = True
                return {"type": "http.request", "body": self.content, "more_body": False}
            while not self.gone:
                assert self.went is not None
                await self.went.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                self.answer_headers = {name.decode().lower(): value.decode() for name, value in message["headers"]}
            else:
                self.answer += message.get("body", b"")

        await application(self.scope(), receive, send)

    def goes(self) -> None:
        """Whoever asked has gone."""
        self.gone = True
        if self.went is not None:
            self.went.set()


@dataclass
class Wire:
    """All workers by their URLs."""

    world: Host
    stations: dict[str, Station] = field(default_factory=dict)
    _asking: dict[_Exchange, tuple[Host, Link | None]] = field(default_factory=dict)

    def died(self, host: Host) -> None:
        """The kernel closes the connections of a process that is no more."""
        for exchange, (caller, link) in list(self._asking.items()):
            if caller is host:
                del self._asking[exchange]
                self._goes(exchange, link, exchange.url)

    async def asks(
        self, caller: Host, link: Link | None, method: str, url: str, content: bytes, headers: Mapping[str, str]
    ) -> Reply:
        """For whoever runs on the caller's loop. OSError where no connection can be made."""
        exchange = _Exchange(method, url, content, headers)
        answered: asyncio.Future[Reply] = caller.loop.create_future()

        def tells(found: Reply | OSError) -> None:
            if caller.dead or answered.done():
                return
            caller.loop.call_soon(_settled, answered, found)

        self._asking[exchange] = caller, link
        self._passes(link, lambda: self._arrives(exchange, link, tells))
        try:
            return await answered
        finally:
            if self._asking.pop(exchange, None) and (not answered.done() or answered.cancelled()):
                self._goes(exchange, link, url)

    def _passes(self, link: Link | None, then: Callable[[], None]) -> None:
        if link is None:
            self.world.loop.call_soon(then)
        else:
            link.sends(then)

    def _arrives(self, exchange: _Exchange, link: Link | None, tells: Callable[[Reply | OSError], None]) -> None:
        parts = urlsplit(exchange.url)
        station = self.stations.get(f"http://{parts.netloc}/")
        if station is None or station.host.dead or station.application is None:
            error = ConnectionRefusedError("nobody listens")
            self._back(link, lambda: tells(error))
        elif station.link.cut:
            return
        else:
            station.host.loop.call_soon(self._begins, station, exchange, link, tells)

    def _begins(
        self, station: Station, exchange: _Exchange, link: Link | None, tells: Callable[[Reply | OSError], None]
    ) -> None:
        async def served() -> None:
            await exchange.serve(station.application)
            found = Reply(exchange.status, exchange.answer_headers, exchange.answer)
            station.link.sends(lambda: self._back(link, lambda: tells(found)))

        task = station.host.loop.create_task(served())
        _running.add(task)
        task.add_done_callback(_running.discard)

    def _back(self, link: Link | None, then: Callable[[], None]) -> None:
        if link is None:
            then()
        elif not link.cut:
            self.world.loop.call_later(link.delay, then)

    def _goes(self, exchange: _Exchange, link: Link | None, url: str) -> None:
        """The end of a connection is told again and again until it is heard."""
        station = self.stations.get(f"http://{urlsplit(url).netloc}/")
        if station is None or station.host.dead:
            return
        if (link is not None and link.cut) or station.link.cut:
            self.world.loop.call_later(1.0, self._goes, exchange, link, url)
        else:
            station.host.loop.call_soon(exchange.goes)


_running: set["asyncio.Task[None]"] = set()


def _settled(future: "asyncio.Future[Reply]", found: Reply | OSError) -> None:
    if future.done():
        return
    if isinstance(found, OSError):
        future.set_exception(found)
    else:
        future.set_result(found)
