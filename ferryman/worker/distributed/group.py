"""What the group decides about this worker, obeyed: the listener of its membership.

The member's thread tells; everything is done on the event loop, and the member waits for it. The order of events when
work moves from one worker to another: the leader revokes it → the share shrinks → the processes end → the member is
told, and joins again → the leader gives the work to the other one. A worker that the group has lost does the same as
soon as it learns of it; its tasks' leases have ended before.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Collection, Coroutine, Mapping
from contextlib import suppress
from typing import Any

from ferryman.assignment.protocol import NO_WORK, Assignment, Work
from ferryman.errors import FerrymanError, RetriableError
from ferryman.facts.config_records import SessionKey
from ferryman.leases import lease
from ferryman.leases.lease import Lease
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.member import Member
from ferryman.settings.distributed_keys import DistributedConfig
from ferryman.telemetry.redaction import redact
from ferryman.worker.control.plane import Plane
from ferryman.worker.distributed.board import Board
from ferryman.worker.distributed.journal import Journal
from ferryman.worker.distributed.share import Share, ShareOfWork, instances

log = logging.getLogger(__name__)

MARGIN, LEAST_MARGIN = 0.1, 0.5
"""The part of the session that lies between the end of a lease and the end of the session, and its least seconds: so
long may what was begun before still take."""
WORTHWHILE_SHARE = 0.1
"""The part of the session by which a lease must be longer for all processes to be told of it."""
LEAVE_SECONDS = 5.0
"""Seconds that a worker which ends waits for processes that were killed and are not gone, or for Kafka."""
KEY_LOOK, SOONEST_KEY_LOOK = 10.0, 0.5
"""Seconds between two checks whether a new session key is due, at most and at least."""


class Group:
    """A worker as its membership sees it (membership.listener)."""

    def __init__(
        self, config: DistributedConfig, settings: GroupSettings, journal: Journal, board: Board, share: ShareOfWork
    ) -> None:
        self.member = Member(settings, self)
        self.joined = asyncio.Event()
        """Set when the group has given this worker its share for the first time."""
        self.lease = Lease(ends=0.0, over=0.0)
        """The lease of a task that starts now."""
        self._told = 0.0
        """The end of the lease that those which run were told of last."""
        self._config, self._journal, self._board, self._share = config, journal, board, share
        self._loop = asyncio.get_running_loop()
        self._plane: Plane | None = None
        self._shared: Mapping[str, int] = {}
        """The connectors and their numbers of tasks that were last shared out, where this worker leads."""
        self._seen: Mapping[str, int] = {}
        """The same at the last check."""
        self._wants = False
        """Whether a rebalance is needed that has not been asked for yet."""
        self._due: asyncio.TimerHandle | None = None
        self._keys: asyncio.Task[None] | None = None
        self._moved = asyncio.Event()
        journal.leads = lambda: self.leads
        journal.when_refused = lambda: self.member.rejoin("the right to write to the config topic is lost")

    def start(self, plane: Plane) -> None:
        """Joins, in the background; the plane's work follows what the group says."""
        self._plane = plane
        self.member.start()
        self._keys = asyncio.create_task(self._renew_keys(), name="session keys")

    def close(self) -> None:
        """Leaves the group. Blocks until all work has ended, if it does within LEAVE_SECONDS."""
        self.member.close(LEAVE_SECONDS)

    @property
    def holds_place(self) -> bool:
        """Whether the group has surely not given this worker's place to another: what leases are for in tasks. Whoever
        wakes up from a long sleep believes to lead until it has asked."""
        return lease.now() < self.lease.ends

    @property
    def leads(self) -> bool:
        """Whether this worker decides for all."""
        return self.member.leads and self.holds_place

    async def moves(self, within: float) -> None:
        """Returns when this worker's place or share may be another, at the latest after so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._moved.wait()

    def _has_moved(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def facts_changed(self, connectors: Collection[str]) -> None:
        """If the work of these connectors has changed, the leader asks for a rebalance."""
        if self._wants or not self.member.leads:
            return
        if any(self._count(name) != self._shared.get(name) for name in connectors):
            self._wants = True
            self._share_anew()

    def _share_anew(self) -> None:
        """Asks for a rebalance where one is wanted: at once, or after a rest since the last one. What changes
        meanwhile goes with it; a thousand connectors that are made in a row would else all be gone through two thousand
        times."""
        rebalances = self.member.rebalances
        if not self._wants or rebalances.under_way or self._due is not None:
            return
        if rest := rebalances.rest:
            self._due = self._loop.call_later(rest, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        self._due, self._wants = None, False
        if self.member.leads:
            self._shared = self._work()
            self.member.rejoin("the connectors or their tasks have changed")

    def _count(self, connector: str) -> int | None:
        """Its number of tasks; None if there is no such connector."""
        facts = self._journal.facts.of(connector)
        return None if facts.properties is None else len(facts.tasks)

    # On the member's threads.

    def snapshot(self) -> tuple[int, Mapping[str, int]]:
        """How far the config topic was read, and every connector with its number of tasks."""
        self._seen = self._work()
        return self._journal.facts.offset, self._seen

    def _work(self) -> Mapping[str, int]:
        facts = list(self._journal.facts.connectors.items())
        return {name: len(each.tasks) for name, each in facts if each.properties is not None}

    def catch_up(self, offset: int, within: float) -> bool:
        """Reads the config topic up to an offset; False if it was not reached within so many seconds."""
        try:
            self._journal.catch_up(within)
        except (RetriableError, TimeoutError) as error:
            log.warning("the config topic was not read on: %s", error)
        return self._journal.facts.offset >= offset

    def assigned(self, assignment: Assignment, generation: int) -> None:
        """The member is in the group; ``assignment.assigned`` is all that it shall run, old and new."""
        if self.member.leads:
            self._claim()
        else:
            self._journal.relinquish()
        self._on_loop(self._take(assignment.assigned))

    def _claim(self) -> None:
        """What is to run here runs whether this worker can write or not; the right is asked for again soon."""
        try:
            self._journal.claim()
        except FerrymanError as error:
            log.warning("this worker leads the group, but cannot write to the config topic yet: %s", redact(str(error)))

    def revoked(self, work: Work) -> None:
        """Ends this work, and returns when its processes are gone."""
        self._on_loop(self._give_up(work))

    def lost(self, reason: str) -> None:
        """The member is no longer in the group: nothing here is this worker's any more."""
        self._journal.relinquish()
        self._on_loop(self._give_up(None))

    def heartbeat(self, at: float) -> None:
        """The group has this member, and its work, at least until a session after ``at``."""
        session = self._config.session_timeout_ms / 1000
        over = at + session
        self._loop.call_soon_threadsafe(self._renew, Lease(over - max(LEAST_MARGIN, MARGIN * session), over))

    def _on_loop(self, done: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(done, self._loop).result()

    # On the event loop.

    def _renew(self, granted: Lease) -> None:
        """Rebalances in a row renew it again and again; the processes are told only when it is worth it."""
        if self._plane is None or granted.ends <= self.lease.ends:
            return
        self.lease = granted
        self._has_moved()
        if granted.ends - self._told >= WORTHWHILE_SHARE * self._config.session_timeout_ms / 1000:
            self._told = granted.ends
            self._plane.reconciler.renew(granted)

    async def _take(self, work: Work) -> None:
        assert self._plane is not None
        with self.member.rebalances.at_work():
            before, self._share.now = self._share.now, Share(work)
            self._has_moved()
            self._shared, known = self._seen, self._work()
            self._plane.reconcile(self._share.now.connectors_besides(before))
            self._plane.members.facts_changed(known)  # what a former leader has left undone is this one's now
            if self.member.leads:
                self._board.clear(known)
        if self.member.leads:
            # Order of events for a new leader: it looks at the connectors and shares them out; a fact comes, which it
            # does not ask for, since it does not know yet that it leads; it is told that it does, here.
            self._wants = self._wants or known != self._shared
            self._share_anew()
            await self._make_key()
        if not self.joined.is_set():
            log.info("Joined group %s", self._config.group_id)
            self.joined.set()

    async def _give_up(self, work: Work | None) -> None:
        """Some work, or all."""
        assert self._plane is not None
        mine = self._share.now.work
        before, self._share.now = self._share.now, Share(NO_WORK if work is None else mine.minus(work))
        self._plane.reconcile(self._share.now.connectors_besides(before))
        self._has_moved()
        await self._plane.reconciler.gone(instances(mine if work is None else work))

    async def _renew_keys(self) -> None:
        while True:
            await asyncio.sleep(min(max(self._key_lasts(), SOONEST_KEY_LOOK), KEY_LOOK))
            if self.member.leads and not self._journal.claimed:
                self.member.rejoin("the right to write to the config topic is lost")
            elif self.member.leads:
                await self._make_key()

    def _key_lasts(self) -> float:
        """Seconds until a new session key is due; none where there is no key, or one of a time to come: the clock of
        whoever made it was wrong, and by it the key would stay for longer than it may."""
        known, ttl = self._journal.facts.session_key, self._config.inter_worker_key_ttl_ms
        left = 0.0 if known is None else known.created + ttl - time.time() * 1000
        return left / 1000 if left <= 2 * ttl else 0.0

    async def _make_key(self) -> None:
        """A new session key, where there is none or it is too old (KIP-507)."""
        if self._key_lasts() > 0:
            return
        now = int(time.time() * 1000)
        algorithm = self._config.inter_worker_key_generation_algorithm
        size = (self._config.inter_worker_key_size or 256) // 8
        try:
            await self._journal.write(SessionKey(secrets.token_bytes(size), algorithm, now))
        except FerrymanError as error:
            log.warning("no new session key for requests between workers: %s", error)
