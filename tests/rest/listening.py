"""A worker's REST server on real sockets, over a herder that only remembers."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ferryman.rest.server import Bound, Server, bind
from ferryman.settings import settings
from tests.rest.served import SETTINGS, Memory

STORES = Path(__file__).parents[1] / "tls" / "stores"
AUTHORITY = str(STORES / "ca.crt")
KEYSTORE = {
    "ssl.keystore.location": str(STORES / "server.jks"),
    "ssl.keystore.password": "changeit",
    "ssl.key.password": "keysecret",
}


def https(prefix: str = "listeners.https.", **more: str) -> dict[str, str]:
    """The keys of a TLS listener."""
    return {
        prefix + key: value for key, value in (KEYSTORE | {k.replace("_", "."): v for k, v in more.items()}).items()
    }


@contextmanager
def listening(
    given: Mapping[str, str], herder: Callable[[settings.Settings], Memory] = Memory
) -> Iterator[tuple[list[Bound], Memory]]:
    """The listeners of a worker with these settings, and its herder."""
    found = settings.parse(SETTINGS | {"listeners": "http://127.0.0.1:0"} | dict(given))
    memory, bound = herder(found), bind(found.config)
    server, started = Server(memory, found, bound), threading.Event()

    async def serve() -> None:
        running = asyncio.create_task(server.run_until_exit())
        while not server.started:
            await asyncio.sleep(0)
        started.set()
        await running

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    started.wait()
    try:
        yield bound, memory
    finally:
        server.should_exit = True
        thread.join()
