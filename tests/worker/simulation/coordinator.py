"""Kafka's group coordinator as far as workers see it: joins, syncs, heartbeats, leaves, sessions and rebalances.

As kafka.coordinator.group.GroupCoordinator behaves, for dynamic members of one group that is always available. Its
contract is ``test_coordinator.py``, which a real broker passes too.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

NONE, ILLEGAL_GENERATION, UNKNOWN_MEMBER, REBALANCING, MEMBER_ID_REQUIRED = 0, 22, 25, 27, 79
NEW_MEMBER = 300.0
"""Seconds that somebody who joins for the first time may wait for the others."""
Protocols = Sequence[tuple[str, bytes]]


@dataclass(frozen=True)
class Joined:
    """The answer to a join."""

    error: int
    member: str = ""
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    members: tuple[tuple[str, bytes], ...] = ()
    """With what each has declared; for the leader only."""


@dataclass(frozen=True)
class Synced:
    """The answer to a sync."""

    error: int
    told: bytes = b""


@dataclass
class _Member:
    id: str
    session: float
    rebalance: float
    protocols: Protocols
    is_new: bool = True
    joins: Callable[[Joined], None] | None = None
    syncs: Callable[[Synced], None] | None = None
    told: bytes = b""
    expiry: asyncio.TimerHandle | None = None

    def declared(self, protocol: str) -> bytes:
        return next(data for name, data in self.protocols if name == protocol)


@dataclass
class Coordinator:
    """One group. Answers are given by a call back, at once or later."""

    loop: asyncio.AbstractEventLoop
    generation: int = 0
    state: str = "empty"
    """empty, preparing, completing or stable."""
    leader: str = ""
    protocol: str = ""
    leads: Callable[[int, bytes], None] = lambda generation, declared: None
    """Called with each generation and what its leader has declared."""
    preparing_since: float = 0.0
    """When the last rebalance began, by the loop's clock."""
    stable_since: float | None = None
    """When the members of a generation got their assignments; of the generation before, while another is preparing.
    None if it broke off before that."""
    expired: int = 0
    """How many members were dropped because their session was over, or because they did not join in."""
    _members: dict[str, _Member] = field(default_factory=dict)
    _pending: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    """Who was given an id, and has not joined with it."""
    _unsynced: set[str] = field(default_factory=set)
    """Who has not asked yet what the leader says of this generation."""
    _due: asyncio.TimerHandle | None = None
    """When the members that have not joined, or synced, are dropped."""
    _numbers: "count[int]" = field(default_factory=count)

    @property
    def members(self) -> list[str]:
        """Their ids."""
        return list(self._members)

    def sessions(self) -> list[tuple[str, float]]:
        """The id of each member, and when its session is over unless it is heard before."""
        return [(each.id, each.expiry.when()) for each in self._members.values() if each.expiry]

    def describe(self) -> list[tuple[str, bytes]]:
        """Who is in the group, and what each has declared (DescribeGroups)."""
        stable = self.state == "stable"
        return [(each.id, each.declared(self.protocol) if stable else b"") for each in self._members.values()]

    def join(
        self, member: str, session: float, rebalance: float, protocols: Protocols, answer: Callable[[Joined], None]
    ) -> None:
        """Somebody wants to be in the next generation."""
        if not member:
            fresh = f"member-{next(self._numbers)}"
            self._pending[fresh] = self.loop.call_later(session, self._forget, fresh)
            answer(Joined(MEMBER_ID_REQUIRED, fresh))
            return
        if member in self._pending:
            self._pending.pop(member).cancel()
            self._add(_Member(member, session, rebalance, protocols, joins=answer))
        elif member not in self._members:
            answer(Joined(UNKNOWN_MEMBER, member))
        else:
            self._again(self._members[member], protocols, session, rebalance, answer)

    def _add(self, member: _Member) -> None:
        self._members[member.id] = member
        self._expires_in(member, NEW_MEMBER)
        self._prepare()
        self._look()

    def _again(
        self,
        member: _Member,
        protocols: Protocols,
        session: float,
        rebalance: float,
        answer: Callable[[Joined], None],
    ) -> None:
        same = list(member.protocols) == list(protocols)
        settled = self.state == "completing" or (self.state == "stable" and member.id != self.leader)
        if settled and same:
            self._lives(member)
            answer(self._outcome(member))
            return
        member.protocols, member.session, member.rebalance = protocols, session, rebalance
        member.joins = answer
        self._lives(member)
        self._prepare()
        self._look()

    def sync(self, member: str, generation: int, told: Mapping[str, bytes], answer: Callable[[Synced], None]) -> None:
        """Somebody wants to know what the leader says; the leader says it."""
        known = self._members.get(member)
        if known is None:
            answer(Synced(UNKNOWN_MEMBER))
        elif generation != self.generation:
            answer(Synced(ILLEGAL_GENERATION))
        elif self.state == "preparing":
            answer(Synced(REBALANCING))
        elif self.state == "stable":
            self._unsynced.discard(member)
            self._lives(known)
            answer(Synced(NONE, known.told))
        else:
            self._unsynced.discard(member)
            known.syncs = answer
            if member == self.leader:
                self._spread(told)

    def _spread(self, told: Mapping[str, bytes]) -> None:
        self.state, self.stable_since = "stable", self.loop.time()
        for each in self._members.values():
            each.told = told.get(each.id, b"")
        for each in list(self._members.values()):
            if each.syncs is not None:
                answer, each.syncs = each.syncs, None
                self._lives(each)
                answer(Synced(NONE, each.told))

    def heartbeat(self, member: str, generation: int) -> int:
        """Somebody is still there; the answer's error code."""
        known = self._members.get(member)
        if known is None:
            return UNKNOWN_MEMBER
        if generation != self.generation:
            return ILLEGAL_GENERATION
        self._lives(known)
        return REBALANCING if self.state == "preparing" else NONE

    def leave(self, member: str) -> int:
        """Somebody goes; the answer's error code."""
        if member in self._pending:
            self._forget(member)
            return NONE
        if member not in self._members:
            return UNKNOWN_MEMBER
        self._drop(self._members[member])
        return NONE

    def _forget(self, member: str) -> None:
        self._pending.pop(member).cancel()
        self._look()

    def _lives(self, member: _Member) -> None:
        self._expires_in(member, NEW_MEMBER if member.is_new and member.joins else member.session)

    def _expires_in(self, member: _Member, seconds: float) -> None:
        if member.expiry is not None:
            member.expiry.cancel()
        member.expiry = self.loop.call_later(seconds, self._expire, member)

    def _expire(self, member: _Member) -> None:
        if self._members.get(member.id) is not member:
            return
        if not member.is_new and (member.joins is not None or member.syncs is not None):
            self._lives(member)  # it is waited for, not waiting for it
            return
        self.expired += 1
        self._drop(member)

    def _drop(self, member: _Member) -> None:
        del self._members[member.id]
        if member.expiry is not None:
            member.expiry.cancel()
        for answer in (member.joins, member.syncs):
            if answer is not None:
                answer(Joined(UNKNOWN_MEMBER, member.id) if answer is member.joins else Synced(UNKNOWN_MEMBER))  # type: ignore[arg-type]
        member.joins = member.syncs = None
        if member.id == self.leader:
            self.leader = next(iter(self._members), "")
        if self.state in ("stable", "completing"):
            self._prepare()
        self._look()

    def _prepare(self) -> None:
        if self.state == "preparing":
            return
        if self.state == "completing":
            for each in self._members.values():
                if each.syncs is not None:
                    answer, each.syncs = each.syncs, None
                    self._lives(each)
                    answer(Synced(REBALANCING))
        if self.state != "stable":
            self.stable_since = None
        self.state, self.preparing_since = "preparing", self.loop.time()
        patience = max((each.rebalance for each in self._members.values()), default=0.0)
        self._due_in(patience, self._complete)

    def _due_in(self, seconds: float, then: Callable[[], None]) -> None:
        if self._due is not None:
            self._due.cancel()
        self._due = self.loop.call_later(seconds, then)

    def _look(self) -> None:
        """Whether all have joined."""
        all_in = not self._pending and all(each.joins is not None for each in self._members.values())
        if self.state == "preparing" and all_in:
            self._complete()

    def _complete(self) -> None:
        if self._due is not None:
            self._due.cancel()
        for each in [each for each in self._members.values() if each.joins is None]:
            self.expired += 1
            del self._members[each.id]
            if each.expiry is not None:
                each.expiry.cancel()
        self.generation += 1
        if not self._members:
            self.state, self.leader = "empty", ""
            return
        if self.leader not in self._members:
            self.leader = next(iter(self._members))
        self.protocol = self._chosen()
        self.state = "completing"
        self._unsynced = set(self._members)
        self.leads(self.generation, self._members[self.leader].declared(self.protocol))
        for each in list(self._members.values()):
            answer, each.joins, each.is_new = each.joins, None, False
            self._lives(each)
            assert answer is not None
            answer(self._outcome(each))
        patience = max(each.rebalance for each in self._members.values())
        self._due_in(patience, lambda generation=self.generation: self._drop_unsynced(generation))  # type: ignore[misc]

    def _drop_unsynced(self, generation: int) -> None:
        if generation != self.generation or self.state == "preparing":
            return
        for each in [each for each in self._members.values() if each.id in self._unsynced]:
            self.expired += 1
            self._drop(each)

    def _chosen(self) -> str:
        """What all offer, and most want."""
        members = list(self._members.values())
        offered = [name for name, _ in members[0].protocols]
        common = [name for name in offered if all(name in dict(each.protocols) for each in members)]
        votes = [next(name for name, _ in each.protocols if name in common) for each in members]
        return max(common, key=votes.count)

    def _outcome(self, member: _Member) -> Joined:
        everybody = tuple((each.id, each.declared(self.protocol)) for each in self._members.values())
        told = everybody if member.id == self.leader else ()
        return Joined(NONE, member.id, self.generation, self.protocol, self.leader, told)
