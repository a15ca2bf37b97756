"""Workers that do nothing but be members: they note what they heard, and know configs that the test changes."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from ferryman.assignment.protocol import NO_WORK, Assignment, Work
from ferryman.membership.client_settings import translated
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.member import Member
from ferryman.membership.session import boot_time
from tests.running import until


@dataclass
class Configs:
    """The config topic, as far as membership cares: an offset and connectors with their numbers of tasks."""

    tasks: dict[str, int] = field(default_factory=dict)
    offset: int = 1

    def change(self, **tasks: int) -> None:
        self.tasks, self.offset = dict(tasks), self.offset + 1


@dataclass
class Worker:
    """A listener that writes down what it hears, and when: seconds of the clock that the member goes by."""

    configs: Configs
    heard: list[tuple[float, str, Any]] = field(default_factory=list)
    held: Work = NO_WORK
    beats: list[float] = field(default_factory=list)
    behind: int = 0
    """How many offsets less it knows than the topic has, until it catches up."""
    can_catch_up: bool = True
    ending: threading.Event = field(default_factory=threading.Event)
    """Unset: ending work takes until it is set."""
    tell: Callable[[str, Any], None] = lambda what, said: None
    """Hears everything, too."""

    def __post_init__(self) -> None:
        self.ending.set()

    def snapshot(self) -> tuple[int, Mapping[str, int]]:
        return self.configs.offset - self.behind, dict(self.configs.tasks)

    def catch_up(self, offset: int, within: float) -> bool:
        if self.can_catch_up:
            self.behind = 0
        self._note("catch up", offset)
        return self.can_catch_up

    def assigned(self, assignment: Assignment, generation: int) -> None:
        self.held = assignment.assigned
        self._note("assigned", (assignment, generation))

    def revoked(self, work: Work) -> None:
        assert self.ending.wait(120)
        self.held = self.held.minus(work)
        self._note("revoked", work)

    def heartbeat(self, at: float) -> None:
        assert at <= boot_time()
        self.beats.append(at)
        self.tell("heartbeat", at)

    def lost(self, reason: str) -> None:
        self.held = NO_WORK
        self._note("lost", reason)

    def _note(self, what: str, said: Any) -> None:
        self.heard.append((boot_time(), what, said))
        self.tell(what, said)

    def times(self, what: str) -> int:
        return sum(each == what for _, each, _ in self.heard)

    def last(self, what: str) -> Any:
        return next(said for _, each, said in reversed(self.heard) if each == what)


Spans = dict[object, list[tuple[float, float]]]


def spans(heard: Sequence[tuple[float, str, Any]], beats: Sequence[float], session: float, end: float) -> Spans:
    """From when to when a worker had each piece of work, as its tasks know it: while a lease ran that a heartbeat gave.

    ``heard`` has Work for "assigned" (all of it) and "revoked", anything for "lost"; ``end`` is when the worker ended.
    """
    found, since = Spans(), dict[object, float]()

    def pieces(work: Work) -> set[object]:
        return {*work.connectors, *work.tasks}

    def over(ended: set[object], at: float) -> None:
        for piece in ended & since.keys():
            for start, until_ in _leases(beats, session, since.pop(piece), at):
                found.setdefault(piece, []).append((start, until_))

    for at, what, said in heard:
        if what == "assigned":
            since |= dict.fromkeys(pieces(said) - since.keys(), at)
        elif what == "revoked":
            over(pieces(said), at)
        elif what == "lost":
            over(set(since), at)
    over(set(since), end)
    return found


def _leases(beats: Sequence[float], session: float, start: float, end: float) -> Iterator[tuple[float, float]]:
    """The parts of a time in which some heartbeat's session ran."""
    began = ended = start
    for beat in sorted(each for each in beats if each < end):
        until_ = min(beat + session, end)
        if until_ > ended:
            if beat > ended:
                yield began, ended
                began = beat
            ended = until_
    yield began, ended


def no_two_owners(*workers: Spans) -> None:
    """No piece of work was run by two workers at a time. Raises AssertionError with the piece."""
    for piece in {piece for each in workers for piece in each}:
        parts = sorted((*span, number) for number, each in enumerate(workers) for span in each.get(piece, ()))
        for (_, ended, one), (began, _, other) in pairwise(parts):
            assert one == other or ended <= began, (piece, parts)


def client(kafka: str, worker: str) -> dict[str, Any]:
    """The settings of a member's client, from those of a worker."""
    return translated({"bootstrap.servers": kafka}, worker)


@dataclass
class Group:
    """Members of one group on a broker; with them, their workers."""

    kafka: str
    name: str
    configs: Configs = field(default_factory=Configs)
    members: dict[str, Member] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    past: list[Spans] = field(default_factory=list)
    """What workers had that are no more, and those of other processes."""

    def settings(self, worker: str, **changed: Any) -> GroupSettings:
        given: dict[str, Any] = {
            "group": self.name,
            "url": f"http://{worker}:8083/",
            "protocol": "sessioned",
            "session_timeout": 6000,
            "heartbeat_interval": 200,
            "rebalance_timeout": 60_000,
            "max_delay": 1000,
            "sync_timeout": 3000,
            "unsync_backoff": 500,
            "client": client(self.kafka, worker),
        }
        return GroupSettings(**(given | changed))

    def join(self, worker: str, **changed: Any) -> Worker:
        made = self.workers[worker] = Worker(self.configs)
        self.members[worker] = Member(self.settings(worker, **changed), made)
        self.members[worker].start()
        return made

    def close(self, worker: str) -> None:
        self.members.pop(worker).close()
        self.past.append(self.spans(self.workers.pop(worker)))

    def spans(self, worker: Worker) -> Spans:
        def work(said: Any) -> Any:
            return said[0].assigned if isinstance(said, tuple) else said

        heard = [(at, what, work(said)) for at, what, said in worker.heard]
        return spans(heard, worker.beats, 6.0, boot_time())

    @property
    def leader(self) -> str:
        """Who leads, by name."""
        return str(until(lambda: next((name for name, each in self.members.items() if each.leads), ""), 60, "a leader"))

    def change(self, **tasks: int) -> None:
        """Connectors are created, deleted or have other tasks: the leader asks for a rebalance."""
        self.configs.change(**tasks)
        self.members[self.leader].rejoin("the configs have changed")

    @property
    def work(self) -> Work:
        tasks = [(name, number) for name, count in self.configs.tasks.items() for number in range(count)]
        return Work(tuple(self.configs.tasks), tuple(tasks))

    def owners(self) -> list[object]:
        """Every piece of work, as often as somebody runs it."""
        return [piece for one in self.workers.values() for piece in (*one.held.connectors, *one.held.tasks)]

    def is_shared_out(self) -> bool:
        """Whether each piece is run by one worker, and all have about as much."""
        tasks = [len(worker.held.tasks) for worker in self.workers.values()]
        owners = self.owners()
        assert len(owners) == len(set(owners)), owners
        return set(owners) == {*self.work.connectors, *self.work.tasks} and max(tasks) - min(tasks) <= 1

    def settle(self) -> None:
        until(self.is_shared_out, 60, "the work to be shared out")


@contextmanager
def group(kafka: str, name: str, **tasks: int) -> Iterator[Group]:
    """A group without members, and none at the end."""
    made = Group(kafka, name, Configs(dict(tasks)))
    try:
        yield made
    finally:
        for worker in made.workers.values():
            worker.ending.set()
        for name_ in list(made.members):
            made.close(name_)
    no_two_owners(*made.past)
