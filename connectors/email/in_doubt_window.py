"""Which messages of a partition may be under way: what the group's commit says of them before they are sent. Pure.

A commit holds the next offset to read (``base``) and, as metadata, a window: everything below ``end`` is finished,
except what is ``doubt`` (announced: it may be sent at any moment, or have been sent) and what is ``todo`` (known not to
have been sent). A message is sent only after a commit that announces it, so that after a crash the announced ones are
all that anybody can be in doubt of.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ferryman.errors import TaskError
from ferryman.record import TopicPartition

FORMAT = 1
_NAME = "ferryman.mail"


@dataclass
class Window:
    """One partition's."""

    source: TopicPartition
    topic_id: str
    base: int
    end: int
    doubt: set[int] = field(default_factory=set)
    todo: set[int] = field(default_factory=set)
    found: set[int] = field(default_factory=set)
    """Those in doubt that may have been sent already; the rest of ``doubt`` is being sent for the first time."""
    attempt: int = 0

    @classmethod
    def begin(cls, source: TopicPartition, topic_id: str, start: int, metadata: str) -> Self:
        """Where the commit that ended before left off. Raises TaskError for metadata of a later version."""
        known = _read(metadata)
        if known is None or known.get("topic") != topic_id:
            return cls(source, topic_id, start, start)
        doubt, todo = ({offset for offset in unpacked(known[name]) if offset >= start} for name in ("doubt", "todo"))
        end, attempt = max(start, int(known["end"])), int(known["attempt"])
        return cls(source, topic_id, start, end, doubt, todo, set(doubt), attempt)

    def text(self) -> str:
        """The window as metadata; empty if the base alone says it all."""
        if not self.doubt and not self.todo and self.end <= self.base:
            return ""
        facts = {
            _NAME: FORMAT,
            "topic": self.topic_id,
            "end": self.end,
            "doubt": packed(self.doubt),
            "todo": packed(self.todo),
            "attempt": self.attempt,
        }
        return json.dumps(facts, separators=(",", ":"))

    @property
    def unsettled(self) -> int:
        """How many are announced, or were and have still to be sent."""
        return len(self.doubt) + len(self.todo)

    def is_fresh(self, offset: int) -> bool:
        """Whether it was never announced."""
        return offset >= self.end

    def is_finished(self, offset: int) -> bool:
        """Whether nothing is left to do about it."""
        return offset < self.end and offset not in self.doubt and offset not in self.todo

    def announce(self, offsets: Iterable[int]) -> None:
        """These are about to be sent, each once until the next announcement."""
        for offset in offsets:
            self.todo.discard(offset)
            self.doubt.add(offset)
            self.end = max(self.end, offset + 1)
        self.attempt += 1

    def unsent(self, offset: int) -> None:
        """It was not sent this time. One that was in doubt before stays so."""
        if offset not in self.found:
            self.doubt.discard(offset)
            self.todo.add(offset)

    def maybe_sent(self, offset: int) -> None:
        """Nobody knows whether it was sent."""
        self.found.add(offset)

    def finish(self, offset: int) -> None:
        """It was sent, or will never be."""
        for known in (self.doubt, self.todo, self.found):
            known.discard(offset)

    def advance(self, base: int) -> None:
        """Everything before ``base`` has been delivered."""
        self.base = max(self.base, base)

    def drop_missing(self, offsets: Sequence[int]) -> list[int]:
        """Forgets, and returns, what does not come any more, given the offsets of a batch."""
        there = set(offsets)
        gone = sorted(each for each in self.doubt | self.todo if each <= offsets[-1] and each not in there)
        for offset in gone:
            self.finish(offset)
        return gone


def _read(metadata: str) -> Mapping[str, Any] | None:
    try:
        known = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(known, Mapping) or _NAME not in known:
        return None
    if known[_NAME] != FORMAT:
        raise TaskError(
            f"The committed offsets are of a later version of the e-mail sink ({metadata}); upgrade Ferryman"
        )
    return known


def packed(offsets: Iterable[int]) -> list[int]:
    """Offsets as runs: the first run's start, its length, the gap to the next run, its length, and so on."""
    runs: list[int] = []
    following = 0
    for offset in sorted(offsets):
        if runs and offset == following:
            runs[-1] += 1
        else:
            runs += [offset - following, 1]
        following = offset + 1
    return runs


def unpacked(runs: Sequence[int]) -> list[int]:
    """The offsets of runs."""
    offsets: list[int] = []
    following = 0
    for gap, length in zip(runs[::2], runs[1::2], strict=True):
        offsets += range(following + gap, following + gap + length)
        following += gap + length
    return offsets
