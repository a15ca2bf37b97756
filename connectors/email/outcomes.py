"""What follows from the outcome of an attempt: a message is finished, refused, put aside, or everything stops."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from ferryman.api import SinkContext
from ferryman.connectors.email.in_doubt_window import InDoubtWindow
from ferryman.connectors.email.mail.message import Mail, MessageIds
from ferryman.connectors.email.put_aside import PutAside, Waiting
from ferryman.connectors.email.sent_events import EventOutcome, Events
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.connection import Outcome, Verdict
from ferryman.errors import DataError
from ferryman.record import Coordinates, TopicPartition
from ferryman.telemetry import place

log = logging.getLogger(__name__)

FAILURES_OF_DOUBT = 3
"""A message in doubt waits as if it had failed so often before: the server may need a moment to get up again."""
REFUSALS_WHILE_OTHERS_PASS = 5
"""So often a busy server must have refused a message and taken others before the message is held to be the cause."""


@dataclass
class Trouble:
    """Why messages were not taken in this attempt: the latest reason of each kind."""

    away: str | None = None
    """The server would take no other message either."""
    later: str | None = None
    """The server put single messages off."""
    hopeless: Outcome | None = None
    """Nothing will be accepted until somebody changes the config or the account."""

    @property
    def stops(self) -> bool:
        """Whether to send anything else would be useless."""
        return self.away is not None or self.hopeless is not None


class Outcomes:
    """The outcomes of one task's attempts, and what is still to be done about them.

    A refused message is reported when its turn comes (``report``), since the dead letter queue may be away; until then
    its offset is unfinished, so that no commit passes it. The same holds for events that have not arrived.
    """

    def __init__(self, config: EmailSinkConfig, context: SinkContext, ids: MessageIds, events: Events | None) -> None:
        self.trouble = Trouble()
        self.aside = PutAside(config.errors_retry_delay_max_ms / 1000)
        self._config = config
        self._context = context
        self._ids = ids
        self._events = events
        self._unwritten: deque[tuple[Mail, Coordinates, EventOutcome, str]] = deque()
        self._refused: dict[Coordinates, tuple[Waiting, DataError]] = {}
        self._sent = 0

    @property
    def held(self) -> set[Coordinates]:
        """The messages that wait here: for another try, or to be reported."""
        return {*self.aside.waiting, *self._refused}

    def take(self, window: InDoubtWindow, message: Waiting, mail: Mail, outcome: Outcome) -> None:
        """Acts upon the outcome of one attempt."""
        at = message.at
        match outcome.verdict:
            case Verdict.SENT:
                self._context.crash_point("email.after_send")
                self._sent += 1
                self.finish(window, mail, at, "resent" if at.offset in window.found else "sent", outcome.text)
            case Verdict.REFUSED:
                self._refuse(message, f"the mail server refuses the message: {outcome.text}")
            case Verdict.PUT_OFF | Verdict.BUSY:
                window.unsent(at.offset)
                self._put_off(window, message, outcome)
            case Verdict.AWAY:
                window.unsent(at.offset)
                self.trouble.away = outcome.text
                self._again(message)
            case Verdict.HOPELESS:
                window.unsent(at.offset)
                self.trouble.hopeless = outcome
                self._again(message)
            case Verdict.UNANSWERED:
                self._in_doubt(window, message, mail, outcome.text)

    def _again(self, message: Waiting) -> None:
        if message.at in self.aside:
            self.aside.put(message)

    def _put_off(self, window: InDoubtWindow, message: Waiting, outcome: Outcome) -> None:
        since = window.put_off.setdefault(message.at.offset, int(time.time()))
        expired = (time.time() - since) * 1000 >= self._config.mail_retry_timeout_ms
        if outcome.verdict is Verdict.BUSY:
            self.trouble.away = outcome.text
            message.strikes += message.failures > 0 and self._sent > message.sent_before
            message.sent_before = self._sent
            expired = expired and message.strikes >= REFUSALS_WHILE_OTHERS_PASS
        else:
            self.trouble.later = outcome.text
        if expired:
            limit = self._config.mail_retry_timeout_ms
            self._refuse(
                message,
                f"the mail server puts the message off, longer than mail.retry.timeout.ms={limit}: {outcome.text}",
            )
        else:
            self.aside.put(message)

    def _in_doubt(self, window: InDoubtWindow, message: Waiting, mail: Mail, text: str) -> None:
        at, most = message.at, self._config.in_doubt_max_retries
        self.list_doubt(window, at, text)
        unanswered = window.maybe_sent(at.offset)
        if self._config.behavior_on_in_doubt == "skip":
            self.finish(window, mail, at, "skipped", text)
            return
        self.trouble.away = text
        if unanswered > most:
            self._refuse(
                message,
                f"the message was sent {unanswered} times and may have arrived as often: {text} "
                f"(in.doubt.max.retries={most})",
            )
        else:
            self.aside.put(message, FAILURES_OF_DOUBT)

    def list_doubt(self, window: InDoubtWindow, at: Coordinates, why: str) -> None:
        """Logs a message in doubt, and what happens to it."""
        resend = self._config.behavior_on_in_doubt == "resend"
        retry = window.unanswered.get(at.offset, 0) < self._config.in_doubt_max_retries
        fate = ("it is sent again" if retry else "no further try is made") if resend else "it is not sent again"
        id = self._ids.message_id(at, window.topic_id)
        log.warning("message %s of record %s is in doubt (%s); %s", id, at, why, fate, extra=place.at(at))

    def _refuse(self, message: Waiting, why: str) -> None:
        self._refused[message.at] = message, DataError(why)

    def finish(self, window: InDoubtWindow, mail: Mail, at: Coordinates, outcome: EventOutcome, answer: str) -> None:
        """Nothing is left to do about a message, but for its event."""
        if self._events is not None:
            self._unwritten.append((mail, at, outcome, answer))
        self.aside.forget(at)
        window.finish(at.offset)

    def flush_events(self) -> None:
        """Only what has its event counts as finished in a commit. Raises RetriableError if they have not arrived."""
        if self._events is not None:
            while self._unwritten:
                self._events.write(*self._unwritten[0])
                self._unwritten.popleft()
            self._events.flush()

    def report(self, window: InDoubtWindow) -> None:
        """Hands a partition's refused messages to errors.tolerance. Raises what that does; they are then still here."""
        for at, (message, error) in list(self._refused.items()):
            if message.source == window.source:
                self._context.report(message.batch, message.index, error)
                del self._refused[at]
                self.aside.forget(at)
                window.finish(at.offset)

    def drop(self, sources: Iterable[TopicPartition]) -> None:
        """Forgets partitions that have gone; who has them next finds their messages in the window."""
        for source in sources:
            self.aside.drop(source)
            for at in [at for at, (message, _) in self._refused.items() if message.source == source]:
                del self._refused[at]
