"""A connector's process: it calls the connector's code, and tells the worker the result.

What it has in common with a task's, and how it is reached, is in ``ferryman.forked``. A process whose connector has no
object may be told to stand by when it has answered, and then serves the next connector.
"""

import logging
import math
import os
import signal
import socket
import threading
import time
from queue import SimpleQueue
from typing import Any, NoReturn

from ferryman.connector_process.lifecycle import ConnectorLifecycle
from ferryman.connector_process.next_step import NextStep
from ferryman.connector_process.reports import WorkerReports
from ferryman.connector_process.spec import ConnectorSpec
from ferryman.forked import after_fork
from ferryman.forked.line import Line
from ferryman.leases import lease
from ferryman.leases.lease import Lease
from ferryman.offsets.asking import Asking
from ferryman.telemetry import logs
from ferryman.telemetry.references import References
from ferryman.telemetry.subject import Subject

log = logging.getLogger(__name__)

LONGEST_LOOK, SHORTEST_LOOK = 1.0, 0.1
"""Seconds between two checks of the lease."""
EXIT_CODE = 70
"""The exit code of a process whose lease has run out."""


def main(connection: socket.socket, parent: int) -> None:
    """The entry point of a connector's process, a child of ``parent``; the first message says what it is."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    line = after_fork.tied(connection, parent)
    Service(line, ConnectorSpec.parse(line.first())).run()


class Service:
    """What the process does, as its worker, and the system, see it."""

    def __init__(self, line: Line, spec: ConnectorSpec) -> None:
        self._line = line
        self._asking = Asking(line.tell)
        self._takes(spec)
        self._next: SimpleQueue[ConnectorSpec] = SimpleQueue()
        self._has_object = False

    def _takes(self, spec: ConnectorSpec) -> None:
        after_fork.knows(spec, Subject(spec.connector), self._line)
        self._spec, self._next_step = spec, NextStep(Lease.load(list(spec.lease)))
        self._reports = WorkerReports(self._line.tell, References.parse(spec.references))

    def run(self) -> NoReturn:
        """Runs the connector until the process ends."""
        self._line.listen(self._obey)
        while True:
            ConnectorLifecycle(self._spec, self._next_step, self._reports, self._asking, self._object_created).run()
            if not self._spec.stands_by or self._has_object or self._reports.failed:
                self._end()
            self._takes(self._next.get())

    def _object_created(self) -> None:
        """From now on there is an object, which is to be stopped before the process ends."""
        self._has_object = True
        # On a thread: this one may be about to wait for what the handler sets.
        stop = self._next_step.stop
        signal.signal(signal.SIGTERM, lambda number, frame: threading.Thread(target=stop, daemon=True).start())
        if not math.isinf(self._next_step.lease.over):
            threading.Thread(target=self._watch, name="lease", daemon=True).start()

    def _obey(self, message: dict[str, Any]) -> None:
        match message:
            case {"connector": _}:
                self._next.put(ConnectorSpec(**message))
            case {"offsets": _}:
                self._asking.heard(message)
            case {"lease": lease}:
                self._next_step.renew(Lease.load(lease))
            case {"logger": logger, "level": level}:
                logs.set_level(logger, level)
            case {"wish": "stop"}:
                self._next_step.stop()
                if not self._has_object:
                    self._end()
            case {"event": "taken"}:
                self._next_step.taken()
            case {"event": "ask"}:
                self._next_step.request()

    def _end(self) -> NoReturn:
        """The orderly one."""
        if not self._reports.failed:
            self._line.tell("stopped", {})
        logging.shutdown()
        os._exit(0)

    def _watch(self) -> None:
        """When the lease has run out another worker may have the connector, and there must be only one object."""
        while (left := self._next_step.lease.over - lease.now()) > 0:
            time.sleep(min(max(left, SHORTEST_LOOK), LONGEST_LOOK))
        log.error("the lease has run out: the worker has not been heard from for too long, and the connector ends")
        logging.shutdown()
        os._exit(EXIT_CODE)
