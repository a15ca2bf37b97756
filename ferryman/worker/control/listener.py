"""What the places of instances report to, and ask for what they do not know."""

from typing import Protocol

from ferryman.telemetry.owners import Owner
from ferryman.worker.control.wanted import Instance, Task


class Listener(Protocol):
    """Is told about changes of the instances."""

    def changed(self, instance: Instance) -> None:
        """Its state is another, or it is not here any more."""

    def topic_used(self, task: Task, topic: str) -> None:
        """A task has used a topic."""

    def owner(self, connector: str) -> Owner:
        """Whose the secrets of a connector are."""

    def gone_for_good(self, task: Task) -> bool:
        """Whether there is to be no such task any more, wherever."""
