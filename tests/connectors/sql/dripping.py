"""A process between the sink and PostgreSQL: hands over what the sink sends, one sending at a time, and looks each time
what the server makes of a client that says no more.

A process of its own, so that it reads what the sink sends before the sink sends more. Its argument is the server's
URL; it prints the port that it listens on and, at the end of its input, what it has seen.
"""

import json
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from typing import NamedTuple

import psycopg
import sqlalchemy as sa

_LOOKS = 50
"""So often it is looked at a server process that has not begun anything new: it may not have woken up yet."""
_WAITING_FOR_ITS_CLIENT = """
SELECT a.state_change::text, a.state, left(a.query, 60), array_remove(array_agg(DISTINCT c.relname::text), NULL)
FROM pg_stat_activity a
LEFT JOIN pg_locks l ON l.pid = a.pid AND l.granted AND l.mode IN ('RowShareLock', 'RowExclusiveLock')
LEFT JOIN pg_class c ON c.oid = l.relation AND c.relpersistence = 'p' AND c.relkind = 'r'
    AND c.relnamespace <> 'pg_catalog'::regnamespace
WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.wait_event = 'ClientRead'
GROUP BY a.pid, a.state_change, a.state, a.query
"""


class Waiting(NamedTuple):
    """A session whose server process waits for its client."""

    state: str
    statement: str
    """The beginning of its last."""
    locked: tuple[str, ...]
    """The tables of which it may have locked rows."""

    @property
    def is_ended(self) -> bool:
        """Whether the server ends it by itself if the client says nothing more: not within a statement."""
        return self.state.startswith("idle in transaction")


class Seen:
    """What was seen; known when ``dripping`` has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        """For the sink to connect to."""
        self.waiting: set[Waiting] = set()

    @property
    def stuck(self) -> set[Waiting]:
        """Those that would keep others from rows as long as their client is frozen."""
        return {each for each in self.waiting if each.locked and not each.is_ended}


@contextmanager
def dripping(server: sa.URL) -> Iterator[Seen]:
    """A sink's way to the server through such a process."""
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.connectors.sql.dripping", plain]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = int(process.stdout.readline())
        seen = Seen(server.set(port=port).render_as_string(hide_password=False))
        try:
            yield seen
        finally:
            process.stdin.close()
            told = json.loads(process.stdout.read() or "[]")
            seen.waiting = {Waiting(state, statement, tuple(locked)) for state, statement, locked in told}


class _Server:
    def __init__(self, url: str) -> None:
        self._url = url
        self._waiting: set[Waiting] = set()

    def told(self) -> str:
        """What was seen so far."""
        return json.dumps(sorted(self._waiting))

    def serve(self, listener: socket.socket) -> None:
        """Takes connections, for ever."""
        at = sa.make_url(self._url)
        while True:
            client, _ = listener.accept()
            server = socket.create_connection((at.host or "", at.port or 0))
            sent: queue.SimpleQueue[bytes] = queue.SimpleQueue()
            for run, *others in ((_read, client, sent.put), (self._drip, sent, server), (_pass_on, server, client)):
                threading.Thread(target=run, args=others, daemon=True).start()

    def _drip(self, sent: "queue.SimpleQueue[bytes]", server: socket.socket) -> None:
        with closing(server), suppress(OSError), psycopg.connect(self._url, autocommit=True) as watch:
            since = ""
            while data := sent.get():
                server.sendall(data)
                since = self._look(watch, since)

    def _look(self, watch: psycopg.Connection, before: str) -> str:
        """Until it waits for its client again. Since when it is in its state, and ``before``: since when it was. What
        two looks have shown alike counts: within one the state may be read before what is waited for."""
        since, last = before, None
        for _ in range(_LOOKS):
            found = watch.execute(_WAITING_FOR_ITS_CLIENT).fetchall()
            if found and found == last:
                self._waiting |= {Waiting(state, statement, tuple(locked)) for _, state, statement, locked in found}
                since = found[0][0]
                if since != before:
                    break
            last = found
        return since


def _read(client: socket.socket, put: Callable[[bytes], None]) -> None:
    with suppress(OSError):
        while data := client.recv(1 << 20):
            put(data)
    put(b"")


def _pass_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError), closing(client):
        while data := server.recv(1 << 20):
            client.sendall(data)


def _main(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = _Server(url)
        threading.Thread(target=server.serve, args=(listener,), daemon=True).start()
        print(listener.getsockname()[1], flush=True)
        sys.stdin.read()
        print(server.told(), flush=True)


if __name__ == "__main__":
    _main(sys.argv[1])
