"""What a member knows of its group at a moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferryman.assignment.protocol import NO_WORK, Task, Work


@dataclass(frozen=True, slots=True)
class GroupView:
    """A place in a group; without a leader, in none."""

    member_id: str = ""
    generation: int = -1
    leader: str = ""
    """The leader's member id."""
    leader_url: str | None = None
    version: int = 0
    """The version of the protocol that the group speaks; from 2 on, requests between workers are signed."""
    held: Work = NO_WORK
    """What this member runs."""
    config_offset: int = -1
    delay_ms: int = 0
    connectors: Mapping[str, str] = field(default_factory=dict)
    """For the leader, the URL of every connector's worker."""
    tasks: Mapping[Task, str] = field(default_factory=dict)
    """The same of tasks."""
    running: frozenset[Task] = frozenset()
    """For the leader, the tasks that a member still ran when it joined."""

    @property
    def leads(self) -> bool:
        """Whether this member is the group's leader."""
        return bool(self.leader) and self.leader == self.member_id

    @property
    def all_tasks(self) -> frozenset[Task] | None:
        """All that somebody in the group runs, or is given to run; of whoever had others before, the leases are over.
        None for who does not lead."""
        return self.running.union(self.tasks) if self.leads else None

    def owner(self, connector: str, task: int | None, own_url: str) -> str | None:
        """The URL of the worker that runs a connector, or one of its tasks; None if this member does not know."""
        mine = connector in self.held.connectors if task is None else (connector, task) in self.held.tasks
        if mine:
            return own_url
        return self.connectors.get(connector) if task is None else self.tasks.get((connector, task))
