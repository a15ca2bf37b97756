"""How a program that owns processes is asked to end: by the first SIGINT, SIGTERM or SIGHUP."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(KeyboardInterrupt):
    """The end was asked for, by this signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Interruption:
    """Whether the end was asked for.

    The first signal raises Interrupted wherever the main thread is. If that happens to be in a destructor, or in
    a callback that C code has called, Python prints the exception and goes on; so who waits, or is done, checks.
    """

    def __init__(self) -> None:
        self.asked: int | None = None
        """The signal that asked; None while none did."""

    @contextmanager
    def heard(self) -> Iterator[Self]:
        """Signals are listened to while this lasts, and mean afterwards what they meant before. Main thread only."""
        before = {number: signal.signal(number, self._end) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.asked = number
        self.ignore_further()
        raise Interrupted(number)

    def ignore_further(self) -> None:
        """From now on no signal disturbs what is going on."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Raises Interrupted if the end was asked for."""
        if self.asked is not None:
            raise Interrupted(self.asked)
