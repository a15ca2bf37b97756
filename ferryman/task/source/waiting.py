"""A source's wait in its poll, in which what is due is committed.

A poll may wait for longer than a transaction may stand open: the broker would abort it, the next session would hand the
same records over, and wait again. What is committed in a wait are polls that are over; of the one that waits nothing
is handed over yet.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import get_ident

from ferryman.task.setup.control import Control
from ferryman.task.source.delivery import Delivery


@dataclass
class Waiting:
    """The waits of one session's source: its ``SourceContext.stopping``."""

    control: Control
    delivery: Delivery | None
    """None where only the source ends transactions."""
    _thread: int = field(default_factory=get_ident)
    _polling: bool = False
    _committed: bool = False
    _error: Exception | None = None
    """What went wrong with a commit in a wait. It is not the source's, which must not see it."""

    def __call__(self, seconds: float) -> bool:
        """Waits, at most so long; true if the task is to stop, or if a commit has failed and the session is over."""
        left, until = seconds, time.monotonic() + seconds
        while (due := self._due()) is not None and due < left:
            if self.control.wait(due):
                return True
            if self.control.pausing:
                return False
            self._commit()
            if self._error is not None or self.control.stopping:
                return True
            left = max(0.0, until - time.monotonic())
        return self.control.wait(left)

    @contextmanager
    def in_poll(self) -> Iterator[None]:
        """While the source polls. Raises what a commit in one of its waits has raised."""
        self._polling = True
        try:
            yield
        finally:
            self._polling = False
            if self._error is not None:
                raise self._error

    def committed(self) -> bool:
        """Whether a wait has committed all that was handed over; asked once for each time."""
        committed, self._committed = self._committed, False
        return committed

    def _due(self) -> float | None:
        ours = self._polling and get_ident() == self._thread  # a source may have threads of its own
        return None if self.delivery is None or not ours else self.delivery.due()

    def _commit(self) -> None:
        assert self.delivery is not None
        try:
            self._committed |= self.delivery.after_round()
        except Exception as error:
            self._error = error
