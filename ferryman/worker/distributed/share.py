"""What of the group's work is this worker's."""

from ferryman.assignment.protocol import NO_WORK, Work
from ferryman.worker.control.wanted import Instance


class Share:
    """Connectors and tasks; it never changes."""

    def __init__(self, work: Work = NO_WORK) -> None:
        self.work = work
        self.instances: frozenset[Instance] = frozenset(instances(work))

    def has(self, connector: str, task: int | None = None) -> bool:
        """Whether a task, or without a number the connector itself, is to run here."""
        return (connector, task) in self.instances

    def connectors_besides(self, other: "Share") -> list[str]:
        """The connectors of which one of the two has something that the other has not, sorted."""
        return sorted({name for name, _ in self.instances ^ other.instances})


class ShareOfWork:
    """The share as it is now. Belongs to the event loop."""

    def __init__(self) -> None:
        self.now = Share()


def instances(work: Work) -> set[Instance]:
    """Each connector and each task of it."""
    return {*((name, None) for name in work.connectors), *work.tasks}
