"""How a worker's process ends: on a signal, in order and in time, or else as it stands."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from ferryman.settings.settings import Settings
from ferryman.telemetry import background

log = logging.getLogger(__name__)
Outcome = TypeVar("Outcome")

OVERDUE_SECONDS = 1.7
"""Seconds after the tasks' grace by which the worker has ended, one way or the other."""


class Signalled(asyncio.Event):
    """Is set by a signal."""

    number: int = 0
    """Which one it was."""


def signalled(settings: Settings) -> Signalled:
    """An event that SIGINT and SIGTERM set. The process ends soon after that, whatever stands still."""
    event = Signalled()
    grace = settings.config.task_shutdown_graceful_timeout_ms / 1000

    def end(number: int) -> None:
        if not event.is_set():
            event.number = number
            event.set()
            # Whatever hangs, a caller that waits for the end (docker stop: ten seconds) does not wait in vain. Tasks
            # that are left die with the process.
            overdue = threading.Timer(grace + OVERDUE_SECONDS, _leave_at_once)
            overdue.daemon = True
            overdue.start()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    return event


async def told(stopping: Signalled) -> None:
    """Returns when it is to stop: an outcome that is no exit code, as that of a start is."""
    await stopping.wait()


def _leave_at_once() -> None:
    log.error("the worker did not stop in time and exits anyway")
    background.farewell()
    os._exit(1)


async def first(*waited: Coroutine[Any, Any, Outcome] | asyncio.Task[Outcome]) -> Outcome:
    """The outcome of what is done first; the others go on."""
    tasks = [asyncio.ensure_future(one) for one in waited]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return next(task for task in tasks if task in done).result()
