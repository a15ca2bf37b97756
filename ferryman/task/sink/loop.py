"""The sink loop: poll → decode → transform → put → commit.

A session is one membership in the group with one instance of the connector. What cannot be known (a commit without an
answer) or cannot go on (the neighbour refused at the start) ends the session, and a new one reads what holds.

The loop owns the consumer and the ledger; the sink's code has a thread of its own (``sink_thread``). So that the loop
is heard by its group whatever the sink does, the order of events is:

* **poll.** Records go to the backlog. A slice of them is decoded and put on the sink's thread, as many as it is used to
  get through in half a second (``pacing.slices``).
* **while a slice runs** the loop waits for its end, and after ``SILENCE_SECONDS`` pauses its partitions and polls again
  and again, which keeps the membership and lets callbacks come. Offsets of former slices are committed meanwhile if the
  sink has no part in that; else the slice is asked to hurry, and the commit comes between it and the next.
* **pause.** No slice follows the one that runs, and what was delivered is committed. Then the worker is told.
* **revocation.** It comes inside a poll, and the group waits for the answer. The running slice is waited for, the rest
  of the backlog dropped, what was delivered committed: the next owner begins where this one ended. If the slice does
  not end, the group would expel us at max.poll.interval.ms, and two would write; shortly before, the process ends.
* **a slice fails.** Its error is raised here, when its turn is over. An outage: the same comes again later, and the
  loop goes on as above. Anything else ends the session, which leaves the group by way of a revocation.
* **the lease ends.** As a pause, but nothing is committed either, not even at a revocation, and the worker is not told:
  it is not there. What is put in parts ends between two of them. When another worker may have the task, the session
  leaves the group without a call of the sink, and the process ends.
* **a run's end.** When all that is assigned has been read and delivered, the sink is told to close what it holds open,
  and a commit follows (``bounds``). The task goes on, with nothing to do, until it is stopped.
* **stop.** As a revocation, but it waits no longer than the worker does before it kills the process.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Assigned, Committed, Sink
from ferryman.errors import Indeterminate, RetriableError, TaskError, Unfinished
from ferryman.record import TopicPartition
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.outages import Outages
from ferryman.task.setup import garbage_collection
from ferryman.task.setup.control import Control
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.commits import Commits, GroupOffsets
from ferryman.task.sink.group import Group
from ferryman.task.sink.pacing.gather_delay import GatherDelay
from ferryman.task.sink.pacing.idle_polling import IdlePolling
from ferryman.task.sink.pausing import Pausing
from ferryman.task.sink.reading import Reading
from ferryman.task.sink.sink_gauges import SinkGauges
from ferryman.task.sink.sink_thread import POLL_SECONDS, SinkThread, at_rest
from ferryman.task.sink.subscription import Subscription

log = logging.getLogger(__name__)

SILENCE_SECONDS = 2.0
"""Seconds without a poll after which the loop polls although the sink has not taken everything. Not sooner: to pause
throws away what the client has fetched ahead."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How much and how often. All but ``limit`` are seconds."""

    limit: int
    """Records a poll at most."""
    commit_interval: float
    """Between two commits."""
    refresh: float
    """Seconds between two checks which topics exist."""
    revocation: float
    """How long a revocation may be held up by a call into the sink."""
    silence: float = SILENCE_SECONDS
    """How long the group is not listened to while the sink is busy."""


@dataclass
class SinkSession:
    """One membership in the group."""

    control: Control
    timing: Timing
    backlog: Backlog
    thread: SinkThread
    outages: Outages
    meter: SinkMeter = field(default_factory=SinkMeter)
    group: Group = field(init=False)
    reading: Reading = field(default_factory=Reading)
    _after: Callable[[], None] | None = None
    """What is to be done when the call on the sink's thread has ended."""
    _heard: float = 0.0
    """When the last poll ended; as ``_due`` and ``_retry_at``, in monotonic seconds."""
    _due: float = 0.0
    """When the next commit is."""
    _asked: bool = False
    """Whether a commit was requested before it is due."""
    _just_committed: bool = False
    """Whether nothing was put or polled since the last commit."""
    _retry_at: float = 0.0
    """Not before then is the slice tried again."""

    def __post_init__(self) -> None:
        self.ledger = self.reading.ledger
        self.subscription = Subscription(self.timing.refresh)
        self.pausing = Pausing(self.control, self.request_commit)
        self.gather_delay = GatherDelay(self.timing.limit)
        self.idle = IdlePolling(self._disturbed)
        self.gauges = SinkGauges(self.meter, self.backlog, self.ledger)
        self.commits = Commits(self.sink, self.ledger, self._ask_group, self.meter)

    @property
    def sink(self) -> Sink[Any]:
        return self.backlog.sink

    def run(self, topics: Callable[[], Sequence[str]]) -> None:
        """Until the task is to stop; ``topics`` says what to subscribe to now, and is asked again from time to time.

        Raises RetriableError to be run anew, StillBusy or LeaseOver to have the process ended, others when it is over.
        """
        self.idle.worked = time.monotonic()
        self._due = self.idle.worked + self.timing.commit_interval
        while not self.control.stopping:
            self.subscription.renew(topics, self.group, self.outages, self.reading.bounds.topics)
            self.turn()
        self._wait_for_call()

    def turn(self) -> None:
        """Once round the loop: obeys the worker, gives the sink's thread its next call, and polls."""
        self.pausing.obey(self._after is not None or self._asked)
        self._next_call()
        self._listen()

    def _next_call(self) -> None:
        """Gives the sink's thread something to do, if it has nothing."""
        # After a commit comes a slice or a poll first, however short the interval is.
        due = self._asked or (time.monotonic() >= self._due and not self._just_committed)
        due = due and not self.control.parked
        if due and self.commits.plain:
            self.commits.send({source: Committed(offset) for source, offset in self._deliverable().items()})
            due = False
        if self.thread.busy:
            self.backlog.hurry = due or self.control.parked
            return
        self._conclude()
        if self._after is not None:
            return
        garbage_collection.collect_if_due()
        if due:
            self._begin_commit()
        elif self._may_advance():
            self.backlog.hurry = self._just_committed = False
            began = time.monotonic()
            self._begin(self.backlog.advance, lambda slice_: self._advanced(slice_, began))
        elif not self.backlog and not self.control.halted and self.reading.ends_now():
            self._begin(lambda: end(self), lambda ended: ended.result())

    def _begin(self, call: Callable[[], Any], after: Callable[["Future[Any]"], None]) -> None:
        future = self.thread.begin(call)
        self._after = lambda: after(future)

    def _conclude(self) -> None:
        """Does what follows the call that has ended; that may begin another one."""
        after, self._after = self._after, None
        if after is not None:
            after()

    def _wait_for_call(self) -> None:
        """Waits until nothing runs on the sink's thread. Raises what that raised, StillBusy if it takes too long."""
        self.backlog.hurry = True
        while self._after is not None:
            self.thread.finish(self.timing.revocation)
            self._conclude()

    def _disturbed(self) -> bool:
        return self._asked or self.thread.asked or self.control.halted or self.control.stopping_for > 0

    def _may_advance(self) -> bool:
        now = time.monotonic()
        ready = now >= self._retry_at and not self.reading.pace.rest(now)
        return ready and bool(self.backlog) and not self.control.halted

    def _listen(self) -> None:
        """Polls, or waits for the sink as long as the group can do without us."""
        quiet = time.monotonic() < self._heard + self.timing.silence
        if self._after is not None:
            self.thread.look(POLL_SECONDS)
            wait = 0.0
        else:
            self.thread.answer()
            self.outages.calm(not self.backlog and not self.group.idle_for_want_of_topics)
            waiting = bool(self.backlog) and not self.control.halted
            gives_way = min(POLL_SECONDS, self.reading.pace.rest(time.monotonic())) if waiting else 0.0
            if rest := max(self.gather_delay.left(time.monotonic()), gives_way):
                self.control.wait(rest)
            quiet = quiet and (self._may_advance() or gives_way > 0)
            wait = min(POLL_SECONDS, max(0.0, self._retry_at - time.monotonic())) if waiting else POLL_SECONDS
            wait = min(wait, self.reading.wait() or POLL_SECONDS)
        if not quiet:
            self._poll(wait)

    def _poll(self, wait: float) -> None:
        stand = self.control.halted or self._after is not None or bool(self.backlog) or self.reading.wait() > 0
        if stand and not self.group.paused:
            self.group.pause()
        elif self.group.paused and not stand:
            self.group.resume()
        until = 0.0 if stand else min(self._due, self.subscription.due)
        for polled in (found := self.reading.polled(self.group, self.timing.limit, wait, self.idle.quiet(until))):
            self.control.used(polled.topic)
            self.backlog.add(polled)
        self._heard = time.monotonic()
        self.backlog.deliver_to(self.ledger)
        self.gauges.take(self.group.ends, self._heard)
        if found:
            self.idle.worked = self._heard
        if not stand:
            self.gather_delay.polled(found, self._heard)
            self._just_committed = False

    def _advanced(self, slice_: "Future[None]", began: float) -> None:
        now = time.monotonic()
        self.reading.pace.worked(now - began, now)
        try:
            slice_.result()
        except Indeterminate:
            raise
        except Unfinished as error:
            self.outages.going_on()
            self._retry_at = time.monotonic() + (error.after or 0.0)
        except RetriableError as error:
            self._retry_at = time.monotonic() + self.outages.met(error, self.backlog.first)
        else:
            self.outages.recovered()
            if not self.backlog:
                self.gather_delay.put(time.monotonic())

    def _begin_commit(self) -> None:
        offsets, epoch = self._deliverable(), self.ledger.epoch
        began = time.monotonic()

        def ended(durable: "Future[GroupOffsets]") -> None:
            now = time.monotonic()
            self.reading.pace.worked(now - began, now)
            # A revocation may have come in between; it has made its own commit, and this one is of yesterday.
            if epoch == self.ledger.epoch and (news := self.commits.send(durable.result())):
                self._begin(lambda: self.commits.accepted(news), lambda told: told.result())

        self._begin(lambda: self.commits.durable(offsets), ended)

    def commit(self, within: Sequence[TopicPartition]) -> None:
        """Commits what the sink says is durable of these partitions, and waits for it. Invariant 1."""
        if self.control.parked:
            log.warning("nothing is committed: the worker has not renewed the task's lease")
            return
        offsets = self._deliverable(within)
        news = self.commits.send(self.thread.call(lambda: self.commits.durable(offsets)))
        if news:
            self.thread.call(lambda: self.commits.accepted(news))

    def _deliverable(self, within: Sequence[TopicPartition] | None = None) -> Mapping[TopicPartition, int]:
        self._due = time.monotonic() + self.timing.commit_interval
        self._asked, self._just_committed = False, True
        self._take_delivered()
        return self.commits.deliverable(within)

    def _take_delivered(self) -> None:
        self.backlog.deliver_to(self.ledger)
        if self._after is None and not self.backlog:
            self.reading.all_delivered()

    def _ask_group(self, offsets: GroupOffsets) -> bool:
        """Commits, with a note of a run's pace; false if the group refused."""
        return self.group.commit(self.reading.noted(offsets))

    def request_commit(self) -> None:
        """Lets the next round of the loop commit. For any thread."""
        self._asked = True

    def assigned(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        """Asks the sink where to start; the group's own offsets hold where it does not know better. Invariant 6."""
        self._wait_for_call()
        partitions = self.reading.placed(partitions)
        starts = {each.source: each.start for each in partitions}
        committed = {each.source: each.committed.offset if each.committed else None for each in partitions}
        self.commits.began({each.source: each.committed.metadata if each.committed else "" for each in partitions})
        # The sink may have to commit before it opens, and only what is in the ledger can be committed.
        self.ledger.assigned({source: start for source, start in starts.items() if start is not None}, committed)
        starts.update(self.thread.call(lambda: self.sink.open(partitions)) or {})
        chosen = self.reading.bounds.begun(known := all_known(starts))
        self.ledger.assigned(known, committed)
        log.info("assigned %s", ", ".join(f"{source}@{offset}" for source, offset in chosen.items()) or "nothing")
        return chosen

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Drops what was not delivered, commits what was, and gives the partitions up."""
        with at_rest(self._wait_for_call):
            self._take_delivered()
            self.reading.gone(partitions)  # what is dropped now was read, and must not count as delivered
            self.backlog.drop(partitions)
            try:
                self.commit(partitions)
            finally:
                if not self.thread.busy:  # else it takes no further call, and they must not go to another member
                    self.lost(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Gives up the partitions without telling the group."""
        ours = [source for source in partitions if self.ledger.position(source) is not None]
        self._take_delivered()
        self.reading.gone(partitions)
        self.ledger.revoked(partitions)
        self.meter.gone(partitions)
        with at_rest(self._wait_for_call):
            self.backlog.drop(partitions)
            if ours and not self.pausing.over:
                self.thread.call(lambda: self.sink.close(ours))


def end(session: SinkSession) -> None:
    """On the sink's thread: nothing more comes, and what the sink has closed for that is to be committed."""
    session.sink.end()
    session.request_commit()


def all_known(starts: Mapping[TopicPartition, int | None]) -> dict[TopicPartition, int]:
    """Where to start each partition. Raises TaskError if that is not known."""
    chosen = {source: start for source, start in starts.items() if start is not None}
    if len(chosen) < len(starts):
        lost = ", ".join(str(source) for source in starts if source not in chosen)
        raise TaskError(f"{lost}: no usable offset to start from, and auto.offset.reset says not to choose one")
    return chosen
