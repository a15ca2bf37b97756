"""What a member declares, decides as a leader and learns: everything about a membership but threads and sockets."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from ferryman.assignment import plan as plans
from ferryman.assignment.incremental import Memory
from ferryman.assignment.plan import Configs, Group, Plan
from ferryman.assignment.protocol import (
    NO_ERROR,
    NO_WORK,
    OFFERED,
    VERSIONS,
    Assignment,
    Metadata,
    ProtocolError,
    Task,
    Work,
    decode_assignment,
)
from ferryman.assignment.tag import is_tagged, tagged_assignment, tagged_metadata
from ferryman.membership import refusal
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.group_view import GroupView
from ferryman.membership.listener import Listener
from ferryman.membership.rebalances import Rebalances
from ferryman.membership.refusal import Refusal
from ferryman.membership.session import Session, boot_time

_log = logging.getLogger("ferryman.membership")


@dataclass(frozen=True, slots=True)
class Joined:
    """A rebalance has ended; the member's thread has not yet acted on it."""

    view: GroupView
    """The place in the group, with what was held when the member declared it."""
    told: Assignment
    again: bool
    """Whether this member, as the leader, shall ask for another round."""


@dataclass(slots=True)
class Participant:
    """The coordinator calls it on the network's thread, the member on its own: the lock is held for moments only."""

    settings: GroupSettings
    listener: Listener
    wake: Callable[[], None]
    view: GroupView = field(default_factory=GroupView)
    joined_: Joined | None = None
    fallen: str | None = None
    """Why the member is out of the group, until its thread has told the listener."""
    resting: bool = False
    """Whether it stays out for now."""
    session: Session = field(init=False)
    rebalances: Rebalances = field(default_factory=Rebalances)
    _memory: Memory = field(default_factory=Memory)
    _plan: Plan | None = None
    _running: frozenset[Task] = frozenset()
    _completed: int = -1
    _declared: Work = NO_WORK
    _asked: int = 1
    """How often a rebalance was asked for; a start asks, too."""
    _asked_before: int = 0
    """The same before the last declaration."""
    _met: int = 0
    """How many of these a rebalance has met: those before its declaration."""
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.session = Session(self.settings.session_timeout / 1000, self.settings.rebalance_timeout / 1000)

    # On the network's thread

    def declare(self) -> list[tuple[str, bytes]]:
        self.rebalances.begins()
        with self.rebalances.at_work():
            return self._declaration()

    def _declaration(self) -> list[tuple[str, bytes]]:
        offset, _ = self.listener.snapshot()
        with self._lock:
            self._asked_before, self._plan = self._asked, None
            now = self.view
            self._declared = now.held
            held = None
            if now.leader:
                held = Assignment(
                    NO_ERROR, now.leader, now.leader_url or "", now.config_offset, now.held, NO_WORK, now.delay_ms
                )
            metadata = Metadata(self.settings.url, offset, held)
        names = OFFERED[self.settings.protocol]
        return [(name, tagged_metadata(metadata, VERSIONS[name])) for name in names]

    def lead(self, protocol: str, generation: int, leader: str, members: Mapping[str, bytes]) -> dict[str, bytes]:
        with self.rebalances.at_work():
            return self._shares(protocol, generation, leader, members)

    def _shares(self, protocol: str, generation: int, leader: str, members: Mapping[str, bytes]) -> dict[str, bytes]:
        found = refusal.members(self.settings.group, members)
        strangers = refusal.strangers(self.settings.group, members, found)
        for stranger in sorted(strangers):
            _log.error(refusal.of_stranger(self.settings.group, stranger, found[stranger].url))
        group = Group(protocol, leader, found, strangers, self._completed, generation)
        configs = Configs(*self.listener.snapshot())
        plan = plans.plan(group, configs, self._memory, int(boot_time() * 1000), self.settings.max_delay)
        with self._lock:
            self._memory, self._plan, self._running = plan.memory, plan, _running(found.values())
        version = VERSIONS[protocol]
        return {member: tagged_assignment(told, version) for member, told in plan.assignments.items()}

    def joined(self, protocol: str, generation: int, member_id: str, told: bytes) -> None:
        try:
            assignment = decode_assignment(told)
        except ProtocolError as error:
            raise Refusal(f"the leader of group {self.settings.group} sends no assignment: {error}") from None
        if not is_tagged(told):
            raise refusal.of_leader(self.settings.group, assignment.leader, assignment.leader_url)
        with self._lock:
            plan = self._plan
            self._completed, self._met = generation, self._asked_before
            view = GroupView(
                member_id,
                generation,
                assignment.leader,
                assignment.leader_url,
                VERSIONS[protocol],
                self._declared,
                assignment.config_offset,
                assignment.delay_ms,
                {} if plan is None else plan.connectors,
                {} if plan is None else plan.tasks,
                frozenset() if plan is None else self._running,
            )
            self.joined_ = Joined(view, assignment, plan is not None and plan.again)
        self.rebalances.ends()
        self.wake()

    def answered(self, at: float, rebalancing: bool) -> None:
        if self.session.answered(at, rebalancing) and self.view.leader:
            self.renew()

    def renew(self) -> None:
        """Tells the worker until when it may rely on the group."""
        try:
            self.listener.heartbeat(self.session.renewed)
        except Exception:
            _log.exception("The worker could not handle a heartbeat")

    def fell_out(self, reason: str) -> None:
        with self._lock:
            if self.view.leader or self.joined_ is not None:
                self.fallen = reason
        self.wake()

    def wants(self, rejoin: bool) -> bool:
        with self._lock:
            out = self.resting or self.fallen is not None or self.joined_ is not None
            return not out and (rejoin or self.asked)

    @property
    def asked(self) -> bool:
        """Whether somebody waits for a rebalance."""
        return self._asked > self._met

    # On the member's thread

    def take(self) -> Joined | None:
        """The rebalance that has ended last, once."""
        with self._lock:
            found, self.joined_ = self.joined_, None
            return found

    def stands(self, view: GroupView) -> None:
        """The member has carried out its assignment."""
        with self._lock:
            self.view = view

    def holds(self, held: Work) -> None:
        """The member holds this, and is where it was."""
        with self._lock:
            self.view = replace(self.view, held=held)

    def leaves(self) -> Work:
        """The member is in no group any more; what it held.

        What it remembers as a leader goes, too: work that nobody runs when it is back need not be held for anybody.
        """
        with self._lock:
            held = self.view.held
            if self.joined_ is not None:
                held = held.plus(self.joined_.view.held)
            self.view, self.joined_, self.fallen, self._plan = GroupView(), None, None, None
            self._memory, self._completed = Memory(), -1
            self.session.forget()
            return held

    def rejoin(self, reason: str) -> None:
        """The next thing to do is to join."""
        _log.debug("Asks for a rebalance: %s", reason)
        with self._lock:
            self._asked += 1
            self.resting = False
        self.wake()


def _running(members: Iterable[Metadata]) -> frozenset[Task]:
    """The tasks that somebody runs. Who gives work up joins again when its processes are gone."""
    return frozenset(task for each in members if each.assignment for task in each.assignment.assigned.tasks)
