"""The REST server of a worker: its listeners, with and without TLS, and which endpoints each of them serves."""

import asyncio
import contextlib
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import uvicorn
from starlette.applications import Starlette

from ferryman.rest import app
from ferryman.rest.connections import KEEP_ALIVE, LimitedConnection
from ferryman.rest.handshakes import SecureListener
from ferryman.settings import listeners
from ferryman.settings.listeners import Listener
from ferryman.settings.settings import Settings
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.tls import contexts
from ferryman.worker.herder import Herder

BACKLOG_CONNECTIONS = 128
"""Connections that the system keeps until they are accepted."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A listener with its socket."""

    listener: Listener
    socket: socket.socket
    admin: bool
    """Whether it is one of admin.listeners."""

    @property
    def port(self) -> int:
        """The port, also where the listener said 0."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """Where it answers."""
        host = self.socket.getsockname()[0]
        return f"{self.listener.scheme}://{listeners.authority(host, self.port)}"


def bind(config: WorkerConfig) -> list[Bound]:
    """Binds the sockets of ``listeners`` and ``admin.listeners``, in this order. Raises OSError with the address."""
    wanted = [*((each, False) for each in config.addresses), *((each, True) for each in config.admin_addresses)]
    found = list[Bound]()
    try:
        for listener, admin in wanted:
            found.append(Bound(listener, _socket(listener), admin))
    except OSError:
        for each in found:
            each.socket.close()
        raise
    return found


def advertised(config: WorkerConfig, bound: Sequence[Bound]) -> Listener:
    """Where others reach the worker: as its settings say, else by the address of this machine's name, as in Kafka
    Connect, and the port of the listener that is advertised."""
    found = config.advertised_address
    listener = listeners.advertised(config.addresses, config.rest_advertised_listener)
    port = found.port or next(each.port for each in bound if each.listener == listener)
    return replace(found, host=found.host or _own_host(), port=port)


def _own_host() -> str:
    try:
        _, address = _resolved(socket.gethostname(), 0)
        return str(address[0])
    except OSError:
        return "localhost"


def _resolved(host: str, port: int) -> tuple[socket.AddressFamily, Any]:
    """The address of a name: one of IPv4 if there is any, as in Java."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    family, _, _, _, address = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, address


def _socket(listener: Listener) -> socket.socket:
    try:
        family, address = _resolved(listener.host, listener.port) if listener.host else _everywhere(listener.port)
        found = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _deaf(listener, error) from None
    if not listener.host and family == socket.AF_INET6:
        found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # For all connections. Else the end of an answer waits for 40 ms until the client has acknowledged its beginning.
    found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        raise _deaf(listener, error) from None
    found.listen(BACKLOG_CONNECTIONS)
    found.setblocking(False)
    return found


def _everywhere(port: int) -> tuple[socket.AddressFamily, Any]:
    """All addresses of both families where the machine has IPv6, as Jetty does it."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as tried:
            tried.bind(("::", 0))
    except OSError:
        return socket.AF_INET, ("", port)
    return socket.AF_INET6, ("::", port)


def _deaf(listener: Listener, error: OSError) -> OSError:
    return OSError(f"cannot listen on {listener.host or '*'}:{listener.port}: {error.strerror}")


class Server(uvicorn.Server):
    """Serves all listeners of a worker. ``should_exit`` ends it; whoever runs it hears the signals."""

    def __init__(self, herder: Herder, settings: Settings, bound: Sequence[Bound]) -> None:
        main, admin = app.apps(herder, settings)
        super().__init__(_config(main))
        self._admin_config = _config(admin)
        self._bound = bound
        self._contexts = {
            each.admin: contexts.server(settings.rest.admin_tls if each.admin else settings.rest.tls)
            for each in bound
            if each.listener.secure
        }

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leaves them alone: a worker ends the server itself, after the tasks."""
        yield

    async def run_until_exit(self) -> None:
        """Serves until ``should_exit`` is set, and a little longer for requests under way."""
        await self.serve(sockets=[each.socket for each in self._bound])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens on all sockets, each with the endpoints that it is for."""
        self.servers: list[Any] = [await self._listening(each) for each in self._bound]
        self.started = True

    async def _listening(self, bound: Bound) -> asyncio.Server | SecureListener:
        protocol = self._protocol(self._admin_config if bound.admin else self.config)
        if bound.listener.secure:
            return SecureListener(bound.socket, self._contexts[bound.admin], protocol)
        return await asyncio.get_running_loop().create_server(protocol, sock=bound.socket, backlog=BACKLOG_CONNECTIONS)

    def _protocol(self, config: uvicorn.Config) -> Callable[[], asyncio.Protocol]:
        return lambda: LimitedConnection(config, self.server_state, {})


def _config(served: Starlette) -> uvicorn.Config:
    config = uvicorn.Config(
        served,
        http=LimitedConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=1,
    )
    config.load()
    return config
