"""What a member of a worker group reports to its worker, and asks it."""

from collections.abc import Mapping
from typing import Protocol

from ferryman.assignment.protocol import Assignment, Work


class Listener(Protocol):
    """A worker, as its membership sees it.

    ``catch_up``, ``assigned``, ``revoked`` and ``lost`` are called on the member's own thread, one after the other, and
    may block; heartbeats go on meanwhile, up to rebalance.timeout.ms. ``snapshot`` and ``heartbeat`` are called on the
    network's thread, while another call may be going on: they return at once. What they raise is logged.
    """

    def snapshot(self) -> tuple[int, Mapping[str, int]]:
        """How far the config topic was read, and every connector with its number of tasks."""

    def catch_up(self, offset: int, within: float) -> bool:
        """Reads the config topic up to an offset; False if it was not reached within so many seconds."""

    def assigned(self, assignment: Assignment, generation: int) -> None:
        """The member is in the group; ``assignment.assigned`` is all that it shall run, old and new."""

    def revoked(self, work: Work) -> None:
        """Ends this work. It is given to others once this has returned: the processes have to be gone by then."""

    def heartbeat(self, at: float) -> None:
        """The group has this member, and its work, at least until a session timeout after ``at``.

        ``at`` is CLOCK_BOOTTIME in seconds, taken before the request was sent whose answer says so.
        """

    def lost(self, reason: str) -> None:
        """The member is no longer in the group: others may run its former work, now or soon."""
