"""A worker's membership in its group: a thread that joins, acts on what the leader says, and leaves."""

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from kafka.errors import KafkaError

from ferryman.assignment.protocol import CONFIG_MISMATCH, Assignment, Task, Work
from ferryman.membership.connection import Connection
from ferryman.membership.group_settings import GroupSettings
from ferryman.membership.listener import Listener
from ferryman.membership.participant import Joined, Participant
from ferryman.membership.rebalances import Rebalances
from ferryman.membership.refusal import Refusal
from ferryman.membership.session import boot_time

_log = logging.getLogger("ferryman.membership")
_SHORTEST, _LONGEST = 0.2, 10.0
"""Seconds before another try where joining fails."""
_REFUSED = 5.0
"""Seconds before the next check of a group with a worker of another kind."""
_FOREVER = float("inf")
_A_WHILE = 60.0
"""Seconds after which what still keeps it out is said again, too."""


@dataclass(slots=True)
class Member:
    """Methods may be called on any thread. Attributes say what holds now, and may have changed a moment later."""

    settings: GroupSettings
    listener: Listener
    failure: str | None = None
    """Why this worker is in no group although it wants to be; it goes on trying."""
    _participant: Participant = field(init=False)
    _condition: threading.Condition = field(default_factory=threading.Condition)
    _awake: bool = False
    _leaving: bool = False
    _closing: bool = False
    _due: float = _FOREVER
    _rests_until: float = 0.0
    _told_until: float = 0.0
    _pause: float = _SHORTEST
    _connection: Connection | None = None
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._participant = Participant(self.settings, self.listener, self._wake)

    @property
    def url(self) -> str:
        """This worker's own URL, as the others see it."""
        return self.settings.url

    @property
    def member_id(self) -> str:
        """What the coordinator calls this member; empty while it is in no group."""
        return self._participant.view.member_id

    @property
    def generation(self) -> int:
        """The last rebalance that this member took part in; -1 while it is in no group."""
        return self._participant.view.generation

    @property
    def leads(self) -> bool:
        """Whether this member leads the group."""
        return self._participant.view.leads

    @property
    def leader_url(self) -> str | None:
        """The leader's URL; None while this member is in no group."""
        return self._participant.view.leader_url

    @property
    def protocol_version(self) -> int:
        """The version of the protocol that the group speaks: 0 eager, 1 compatible, 2 sessioned (requests are
        signed)."""
        return self._participant.view.version

    def owner(self, connector: str, task: int | None = None) -> str | None:
        """The URL of the worker that runs a connector, or one of its tasks.

        As in Kafka Connect the leader knows it of everything and the others of their own work. None for what one does
        not know, or while a rebalance is to come.
        """
        view = self._participant.view
        mine = view.owner(connector, task, self.url)
        return None if mine != self.url and self._participant.asked else mine

    @property
    def tasks(self) -> frozenset[Task] | None:
        """What ``GroupView.all_tasks`` says; None while a rebalance is to come, too."""
        return None if self._participant.asked else self._participant.view.all_tasks

    @property
    def rebalances(self) -> Rebalances:
        """What this member has been part of."""
        return self._participant.rebalances

    def start(self) -> None:
        """Begins to join; returns at once."""
        self._thread = threading.Thread(target=self._run, name="membership", daemon=True)
        self._thread.start()

    def rejoin(self, reason: str) -> None:
        """Asks for a rebalance, or to join again after ``leave``. Returns at once."""
        self._participant.rejoin(reason)

    def leave(self) -> None:
        """Gives up all work, then leaves the group, and stays out until ``rejoin``. Returns at once."""
        with self._condition:
            self._participant.resting = self._leaving = True
        self._wake()

    def close(self, within: float | None = None) -> None:
        """Gives up all work, leaves the group and ends; returns when that is done, or after so many seconds.

        A member that has not left by then, since its work does not end, falls silent with its process; others get the
        work a session later.
        """
        with self._condition:
            self._closing = True
        self._wake()
        if self._thread is not None:
            self._thread.join(within)

    def _wake(self) -> None:
        with self._condition:
            self._awake = True
            self._condition.notify_all()

    def _run(self) -> None:
        while not self._closing:
            try:
                self._step()
            except Refusal as error:
                self._failed(str(error), _REFUSED)
            except KafkaError as error:
                self._failed(f"this worker cannot join group {self.settings.group}: {error!r}", self._pause)
                self._pause = min(self._pause * 2, _LONGEST)
            except Exception as error:
                _log.exception("The membership failed")
                self._failed(repr(error), _LONGEST)
        self._depart("the worker is stopping")

    def _step(self) -> None:
        """Whatever is to be done now, or nothing for a while."""
        now = boot_time()
        if self._leaving:
            self._leaving = False
            self._depart("the worker is leaving")
        elif self._is_lost(now):
            silence = f"no heartbeat was answered for {self.settings.session_timeout} ms"
            self._lose(self._participant.fallen or silence)
        elif (joined := self._participant.take()) is not None:
            self._act(joined)
        elif now >= self._due:
            self._due = _FOREVER
            self._participant.rejoin("the delay for lost work has passed")
        elif self._participant.resting:
            self._wait(_A_WHILE)
        elif now < self._rests_until:
            self._wait(self._rests_until - now)
        else:
            self._take_part()

    def _take_part(self) -> None:
        if self._connection is None:
            self._connection = Connection(self.settings, self._participant)
        if self._participant.view.version == 0 and self._connection.wants_to_join and self._held:
            self._revoke(self._held)
        self._connection.go_on()
        self._wait(self.settings.heartbeat_interval / 1000)

    def _wait(self, seconds: float) -> None:
        with self._condition:
            if not self._awake:
                ends = [self._due]
                if self._participant.view.leader:
                    ends.append(self._participant.session.expires)
                self._condition.wait(max(0.0, min(seconds, min(ends) - boot_time())))
            self._awake = False

    @property
    def _held(self) -> Work:
        return self._participant.view.held

    def _is_lost(self, now: float) -> bool:
        if self._participant.fallen is not None:
            return True
        return bool(self._participant.view.leader) and now >= self._participant.session.expires

    def _lose(self, reason: str) -> None:
        _log.warning("This worker is out of group %s: %s", self.settings.group, reason)
        self._due, self.failure = _FOREVER, reason
        self._participant.leaves()
        self._call(lambda: self.listener.lost(reason))
        self._participant.rejoin(reason)

    def _act(self, joined: Joined) -> None:
        """Does what the leader says; work that was lost since it was declared stays lost."""
        told, view, kept = joined.told, joined.view, self._held
        gone = view.held.minus(kept)
        self.failure, self._pause = None, _SHORTEST
        self._participant.stands(replace(view, held=kept))
        self._participant.renew()
        if told.error == CONFIG_MISMATCH:
            self._read_on(joined)
            return
        revoked = kept if view.version == 0 else told.revoked.both(kept)
        if revoked:
            self._revoke(revoked)
        self._due = boot_time() + told.delay_ms / 1000 if told.delay_ms else _FOREVER
        held = self._held.plus(told.assigned)
        if not self._caught_up(told.config_offset):
            return
        self._participant.holds(held)
        assignment = replace(told, assigned=held)
        _log.info("Generation %s of group %s: %s", view.generation, self.settings.group, _shown(told, held))
        self._call(lambda: self.listener.assigned(assignment, view.generation))
        if joined.again:
            self._participant.rejoin("the group has fallen back to the eager protocol")
        elif told.revoked:
            self._participant.rejoin("the work that was revoked has ended")
        elif gone:
            self._participant.rejoin("work was lost during the rebalance")

    def _read_on(self, joined: Joined) -> None:
        """The leader knew less than a member: those that are behind read on, and all join again."""
        if self._caught_up(joined.told.config_offset):
            self._participant.rejoin("the leader did not know the newest configs")

    def _caught_up(self, offset: int) -> bool:
        """Reads the configs up to an offset; who cannot leaves for a while, so that the others can go on."""
        known, _ = self._call(self.listener.snapshot, (-1, {}))
        within = self.settings.sync_timeout / 1000
        if known >= offset or self._call(lambda: self.listener.catch_up(offset, within), False):
            return True
        text = f"the config topic was not read up to offset {offset} within {self.settings.sync_timeout} ms"
        self._failed(text, self.settings.unsync_backoff / 1000)
        return False

    def _revoke(self, work: Work) -> None:
        _log.info("Gives up %s", _listed(work))
        self._call(lambda: self.listener.revoked(work))
        self._participant.holds(self._held.minus(work))

    def _failed(self, reason: str, rest: float) -> None:
        if reason != self.failure or boot_time() >= self._told_until:
            _log.error("This worker is in no group: %s", reason)
            self._told_until = boot_time() + _A_WHILE
        self.failure = reason
        self._depart(reason)
        self._participant.rejoin("it tries again")
        self._rests_until = boot_time() + rest

    def _depart(self, reason: str) -> None:
        """Gives up all work, then leaves the group."""
        if self._held:
            self._revoke(self._held)
        # Order of events, if it led until its leaving is answered: the coordinator hears of it; another worker leads
        # and writes; the answer is late; a request of before is written here as the leader's word.
        self._participant.leaves()
        self._due, connection, self._connection = _FOREVER, self._connection, None
        with suppress(KafkaError, RuntimeError, OSError):
            if connection is not None:
                connection.close(reason)
        self._participant.leaves()  # what a rebalance that ended meanwhile has told goes, too

    def _call(self, call: Callable[[], Any], otherwise: Any = None) -> Any:
        """What the listener says; if it raises, that is logged."""
        try:
            return call()
        except Exception:
            _log.exception("The worker could not handle a change of its group")
            return otherwise


def _shown(told: Assignment, held: Work) -> str:
    """What is new by name. What goes on is only counted: there is a line of each rebalance, and one for each new
    connector."""
    delay = f", rebalance in {told.delay_ms} ms" if told.delay_ms else ""
    all_of_it = f"{len(held.connectors)} connectors and {len(held.tasks)} tasks"
    new = f", new are {_listed(told.assigned)}" if told.assigned else ""
    return f"{all_of_it}{new}, led by {told.leader_url}{delay}"


def _listed(work: Work) -> str:
    return f"connectors {list(work.connectors)}, tasks {[f'{name}-{number}' for name, number in work.tasks]}"
