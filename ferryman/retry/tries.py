"""When something that has failed is tried again: later each time, up to a minute."""

import asyncio

from ferryman.retry import backoff

LONGEST_WAIT = 60.0
"""Seconds between two tries, where what is in the way may go away by itself."""


class Tries:
    """The failures of one thing, one after the other, on the clock of the running loop."""

    def __init__(self) -> None:
        self._failures = 0
        self._next: float | None = None

    def failed(self, forget: bool = False) -> None:
        """It has failed; ``forget`` says that former failures do not count any more."""
        self._failures = 1 if forget else self._failures + 1
        self._next = asyncio.get_running_loop().time() + backoff.delay(self._failures, LONGEST_WAIT)

    def begun(self) -> None:
        """A try begins, for whatever reason."""
        self._next = None

    @property
    def waiting(self) -> bool:
        """Whether another try is to come."""
        return self._next is not None

    @property
    def left(self) -> float:
        """Seconds until the next try; 0.0 if there is none to come."""
        return 0.0 if self._next is None else max(0.0, self._next - asyncio.get_running_loop().time())

    @property
    def early(self) -> bool:
        """Whether the next try is still to be waited for."""
        return self.left > 0

    @property
    def due(self) -> bool:
        """Whether it is time for the next try."""
        return self._next is not None and not self.early
