"""The server that the processes of tasks and connectors are forked from, ``python -m
ferryman.worker.forks.server_process REQUESTS EVENTS``: two sockets.

It has imported what they need, and what it has imported they share with it and with each other. A request names what a
process is to run, and further modules that all may share, and brings the connection of one process. Each start and each
end of a process is told as an event.

* No client may exist in it when it forks: a librdkafka handle that was made before is dead in the child.
* It has one thread then, since a lock that another held would stay locked in the child for ever. polars starts three as
  soon as it is imported: two of its allocator's, which it goes without here, as it does in each child anyhow, and one
  that waits for files to delete, of which nobody here writes any.
* The collector's traces would be written into every object that it looks at, and each page written to is the process's
  own from then on. So what is there before a fork is frozen, and nothing collects but ``freeze``.
* systemd and others send SIGTERM to all processes of a service at once. If this one ended then, tasks would die before
  they have committed and left their groups. It ends when its worker does.
"""

import gc
import json
import logging
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

from ferryman.worker.forks import hot_code
from ferryman.worker.forks.server import LENGTH_BYTES

log = logging.getLogger(__name__)

USUAL = ("ferryman.converters.json", "ferryman.converters.simple_header")
"""What nearly all tasks need, but no worker: imported while no process is waited for yet. Whoever does has what it
needs itself imported, which may be none of this."""
Become = Callable[[socket.socket, int], None]
"""What a forked process does with its connection to the worker and the pid of the server."""


class ForkLoop:
    """Forks and reaps until the worker is gone."""

    def __init__(self, requests: int, events: int, become: Mapping[str, Become]) -> None:
        self._requests, self._events = (socket.socket(fileno=number) for number in (requests, events))
        for each in (self._requests, self._events):
            each.set_inheritable(False)
        self._become = become
        """By role, what a forked process does."""
        self._pid = os.getpid()
        self._numbers: dict[int, int] = {}
        """What the worker calls the processes that run, by pid."""
        self._ended, self._wakeup = os.pipe()
        os.set_blocking(self._wakeup, False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wakeup, warn_on_full_buffer=False)

    def run(self) -> None:
        """Until the worker closes its end."""
        freeze()
        waiting = select.poll()
        waiting.register(self._requests, select.POLLIN)
        waiting.register(self._ended, select.POLLIN)
        if not waiting.poll(0):
            share(USUAL)
        while True:
            ready = {number for number, _ in waiting.poll()}
            if self._ended in ready:
                os.read(self._ended, 4096)
                self._reap()
            if self._requests.fileno() in ready and not self._obey():
                return

    def _obey(self) -> bool:
        """One request; False if there are no more."""
        head, connections, _, _ = socket.recv_fds(self._requests, LENGTH_BYTES, 1)
        if not head:
            return False
        head += self._requests.recv(LENGTH_BYTES - len(head), socket.MSG_WAITALL)
        request = json.loads(self._requests.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL))
        with socket.socket(fileno=connections[0]) as connection:
            share(request["modules"])
            self._fork(request["number"], self._become[request["role"]], connection)
        return True

    def _fork(self, number: int, become: Become, connection: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(number=number, error=str(error))
            return
        if pid == 0:
            self._leave(become, connection)
        self._numbers[pid] = number
        self._tell(number=number, pid=pid)

    def _leave(self, become: Become, connection: socket.socket) -> None:
        """What a forked process does instead of going on with the loop."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._requests.close()
            self._events.close()
            os.close(self._ended)
            os.close(self._wakeup)
            become(connection, self._pid)
        except BaseException:
            log.exception("a forked process has ended")
        finally:
            os._exit(1)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._tell(number=self._numbers.pop(pid), code=os.waitstatus_to_exitcode(status))

    def _tell(self, **event: Any) -> None:
        self._events.sendall(json.dumps(event).encode() + b"\n")


def share(modules: Sequence[str]) -> None:
    """Imports modules for all processes to come. A module's function ``before_forks`` loads what else they can share:
    no clients, no connections, no threads. What cannot be imported is left to its task, which says so."""
    missing = [module for module in modules if module not in sys.modules]
    for module in missing:
        try:
            getattr(import_module(module), "before_forks", _nothing)()
        except Exception as error:
            log.debug("%s cannot be imported here: %s", module, error)
    if missing:
        freeze()


def _nothing() -> None:
    """What most modules have to do before forks."""


def freeze() -> None:
    """Leaves all that there is alone, from now on."""
    gc.disable()
    hot_code.gather()
    gc.collect()
    if sys.version_info < (3, 12):
        # Each entry counts a reference to an attribute's name, which a process writes to when it puts another in its
        # place: a page of its own for most of them. Later Pythons do not count them.
        sys._clear_type_cache()
    gc.freeze()


def main(requests: int, events: int) -> None:
    """Serves the worker at the other ends of these sockets."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    gc.disable()  # all that is imported stays
    os.environ["_RJEM_MALLOC_CONF"] = "background_thread:false"  # of polars' allocator
    from ferryman.connector_process import process as connector_process  # takes a while
    from ferryman.forked import before_fork
    from ferryman.offset_reader import process as offset_reader
    from ferryman.plugin_process import process as plugin_process
    from ferryman.task import process as task_process

    roles: Mapping[str, Become] = {
        "task": task_process.main,
        "connector": connector_process.main,
        "offsets": offset_reader.main,
        "plugins": plugin_process.main,
    }
    before_fork.prepare()
    with suppress(OSError):  # the worker is gone
        ForkLoop(requests, events, roles).run()
    os._exit(0)  # what libraries do at an orderly exit is not wanted here


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
