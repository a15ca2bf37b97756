"""What workers rely on in Kafka's group coordinator: one story for the model and for a real broker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from tests.worker.simulation.coordinator import (
    ILLEGAL_GENERATION,
    MEMBER_ID_REQUIRED,
    NONE,
    REBALANCING,
    UNKNOWN_MEMBER,
    Joined,
    Synced,
)

SESSION, REBALANCE = 6.0, 6.0
"""Seconds; for a session the shortest that brokers allow."""


class Member(Protocol):
    """One member's connections to the coordinator."""

    async def join(self, member: str, declared: bytes) -> Joined:
        """With SESSION and REBALANCE, and one protocol."""

    async def sync(self, member: str, generation: int, told: dict[str, bytes]) -> Synced:
        """What the leader says."""

    async def heartbeat(self, member: str, generation: int) -> int:
        """The error code; a join that is not answered does not hold it up."""

    async def leave(self, member: str) -> int:
        """The error code."""


async def _until(what: Callable[[], Awaitable[int]], code: int) -> None:
    while await what() != code:
        await asyncio.sleep(0.2)


async def _comes(member: Member, declared: bytes) -> "tuple[str, asyncio.Task[Joined]]":
    """Gets an id, and joins with it."""
    first = await member.join("", declared)
    assert first.error == MEMBER_ID_REQUIRED, first
    assert first.member
    return first.member, asyncio.ensure_future(member.join(first.member, declared))


async def story(first: Member, second: Member) -> None:
    """Two members from their first join to the last one's end."""
    # Whoever comes first leads, and is told what everybody has declared.
    one, joining = await _comes(first, b"one")
    alone = await joining
    assert (alone.error, alone.leader, alone.members) == (NONE, one, ((one, b"one"),))
    assert await first.sync(one, alone.generation, {one: b"all"}) == Synced(NONE, b"all")
    assert await first.heartbeat(one, alone.generation) == NONE
    # One more: the others hear of it by their heartbeats, and the leader stays.
    two, joining = await _comes(second, b"two")
    await _until(lambda: first.heartbeat(one, alone.generation), REBALANCING)
    assert await first.sync(one, alone.generation, {}) == Synced(REBALANCING)
    both, other = await asyncio.gather(first.join(one, b"one"), joining)
    assert both.generation == other.generation > alone.generation
    assert (both.leader, other.leader, other.members) == (one, one, ())
    assert dict(both.members) == {one: b"one", two: b"two"}
    # Followers wait for what the leader says; heartbeats are fine meanwhile.
    waiting = asyncio.ensure_future(second.sync(two, other.generation, {}))
    assert await second.heartbeat(two, other.generation) == NONE
    assert await first.sync(one, both.generation, {one: b"a", two: b"b"}) == Synced(NONE, b"a")
    assert await waiting == Synced(NONE, b"b")
    # Who is of another generation, or of none, is told so.
    assert await first.heartbeat(one, alone.generation) == ILLEGAL_GENERATION
    assert await first.sync(one, alone.generation, {}) == Synced(ILLEGAL_GENERATION)
    assert await first.heartbeat("nobody", both.generation) == UNKNOWN_MEMBER
    assert (await first.join("nobody", b"one")).error == UNKNOWN_MEMBER
    # A follower that joins as it is changes nothing; the leader begins a rebalance.
    assert (await second.join(two, b"two")).generation == other.generation
    joining = asyncio.ensure_future(first.join(one, b"one"))
    await _until(lambda: second.heartbeat(two, other.generation), REBALANCING)
    # Heartbeats keep no member that does not join in within the rebalance timeout.
    while not joining.done():
        assert await second.heartbeat(two, other.generation) in (REBALANCING, UNKNOWN_MEMBER, ILLEGAL_GENERATION)
        await asyncio.sleep(0.2)
    without = joining.result()
    assert without.generation > both.generation
    assert dict(without.members) == {one: b"one"}
    assert await second.heartbeat(two, other.generation) == UNKNOWN_MEMBER
    assert await first.sync(one, without.generation, {one: b"c"}) == Synced(NONE, b"c")
    # A leader that leaves is followed by another.
    two, joining = await _comes(second, b"two")
    await _until(lambda: first.heartbeat(one, without.generation), REBALANCING)
    assert await first.leave(one) == NONE
    now = await joining
    assert (now.leader, dict(now.members)) == (two, {two: b"two"})
    assert now.generation > without.generation
    assert await second.sync(two, now.generation, {two: b"d"}) == Synced(NONE, b"d")
    # Who is silent for longer than its session is in the group no more.
    three, joining = await _comes(first, b"three")
    await _until(lambda: second.heartbeat(two, now.generation), REBALANCING)
    last, follows = await asyncio.gather(second.join(two, b"two"), joining)
    assert (last.leader, follows.leader) == (two, two)
    spread = {two: b"e", three: b"f"}
    said = await asyncio.gather(second.sync(two, last.generation, spread), first.sync(three, last.generation, {}))
    assert [each.told for each in said] == [b"e", b"f"]
    beats = 0
    while (code := await second.heartbeat(two, last.generation)) == NONE:
        await asyncio.sleep(0.5)
        beats += 1
    assert code == REBALANCING
    assert beats >= 6
    assert await first.heartbeat(three, last.generation) == UNKNOWN_MEMBER
    assert await second.leave(two) == NONE
    assert await second.leave(two) == UNKNOWN_MEMBER
