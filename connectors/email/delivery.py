"""Brings the messages of batches to the mail server, each announced in the group before it is sent."""

import logging
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.email.composer import Writer
from ferryman.connectors.email.config import EmailSinkConfig
from ferryman.connectors.email.in_doubt_window import Window
from ferryman.connectors.email.message import Letter, Sender
from ferryman.connectors.email.rate_limit import Pace
from ferryman.connectors.email.sent_events import Events
from ferryman.connectors.email.sent_events import Outcome as Kind
from ferryman.connectors.email.smtp_connection import Outcome, Parcel, Verdict
from ferryman.connectors.email.smtp_pool import Courier
from ferryman.errors import DataError, Indeterminate, RefusedError, RetriableError, TaskError, Unfinished
from ferryman.record import Batch, Coordinates, Record, TopicPartition

log = logging.getLogger(__name__)

SLICE = 2.0
"""Seconds after which a batch that is not through gives the loop a chance to commit, to pause and to stop."""
DRAIN = 1.0
"""Seconds that messages on their way then get to arrive; slower ones go on meanwhile."""
DAWDLE = 5.0
_LOOK = 0.2


@dataclass
class Attempt:
    """One try to get a batch through: the records not yet looked at, and what stands in the way."""

    window: Window
    batch: Batch
    queue: deque[tuple[int, Record]]
    until: float = field(default_factory=lambda: time.monotonic() + SLICE)

    @property
    def over(self) -> bool:
        """Whether it has had its time."""
        return time.monotonic() >= self.until


@dataclass
class Trouble:
    """Why messages were not taken: the latest reason of each kind."""

    away: str | None = None
    later: str | None = None
    hopeless: str | None = None

    @property
    def stops(self) -> bool:
        """Whether to send anything else would be useless."""
        return self.away is not None or self.hopeless is not None


class Delivery:
    """The messages of one task: under way, in doubt, refused. Used by the task's thread only."""

    def __init__(self, config: EmailSinkConfig, context: SinkContext, events: Events | None) -> None:
        self._config = config
        self._context = context
        self._events = events
        self._writer = Writer(config)
        self._sender = Sender(context.cluster, context.connector, config.message_id_domain)
        self._courier = Courier(config.server)
        self._pace = Pace(config.messages_per_second)
        self._windows: dict[TopicPartition, Window] = {}
        self._accepted: dict[TopicPartition, str] = {}
        self._letters: dict[Coordinates, Letter] = {}
        self._refused: dict[Coordinates, DataError] = {}
        self._told: deque[tuple[Letter, Coordinates, Kind, str]] = deque()
        self._trouble = Trouble()

    def open(self, partitions: Sequence[Assigned]) -> None:
        """Takes partitions on, and lists what their former owner may have sent."""
        for assigned in partitions:
            source, committed = assigned.source, assigned.committed
            start = assigned.start or 0
            goes_on = committed is not None and committed.offset == start
            metadata = committed.metadata if committed is not None and goes_on else ""
            self._windows[source] = Window.begin(source, assigned.topic_id, start, metadata)
            self._accepted[source] = metadata
            for offset in sorted(self._windows[source].found):
                self._list(Coordinates(*source, offset), "it may have been sent before the task ended")

    def _list(self, at: Coordinates, why: str) -> None:
        id = self._sender.message_id(at, self._windows[TopicPartition(at.topic, at.partition)].topic_id)
        fate = "it is sent again" if self._config.behavior_on_in_doubt == "resend" else "it is not sent again"
        log.warning("message %s of record %s is in doubt (%s); %s", id, at, why, fate)

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Gives partitions up; what is still on its way stays in doubt."""
        gone = [at for at in self._letters if TopicPartition(at.topic, at.partition) in partitions]
        self._courier.abandon(gone)
        for at in gone:
            del self._letters[at]
        self._refused = {
            at: error for at, error in self._refused.items() if TopicPartition(at.topic, at.partition) not in partitions
        }
        for source in partitions:
            self._windows.pop(source, None)
            self._accepted.pop(source, None)

    def stop(self) -> None:
        """Breaks off what is on its way."""
        self._courier.stop()

    def accepted(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """The group has these windows."""
        self._accepted.update({source: commit.metadata for source, commit in offsets.items()})

    def wanted(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """What to commit. Raises RetriableError while events of what was sent have not arrived."""
        self._settle(DRAIN if len(self._courier) else 0.0)
        self._flush_events()
        held = {source: offset for source, offset in offsets.items() if source in self._windows}
        for source, offset in held.items():
            self._windows[source].advance(offset)
        return {source: Committed(offset, self._windows[source].text()) for source, offset in held.items()}

    def deliver(self, batch: Batch) -> None:
        """One attempt at a batch. Returns when nothing of it is left to do.

        Raises RetriableError when the server stands in the way, Unfinished when it takes longer than a slice of time;
        the same batch comes again. What is finished is not repeated.
        """
        window = self._windows.get(batch.source)
        if window is None:
            raise TaskError(f"{batch.source} is handed over, but this task does not own it")
        for offset in window.drop_missing(batch.offsets):
            log.info("record %s@%d does not come any more; its message is forgotten", batch.source, offset)
        self._trouble = Trouble()
        attempt = Attempt(window, batch, deque(self._waiting(window, batch)))
        self._run(attempt)
        self._conclude(attempt)
        window.advance(batch.offsets[-1] + 1)
        window.end = max(window.end, window.base)

    def _waiting(self, window: Window, batch: Batch) -> Iterator[tuple[int, Record]]:
        for index, record in enumerate(batch.records()):
            at = record.origin
            assert at is not None
            if not (window.is_finished(at.offset) or self._courier.carries(at) or at in self._refused):
                yield index, record

    def _run(self, attempt: Attempt) -> None:
        while True:
            self._report(attempt)
            wait = None if self._trouble.stops or attempt.over else self._advance(attempt)
            if wait is None and (not len(self._courier) or time.monotonic() >= attempt.until + DRAIN):
                return
            if wait and not len(self._courier):
                time.sleep(min(wait, _LOOK))
            else:
                self._settle(_LOOK if wait is None else min(wait, _LOOK))

    def _advance(self, attempt: Attempt) -> float | None:
        """Sends as many as may be sent now. Seconds until there may be more; None if there are none in this attempt."""
        most = self._config.max_in_flight
        room = most - len(self._courier)
        if not attempt.queue:
            return None
        if len(self._courier) and room < max(1, most // 2):
            return _LOOK
        ready = self._pace.ready(room)
        if not ready:
            return self._pace.wait
        before = len(attempt.queue)
        chosen = self._chosen(attempt, ready)
        if chosen:
            self._send(attempt.window, chosen)
        return 0.0 if len(attempt.queue) < before else None

    def _chosen(self, attempt: Attempt, limit: int) -> dict[Coordinates, tuple[Letter, Parcel]]:
        window, chosen, fresh = attempt.window, dict[Coordinates, tuple[Letter, Parcel]](), 0
        while attempt.queue and len(chosen) < limit:
            index, record = attempt.queue[0]
            at = record.origin
            assert at is not None
            if window.is_fresh(at.offset):
                if window.unsettled + fresh >= self._config.max_in_flight:
                    break
                fresh += 1
            attempt.queue.popleft()
            if made := self._made(attempt, index, record, at):
                chosen[at] = made
        return chosen

    def _made(self, attempt: Attempt, index: int, record: Record, at: Coordinates) -> tuple[Letter, Parcel] | None:
        """The message of a record; None if none is to be sent, in which case the record is finished."""
        window = attempt.window
        if record.value is None and self._config.behavior_on_null_values == "ignore":
            window.finish(at.offset)
            return None
        try:
            letter, sender = self._writer.letter(record, self._sender.message_id(at, window.topic_id))
            parcel = self._writer.parcel(letter, sender, in_doubt=at.offset in window.found)
        except DataError as error:
            self._context.report(attempt.batch, index, error)
            window.finish(at.offset)
            return None
        if at.offset in window.found and self._config.behavior_on_in_doubt == "skip":
            self._finish(window, letter, at, "skipped", "")
            return None
        return letter, parcel

    def _send(self, window: Window, chosen: Mapping[Coordinates, tuple[Letter, Parcel]]) -> None:
        self._flush_events()
        window.announce(at.offset for at in chosen)
        self._context.crash_point("email.before_commit")
        self._commit()
        self._context.crash_point("email.after_commit")
        self._pace.take(len(chosen))
        for at, (letter, parcel) in chosen.items():
            self._context.crash_point("email.before_send")
            self._letters[at] = letter
            self._courier.send(at, parcel)

    def _commit(self) -> None:
        """Tells the group all that is news: also that what a partition announced before this one's turn is finished.

        Otherwise as many would be in doubt for each partition as may be for the task.
        """
        texts = {source: window.text() for source, window in self._windows.items()}
        news = {source: text for source, text in texts.items() if text != self._accepted[source]}
        if news:
            self._context.commit({source: Committed(self._windows[source].base, text) for source, text in news.items()})
        if missing := [str(source) for source, text in news.items() if text != self._accepted[source]]:
            raise Indeterminate(f"the window of {', '.join(missing)} is not committed; nothing of it is sent")

    def _settle(self, wait: float) -> None:
        for name, outcome in self._courier.outcomes(wait):
            assert isinstance(name, Coordinates)
            window = self._windows[TopicPartition(name.topic, name.partition)]
            self._take(window, name, self._letters.pop(name), outcome)

    def _take(self, window: Window, at: Coordinates, letter: Letter, outcome: Outcome) -> None:
        match outcome.verdict:
            case Verdict.SENT:
                self._context.crash_point("email.after_send")
                self._finish(window, letter, at, "resent" if at.offset in window.found else "sent", outcome.text)
            case Verdict.REFUSED:
                self._refused[at] = DataError(f"the mail server refuses the message: {outcome.text}")
            case Verdict.LATER:
                window.unsent(at.offset)
                self._trouble.later = outcome.text
            case Verdict.AWAY:
                window.unsent(at.offset)
                self._trouble.away = outcome.text
            case Verdict.HOPELESS:
                window.unsent(at.offset)
                self._trouble.hopeless = outcome.text
            case Verdict.UNKNOWN:
                self._list(at, outcome.text)
                window.maybe_sent(at.offset)
                if self._config.behavior_on_in_doubt == "skip":
                    self._finish(window, letter, at, "skipped", outcome.text)
                else:
                    self._trouble.away = outcome.text

    def _finish(self, window: Window, letter: Letter, at: Coordinates, kind: Kind, answer: str) -> None:
        if self._events is not None:
            self._told.append((letter, at, kind, answer))
        window.finish(at.offset)

    def _flush_events(self) -> None:
        """Only what is told counts as finished in a commit."""
        if self._events is not None:
            while self._told:
                self._events.write(*self._told[0])
                self._told.popleft()
            self._events.flush()

    def _report(self, attempt: Attempt) -> None:
        offsets = attempt.batch.offsets
        for at in [at for at in self._refused if TopicPartition(at.topic, at.partition) == attempt.window.source]:
            self._context.report(attempt.batch, bisect_left(offsets, at.offset), self._refused[at])
            del self._refused[at]
            attempt.window.finish(at.offset)

    def _conclude(self, attempt: Attempt) -> None:
        window, trouble = attempt.window, self._trouble
        if attempt.queue or window.unsettled or len(self._courier):
            self._flush_events()
            self._commit()
        if trouble.hopeless is not None:
            raise RefusedError(trouble.hopeless, key="smtp.username")
        if trouble.away is not None:
            raise RetriableError(trouble.away)
        if trouble.later is not None:
            raise RetriableError(f"the mail server puts {window.unsettled} messages off: {trouble.later}")
        left = len(attempt.queue) + len(self._courier)
        if left:
            raise Unfinished(f"{left} messages of {window.source} are still to be sent", after=self._after(attempt))

    def _after(self, attempt: Attempt) -> float:
        """Seconds until the batch should come again; not at once if all that is left are slow answers."""
        if len(self._courier):
            return 0.0 if attempt.queue else DAWDLE
        return self._pace.wait
