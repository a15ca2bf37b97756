"""A task's process: builds what the loop needs from configs, runs its sessions, and tells the worker how it goes.

What it has in common with a connector's, and how it is reached, is in ``ferryman.forked``. With its
first message comes memory for notes (``crash_evidence.at_work``).
"""

import logging
import os
import signal
import socket
import threading
from typing import Any

from ferryman.errors import FerrymanError, ToleranceError
from ferryman.forked import after_fork, trace
from ferryman.leases.lease import Lease
from ferryman.task import probe, sessions
from ferryman.task.crash_evidence.at_work import AtWork, Offsets
from ferryman.task.setup import overrun
from ferryman.task.setup.control import Control
from ferryman.task.setup.spec import TaskSpec
from ferryman.task.sink.runs.replayed_letters import replayed_letters
from ferryman.task.sink.sink_thread import StillBusy
from ferryman.telemetry import logs
from ferryman.telemetry.subject import Subject

log = logging.getLogger(__name__)


def main(connection: socket.socket, parent: int) -> None:
    """The entry point of a task's process, a child of ``parent``; the first message says what the task is."""
    line = after_fork.tied(connection, parent)
    spec = TaskSpec.parse(line.first())
    after_fork.knows(spec, Subject(spec.connector, spec.task), line)
    control = Control(line.tell, Lease.load(list(spec.lease)), AtWork(*line.descriptors), line.mention)
    signal.signal(signal.SIGTERM, lambda number, frame: control.wish("stop"))
    line.listen(lambda message: _obey(message, control))
    if spec.lease[1] is not None:
        threading.Thread(target=overrun.watch, args=(control,), name="lease", daemon=True).start()
    _run(spec, control)
    # Threads of client libraries may outlive the loop; nothing of theirs is needed any more.
    logging.shutdown()
    os._exit(0)


def _obey(message: dict[str, Any], control: Control) -> None:
    if "offsets" in message:
        control.asking.heard(message)
    elif "lease" in message:
        control.renew(Lease.load(message["lease"]))
    elif "level" in message:
        logs.set_level(message["logger"], message["level"])
    elif "forget" in message:
        control.forget_topics()
    else:
        control.wish(message["wish"])


def _run(spec: TaskSpec, control: Control) -> None:
    try:
        _probe(spec, control) if spec.probe else sessions.run(spec, control)
        control.tell("stopped", {})
    except StillBusy as error:
        # Nothing is reported: this end is not a failure that needs somebody to act; the worker starts the process
        # again.
        log.error("%s", error)
    except BaseException as error:  # polars panics with one that is no Exception, and the worker must know
        permanent = isinstance(error, FerrymanError) and error.permanent
        place = {"place": error.place} if isinstance(error, ToleranceError) else {}
        log.exception("the task has failed%s", " and is not restarted by itself" if permanent else "", extra=place)
        control.tell("failed", {"trace": trace.of(error), "may_recover": not permanent})


def _probe(spec: TaskSpec, control: Control) -> None:
    setup = sessions.prepared(spec, control)
    ranges = [Offsets(*each) for each in spec.probe]  # type: ignore[arg-type]
    letters = replayed_letters(setup)
    records = {} if letters is None else {"records": letters.records}
    probe.run(ranges, setup.chain, setup.clients.sink_consumer(), control, **records)
