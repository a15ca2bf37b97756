"""Starts the server that the processes of tasks and connectors are forked from, and asks it for them.

It imports little, so as to be started first: the server imports while the worker goes on with its own.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Literal

Role = Literal["task", "connector", "offsets", "plugins"]
"""What a process is to run."""
LENGTH_BYTES = 4
"""Bytes that say how long a request is. The process's end of its connection to the worker comes with them."""


class ForkServer:
    """One such server, as its worker holds it. It ends with the worker."""

    def __init__(self) -> None:
        self._requests, requests = socket.socketpair()
        self.events, events = socket.socketpair()
        """What it tells, a line of JSON each; at its end when the server has died. Never blocks."""
        self.events.setblocking(False)
        inherited = (requests.fileno(), events.fileno())
        command = [sys.executable, "-P", "-m", "ferryman.worker.forks.server_process", *map(str, inherited)]
        # With the worker's standard input: a source may read what is typed there.
        self._process = subprocess.Popen(command, pass_fds=inherited)
        requests.close()
        events.close()

    def ask(self, number: int, role: Role, modules: Sequence[str], connection: socket.socket) -> None:
        """Asks for a process, which is called ``number`` in the events. Waits while the server is busy with others, and
        is for one thread at a time. Raises OSError when the server has died."""
        request = json.dumps({"number": number, "role": role, "modules": list(modules)}).encode()
        socket.send_fds(self._requests, [len(request).to_bytes(LENGTH_BYTES, "big")], [connection.fileno()])
        self._requests.sendall(request)

    def close(self) -> None:
        """Forgets a server that has died."""
        self._requests.close()
        self.events.close()
        self._process.poll()
