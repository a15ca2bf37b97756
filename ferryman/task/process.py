"""A task's process: builds what the loop needs from configs, runs its sessions, and tells the worker how it goes.

The worker is reached through one pipe of JSON messages. When the pipe closes the worker is gone, and the process ends
at once: whatever was open is settled by who starts next, as after any crash.
"""

import logging
import os
import signal
import threading
import traceback
from multiprocessing.connection import Connection
from typing import Any

import orjson

from ferryman.settings import ambient
from ferryman.task import die_with_parent, sessions
from ferryman.task.setup.control import Control
from ferryman.task.setup.spec import TaskSpec
from ferryman.telemetry import logs
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.references import References

log = logging.getLogger(__name__)


def main(connection: Connection, payload: bytes) -> None:
    """The entry point of a task's process."""
    spec = TaskSpec.parse(payload)
    ambient.withhold()
    die_with_parent.die_with_it()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C reaches everybody; the worker decides for us
    References.parse(spec.references).protect()
    logs.start(f"{spec.connector}|task-{spec.task}", spec.levels, spec.config, spec.worker)
    lock = threading.Lock()

    def tell(event: str, facts: dict[str, Any]) -> None:
        with lock:
            connection.send_bytes(orjson.dumps({"event": event, **facts}))

    control = Control(tell)
    signal.signal(signal.SIGTERM, lambda number, frame: control.wish("stop"))
    threading.Thread(target=_listen, args=(connection, control), name="control", daemon=True).start()
    _run(spec, control)
    # Threads of client libraries may outlive the loop; nothing of theirs is needed any more.
    logging.shutdown()
    os._exit(0)


def _listen(connection: Connection, control: Control) -> None:
    try:
        while True:
            message = orjson.loads(connection.recv_bytes())
            if "level" in message:
                logs.set_level(message["logger"], message["level"])
            else:
                control.wish(message["wish"])
    except (EOFError, OSError):
        os._exit(1)


def _run(spec: TaskSpec, control: Control) -> None:
    try:
        sessions.run(spec, control)
        control.tell("stopped", {})
    except Exception as error:
        log.exception("the task has failed and is not restarted by itself")
        control.tell("failed", {"trace": redact("".join(traceback.format_exception(error)))})
