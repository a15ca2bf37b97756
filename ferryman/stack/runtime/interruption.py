"""How a program that owns processes is asked to end: by the first SIGINT, SIGTERM or SIGHUP."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Self

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interruption:
    """Whether the end was asked for.

    The first signal raises KeyboardInterrupt wherever the main thread is. If that happens to be in a destructor, or in
    a callback that C code has called, Python prints the exception and goes on; so who waits, or is done, checks.
    """

    def __init__(self) -> None:
        self.asked = False

    @contextmanager
    def heard(self) -> Iterator[Self]:
        """Signals are listened to while this lasts, and mean afterwards what they meant before. Main thread only."""
        before = {number: signal.signal(number, self._end) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.asked = True
        self.ignore_further()
        raise KeyboardInterrupt

    def ignore_further(self) -> None:
        """From now on no signal disturbs what is going on."""
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def check(self) -> None:
        """Raises KeyboardInterrupt if the end was asked for."""
        if self.asked:
            raise KeyboardInterrupt
