"""The sink loop: poll → decode → transform → put → commit.

A session is one membership in the group with one instance of the connector. What cannot be known (a commit without an
answer) or cannot go on (the neighbour refused at the start) ends the session, and a new one reads what holds.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Assigned, Committed, Sink, SinkContext
from ferryman.errors import Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import TopicPartition
from ferryman.retry import backoff
from ferryman.task.setup import garbage_collection
from ferryman.task.setup.control import Control
from ferryman.task.setup.crash_points import crash_point
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.delivery import Delivery
from ferryman.task.sink.group import Group

log = logging.getLogger(__name__)

IDLE = 0.2
"""Seconds between two looks at what the worker wants, while nothing arrives."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the loop goes: records a poll at most, seconds between commits, between two looks at which topics there
    are, between tries at most, and seconds after which retrying gives up and fails the task (None: never)."""

    limit: int
    commit_interval: float
    refresh: float
    longest_wait: float
    give_up: float | None


@dataclass
class SinkSession:
    """One membership in the group."""

    control: Control
    pace: Pace
    backlog: Backlog
    group: Group = field(init=False)
    _metadata: dict[TopicPartition, str] = field(default_factory=dict)
    _due: float = 0.0
    _failing_since: float | None = None
    _failures: int = 0
    _retry_at: float = 0.0
    _told_paused: bool = False

    @property
    def sink(self) -> Sink[Any]:
        """The connector's task."""
        return self.backlog.sink

    @property
    def delivery(self) -> Delivery:
        """What was polled, delivered and committed."""
        return self.backlog.delivery

    def run(self, topics: Callable[[], Sequence[str]]) -> None:
        """Until the task is to stop; ``topics`` says what to subscribe to now, and is asked again from time to time.

        Raises RetriableError to be run anew, TaskError and others when it is over.
        """
        self._due = time.monotonic() + self.pace.commit_interval
        refresh, subscribed = 0.0, list[str]()
        while not self.control.stopping:
            if time.monotonic() >= refresh:
                refresh = time.monotonic() + self.pace.refresh
                if (wanted := list(topics())) != subscribed:
                    subscribed = wanted
                    self.group.subscribe(wanted)
                self._check_topics()
            self._obey()
            if time.monotonic() >= self._due:
                self.commit()
            garbage_collection.collect_if_due()
            self._poll()

    def _obey(self) -> None:
        wanted = self.control.pausing or bool(self.backlog)
        if wanted and not self.group.paused:
            self.group.pause()
        elif self.group.paused and not wanted:
            self.group.resume()
        if self.control.pausing is not self._told_paused:
            self._told_paused = self.control.pausing
            if self._told_paused:
                self.commit()
            self.control.tell("paused" if self._told_paused else "running", {})

    def _check_topics(self) -> None:
        # A topic deleted and created anew under its name may already hold more records than we had read of the old one,
        # so that no offset is out of range and reading would go on in the middle of the new one.
        gone = self.group.recreated()
        if gone:
            raise Indeterminate(f"{', '.join(gone)} was deleted or created anew")

    def _poll(self) -> None:
        pending = self.backlog and not self.control.pausing
        wait = min(IDLE, max(0.0, self._retry_at - time.monotonic())) if pending else IDLE
        for polled in self.group.poll(self.pace.limit, wait):
            if self.delivery.polled(polled.source, polled.offsets[-1] + 1):
                self.control.used(polled.topic)
                self.backlog.add(polled)
        if self._may_advance():
            self._advance()

    def _may_advance(self) -> bool:
        return bool(self.backlog) and not self.control.pausing and time.monotonic() >= self._retry_at

    def _advance(self) -> None:
        try:
            while self.backlog and not self.control.stopping:
                self.backlog.put()
        except Indeterminate:
            raise
        except Unfinished as error:
            self._failing_since, self._failures = None, 0
            self._retry_at = time.monotonic() + (error.after or 0.0)
        except RetriableError as error:
            self._back_off(error)
        else:
            self._failing_since, self._failures = None, 0

    def _back_off(self, error: RetriableError) -> None:
        now = time.monotonic()
        self._failing_since = self._failing_since or now
        self._failures += 1
        if self.pace.give_up is not None and now - self._failing_since >= self.pace.give_up:
            raise TaskError(f"gave up after errors.retry.timeout: {error}") from error
        wait = error.after if error.after is not None else backoff.delay(self._failures, self.pace.longest_wait)
        self._retry_at = now + wait
        log.warning("%s (try %d, again in %.1f s)", error, self._failures, wait)

    def commit(self, within: Sequence[TopicPartition] | None = None) -> None:
        """Commits what the sink says is durable, of all partitions or those given. Invariant 1."""
        self._due = time.monotonic() + self.pace.commit_interval
        offsets = self.delivery.committable()
        if within is not None:
            offsets = {source: offset for source, offset in offsets.items() if source in within}
        try:
            wanted = self.sink.pre_commit(offsets)
        except Indeterminate:
            raise
        except RetriableError as error:
            log.warning("nothing committed this time: %s", error)
            return
        self.send(wanted)

    def send(self, wanted: Mapping[TopicPartition, Committed]) -> bool:
        """Commits these offsets, as far as they were delivered and are news to the group. False if it refused."""
        commit = self.delivery.commit({source: each.offset for source, each in wanted.items()})
        news = {
            source: wanted[source]
            for source, offset in commit.offsets.items()
            if self._is_news(source, offset, wanted[source].metadata)
        }
        if not news:
            return True
        crash_point("sink.before_commit")
        if not self.group.commit(news):
            return False
        crash_point("sink.after_commit")
        self.delivery.committed(commit)
        self._metadata.update({source: each.metadata for source, each in news.items()})
        self.sink.committed(news)
        return True

    def demand(self, wanted: Mapping[TopicPartition, Committed]) -> None:
        """A commit that the sink needs before it goes on."""
        if not self.send(wanted):
            raise Indeterminate("the group has moved on while the sink needed a commit")

    def _is_news(self, source: TopicPartition, offset: int, metadata: str) -> bool:
        position = self.delivery.position(source)
        return position is None or position.committed != offset or self._metadata.get(source, "") != metadata

    def request_commit(self) -> None:
        """Lets the next round of the loop commit."""
        self._due = 0.0

    def assigned(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Asks the sink where to start; the group's own offsets hold where it does not know better. Invariant 6."""
        starts = {each.source: each.start for each in partitions}
        committed = {each.source: each.committed.offset if each.committed else None for each in partitions}
        self._metadata = {each.source: each.committed.metadata for each in partitions if each.committed}
        # The sink may have to commit before it opens, and only what is in the ledger can be committed.
        self.delivery.assigned({source: start for source, start in starts.items() if start is not None}, committed)
        starts.update(self.sink.open(partitions))
        chosen = {source: start for source, start in starts.items() if start is not None}
        if len(chosen) < len(starts):
            lost = ", ".join(str(source) for source in starts if source not in chosen)
            raise TaskError(f"{lost}: no usable offset to start from, and auto.offset.reset says not to choose one")
        self.delivery.assigned(chosen, committed)
        log.info("assigned %s", ", ".join(f"{source}@{offset}" for source, offset in chosen.items()) or "nothing")
        return chosen

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Drops what was not delivered, commits what was, and gives the partitions up."""
        self.backlog.drop(partitions)
        try:
            self.commit(partitions)
        finally:
            self.lost(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Gives the partitions up without a word to the group."""
        self.backlog.drop(partitions)
        ours = [source for source in partitions if self.delivery.position(source) is not None]
        self.delivery.revoked(partitions)
        if ours:
            self.sink.close(ours)


def context(session: "Callable[[], SinkSession]", **facts: Any) -> SinkContext:
    """What a sink may ask of the session it runs in; the session is made after the sink, hence the callable."""
    return SinkContext(
        **facts,
        crash_point=crash_point,
        report=lambda batch, index, error: session().backlog.report(batch, index, error),
        request_commit=lambda: session().request_commit(),
        commit=lambda offsets: session().demand(offsets),
    )
