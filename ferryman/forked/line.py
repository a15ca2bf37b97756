"""The line between a forked process and its worker: one socket, a JSON message a line; the first says what it is.

When it closes the worker is gone, and the process ends at once: whatever was open is settled by who starts next, as
after any crash.
"""

import os
import select
import socket
import threading
from collections.abc import Callable
from typing import Any

import orjson


class Line:
    """The process's end of it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.descriptors: list[int] = []
        """What came with the first message."""
        self._messages = connection.makefile("rb")
        self._telling = threading.Lock()

    def first(self) -> bytes:
        """The first message. Ends the process if the worker is gone already."""
        head, self.descriptors, _, _ = socket.recv_fds(self._connection, 1, 1)
        if not head:
            os._exit(1)
        return head + self._messages.readline()

    def tell(self, event: str, facts: dict[str, Any]) -> None:
        """Sends the worker an event with its facts; from any thread."""
        message = orjson.dumps({"event": event, **facts}) + b"\n"
        with self._telling:
            self._connection.sendall(message)

    def mention(self, event: str, facts: dict[str, Any]) -> bool:
        """Sends it if that costs no wait, or not at all, and says which: a socket that can be written to has room for
        any message of up to some 100,000 bytes (Linux calls it so when three quarters of its buffer are free)."""
        if not self._telling.acquire(blocking=False):
            return False
        try:
            room = select.poll()
            room.register(self._connection, select.POLLOUT)
            if not room.poll(0):
                return False
            self._connection.sendall(orjson.dumps({"event": event, **facts}) + b"\n")
        except OSError:
            return False  # the worker is gone, and the thread that listens to it ends the process
        finally:
            self._telling.release()
        return True

    def listen(self, obey: Callable[[dict[str, Any]], None]) -> None:
        """Hands over whatever else the worker says, on a thread of its own, until the worker is gone."""
        threading.Thread(target=self._listen, args=(obey,), name="control", daemon=True).start()

    def _listen(self, obey: Callable[[dict[str, Any]], None]) -> None:
        try:
            for line in self._messages:
                obey(orjson.loads(line))
        finally:
            os._exit(1)
