"""The last lines of the log about each connector and task, for REST: kept by the worker that runs them.

A forked process tells its worker each line that it writes, where that costs no wait: a worker that stands still holds
up no task. What is dropped stands in the log nevertheless.
"""

import json
import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any

from ferryman.telemetry.subject import Subject

MAX_LINES = 200
"""Lines that are kept of each."""
MAX_SUBJECTS = 2_000
"""How many connectors and tasks have lines; those without new lines for longest are forgotten."""
MAX_LINE_CHARACTERS = 4_000
"""Characters of a line."""
EVENT = "log"
"""What a forked process calls it."""
_BURST, _A_SECOND = 100.0, 20.0
"""Lines that may be told at once, and in the long run."""


class Recent:
    """Lines, by whom they are about."""

    def __init__(self) -> None:
        self._lines: OrderedDict[Subject, deque[str]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, whose: Subject, line: str) -> None:
        """One more, as JSON; the oldest goes where there are too many."""
        with self._lock:
            self._lines.setdefault(whose, deque(maxlen=MAX_LINES)).append(line)
            self._lines.move_to_end(whose)
            while len(self._lines) > MAX_SUBJECTS:
                self._lines.popitem(last=False)

    def heard(self, message: Mapping[str, Any]) -> None:
        """One more line, as a Teller sends it."""
        self.add(Subject(message["connector"], message["task"]), message["line"])

    def of(self, whose: Subject) -> list[dict[str, Any]]:
        """The lines about a task, or about a connector apart from its tasks, the oldest first."""
        with self._lock:
            found = list(self._lines.get(whose, ()))
        return [json.loads(line) for line in found]


KEPT = Recent()
"""This worker's. Logging is one for a whole process, and so is what is kept of it."""


class Keeper(logging.Handler):
    """Keeps what the worker itself says about a connector or a task."""

    def emit(self, record: logging.LogRecord) -> None:
        whose: Subject | None = getattr(record, "subject", None)
        if whose and whose.connector:
            try:
                KEPT.add(whose, self.format(record))
            except Exception:
                self.handleError(record)


class Teller(logging.Handler):
    """Tells the worker what a forked process says that is about ``whose``; ``mention`` sends it or drops it."""

    def __init__(self, mention: Callable[[str, dict[str, Any]], object], whose: Subject) -> None:
        super().__init__()
        self._facts = whose._asdict()
        self._mention = mention
        self._left, self._counted = _BURST, time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        self._left = min(_BURST, self._left + (now - self._counted) * _A_SECOND)
        self._counted = now
        if self._left >= 1:
            self._left -= 1
            try:
                self._mention(EVENT, {**self._facts, "line": self.format(record)})
            except Exception:
                self.handleError(record)
