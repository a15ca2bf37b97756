"""How long the coordinator is bound to keep a member and its work, as far as the member can know."""

import time
from dataclasses import dataclass


def boot_time() -> float:
    """Seconds of a clock that goes on while the process is stopped and the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(slots=True)
class Session:
    """What the answers to heartbeats, joins and syncs are worth. Times are seconds of ``boot_time``.

    While no rebalance goes on, a heartbeat buys a session timeout. In a rebalance the coordinator also drops who has
    not joined within the rebalance timeout, however well it sends heartbeats; and a member that waits for the answer to
    its join cannot know whether the request arrived. So a heartbeat in a rebalance counts only if the session that it
    buys ends before that could happen.
    """

    timeout: float
    rebalance: float
    settled: float = float("-inf")
    """When the last request was sent whose answer said that no rebalance was going on."""
    renewed: float = float("-inf")
    """When the last request was sent that counts."""

    def answered(self, at: float, rebalancing: bool) -> bool:
        """A request that was sent at ``at`` was answered well; whether that counts."""
        if not rebalancing:
            self.settled = max(self.settled, at)
        elif at + self.timeout > self.settled + self.rebalance:
            return False
        self.renewed = max(self.renewed, at)
        return True

    @property
    def expires(self) -> float:
        """When the member has to take itself for lost."""
        return self.renewed + self.timeout

    def forget(self) -> None:
        """The member is in no group any more."""
        self.settled = self.renewed = float("-inf")
