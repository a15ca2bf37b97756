"""The eager assignor: all work dealt out anew in each round, by turns.

As Kafka Connect's EagerAssignor: first the connectors by name, then the tasks, to the members in the order of their
ids.
"""

from collections.abc import Collection
from itertools import cycle

from ferryman.assignment import order
from ferryman.assignment.protocol import Work


def assign(configured: Work, members: Collection[str]) -> dict[str, Work]:
    """What each member shall run; ``members`` are ids, at least one."""
    found = {member: Work() for member in order.names(members)}
    turn = cycle(found)
    connectors, tasks = dict[str, list[str]](), dict[str, list[tuple[str, int]]]()
    ranked = order.work(configured)
    for name in ranked.connectors:
        connectors.setdefault(next(turn), []).append(name)
    for task in ranked.tasks:
        tasks.setdefault(next(turn), []).append(task)
    return {member: Work(tuple(connectors.get(member, ())), tuple(tasks.get(member, ()))) for member in found}
