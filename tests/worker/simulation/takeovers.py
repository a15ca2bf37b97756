"""One worker is killed, sleeps or is cut off while all else is well: how soon its tasks run elsewhere, and how long the
tasks of the others pause meanwhile."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ferryman.facts.states import TargetState
from tests.worker.simulation.calls import Calls
from tests.worker.simulation.cluster import Cluster, Node

SOON = 5.0
"""Seconds in which tasks run elsewhere once nobody has to wait for their former worker any more."""
PAUSE = 1.0
"""Seconds for which a task of another worker may stand still."""
LOOK = 0.05


@dataclass
class Takeover:
    """One of them. ``tell`` notes what happens, ``problems`` is what was wrong."""

    cluster: Cluster
    calls: Calls
    tell: Callable[[str], None]
    problems: list[str]
    _acted: dict[str, float] = field(default_factory=dict)
    """When each task of the others was last seen to act."""

    @property
    def _now(self) -> float:
        return self.cluster.machine.now

    async def of(self, victim: Node, how: str) -> None:
        """Hits a worker of a group in which all is as wanted; returns when its tasks run elsewhere."""
        settings = self.cluster.settings.distributed
        eager = settings.connect_protocol == "eager"
        delay = 0.0 if eager else settings.scheduled_rebalance_max_delay_ms / 1000
        bound, began = settings.session_timeout_ms / 1000 + delay + SOON, self._now
        wanted = self._wanted()
        theirs = wanted - self._acting(victim)
        self._acted = dict.fromkeys(wanted - theirs, began)
        self.tell(f"of all, only {victim.host.name} is hit: {how}")
        self._hit(victim, how)
        missing = theirs
        while missing and self._now <= began + bound:
            await asyncio.sleep(LOOK)
            self._hit(victim, how)
            acting = self._acting(victim)
            missing = theirs - acting
            if not eager:  # with that protocol all stop in each rebalance
                self._others(acting)
        if missing:
            after = f"{self._now:.2f}: {bound:.0f} s after {victim.host.name} was hit ({how})"
            self.problems.append(f"{after} there run nowhere else {sorted(missing)}:\n{self._stands()}")
        self._longest(f"longest wait beyond session and delay in ms, {how}", self._now - began - bound + SOON)
        self.cluster.counts(f"takeover, {how}")

    def _hit(self, victim: Node, how: str) -> None:
        """Nothing that began in the trouble before ends it."""
        match how:
            case "killed" if victim.lives:
                self.cluster.dies(victim)
            case "sleeps":
                victim.host.sleeps = True
            case "cut off":
                victim.kafka_link.cut = True

    def _wanted(self) -> set[str]:
        facts = self.calls.facts(self.cluster.kafka)
        running = [name for name in facts.names() if facts.of(name).target is TargetState.RUNNING]
        return {f"{name}-{number}" for name in running for number in range(len(facts.of(name).tasks))}

    def _acting(self, victim: Node) -> set[str]:
        """The tasks that may put and commit now, on workers that are well."""
        return {
            each.name
            for node, each in self.cluster.processes()
            if node is not victim and each.begun and not each.killed and each.lease.ends > self._now
        }

    def _others(self, acting: set[str]) -> None:
        for task, last in self._acted.items():
            paused = self._now - last
            if task in acting:
                self._acted[task] = self._now
            elif paused > PAUSE + LOOK:
                self.problems.append(f"{self._now:.2f}: {task} of another worker stands still:\n{self._stands()}")
            self._longest("longest pause of the others in ms", max(0.0, paused - LOOK))

    def _longest(self, what: str, seconds: float) -> None:
        self.cluster.count[what] = max(round(seconds * 1000), self.cluster.count.get(what, 0))

    def _stands(self) -> str:
        return "\n".join(each.stands() for each in self.cluster.live)
