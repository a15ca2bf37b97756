"""The incremental cooperative assignor: what stays with a worker goes on, and only what moves is stopped first.

It decides as Kafka Connect's IncrementalCooperativeAssignor does (KIP-415; KAFKA-12495 for the back-off between
revocations), without a clock or a group: time and members are given, and what it remembers is a value. Where the JVM
leaves the order to its hash tables, workers are taken in the order of their ids here.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TypeVar

from ferryman.assignment import order
from ferryman.assignment.protocol import NO_WORK, Work

_GROWTH = 40
_Piece = TypeVar("_Piece", str, tuple[str, int])


@dataclass(frozen=True, slots=True)
class Round:
    """A rebalance, as the leader sees it."""

    configured: Work
    """Every connector and task that there is."""
    members: Mapping[str, Work]
    """What each member runs, by its id."""
    completed: int
    """The last generation whose assignment this leader got back, -1 for none."""
    generation: int
    """The one that is being formed."""
    now_ms: int
    """By any clock that does not go back."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What the leader remembers from one round to the next. A new leader begins with an empty one."""

    previous: Work = NO_WORK
    """What all members were to have after the last round, with what was lost."""
    revoked: Work = NO_WORK
    """What the last round took away."""
    generation: int = -1
    members: frozenset[str] = frozenset()
    candidates: tuple[str, ...] = ()
    """Members that came without work while lost work was held."""
    due_ms: int = 0
    """When lost work is given away, or revocation goes on; 0: nothing is waited for."""
    delay_ms: int = 0
    """How long the members are told to wait."""
    revoking: bool = False
    """Whether the last round took work away for the sake of balance."""
    rounds: int = 0
    """How many such rounds have followed the first."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a round means to one member."""

    given: Work
    """What it shall run in addition."""
    revoked: Work
    """What it shall give up."""
    total: Work
    """What it runs when both is done."""


@dataclass(slots=True)
class _Loads:
    """What each member has; a round moves work in here."""

    connectors: dict[str, list[str]]
    tasks: dict[str, list[tuple[str, int]]]

    def of(self, member: str) -> Work:
        return Work(tuple(self.connectors[member]), tuple(self.tasks[member]))

    def take(self, taken: Mapping[str, Work]) -> None:
        for member, work in taken.items():
            left = self.of(member).minus(work)
            self.connectors[member], self.tasks[member] = list(left.connectors), list(left.tasks)

    def empty(self) -> Iterator[str]:
        return (member for member in self.connectors if not self.connectors[member] and not self.tasks[member])


def assign(memory: Memory, round_: Round, max_delay_ms: int) -> tuple[dict[str, Share], Memory]:
    """Every member's share, and what to remember for the next round; the delay for the members is in the memory.

    ``max_delay_ms`` is scheduled.rebalance.max.delay.ms. There is at least one member.
    """
    members = {member: order.work(round_.members[member]) for member in order.names(round_.members)}
    active = NO_WORK.plus(*members.values())
    previous = _previous(memory, round_, active)
    deleted = previous.plus(active).minus(round_.configured)
    lost = previous.minus(active, deleted)
    created = round_.configured.minus(previous, active)
    unwanted = deleted.plus(_twice(members))
    revoked = {member: work.both(unwanted) for member, work in members.items()}
    loads = _loads(members)
    loads.take(revoked)
    memory, reassigned = _lost(memory, round_, max_delay_ms, lost, loads)
    memory, moved = _balanced(memory, round_, max_delay_ms, loads)
    loads.take(moved)
    revoked = {member: work.plus(moved.get(member, NO_WORK)) for member, work in revoked.items()}
    given = order.work(created).plus(order.work(reassigned))
    _spread(loads.connectors, given.connectors)
    _spread(loads.tasks, given.tasks)
    shares = {
        member: Share(loads.of(member).minus(had), revoked[member], loads.of(member)) for member, had in members.items()
    }
    taken = NO_WORK.plus(*revoked.values())
    return shares, replace(
        memory,
        previous=NO_WORK.plus(*(share.total for share in shares.values())).minus(taken).plus(lost),
        revoked=taken,
        generation=round_.generation,
        members=frozenset(members),
    )


def _previous(memory: Memory, round_: Round, active: Work) -> Work:
    """What was assigned, as far as this leader can know.

    Nothing, if a generation has gone by whose assignment it does not know of; what runs, if a revocation was not heard.
    """
    if memory.revoked.both(active):
        return active
    return memory.previous if memory.generation == round_.completed else NO_WORK


def _lost(memory: Memory, round_: Round, max_delay_ms: int, lost: Work, loads: _Loads) -> tuple[Memory, Work]:
    """Decides about work that nobody runs any more: which of it is to be assigned now."""
    if not lost and not memory.revoking:
        return _rested(memory), NO_WORK
    waiting = memory.due_ms > 0
    if (not waiting and memory.members <= set(loads.connectors)) or max_delay_ms == 0:
        return memory, lost
    if waiting and round_.now_ms >= memory.due_ms:
        back = [member for member in memory.candidates if member in loads.connectors]
        if back:
            _deal(loads.connectors, back, order.work(lost).connectors)
            _deal(loads.tasks, back, order.work(lost).tasks)
        return replace(_rested(memory), revoking=False), NO_WORK if back else lost
    candidates = tuple(dict.fromkeys((*memory.candidates, *loads.empty())))
    delay = min(memory.due_ms - round_.now_ms, max_delay_ms) if waiting else max_delay_ms
    return replace(memory, candidates=candidates, delay_ms=delay, due_ms=round_.now_ms + delay), NO_WORK


def _rested(memory: Memory) -> Memory:
    return replace(memory, candidates=(), due_ms=0, delay_ms=0)


def _balanced(memory: Memory, round_: Round, max_delay_ms: int, loads: _Loads) -> tuple[Memory, dict[str, Work]]:
    """What is taken from members that have too much, unless one waits for lost work or for the back-off."""
    if memory.delay_ms:
        return replace(memory, revoking=False), {}
    moved = _too_much(round_.configured, loads)
    if not moved:
        return replace(memory, revoking=False, rounds=0) if memory.revoking else memory, {}
    if not memory.revoking:
        return replace(memory, revoking=True), moved
    rounds = memory.rounds + 1
    delay = _back_off(rounds, max_delay_ms)
    if not delay:
        return replace(memory, rounds=rounds), moved
    return replace(memory, rounds=rounds, delay_ms=delay, due_ms=round_.now_ms + delay), {}


def _back_off(rounds: int, max_delay_ms: int) -> int:
    """Milliseconds; Kafka's ExponentialBackoff from 1 ms, forty times as long each round."""
    if max_delay_ms <= 1:
        return max_delay_ms
    most = math.log(max_delay_ms) / math.log(_GROWTH)
    return min(int(_GROWTH ** min(rounds, most)), max_delay_ms)


def _too_much(configured: Work, loads: _Loads) -> dict[str, Work]:
    """Per member what it has beyond a balanced share. Connectors and tasks are balanced each on their own."""
    if not configured or all(member in set(loads.empty()) for member in loads.connectors):
        return {}
    connectors = _surplus(loads.connectors, len(configured.connectors))
    tasks = _surplus(loads.tasks, len(configured.tasks))
    return {
        member: Work(tuple(connectors.get(member, ())), tuple(tasks.get(member, ())))
        for member in connectors.keys() | tasks.keys()
    }


def _surplus(loads: Mapping[str, Sequence[_Piece]], total: int) -> dict[str, Sequence[_Piece]]:
    least, extras = divmod(total, len(loads))
    sizes = [len(load) for load in loads.values()]
    with_extra = sizes.count(least + 1)
    if with_extra == extras and sizes.count(least) + with_extra == len(sizes):
        return {}
    found = dict[str, Sequence[_Piece]]()
    for member, load in loads.items():
        if len(load) > least:
            may_have = least + 1 if extras > 0 else least
            extras -= 1
            if len(load) > may_have:
                found[member] = load[: len(load) - may_have]
    return found


def _spread(loads: Mapping[str, list[_Piece]], pieces: Sequence[_Piece]) -> None:
    """Gives work to those who have least, one piece each by turns."""
    ranked = sorted(loads, key=lambda member: (len(loads[member]), order.name_key(member)))
    left = list(reversed(pieces))
    while left:
        level = len(loads[ranked[0]])
        for member in [each for each in ranked if len(loads[each]) <= level]:
            if left:
                loads[member].append(left.pop())


def _deal(loads: Mapping[str, list[_Piece]], members: Sequence[str], pieces: Sequence[_Piece]) -> None:
    for piece, member in zip(pieces, cycle(members), strict=False):
        loads[member].append(piece)


def _twice(members: Mapping[str, Work]) -> Work:
    """What more than one member runs."""
    connectors = Counter(name for work in members.values() for name in work.connectors)
    tasks = Counter(task for work in members.values() for task in work.tasks)
    return Work(
        tuple(name for name, times in connectors.items() if times > 1),
        tuple(task for task, times in tasks.items() if times > 1),
    )


def _loads(members: Mapping[str, Work]) -> _Loads:
    return _Loads(
        {member: list(work.connectors) for member, work in members.items()},
        {member: list(work.tasks) for member, work in members.items()},
    )
