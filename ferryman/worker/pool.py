"""Threads for work that waits: for a file, a process, Kafka, a name server. The event loop itself never does.

Each kind of work has a pool of its own, so that one that stands still takes no threads from another. A pool is
bounded, in threads and in what waits for one, and whoever asks has a deadline. A thread that stands still in one job is
replaced, so that the others' jobs go on. Its threads are daemons: one that never comes back does not keep the worker
from ending, as a thread of asyncio's own executor would.
"""

import asyncio
import queue
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from ferryman.errors import RequestError

Outcome = TypeVar("Outcome")

DEADLINE_SECONDS = 80.0
"""Seconds: less than a request may take, so that its answer names what was waited for."""


SLOW_JOB_SECONDS = 3.0
"""Seconds in one job after which a thread no longer counts as one of the pool's."""


@dataclass(eq=False, slots=True)
class _Job:
    work: Callable[[], Any]
    future: asyncio.Future[Any]
    began: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    slow: asyncio.TimerHandle | None = None
    """Goes off when its thread is to be replaced."""


class Pool:
    """Up to ``threads`` jobs at a time, besides those that take long, and up to ``waiting`` more that wait."""

    def __init__(self, name: str, threads: int, waiting: int) -> None:
        self._name, self._most, self._room = name, threads, threads + waiting
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._threads = 0
        self._unfinished = 0
        self._slow: set[_Job] = set()

    async def run(self, stage: str, work: Callable[[], Outcome], within: float | None = DEADLINE_SECONDS) -> Outcome:
        """What ``work`` returns or raises. ``stage`` says what it does, in Kafka Connect's form.

        Raises RequestError 503 when the pool is full, 500 after ``within`` seconds; work that has begun by then goes
        on in its thread, and nobody waits for it.
        """
        if self._unfinished >= self._room:
            raise RequestError(503, f"Cannot complete request momentarily: too many others wait for {stage}")
        job = _Job(work, asyncio.get_running_loop().create_future())
        self._unfinished += 1
        self._man()
        self._jobs.put(job)
        try:
            found: Outcome = await asyncio.wait_for(job.future, within)
        except TimeoutError:
            if not job.future.cancelled():
                raise  # the work's own
            text = f"Request timed out. The worker is currently {stage}, which began at {job.began}."
            raise RequestError(500, text.replace("+00:00", "Z")) from None
        return found

    def _man(self) -> None:
        """Starts another thread if there may be one more and there is work for it."""
        if self._threads < min(self._most + len(self._slow), self._unfinished):
            self._threads += 1
            threading.Thread(target=self._serve, name=f"{self._name}-{self._threads}", daemon=True).start()

    def _serve(self) -> None:
        while True:
            self._do(self._jobs.get())

    def _do(self, job: _Job) -> None:
        result, error = None, None
        try:
            if not job.future.cancelled():
                self._tell(job, self._begun, job)
                result = job.work()
        except BaseException as raised:
            # The frames of the error hold clients of Kafka. The last reference to one destroys it, which waits for its
            # threads; that must not happen where the error is handled, on the loop.
            traceback.clear_frames(raised.__traceback__)
            error = raised
        self._tell(job, self._finish, job, result, error)

    def _tell(self, job: _Job, what: Callable[..., None], *facts: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: the worker ends
            job.future.get_loop().call_soon_threadsafe(what, *facts)

    def _begun(self, job: _Job) -> None:
        job.slow = job.future.get_loop().call_later(SLOW_JOB_SECONDS, self._replace, job)

    def _replace(self, job: _Job) -> None:
        self._slow.add(job)
        self._man()

    def _finish(self, job: _Job, result: Any, error: BaseException | None) -> None:
        self._unfinished -= 1
        self._slow.discard(job)
        if job.slow is not None:
            job.slow.cancel()
        if job.future.cancelled():
            return
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
