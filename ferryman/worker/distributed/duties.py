"""What the leader of a group sees to besides sharing out the work."""

from collections.abc import Collection
from dataclasses import dataclass

from ferryman.worker.distributed.fencing import Fencing
from ferryman.worker.distributed.surplus_members import SurplusMembers


@dataclass(frozen=True, slots=True)
class Duties:
    """The duties of one worker, for when it leads."""

    fencing: Fencing
    surplus: SurplusMembers

    def facts_changed(self, connectors: Collection[str], leads: bool) -> None:
        """The facts of these may be others; begins what is to be done about that, in the background."""
        self.surplus.note(connectors)
        if leads:
            self.fencing.look(connectors)
            self.surplus.look()
