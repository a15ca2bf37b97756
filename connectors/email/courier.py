"""Brings the messages of batches to the mail server, each announced in the group before it is sent.

The order of events for one message, and what a crash at each point leaves behind (see ``in_doubt_window``):

1. Its record is read, its message composed (``_choose``). Crash: the record is read again, nothing was sent.
2. The window that announces it is committed (``_commit``). Crash: it is in doubt, though it was not sent.
3. It is sent (``_send``), several at once. Crash: it is in doubt, and may have arrived.
4. The server's answer is taken (``_take_answers``): it is finished or put aside. Crash: it is in doubt.
5. The next commit, of the loop or of another announcement, says so. Crash: nothing is in doubt.

A message that is put aside does not hold those behind it: its batch counts as taken, while the offset that is committed
stays at its record. It is tried again in its own time, with the next batch or, where none comes, before a commit.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.email import put_aside
from ferryman.connectors.email.composer import Composer
from ferryman.connectors.email.in_doubt_window import InDoubtWindow
from ferryman.connectors.email.mail.message import Mail, MessageIds
from ferryman.connectors.email.outcomes import Outcomes, Trouble
from ferryman.connectors.email.put_aside import Waiting
from ferryman.connectors.email.rate_limit import RateLimit
from ferryman.connectors.email.sent_events import Events
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.connection import Envelope
from ferryman.connectors.email.smtp.pool import SmtpPool
from ferryman.errors import DataError, Indeterminate, RefusedError, RetriableError, TaskError, Unfinished
from ferryman.record import Batch, Coordinates, TopicPartition
from ferryman.telemetry import place

log = logging.getLogger(__name__)

SLICE_SECONDS = 2.0
"""Seconds after which a batch that is not through gives the loop a chance to commit, to pause and to stop."""
DRAIN_SECONDS = 1.0
"""Seconds that messages on their way then get to arrive; slower ones go on meanwhile."""
SLOW_ANSWERS_SECONDS = 5.0
"""Seconds until a batch comes again of which only slow answers are left."""
METADATA_BYTES = 3900
"""Bytes of a window's text up to which new messages are begun; 4,096 are what a commit may hold."""
_LOOK_SECONDS = 0.2


@dataclass
class Attempt:
    """One try to get messages through."""

    queue: deque[Waiting] = field(default_factory=deque)
    """Records of the batch that were not processed yet."""
    blocked: bool = False
    """Whether so much is unfinished that nothing new may be begun."""
    until: float = field(default_factory=lambda: time.monotonic() + SLICE_SECONDS)
    """When it has had its time."""

    @property
    def over(self) -> bool:
        """Whether it has had its time."""
        return time.monotonic() >= self.until


class Courier:
    """The messages of one task. Used by one thread at a time."""

    def __init__(self, config: EmailSinkConfig, context: SinkContext, events: Events | None) -> None:
        self._config = config
        self._context = context
        self._composer = Composer(config)
        self._ids = MessageIds(context.cluster, context.connector, config.message_id_domain)
        self._pool = SmtpPool(config.server)
        self._rate = RateLimit(config.messages_per_second)
        self._outcomes = Outcomes(config, context, self._ids, events)
        self._windows: dict[TopicPartition, InDoubtWindow] = {}
        self._accepted: dict[TopicPartition, str] = {}
        self._under_way: dict[Coordinates, tuple[Waiting, Mail]] = {}
        self._alarm: threading.Timer | None = None

    @property
    def in_doubt(self) -> int:
        """Messages that may be sent at any moment, or have been sent, and have no answer."""
        return sum(len(window.doubt) for window in self._windows.values())

    def open(self, partitions: Sequence[Assigned]) -> None:
        """Takes partitions on, and lists what their former owner may have sent."""
        for assigned in partitions:
            source, committed = assigned.source, assigned.committed
            start = assigned.start or 0
            goes_on = committed is not None and committed.offset == start
            metadata = committed.metadata if committed is not None and goes_on else ""
            window = self._windows[source] = InDoubtWindow.begin(source, assigned.topic_id, start, metadata)
            self._accepted[source] = metadata
            for offset in sorted(window.found):
                at = Coordinates(*source, offset)
                self._outcomes.list_doubt(window, at, "it may have been sent before the task ended")

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Gives partitions up; what is still on its way stays in doubt."""
        gone = [at for at in self._under_way if TopicPartition(at.topic, at.partition) in partitions]
        self._pool.abandon(gone)
        for at in gone:
            del self._under_way[at]
        self._outcomes.drop(partitions)
        for source in partitions:
            self._windows.pop(source, None)
            self._accepted.pop(source, None)

    def stop(self) -> None:
        """Breaks off what is on its way."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._pool.stop()

    def _watch(self) -> None:
        """Has the loop commit, and so try again, when the next of what is put aside is due, though nothing arrives."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._outcomes.held:
            self._alarm = threading.Timer(max(_LOOK_SECONDS, self._outcomes.aside.wait()), self._context.request_commit)
            self._alarm.daemon = True
            self._alarm.start()

    def on_committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """The group has these windows."""
        self._accepted.update({source: commit.metadata for source, commit in offsets.items()})

    def offsets_to_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        """What to commit. What is put aside and due is tried again first.

        Raises RetriableError while events of what was sent have not arrived, TaskError for what no waiting can heal.
        """
        self._take_answers(DRAIN_SECONDS if len(self._pool) else 0.0)
        if self._outcomes.held:
            self._outcomes.trouble = Trouble()
            self._run(Attempt())
            if self._outcomes.trouble.hopeless is not None:
                raise TaskError(self._outcomes.trouble.hopeless.text)
        self._watch()
        self._outcomes.flush_events()
        held = {source: offset for source, offset in offsets.items() if source in self._windows}
        for source, offset in held.items():
            self._windows[source].advance(offset)
        return {source: Committed(self._windows[source].base, self._windows[source].text()) for source in held}

    def deliver(self, batch: Batch) -> None:
        """One attempt at a batch. Returns when all of it is finished or put aside.

        Raises RetriableError when the server stands in the way, Unfinished when it takes longer than a slice of time;
        the same batch comes again. What is finished is not repeated.
        """
        window = self._windows.get(batch.source)
        if window is None:
            raise TaskError(f"{batch.source} was handed over, but this task does not own it")
        held = {at.offset for at in (*self._outcomes.held, *self._under_way) if at[:2] == batch.source}
        for offset in window.drop_missing(batch.offsets, held):
            at = Coordinates(*batch.source, offset)
            log.warning("record %s no longer comes; its message is not sent again", at, extra=place.at(at))
        self._outcomes.trouble = Trouble()
        attempt = Attempt(deque(self._unfinished(window, batch)))
        self._run(attempt)
        self._conclude(window, attempt)
        window.advance(batch.offsets[-1] + 1)
        self._watch()

    def _unfinished(self, window: InDoubtWindow, batch: Batch) -> Iterator[Waiting]:
        held = self._outcomes.held
        for index, record in enumerate(batch.records()):
            at = record.origin
            assert at is not None
            if not (window.is_finished(at.offset) or at in self._under_way or at in held):
                yield Waiting(at, record, batch, index)

    def _run(self, attempt: Attempt) -> None:
        while True:
            for window in self._windows.values():
                self._outcomes.report(window)
            wait = None if self._outcomes.trouble.stops or attempt.over else self._advance(attempt)
            if wait is None and (not len(self._pool) or time.monotonic() >= attempt.until + DRAIN_SECONDS):
                return
            if wait and not len(self._pool):
                time.sleep(min(wait, _LOOK_SECONDS))
            else:
                self._take_answers(_LOOK_SECONDS if wait is None else min(wait, _LOOK_SECONDS))

    def _advance(self, attempt: Attempt) -> float | None:
        """Sends as many as may be sent now. Seconds until there may be more; None if there are none in this attempt."""
        if not self._context.leased():
            attempt.until = min(attempt.until, time.monotonic())
            return None
        most = self._config.max_in_flight
        room = most - len(self._pool)
        due = [each for each in self._outcomes.aside.due() if each.at not in self._under_way]
        if not attempt.queue and not due:
            return None
        if len(self._pool) and room < max(1, most // 2):
            return _LOOK_SECONDS
        ready = self._rate.ready(room)
        if not ready:
            return self._rate.wait
        before = len(attempt.queue)
        chosen = self._choose(due[:ready], attempt, ready)
        if chosen:
            self._send(chosen)
        return 0.0 if due or len(attempt.queue) < before else None

    def _choose(self, due: Sequence[Waiting], attempt: Attempt, limit: int) -> list[tuple[Waiting, Mail, Envelope]]:
        """What is due again, then the batch's next, composed: at most ``limit``."""
        chosen = [found for message in due if (found := self._compose(message))]
        while attempt.queue and len(chosen) < limit:
            message = attempt.queue[0]
            window = self._windows[message.source]
            if window.is_fresh(message.at.offset) and not self._may_begin(window):
                attempt.blocked = True
                break
            attempt.queue.popleft()
            # From here on it counts as unfinished, whatever is raised before it is announced.
            window.queue(message.at.offset)
            if composed := self._compose(message):
                chosen.append(composed)
        return chosen

    def _may_begin(self, window: InDoubtWindow) -> bool:
        """Whether another message may be begun: so few are in doubt, put aside and in the commit's metadata."""
        aside = self._outcomes.aside.waiting.values()
        idle = sum(each.source == window.source and each.at.offset in window.todo for each in aside)
        doubtful = sum(each.source != window.source and each.at.offset in self._doubt(each) for each in aside)
        most = self._config.max_in_flight
        return (
            window.unfinished - idle + doubtful < most
            and len(aside) < put_aside.MOST_PUT_ASIDE
            and len(window.text()) <= METADATA_BYTES - 8 * most
        )

    def _doubt(self, message: Waiting) -> set[int]:
        return self._windows[message.source].doubt

    def _compose(self, message: Waiting) -> tuple[Waiting, Mail, Envelope] | None:
        """A record's message; None if none is to be sent, in which case the record is finished."""
        at, window = message.at, self._windows[message.source]
        if message.record.value is None and self._config.behavior_on_null_values == "ignore":
            window.finish(at.offset)
            return None
        try:
            mail, sender = self._composer.compose(message.record, self._ids.message_id(at, window.topic_id))
            envelope = self._composer.envelope(mail, sender, in_doubt=at.offset in window.found)
        except DataError as error:
            self._context.report(message.batch, message.index, error)
            window.finish(at.offset)
            return None
        if at.offset in window.found and self._config.behavior_on_in_doubt == "skip":
            self._outcomes.finish(window, mail, at, "skipped", "")
            return None
        return message, mail, envelope

    def _send(self, chosen: Sequence[tuple[Waiting, Mail, Envelope]]) -> None:
        self._outcomes.flush_events()
        for source in {message.source for message, _, _ in chosen}:
            self._windows[source].announce(message.at.offset for message, _, _ in chosen if message.source == source)
        self._context.crash_point("email.before_commit")
        self._commit()
        self._context.crash_point("email.after_commit")
        self._rate.take(len(chosen))
        for message, mail, envelope in chosen:
            self._context.crash_point("email.before_send")
            self._under_way[message.at] = message, mail
            self._pool.send(message.at, envelope)

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

    def _take_answers(self, wait: float) -> None:
        """Takes the server's answers; waits up to this many seconds for the first."""
        for at, outcome in self._pool.outcomes(wait):
            assert isinstance(at, Coordinates)
            message, mail = self._under_way.pop(at)
            self._outcomes.take(self._windows[message.source], message, mail, outcome)

    def _conclude(self, window: InDoubtWindow, attempt: Attempt) -> None:
        """Raises why the batch must come again, if it must."""
        trouble, aside = self._outcomes.trouble, self._outcomes.aside
        if attempt.queue or window.unfinished or len(self._pool):
            self._outcomes.flush_events()
            self._commit()
        if trouble.hopeless is not None:
            raise RefusedError(trouble.hopeless.text, key=trouble.hopeless.key)
        if trouble.away is not None:
            raise RetriableError(trouble.away)
        if attempt.blocked and len(aside) >= put_aside.MOST_PUT_ASIDE:
            raise RetriableError(
                f"{len(aside)} messages are put off, which is the limit: {trouble.later}", aside.wait()
            )
        left = len(attempt.queue) + sum(at not in aside for at in self._under_way)
        if left:
            raise Unfinished(f"{left} messages of {window.source} are still to be sent", after=self._after(attempt))

    def _after(self, attempt: Attempt) -> float:
        """Seconds until the batch should come again; not at once if all that is left are slow answers."""
        if len(self._pool):
            return 0.0 if attempt.queue and not attempt.blocked else SLOW_ANSWERS_SECONDS
        return max(self._rate.wait, self._outcomes.aside.wait() if attempt.blocked else 0.0)
