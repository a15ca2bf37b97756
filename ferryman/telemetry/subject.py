"""What a log line is about, as in Kafka Connect's logging context (KIP-449)."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple


class Subject(NamedTuple):
    """A connector, one of its tasks, or with neither the worker as a whole."""

    connector: str = ""
    task: int | None = None

    def __str__(self) -> str:
        if not self.connector:
            return "worker"
        return f"{self.connector}|worker" if self.task is None else f"{self.connector}|task-{self.task}"


WORKER = Subject()
_here = ""


def is_worker(name: str) -> None:
    """What this process does, it does as the worker of that name, or for it: its advertised host and port."""
    global _here
    _here = name


def worker() -> str:
    """The name of this process's worker; empty before it is known, and where there is none."""
    return _here


_current: ContextVar[Subject | None] = ContextVar("subject", default=None)


@contextmanager
def about(connector: str, task: int | None = None) -> Iterator[None]:
    """What is logged inside, and in what is begun inside on the event loop, is about these."""
    token = _current.set(Subject(connector, task))
    try:
        yield
    finally:
        _current.reset(token)


class Stamped(logging.LogRecord):
    """A record that knows whom it is about, wherever it is formatted."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.subject = _current.get()


def of(record: logging.LogRecord, otherwise: Subject) -> Subject:
    """Whom a record is about."""
    found: Subject | None = getattr(record, "subject", None)
    return found or otherwise
