"""Notices that a REST client has disconnected, so that queued work is not done for nobody."""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from ferryman.errors import RequestError

Gone = Callable[[], Awaitable[bool]]


@dataclass(slots=True)
class _Asker:
    gone: Gone | None
    """None once everything is done: tasks that were created meanwhile go on without a client."""


_asker: ContextVar[_Asker | None] = ContextVar("asker", default=None)


@contextmanager
def on_behalf_of(gone: Gone) -> Iterator[None]:
    """What is done in here, also by tasks, is for a client; ``gone`` says whether it has disconnected."""
    asker = _Asker(gone)
    token = _asker.set(asker)
    try:
        yield
    finally:
        asker.gone = None
        with suppress(ValueError):  # what the collector ends, it ends in another context
            _asker.reset(token)


async def look() -> None:
    """To be called before the first effect of work that had to wait. RequestError 409 if its client has disconnected:
    it may have asked another worker meanwhile, perhaps for more, which this would undo. What a worker does of its own
    accord is never refused."""
    asker = _asker.get()
    if asker is not None and asker.gone is not None and await asker.gone():
        raise RequestError(409, "The client that asked for this no longer waits for it")
