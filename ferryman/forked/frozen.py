"""Ends a process in which nothing can run any more, so that the worker starts another.

A call into a library that never returns and does not let go of the interpreter stops every thread of Python: a plugin's
own, or one of confluent-kafka's on a client whose threads wait for each other (see ``internal_topics/pulse``). Only a
thread that is none of Python's can see that. A process that was stopped for so long may be ended as well when it goes
on: its place is another's by then.
"""

import faulthandler
import threading
import time

SECONDS = 120.0
"""For so long nothing may run."""
EVERY = 10.0
"""Seconds between two signs of life."""


def watch() -> None:
    """From now on, until the process ends. The traces of all threads go to standard error before it is ended."""
    threading.Thread(target=_live, name="frozen", daemon=True).start()


def _live() -> None:
    while True:
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        time.sleep(EVERY)
