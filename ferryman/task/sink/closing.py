"""Closes a sink's consumer. Of one that is dead (see ``internal_topics/pulse``) that has no end, and it takes the
process with it."""

import logging
import threading
from collections.abc import Callable

from confluent_kafka import Consumer

from ferryman.task.setup import overrun

log = logging.getLogger(__name__)

CLOSE_SECONDS = 120.0
"""Seconds after which a consumer that is being closed is taken for dead."""


def close(consumer: Consumer, calling: Callable[[], bool]) -> None:
    """Returns when it is closed. ``calling`` says whether the consumer has called back: a revocation may wait for the
    sink, which takes as long as the group allows."""
    closed = threading.Event()
    watch = threading.Thread(target=end_unless, args=(closed.wait, calling), name="close", daemon=True)
    watch.start()
    try:
        consumer.close()
    finally:
        closed.set()


def end_unless(closed: Callable[[float], bool], calling: Callable[[], bool]) -> None:
    """Ends the process unless that becomes true within so many seconds, in which nobody is called."""
    while not closed(CLOSE_SECONDS):
        if not calling():
            log.error("the consumer cannot be closed; the process ends, and another begins where it was")
            overrun.end()
