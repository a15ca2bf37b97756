"""A task's process: builds what the loop needs from configs, runs its sessions, and tells the worker how it goes.

The worker is reached through one socket, a JSON message a line; the first is the task's spec, and with it comes memory
for notes (``setup.at_work``). When it closes the worker is gone, and the process ends at once: whatever was open is
settled by who starts next, as after any crash.
"""

import logging
import os
import signal
import socket
import threading
import traceback
from typing import Any, BinaryIO

import orjson

from ferryman.errors import FerrymanError
from ferryman.settings import ambient
from ferryman.settings.worker_keys import log_format
from ferryman.task import die_with_parent, oom_score, overrun, probe, sessions
from ferryman.task.setup import plugins
from ferryman.task.setup.at_work import AtWork, Offsets
from ferryman.task.setup.control import LONGEST_MESSAGE, Control
from ferryman.task.setup.lease import Lease
from ferryman.task.setup.spec import TaskSpec
from ferryman.task.sink.sink_thread import StillBusy
from ferryman.telemetry import logs, owners
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.references import References
from ferryman.telemetry.subject import Subject

log = logging.getLogger(__name__)


LONGEST_TRACE = LONGEST_MESSAGE // 16
"""Letters. JSON needs up to twelve bytes for one."""


def main(connection: socket.socket, parent: int) -> None:
    """The entry point of a task's process, a child of ``parent``; the first message says what the task is."""
    ambient.withhold()
    die_with_parent.die_with(parent)
    oom_score.offer_itself()
    head, descriptors, _, _ = socket.recv_fds(connection, 1, 1)
    messages = connection.makefile("rb")
    if not head:
        os._exit(1)  # the worker is gone already
    spec = TaskSpec.parse(head + messages.readline())
    plugins.take_over(spec.plugins)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches everybody; the worker decides for us
    owners.FOREVER.is_called(spec.connector)
    References.parse(spec.references).protect()
    whose = Subject(spec.connector, spec.task)
    logs.start(str(whose), spec.levels, spec.config, spec.worker, whose=whose, form=log_format(spec.worker))
    lock = threading.Lock()

    def tell(event: str, facts: dict[str, Any]) -> None:
        with lock:
            connection.sendall(orjson.dumps({"event": event, **facts}) + b"\n")

    control = Control(tell, Lease.load(list(spec.lease)), AtWork(*descriptors))
    signal.signal(signal.SIGTERM, lambda number, frame: control.wish("stop"))
    threading.Thread(target=_listen, args=(messages, control), name="control", daemon=True).start()
    if spec.lease[1] is not None:
        threading.Thread(target=overrun.watch, args=(control,), name="lease", daemon=True).start()
    _run(spec, control)
    # Threads of client libraries may outlive the loop; nothing of theirs is needed any more.
    logging.shutdown()
    os._exit(0)


def _listen(messages: BinaryIO, control: Control) -> None:
    try:
        for line in messages:
            _obey(orjson.loads(line), control)
    finally:
        os._exit(1)


def _obey(message: dict[str, Any], control: Control) -> None:
    if "lease" in message:
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
        # Nothing is told: this end is no failure that waits for somebody, the worker starts the process again.
        log.error("%s", error)
    except Exception as error:
        lasting = isinstance(error, FerrymanError) and error.lasting
        log.exception("the task has failed%s", " and is not restarted by itself" if lasting else "")
        control.tell("failed", {"trace": _trace(error), "may_pass": not lasting})


def _probe(spec: TaskSpec, control: Control) -> None:
    setup = sessions.prepared(spec, control)
    ranges = [Offsets(*each) for each in spec.probe]  # type: ignore[arg-type]
    probe.run(ranges, setup.chain, setup.clients.sink_consumer(), control)


def _trace(error: Exception) -> str:
    text = redact("".join(traceback.format_exception(error)))
    if len(text) <= LONGEST_TRACE:
        return text
    return f"{text[: LONGEST_TRACE // 2]}\n[…]\n{text[-LONGEST_TRACE // 2 :]}"
