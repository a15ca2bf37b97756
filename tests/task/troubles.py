"""The troubles of a task whose worker's side is the test's."""

import time
from typing import Any

from ferryman.retry.outage import Outage, Patience
from ferryman.task.setup.troubles import Troubles


def troubles(
    longest_wait: float = 60.0, give_up: float | None = None, worker: Any = None, clock: Any = time
) -> Troubles:
    """What a session's loop goes through outages with; ``worker`` and ``clock`` if the test has its own."""
    tell = worker.tell if worker is not None else lambda event, facts: None
    return Troubles(Outage(Patience(give_up, longest_wait=longest_wait)), tell, clock.monotonic)
