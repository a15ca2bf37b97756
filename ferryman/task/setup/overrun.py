"""Ends the process of a task that may be another worker's already, where that is in anybody's way.

Nobody can end a thread, and a call of the connector that was begun in time (a plugin's put, a poll that deletes what it
read) may write long after. And a sink's consumer would keep its partitions for as long as it sends heartbeats. A source
that only waits is left alone: it is parked, and goes on when its lease is renewed.
"""

import logging
import os
import time
from typing import NoReturn

from ferryman.leases import lease
from ferryman.task.setup.control import Control

log = logging.getLogger(__name__)

LONGEST_LOOK = 1.0
"""Seconds. A lease may be renewed, and become shorter, while this waits."""
SHORTEST_LOOK = 0.1
EXIT_CODE = 70
"""Its exit code."""


def watch(control: Control) -> None:
    """For as long as the process lives, on a thread of its own."""
    while True:
        left = control.lease.over - lease.now()
        if left <= 0 and control.acting:
            log.error("a call of the connector has not returned by the end of the task's lease; the process ends")
            end()
        time.sleep(min(max(left, SHORTEST_LOOK), LONGEST_LOOK))


def end() -> NoReturn:
    """Ends the process without another call of the connector's code: its successor may be at work."""
    logging.shutdown()
    os._exit(EXIT_CODE)
