"""A group of workers in simulated time, one rebalance after the other, whatever decides about them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from ferryman.assignment.incremental import Memory, Round, Share, assign
from ferryman.assignment.protocol import NO_WORK, Work

MAX_DELAY = 300_000
Decide = Callable[[Round], tuple[Mapping[str, Share], int]]
"""A round's shares, and the delay that members are told."""


@dataclass
class Ours:
    """The assignor of this project, with what it remembers."""

    max_delay: int = MAX_DELAY
    memory: Memory = field(default_factory=Memory)

    def decide(self, round_: Round) -> tuple[Mapping[str, Share], int]:
        shares, self.memory = assign(self.memory, round_, self.max_delay)
        return shares, self.memory.delay_ms


@dataclass
class Group:
    """Workers m0, m1, … and what they run. A member that leaves takes its work with it."""

    decide: Decide
    configured: dict[str, int] = field(default_factory=dict)
    """Connectors and their numbers of tasks."""
    members: dict[str, Work] = field(default_factory=dict)
    generation: int = 0
    completed: int = -1
    now: int = 1_000_000
    delay: int = 0

    @property
    def work(self) -> Work:
        tasks = [(name, number) for name, count in self.configured.items() for number in range(count)]
        return Work(tuple(self.configured), tuple(tasks))

    def join(self, member: str) -> None:
        self.members[member] = NO_WORK

    def leave(self, member: str) -> None:
        del self.members[member]

    def new_leader(self, decide: Decide) -> None:
        """Another member leads from now on: it has completed the last generation as well, but remembers nothing."""
        self.decide = decide

    def rebalance(self, unheard: frozenset[str] = frozenset()) -> dict[str, Share]:
        """One round; members in ``unheard`` do not get their assignment, and go on with what they have."""
        self.generation += 1
        round_ = Round(self.work, dict(self.members), self.completed, self.generation, self.now)
        shares, self.delay = self.decide(round_)
        for member, share in shares.items():
            if member not in unheard:
                self.members[member] = self.members[member].minus(share.revoked).plus(share.given)
        self.completed = self.generation
        return dict(shares)

    def settle(self, rounds: int = 60) -> None:
        """Rebalances as the members ask for it: after a revocation at once, after a delay when it is over."""
        for _ in range(rounds):
            shares = self.rebalance()
            if self.delay:
                self.now += self.delay
            elif not any(share.revoked for share in shares.values()):
                return
        raise AssertionError(f"no rest after {rounds} rounds: {self}")

    def happen(self, random: Random) -> str:
        """Something that brings about a rebalance."""
        what = random.choice(["join", "leave", "create", "create", "delete", "resize", "wait", "wait long", "nothing"])
        absent = [name for name in (f"m{number}" for number in range(7)) if name not in self.members]
        match what:
            case "join" if absent:
                self.join(random.choice(absent))
            case "leave" if len(self.members) > 1:
                self.leave(random.choice(sorted(self.members)))
            case "create":
                self.configured[f"c{random.randrange(12):02}"] = random.randrange(6)
            case "delete" if self.configured:
                del self.configured[random.choice(sorted(self.configured))]
            case "resize" if self.configured:
                self.configured[random.choice(sorted(self.configured))] = random.randrange(6)
            case "wait":
                self.now += random.randrange(100_000)
            case "wait long":
                self.now += self.delay + random.randrange(1000)
        return what
