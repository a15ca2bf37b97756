"""Who may act for a task at a moment: its processes, with their leases, on all workers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.worker.lively_processes import LivelyProcess


@dataclass(eq=False)
class _Claim:
    """That a process may act, at the latest until then."""

    process: LivelyProcess
    worker: str
    over: float
    ends: float = 0.0
    """Until when it may begin something."""


@dataclass
class Owners:
    """All processes that may act. Whoever has begun may be in a call until its lease is over, or it is dead."""

    now: Callable[[], float]
    allowed: Callable[[str, str], str | None]
    """Says of a task and a worker why it may not begin there, if so."""
    began: Callable[[str], None] = lambda worker: None
    """Called when a process on a worker acts for the first time."""
    problems: list[str] = field(default_factory=list)
    parked: int = 0
    """How many leases have ended while the process lived."""
    taken_over: int = 0
    """How often a process began while one of a former owner still lived, its lease over."""
    places: dict[str, str] = field(default_factory=dict)
    """By task, who has its place in the group of its sink: whoever has begun last, until somebody removes it."""
    _claims: dict[str, list[_Claim]] = field(default_factory=dict)

    def begins(self, worker: str, process: LivelyProcess) -> None:
        """Watches a process that was just made."""
        process.changed = lambda each: self._acts(worker, each)

    def _acts(self, worker: str, process: LivelyProcess) -> None:
        if not process.begun or not process.lives:
            return
        now, lease = self.now(), process.lease
        if lease.ends <= now:
            return
        claims = self._claims[process.name] = [
            each for each in self._claims.get(process.name, []) if each.process.lives
        ]
        mine = next((each for each in claims if each.process is process), None)
        if mine is None:
            mine = _Claim(process, worker, lease.over)
            claims.append(mine)
            self.places[process.name] = f"{worker} {process.number}"
            if (problem := self.allowed(process.name, worker)) is not None:
                self.problems.append(f"{now:.2f}: {process.name} acts on {worker}: {problem}")
            self.began(worker)
            self.taken_over += len(claims) > 1
        elif mine.ends < now:
            self.parked += 1
        mine.ends, mine.over = lease.ends, lease.over
        others = [each for each in claims if each is not mine and each.over > now]
        for each in others:
            self.problems.append(
                f"{now:.2f}: {process.name} acts on {worker} (until {lease.over:.2f}) and on {each.worker}"
                f" (until {each.over:.2f})"
            )

    def removes(self, task: str, member: str) -> bool:
        """Somebody takes a task's place away, if it is still that member's; whether it was. Nobody may who acts."""
        if self.places.get(task) != member:
            return False
        if acting := [each for each in self.acting(task.rpartition("-")[0]) if each.startswith(f"{task} on ")]:
            self.problems.append(f"{self.now():.2f}: {task} loses its place in its group under {acting}")
        del self.places[task]
        return True

    def acting(self, connector: str) -> list[str]:
        """Which processes of a connector may still act."""
        now = self.now()
        return [
            f"{name} on {each.worker}"
            for name, claims in self._claims.items()
            for each in claims
            if name.rpartition("-")[0] == connector and each.process.lives and each.over > now
        ]
