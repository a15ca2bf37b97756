"""Carries messages to the mail server, several at once, in a thread with an event loop of its own."""

import asyncio
import queue
import threading
import time
from collections.abc import Hashable, Iterable, Iterator
from concurrent.futures import Future

from ferryman.connectors.email.smtp.connection import Connection, Envelope, MailServer, Outcome, Verdict

IDLE_SECONDS = 30.0
"""Seconds after which an unused connection is given up; servers end them after some minutes."""
_STOPPING_SECONDS = 5.0


class SmtpPool:
    """A pool of connections, the latest used first. Its owner says how many messages are on their way at once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._idle: list[tuple[Connection, float]] = []
        self._on_their_way: dict[Hashable, Future[None]] = {}
        self._outcomes: queue.SimpleQueue[tuple[Hashable, Outcome]] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="mail", daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._close_idle(), self._loop)

    def __len__(self) -> int:
        return len(self._on_their_way)

    def send(self, name: Hashable, envelope: Envelope) -> None:
        """Sets a message on its way."""
        self._on_their_way[name] = asyncio.run_coroutine_threadsafe(self._send_one(name, envelope), self._loop)

    def outcomes(self, wait: float) -> Iterator[tuple[Hashable, Outcome]]:
        """What became of messages; waits up to so many seconds for the first, if any is on its way."""
        patience = wait if self._on_their_way else 0.0
        while True:
            try:
                name, outcome = self._outcomes.get(timeout=patience) if patience else self._outcomes.get_nowait()
            except queue.Empty:
                return
            patience = 0.0
            if self._on_their_way.pop(name, None) is not None:
                yield name, outcome

    def abandon(self, names: Iterable[Hashable]) -> None:
        """Breaks off what is on its way under these names; it is not known whether it arrives."""
        for name in names:
            if carried := self._on_their_way.pop(name, None):
                carried.cancel()

    def stop(self) -> None:
        """Breaks off everything and ends the connections."""
        self.abandon(list(self._on_their_way))
        leaving = asyncio.run_coroutine_threadsafe(self._leave(), self._loop)
        try:
            leaving.result(_STOPPING_SECONDS)
        except TimeoutError:
            leaving.cancel()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_STOPPING_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()

    async def _send_one(self, name: Hashable, envelope: Envelope) -> None:
        connection = self._connection()
        try:
            outcome = await connection.send(envelope)
        except asyncio.CancelledError:
            connection.close()
            raise
        except Exception as error:
            connection.close()
            outcome = Outcome(Verdict.UNANSWERED, f"{type(error).__name__}: {error}")
        else:
            self._idle.append((connection, time.monotonic()))
        self._outcomes.put((name, outcome))

    def _connection(self) -> Connection:
        return self._idle.pop()[0] if self._idle else Connection(self._server)

    async def _close_idle(self) -> None:
        while True:
            await asyncio.sleep(IDLE_SECONDS / 2)
            while self._idle and time.monotonic() - self._idle[0][1] > IDLE_SECONDS:
                await self._idle.pop(0)[0].leave()

    async def _leave(self) -> None:
        while self._idle:
            await self._idle.pop()[0].leave()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
