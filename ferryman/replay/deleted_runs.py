"""How far replays had come that were deleted: their groups outlive them."""

import logging
import time
from collections.abc import Collection, Mapping
from contextlib import closing

from confluent_kafka import KafkaException

from ferryman.dead_letters.mark import Mark
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import Clients

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
KEPT_MS = 86_400_000
"""Milliseconds for which brokers keep the offsets of a group without members, by any sensible setting (theirs is seven
days)."""
MOST = 100
"""So many runs, the latest, are asked about."""


def group(run: str) -> str:
    """The group of a replay, which never has that of its live connector."""
    return f"connect-{run}"


def reached(
    clients: Clients, topic: str, marks: Mapping[str, Mark], runs: Collection[str]
) -> Mapping[str, Mapping[int, int]]:
    """The next offsets, by partition of the topic of letters, of those runs of which that can be told.

    Of a group that the broker does not know it cannot, unless it is too early for the broker to have forgotten it: then
    the run had not begun.
    """
    at = dict[str, int]()
    for mark in marks.values():
        if mark.run is not None and mark.run in runs:
            at[mark.run] = max(mark.at, at.get(mark.run, 0))
    latest = sorted(at, key=lambda run: at[run], reverse=True)[:MOST]
    found = dict[str, Mapping[int, int]]()
    if not latest:
        return found
    youngest = time.time() * 1000 - KEPT_MS
    with closing(Admin(clients.admin())) as admin:
        for run in latest:
            try:
                committed = admin.committed(group(run), ANSWER_SECONDS)
            except KafkaException as error:
                log.debug("how far %s and earlier runs had come is not known: %s", run, error)
                break
            if committed or at[run] > youngest:
                here = [each for each in committed if each.topic == topic and each.offset >= 0]
                found[run] = {each.partition: each.offset for each in here}
    return found
