"""Which messages of a partition may be under way: what the group's commit says of them before they are sent. Pure.

A commit holds the next offset to read (``base``) and, as metadata, a window: everything below ``end`` is finished,
except what is ``doubt`` (announced: it may be sent at any moment, or have been sent) and what is ``todo`` (known not to
have been sent). A message is sent only after a commit that announces it, so that after a crash the announced ones are
all that anybody can be in doubt of.

The states of one offset; an arrow is the method that leads there::

    fresh ──queue──► todo ──announce──► doubt ──finish──► finished
                      ▲                  │  │
                      └──────unsent──────┘  └─maybe_sent─► doubt and found ──finish──► finished

A window that another process begins with takes every ``doubt`` for ``found``. What waits for its next try stays
``todo`` or ``doubt``, and ``base`` stays at the lowest such offset, so that its record is read again after a restart.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Any, Self

from ferryman.errors import TaskError
from ferryman.record import TopicPartition

FORMAT = 1
_NAME = "ferryman.mail"


@dataclass
class InDoubtWindow:
    """The offsets of one partition that are not finished: in doubt, or to be sent."""

    source: TopicPartition
    """The partition."""
    topic_id: str
    """Tells its topic from an earlier one of that name, whose window says nothing."""
    base: int
    """The offset to commit: the next to read after a restart."""
    end: int
    """Every offset below is finished, in ``doubt`` or in ``todo``; every other is fresh."""
    doubt: set[int] = field(default_factory=set)
    """Announced: each may be sent at any moment, or have been sent."""
    todo: set[int] = field(default_factory=set)
    """Known not to have been sent."""
    found: set[int] = field(default_factory=set)
    """The offsets in doubt that may have been sent already; the rest of ``doubt`` is being sent for the first time."""
    unanswered: dict[int, int] = field(default_factory=dict)
    """How often the server took one of ``doubt`` whole and then said no more. A crash of ours does not count."""
    put_off: dict[int, int] = field(default_factory=dict)
    """When the server first refused one for the time being, in seconds since the epoch."""
    attempt: int = 0
    """Counts announcements, so that no two commits are the same: a zombie's is refused."""

    @classmethod
    def begin(cls, source: TopicPartition, topic_id: str, start: int, metadata: str) -> Self:
        """Where the commit that ended before left off. Raises TaskError for metadata of a later version."""
        known = _read(metadata)
        if known is None or known.get("topic") != topic_id:
            return cls(source, topic_id, start, start)
        doubt, todo = (set(from_runs(known[name])) for name in ("doubt", "todo"))
        unanswered = dict(_beside(sorted(doubt), known.get("unanswered", [])))
        first, *later = known.get("put_off", [0])
        put_off = {offset: first + each - 1 for offset, each in _beside(sorted(doubt | todo), later)}
        end, attempt = max(start, int(known["end"])), int(known["attempt"])
        window = cls(source, topic_id, start, end, doubt, todo, set(doubt), unanswered, put_off, attempt)
        for offset in [offset for offset in doubt | todo if offset < start]:
            window.finish(offset)
        return window

    def text(self) -> str:
        """The window as metadata; empty if the base alone says it all."""
        if not self.doubt and not self.todo and self.end <= self.base:
            return ""
        facts = {
            _NAME: FORMAT,
            "topic": self.topic_id,
            "end": self.end,
            "doubt": as_runs(self.doubt),
            "todo": as_runs(self.todo),
            "attempt": self.attempt,
        }
        if self.unanswered:
            facts["unanswered"] = [self.unanswered.get(offset, 0) for offset in sorted(self.doubt)]
        if self.put_off:
            first = min(self.put_off.values())
            times = (self.put_off.get(offset) for offset in sorted(self.doubt | self.todo))
            facts["put_off"] = [first, *(0 if time is None else time - first + 1 for time in times)]
        return json.dumps(facts, separators=(",", ":"))

    @property
    def unfinished(self) -> int:
        """How many are announced, or were and have still to be sent."""
        return len(self.doubt) + len(self.todo)

    def is_fresh(self, offset: int) -> bool:
        """Whether nothing was ever done about it."""
        return offset >= self.end

    def is_finished(self, offset: int) -> bool:
        """Whether nothing is left to do about it."""
        return offset < self.end and offset not in self.doubt and offset not in self.todo

    def queue(self, offset: int) -> None:
        """It is next to be announced; fresh ones must come in ascending order."""
        if offset >= self.end:
            self.todo.add(offset)
            self.end = offset + 1

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

    def maybe_sent(self, offset: int) -> int:
        """Nobody knows whether it was sent. Returns how often the server has left us without an answer about it."""
        self.found.add(offset)
        self.unanswered[offset] = self.unanswered.get(offset, 0) + 1
        return self.unanswered[offset]

    def finish(self, offset: int) -> None:
        """It was sent, or will never be."""
        self.end = max(self.end, offset + 1)
        for known in (self.doubt, self.todo, self.found):
            known.discard(offset)
        self.unanswered.pop(offset, None)
        self.put_off.pop(offset, None)

    def advance(self, following: int) -> None:
        """Everything before ``following`` has been taken from Kafka: what of it is unfinished is known here."""
        self.end = max(self.end, following)
        self.base = max(self.base, min([following, *self.doubt, *self.todo]))

    def drop_missing(self, offsets: Sequence[int], held: Collection[int]) -> list[int]:
        """Forgets, and returns, what does not come any more: neither in a batch's offsets nor ``held`` by this task."""
        there = {*offsets, *held}
        gone = sorted(each for each in self.doubt | self.todo if each <= offsets[-1] and each not in there)
        for offset in gone:
            self.finish(offset)
        return gone


def _beside(offsets: Sequence[int], values: Sequence[int]) -> Iterable[tuple[int, int]]:
    """The offsets whose value, in the list beside them, is not zero."""
    return [(offset, value) for offset, value in zip_longest(offsets, values[: len(offsets)], fillvalue=0) if value]


def _read(metadata: str) -> Mapping[str, Any] | None:
    try:
        known = json.loads(metadata)
    except ValueError:
        return None
    if not isinstance(known, Mapping) or _NAME not in known:
        return None
    if known[_NAME] != FORMAT:
        raise TaskError(
            f"The committed offsets were written by a later version of the e-mail sink ({metadata}); upgrade Ferryman"
        )
    return known


def as_runs(offsets: Iterable[int]) -> list[int]:
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


def from_runs(runs: Sequence[int]) -> list[int]:
    """The offsets of runs."""
    offsets: list[int] = []
    following = 0
    for gap, length in zip(runs[::2], runs[1::2], strict=True):
        offsets += range(following + gap, following + gap + length)
        following += gap + length
    return offsets
