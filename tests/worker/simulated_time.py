"""An event loop whose clock is the test's: when nothing is left to do, it is at once as late as the next timer.

What happens is the same in every run: what is readable is served in the order in which it was first watched, and
nothing waits for the clock of the machine. Threads do not fit in; whoever uses some waits for ever, and is told so.
"""

import asyncio
import selectors
from collections.abc import Coroutine, Mapping
from itertools import count
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")


class Stuck(AssertionError):
    """Nothing would ever happen any more."""


class _Jumps(selectors.DefaultSelector):
    """Looks at what is ready now, and lets the time pass instead of waiting."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self._numbers = count()
        self._order: dict[int, int] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._order[key.fd] = next(self._numbers)
        return key

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready:
            return sorted(ready, key=lambda each: self._order[each[0].fd])
        if timeout is None:
            raise Stuck("nothing would ever happen any more: what is waited for comes from no timer and no socket")
        self.now += max(0.0, timeout)
        return []


class SimulatedLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0.0."""

    def __init__(self) -> None:
        self._jumps = _Jumps()
        self.troubles: list[Mapping[str, Any]] = []
        """What was raised where nobody waited for it."""
        super().__init__(self._jumps)
        self.set_exception_handler(lambda loop, context: self.troubles.append(context))

    def time(self) -> float:
        return self._jumps.now

    def end(self) -> None:
        """Cancels whatever still goes on."""
        left = asyncio.all_tasks(self)
        for task in left:
            task.cancel()
        if left:
            self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.close()


def simulated(story: Coroutine[Any, Any, Outcome]) -> Outcome:
    """Runs a story to its end. AssertionError for what was raised where nobody waited for it."""
    loop = SimulatedLoop()
    try:
        outcome = loop.run_until_complete(story)
    finally:
        loop.end()
    assert not loop.troubles, loop.troubles
    return outcome
