"""Python's cycle collector, held back in task processes: it may not walk through a big batch again and again.

Everything imported is frozen, automatic collection is off, and the loops collect between two batches, when little is
left to walk through. Measured: a third of the CPU of a chain of rows was collection.
"""

import gc
import time

INTERVAL_SECONDS = 5.0
_next = 0.0


def hold_back() -> None:
    """To be called once, when all is imported and set up."""
    gc.collect()
    gc.freeze()
    gc.disable()


def collect() -> None:
    """Collects now; to be called when a session has ended. Its clients refer to each other through callbacks, and until
    they are collected they keep their threads and connections."""
    gc.collect()


def collect_if_due() -> None:
    """Collects if the last time is long enough ago; to be called when no batch is being processed."""
    global _next
    now = time.monotonic()
    if now >= _next and not gc.isenabled():
        _next = now + INTERVAL_SECONDS
        gc.collect()
