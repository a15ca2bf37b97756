"""Writes the log in a thread of its own: a reader of standard error that stands still must not stop the event loop."""

import logging
import queue
import threading

MAX_LINES = 10_000
"""Lines that may wait; more are dropped, and counted."""
FLUSH_SECONDS = 1.0
"""Seconds that they have to be written when the process ends."""


class Background(logging.Handler):
    """Hands records to another handler, which does the formatting and the writing."""

    def __init__(self, inner: logging.Handler) -> None:
        super().__init__()
        self._inner = inner
        self._records: queue.Queue[logging.LogRecord] = queue.Queue(MAX_LINES)
        self._dropped = 0
        self._empty = threading.Event()
        self._empty.set()
        threading.Thread(target=self._write, name="log", daemon=True).start()

    def emit(self, record: logging.LogRecord) -> None:
        self._empty.clear()
        try:
            self._records.put_nowait(record)
        except queue.Full:
            self._dropped += 1

    def flush(self) -> None:
        """Waits until all is written, but not for long."""
        self._empty.wait(FLUSH_SECONDS)

    def _write(self) -> None:
        while True:
            record = self._records.get()
            self._inner.handle(record)
            if self._dropped:
                lost, self._dropped = self._dropped, 0
                text = "%d lines of the log are lost: whoever reads it did not keep up"
                self._inner.handle(logging.LogRecord(__name__, logging.WARNING, "", 0, text, (lost,), None))
            if self._records.empty():
                self._inner.flush()
                self._empty.set()


def install() -> None:
    """Makes every handler of the root logger write in the background."""
    root = logging.getLogger()
    root.handlers[:] = [Background(handler) for handler in root.handlers]


def farewell() -> None:
    """Waits until the log is written, but not for long; to be called before ``os._exit``. ``logging.shutdown`` would
    wait for the lock of a handler that stands still."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, Background):
            handler.flush()
