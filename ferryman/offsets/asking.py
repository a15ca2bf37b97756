"""Asks the worker for the source offsets that are committed, and waits for its answer.

Whoever needs them does not read the topic himself: one process of the worker does so for all (``offset_reader``). A
question is put when everything that was to be fenced is, since the answer holds what was committed before it was put.
"""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ferryman.errors import RefusedError, RetriableError
from ferryman.offsets.source_offsets import SourceOffsets

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
"""Seconds between two checks whether the caller still waits."""
PROGRESS_SECONDS = 60.0
"""Seconds without progress that a caller who is waited for himself puts up with."""
FIRST_WORD, NEXT_WORD = 5.0, 60.0
"""Seconds without progress after which the log says so, and between two such lines."""
SILENT = "nobody answers"

GivesUp = Callable[[float], bool]
"""Whether to wait no longer, given the seconds since there was progress."""
Answer = Mapping[str, Any]


def impatient(silence: float) -> bool:
    """For callers who are waited for themselves."""
    return silence > PROGRESS_SECONDS


class Asking:
    """Puts one question after the other. ``tell`` sends the worker an event with its facts.

    The messages are ``{"number", "topic", "client"}`` for a question and ``{"number", "next"}`` for the next part of a
    long answer; what comes back is ``entries`` with ``part`` and ``more``, ``waits`` with what is in the way, or
    ``failed`` with the reason.
    """

    def __init__(self, tell: Callable[[str, dict[str, Any]], None]) -> None:
        self._tell = tell
        self._number = 0
        self._answers: list[Answer] = []
        self._changed = threading.Condition()
        self._one_at_a_time = threading.Lock()

    def heard(self, answer: Answer) -> None:
        """The worker has answered; from any thread."""
        with self._changed:
            self._answers.append(answer)
            self._changed.notify_all()

    def read(
        self, client: Mapping[str, Any], topic: str, offsets: SourceOffsets, gives_up: GivesUp = impatient
    ) -> SourceOffsets:
        """Loads every offset of the connector that was committed before this call. ``client`` are the settings of a
        consumer of the cluster that has the topic.

        Waits for whatever is in the way until ``gives_up`` says otherwise: RetriableError, as for all that passes.
        RefusedError where the cluster does not let the client read. Never returns older offsets.
        """
        with self._one_at_a_time:
            self._number += 1
            self._tell("offsets", {"number": self._number, "topic": topic, "client": dict(client)})
            for key, value in self._entries(topic, gives_up):
                offsets.load(key.encode(), value.encode())
        return offsets

    def _entries(self, topic: str, gives_up: GivesUp) -> Sequence[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        patience = _Patience(topic, gives_up)
        while True:
            for answer in self._new():
                match answer["offsets"]:
                    case "entries":
                        # Of a reader that was replaced the answer begins anew.
                        found = [*found, *answer["entries"]] if answer["part"] else list(answer["entries"])
                        if not answer["more"]:
                            return found
                        patience.progress()
                        self._tell("offsets", {"number": self._number, "next": answer["part"] + 1})
                    case "waits":
                        patience.waits(answer["silence"], answer["reason"])
                    case "failed":
                        raise _error(topic, answer)
            patience.look()

    def _new(self) -> list[Answer]:
        """What was heard about the present question."""
        with self._changed:
            self._changed.wait_for(lambda: self._answers, POLL_SECONDS)
            found, self._answers = self._answers, []
        return [each for each in found if each["number"] == self._number]


def _error(topic: str, answer: Answer) -> RetriableError:
    text = f"the offsets topic {topic} cannot be read: {answer['reason']}"
    return RefusedError(answer["reason"], key=answer["key"]) if answer["key"] else RetriableError(text)


class _Patience:
    """How long an answer has made no progress, and the reason given."""

    def __init__(self, topic: str, gives_up: GivesUp) -> None:
        self._topic, self._gives_up = topic, gives_up
        self._reason = SILENT
        self._words_at = FIRST_WORD
        self._since = time.monotonic()

    def progress(self) -> None:
        self._since, self._reason, self._words_at = time.monotonic(), SILENT, FIRST_WORD

    def waits(self, silence: float, reason: str) -> None:
        """The reader has made no progress for this many seconds."""
        since = time.monotonic() - silence
        if since > self._since + POLL_SECONDS:
            self._words_at = FIRST_WORD
        self._since, self._reason = max(self._since, since), reason

    def look(self) -> None:
        """Says from time to time what is waited for. RetriableError when the caller gives up."""
        silence = time.monotonic() - self._since
        if self._gives_up(silence):
            raise RetriableError(
                f"the offsets topic {self._topic} was not read to its end: {self._reason}. "
                "Starting from older offsets would repeat records."
            )
        if silence >= self._words_at:
            self._words_at = silence + NEXT_WORD
            log.warning("waiting for %.0f s to read %s to its end: %s", silence, self._topic, self._reason)
