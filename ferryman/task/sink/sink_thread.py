"""The thread on which a sink's code runs: one call at a time, while the loop goes on listening to the group.

Every call of a sink (its making, start, open, put, pre_commit, committed, close, stop) is made here, so that a plugin
may hold on to what belongs to one thread, such as a database's cursor or an event loop. The consumer belongs to the
loop's thread. What the sink wants of the group meanwhile, it asks the loop for, and waits for the answer.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from ferryman.task.setup.control import Control

T = TypeVar("T")
Call = tuple["Future[Any]", Callable[[], Any]]
POLL_SECONDS = 0.2
"""Seconds between two checks of what the worker wants."""


class StillBusy(Exception):
    """A call into the sink does not end, and nothing can be done before it does: the process has to.

    Nobody can end a thread. A second instance of the connector beside one that may still write would be worse than the
    end of the process; its successor begins where the group's offsets are, as after any crash.
    """


@dataclass
class SinkThread:
    """Runs calls one after the other. All methods but ``ask`` and ``wake`` are for the loop's thread."""

    control: Control
    grace: float
    """Seconds that a call may still take after the task was told to stop."""
    _calls: "SimpleQueue[Call | None]" = field(default_factory=SimpleQueue)
    _questions: "SimpleQueue[Call]" = field(default_factory=SimpleQueue)
    _news: threading.Event = field(default_factory=threading.Event)
    _running: "Future[Any] | None" = None
    _stop_by: float | None = None
    _given_up: bool = False

    def __post_init__(self) -> None:
        self._owner = threading.get_ident()
        threading.Thread(target=self._run, name="sink", daemon=True).start()

    @property
    def busy(self) -> bool:
        """Whether a call is running."""
        return self._running is not None and not self._running.done()

    @property
    def asked(self) -> bool:
        """Whether a question waits for its answer."""
        return not self._questions.empty()

    def begin(self, call: Callable[[], T]) -> "Future[T]":
        """Starts a call and returns at once; only one may be running."""
        assert not self.busy
        future = self._running = Future[T]()
        self._calls.put((future, call))
        return future

    def call(self, call: Callable[[], T]) -> T:
        """Makes a call and waits for it; its errors are raised here. StillBusy as in ``finish``."""
        future = self.begin(call)
        self.finish()
        return future.result()

    def finish(self, within: float | None = None) -> None:
        """Waits for the running call, if any, and answers its questions.

        Raises StillBusy after ``within`` seconds, or when a stop has been waited for as long as it may take.
        """
        deadline = None if within is None else time.monotonic() + within
        while self.busy:
            self.look(POLL_SECONDS)
            now = time.monotonic()
            if self.control.stopping:
                self._stop_by = self._stop_by or now + self.grace
            late = any(limit is not None and now >= limit for limit in (deadline, self._stop_by))
            if self.busy and (late or self._given_up):
                self._given_up = True
                raise StillBusy("a call of the sink does not return; its process ends")

    def look(self, seconds: float) -> None:
        """Waits for news of the sink: the end of a call, a question (which is answered), a wish. At most so long."""
        self._news.wait(seconds)
        self._news.clear()
        self.answer()

    def answer(self) -> None:
        """Answers the questions there are."""
        while True:
            try:
                future, question = self._questions.get_nowait()
            except Empty:
                return
            _fulfil(future, question)

    def ask(self, question: Callable[[], T]) -> T:
        """For the sink's side, on whatever thread: has the loop's thread do something, and waits for what comes out."""
        if threading.get_ident() == self._owner:
            return question()
        future = Future[T]()
        self._questions.put((future, question))
        self.wake()
        return future.result()

    def wake(self) -> None:
        """Has a ``look`` return. For any thread."""
        self._news.set()

    def end(self) -> None:
        """No call comes any more."""
        self._calls.put(None)

    def _run(self) -> None:
        while (given := self._calls.get()) is not None:
            with self.control.acting_now():
                _fulfil(*given)
            del given  # or it would hold the last call's records until the next one
            self.wake()


def _fulfil(future: "Future[Any]", call: Callable[[], Any]) -> None:
    try:
        result = call()
    except BaseException as error:  # polars panics with one that is no Exception
        future.set_exception(error)
    else:
        future.set_result(result)


@contextmanager
def at_rest(settle: Callable[[], None]) -> Iterator[None]:
    """With nothing running on the sink's thread, which ``settle`` waits for; an error of what ran there is raised after
    the block, not before.

    StillBusy is raised at once: nothing can be done beside a call that does not end.
    """
    failure: Exception | None = None
    try:
        settle()
    except StillBusy:
        raise
    except Exception as error:
        failure = error
    yield
    if failure is not None:
        raise failure
