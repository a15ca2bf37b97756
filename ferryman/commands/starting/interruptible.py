"""Ctrl-C ends a command soon, also while a library that is not Python's waits for a server that says nothing."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

GRACE_SECONDS = 2.0
"""Seconds in which a command that was interrupted may put in order what it has begun."""
_END = 0
"""No signal has this number."""


@contextmanager
def soon() -> Iterator[None]:
    """While this lasts, SIGINT raises KeyboardInterrupt as always, and ends the process if that has led to nothing
    after a while, or when it comes again. Who handles it otherwise is left alone. For the main thread; does nothing in
    another one."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Python runs handlers when the main thread is back from C; the number of a signal is written here at once.
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watching = threading.Thread(target=_watch, args=(reading,), name="interrupt", daemon=True)
    watching.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.write(writing, bytes([_END]))
        watching.join()
        os.close(reading)
        os.close(writing)


def _watch(reading: int) -> None:
    timer: threading.Timer | None = None
    while (number := os.read(reading, 1)[0]) != _END:
        if number != signal.SIGINT or signal.getsignal(number) is not signal.default_int_handler:
            continue
        if timer is not None:
            leave(number)
        timer = threading.Timer(GRACE_SECONDS, leave, [number])
        timer.daemon = True
        timer.start()
    if timer is not None:
        timer.cancel()


def leave(number: int) -> NoReturn:
    """Ends the process with the exit code that shells use for a signal. Clients and threads that wait for a silent
    system would hold up an orderly end."""
    with suppress(OSError, ValueError):
        sys.stdout.flush()
    os._exit(128 + number)
