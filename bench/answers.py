"""How fast a worker answers while everything around it stands still: ``python -m bench.answers``.

Its Kafka is away, its connectors block, somebody sends a request that never ends, and many clients poll. Prints the
milliseconds by percentile; the aim is 100 for the 99th.
"""

import argparse
import asyncio
import json
import os
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.running import settings, worker
from tests.worker.blocking_plugin import HABITS, blocking, with_blocking_sink

AWAY = "127.0.0.1:1"
PATHS = ("/", "/health", "/connectors?expand=status", "/connectors/blocks-in-init/status", "/connector-plugins")


async def measured(url: str, clients: int, rounds: int) -> list[float]:
    """Seconds of each answer, sorted, of ``clients`` that poll at once over connections they keep. Raises on any status
    but 200. Plain sockets: an HTTP library would be what is measured."""
    host, _, port = url.removeprefix("http://").partition(":")
    times: list[float] = []

    async def poll(number: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        await asyncio.sleep(number / clients)
        for turn in range(rounds):
            path = PATHS[(number + turn) % len(PATHS)]
            began = time.perf_counter()
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            await _answer(reader)
            times.append(time.perf_counter() - began)
            await asyncio.sleep(1.0)
        writer.close()

    await asyncio.gather(*(poll(number) for number in range(clients)))
    return sorted(times)


async def _answer(reader: asyncio.StreamReader) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(head.decode())
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.partition(b":")[2]))


@asynccontextmanager
async def besieged(url: str, stuck: Sequence[Mapping[str, str]]) -> AsyncIterator[None]:
    """Creates of ``stuck`` that are waited for in vain, and requests whose head or body never ends."""
    host, _, port = url.removeprefix("http://").partition(":")
    slow = [socket.create_connection((host, int(port))) for _ in range(20)]
    for number, each in enumerate(slow):
        head = f"POST /connectors HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100000\r\n"
        each.sendall(head.encode() + (b"\r\n{" if number % 2 else b""))
    async with httpx.AsyncClient(base_url=url, timeout=120) as client:
        creates = [
            asyncio.create_task(client.post("/connectors", json={"name": each["name"], "config": dict(each)}))
            for each in stuck
        ]
        try:
            yield
        finally:
            for create in creates:
                create.cancel()
            await asyncio.gather(*creates, return_exceptions=True)
            for each in slow:
                each.close()


def percentile(times: Sequence[float], share: float) -> float:
    """Milliseconds."""
    return 1000 * times[min(len(times) - 1, int(len(times) * share))]


async def _run(url: str, clients: int, rounds: int) -> list[float]:
    async with besieged(url, [blocking(habit) for habit in HABITS]):
        return await measured(url, clients, rounds)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        path = os.pathsep.join([str(with_blocking_sink(directory)), os.environ.get("PYTHONPATH", "")])
        with worker(directory, settings(AWAY, "bench"), PYTHONPATH=path) as running:
            running.call("POST", "/connectors", {"name": "blocks-in-init", "config": blocking("init")}, expect=201)
            times = asyncio.run(_run(running.url, options.clients, options.rounds))
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}
    print(json.dumps({"answers": len(times), **{name: round(percentile(times, at), 1) for name, at in shares.items()}}))


if __name__ == "__main__":
    main()
