"""A member of a group that the broker has fenced: by another process, or by what is left of itself.

A member whose coordinator dies may be out of the group and join anew without hearing of it. The broker then knows its
group.instance.id under another member's id, and fences the member itself. Nobody answers for such a remnant, so it is
gone when its session is over; another process that has the identity stays.
"""

import time
from collections.abc import Callable, Collection

from confluent_kafka import KafkaException

POLL_SECONDS = 0.5
"""Seconds between two looks."""


def is_taken(
    identity: str, present: Callable[[], Collection[str]], session: float, wait: Callable[[float], bool]
) -> bool:
    """Whether a group still has a member of that group.instance.id after so many seconds.

    ``present`` tells those of its members; as long as no broker answers, the question is open. ``wait`` waits, and says
    whether to give up, for which the answer is no.
    """
    ends = time.monotonic() + session
    while True:
        try:
            if identity not in present():
                return False
        except KafkaException:
            ends = time.monotonic() + session
        if time.monotonic() >= ends:
            return True
        if wait(POLL_SECONDS):
            return False
