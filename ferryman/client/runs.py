"""Runs as a worker tells of them: how far they are, and whether they are over. Pure, but for what it asks."""

import time
from collections.abc import Callable
from typing import Any

from ferryman.client.errors import RefusedRequestError
from ferryman.client.terminal import PAUSE
from ferryman.client.worker import Worker
from ferryman.runs.progress import Progress
from ferryman.runs.words import sentence

Json = dict[str, Any]
STOPPED = 4
"""Looks that find it stopped, and not complete, before that is believed: a worker may learn of the end of a run, and
then see how far it was."""


def said(status: Json) -> str:
    """How far a run is, in a line, from the status of its connector; "starting" while nobody knows."""
    found = status.get("run")
    if found is None:
        return sentence(None, trouble(status))
    progress = Progress(
        of=str(found.get("of", "")),
        begins=str(found.get("from", "")),
        ends=str(found.get("to", "")),
        records_done=int(found["records_done"]),
        records_total=found.get("records_total"),
        refused=found.get("records_refused"),
        rate=found.get("records_per_second"),
        left=found.get("seconds_left"),
        complete=bool(found["complete"]),
        pace=float(found.get("pace", 1.0)),
    )
    return sentence(progress, trouble(status))


def trouble(status: Json) -> str:
    """What is wrong, in a line; empty if nothing is."""
    for each in (status["connector"], *status["tasks"]):
        lines = [line for line in str(each.get("trace") or "").splitlines() if line.strip()]
        reason = each.get("outage", {}).get("reason") or (lines[-1] if lines else "")
        if reason:
            return str(reason)
    return ""


def over(status: Json) -> int | None:
    """The exit code of a command that waits for the run: 0 when it is complete, 1 when something has failed that is not
    tried again, None otherwise."""
    if status.get("run", {}).get("complete"):
        return 0
    states = (status["connector"], *status["tasks"])
    return 1 if any(each["state"] == "FAILED" and "restart" not in each for each in states) else None


def followed(worker: Worker, name: str, told: Callable[[Json], None]) -> int:
    """Waits until a run is over, or somebody has stopped it; returns the exit code. ``told`` hears each status. Raises
    RefusedRequestError when the run is deleted meanwhile."""
    stopped = 0
    while stopped < STOPPED:
        status = _status(worker, name)
        if status is not None:
            told(status)
            code = over(status)
            if code is not None:
                return code
            stopped = stopped + 1 if status["connector"]["state"] == "STOPPED" else 0
        time.sleep(PAUSE)
    return 1


def _status(worker: Worker, name: str) -> Json | None:
    """None while a run that was just made has no status yet."""
    try:
        found: Json = worker.get("connectors", name, "status")
    except RefusedRequestError as error:
        if error.status != 404 or name not in worker.names():
            raise
        return None
    return found
