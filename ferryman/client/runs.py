"""The progress of runs, from a worker's answers, and whether they are over. Pure, apart from its requests."""

import time
from collections.abc import Callable, Iterator
from typing import Any

from ferryman.client.errors import RefusedRequestError
from ferryman.client.terminal import POLL_SECONDS
from ferryman.client.worker import Worker
from ferryman.runs.progress import REFUSED as REFUSED
from ferryman.runs.progress import Progress
from ferryman.runs.progress_text import sentence

Json = dict[str, Any]
LOOKS_THAT_FIND_IT_STOPPED = 4
"""Looks that find it stopped, and not complete, before that is believed: a worker may learn of the end of a run, and
then see how far it was."""

SECONDS_TO_HEAR_OF_RUN = 30.0
"""Seconds in which all workers of a group have heard of a run, and that it runs: one that replays dead letters is made
as one that is stopped."""


def progress_line(status: Json) -> str:
    """The progress of a run in one line, from the status of its connector; "starting" while it is unknown."""
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


def refused(status: Json) -> int:
    """How many records of a run were refused, and passed over."""
    return int(status.get("run", {}).get("records_refused") or 0)


def exit_code(status: Json) -> int | None:
    """The exit code of a command that waits for the run: 0 when it is complete, ``REFUSED`` when it is, but for records
    that were refused, 1 when something has failed that is not tried again, None otherwise."""
    if status.get("run", {}).get("complete"):
        return REFUSED if refused(status) else 0
    states = (status["connector"], *status["tasks"])
    return 1 if any(each["state"] == "FAILED" and "restart" not in each for each in states) else None


def followed(worker: Worker, name: str, told: Callable[[Json], None]) -> int:
    """Waits until a run is over or was stopped; returns the exit code. ``told`` is called with each status. Raises
    RefusedRequestError when the run is deleted meanwhile."""
    stopped, patience = 0, round(SECONDS_TO_HEAR_OF_RUN / POLL_SECONDS)
    for status in statuses(worker, name):
        told(status)
        code = exit_code(status)
        if code is not None:
            return code
        if status["connector"]["state"] == "STOPPED":
            stopped += 1
        else:
            stopped, patience = 0, LOOKS_THAT_FIND_IT_STOPPED
        if stopped == patience:
            break
    return 1


def statuses(worker: Worker, name: str) -> Iterator[Json]:
    """The statuses of a run that was just made, again and again, from the first: it has none yet when it is made, and
    another worker than the one that made it may not know it. Raises RefusedRequestError when it is not there any
    more."""
    unknown_until: float | None = time.monotonic() + SECONDS_TO_HEAR_OF_RUN
    while True:
        try:
            found: Json = worker.get("connectors", name, "status")
        except RefusedRequestError as error:
            is_new = unknown_until is not None and time.monotonic() < unknown_until
            if error.status != 404 or not (is_new or name in worker.names()):
                raise
        else:
            unknown_until = None
            yield found
        time.sleep(POLL_SECONDS)
