"""Python's cycle collector, held back in task processes: it may not walk through a big batch again and again.

Everything imported is frozen, automatic collection is off, and the loops collect between two batches, when little is
left to walk through. Measured: a third of the CPU of a chain of rows was collection.
"""

import gc
import time

INTERVAL = 5.0
IDLE_INTERVAL = 60.0
"""Seconds after which even little is looked through: few objects may hold much."""
FEW = 700
"""Objects more than at the last collection, Python's own threshold; a task that waits makes fewer in a minute."""
_next = _next_at_last = 0.0


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
    """Collects if the last time is long enough ago, and there is something to collect; to be called when no batch is in
    hand."""
    global _next, _next_at_last
    now = time.monotonic()
    if now < _next or gc.isenabled():
        return
    if gc.get_count()[0] >= FEW or now >= _next_at_last:
        _next, _next_at_last = now + INTERVAL, now + IDLE_INTERVAL
        gc.collect()
