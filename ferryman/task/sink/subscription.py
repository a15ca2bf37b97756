"""The topics that a sink's session reads: which they are, whether they are there, and the same that they were."""

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from ferryman.errors import Indeterminate, RefusedError, TaskError
from ferryman.task.outages import Outages
from ferryman.task.sink.group import Group


@dataclass
class Subscription:
    """What the group is subscribed to."""

    every: float
    """Seconds from one check to the next."""
    due: float = 0.0
    """When the next one is, in monotonic seconds."""
    topics: list[str] = field(default_factory=list)

    def renew(
        self, wanted: Callable[[], Sequence[str]], group: Group, outages: Outages, of_run: Collection[str]
    ) -> None:
        """When it is time, subscribes to what is wanted, if that has changed, and checks the topics; raises as
        ``_check``."""
        if time.monotonic() < self.due:
            return
        self.due = time.monotonic() + self.every
        if (topics := list(wanted())) != self.topics:
            self.topics = topics
            group.subscribe(topics)
        _check(group, outages, topics, of_run)


def _check(group: Group, outages: Outages, subscribed: Sequence[str], of_run: Collection[str]) -> None:
    """Whether the topics are there, and the same that they were. Raises Indeterminate, and TaskError where one is not
    there of those that a run was made for: what it was to read is gone, so there is nothing to wait for."""
    # A topic deleted and created anew under its name may already hold more records than we had read of the old one,
    # so that no offset is out of range and reading would go on in the middle of the new one.
    gone = group.recreated()
    if gone:
        raise Indeterminate(f"{', '.join(gone)} was deleted or created anew")
    if lost := group.absent(of_run):
        raise TaskError(
            f"The run was made for records of {', '.join(lost)}, which is no longer there, and they with it. Delete "
            "the run, and make another one of what there still is"
        )
    if group.without_topics(subscribed):
        outages.met(no_topics(subscribed))


def no_topics(subscribed: Sequence[str]) -> RefusedError:
    """Why a sink has nothing to read."""
    names = ", ".join(subscribed)
    text = f"the topic {names} does not exist" if len(subscribed) == 1 else f"none of the topics {names} exists"
    return RefusedError(text, key="topics")
