"""A reader's process: questions come from the worker, answers go back in parts, one when the last was taken."""

import logging
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from ferryman.errors import RetriableError
from ferryman.forked import after_fork
from ferryman.forked.line import Line
from ferryman.offset_reader.brokers import Brokers
from ferryman.offset_reader.following import Following, Question, refused_key
from ferryman.offset_reader.spec import ReaderSpec
from ferryman.offsets.view import Entry
from ferryman.telemetry import logs
from ferryman.telemetry.redaction import redact
from ferryman.telemetry.subject import WORKER

log = logging.getLogger(__name__)

PART_BYTES = 1 << 18
"""Bytes of keys and values after which a part of an answer ends."""
MAX_ENTRY_BYTES = 4 << 20
"""The largest entry, in bytes."""


def main(connection: socket.socket, parent: int) -> None:
    """The entry point of a reader's process, a child of ``parent``; the first message says what it is to read."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends with its worker, after the tasks that may still ask it
    line = after_fork.tied(connection, parent)
    spec = ReaderSpec.parse(line.first())
    after_fork.knows(spec, WORKER, line)
    answers = Answers(line)
    following = Following(spec.topic, Brokers(spec.topic, spec.config), answers)
    line.listen(lambda message: _obey(message, following, answers))
    following.run()


def _obey(message: dict[str, Any], following: Following, answers: "Answers") -> None:
    match message:
        case {"ask": ask, "connector": connector}:
            following.ask(Question(ask, connector))
        case {"ask": ask, "next": part}:
            answers.goes_on(ask, part)
        case {"ask": ask}:
            answers.drop(ask)
        case {"logger": logger, "level": level}:
            logs.set_level(logger, level)


class Answers:
    """The answers that are under way."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._parts: dict[int, list[Sequence[Entry]]] = {}
        self._lock = threading.Lock()

    def found(self, question: Question, entries: Sequence[Entry]) -> None:
        """See ``following.Answers``."""
        for key, value in entries:
            if len(key) + len(value) > MAX_ENTRY_BYTES:
                error = RetriableError(
                    f"the offset of a partition of {question.connector} has more than {MAX_ENTRY_BYTES} bytes"
                )
                self.failed(question, error)
                return
        with self._lock:
            self._parts[question.ask] = list(_parts(entries))
        self.goes_on(question.ask, 0)

    def goes_on(self, ask: int, part: int) -> None:
        """Tells this part of the answer."""
        with self._lock:
            parts = self._parts.get(ask, [])
            if part >= len(parts):
                return
            entries, more = parts[part], part + 1 < len(parts)
            parts[part] = ()
            if not more:
                del self._parts[ask]
        told = [(key.decode(), value.decode("utf-8", "replace")) for key, value in entries]
        self._line.tell("entries", {"ask": ask, "part": part, "more": more, "entries": told})

    def drop(self, ask: int) -> None:
        """Nobody waits for it any more."""
        with self._lock:
            self._parts.pop(ask, None)

    def waits(self, question: Question, silence: float, reason: str) -> None:
        """See ``following.Answers``."""
        self._line.tell("waits", {"ask": question.ask, "silence": silence, "reason": reason})

    def failed(self, question: Question, error: RetriableError) -> None:
        """See ``following.Answers``."""
        reason = redact(str(error))
        self._line.tell("failed", {"ask": question.ask, "reason": reason, "key": refused_key(error)})


def _parts(entries: Sequence[Entry]) -> Iterator[Sequence[Entry]]:
    """At least one, and none of much more than PART bytes."""
    part, size = list[Entry](), 0
    for key, value in entries:
        part.append((key, value))
        size += len(key) + len(value)
        if size >= PART_BYTES:
            yield part
            part, size = [], 0
    yield part
