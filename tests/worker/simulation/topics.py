"""Kafka's topics as the internal topics need them: an order, transactions, fencing, and what a reader may see."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from confluent_kafka import KafkaError

from tests.worker.simulation.machine import EPOCH

Payload = bytes | None


@dataclass
class Entry:
    """One offset of a topic: a record, or the mark that ends a transaction."""

    key: Payload
    value: Payload
    timestamp: int
    state: str
    """open, committed or aborted; a mark is aborted, since nobody reads it."""
    writer: str = ""


@dataclass
class Topic:
    """One partition."""

    entries: list[Entry] = field(default_factory=list)
    changed: list[asyncio.Future[None]] = field(default_factory=list)
    _stable: int = 0
    """Before this offset no transaction is open any more."""

    def end(self, committed: bool) -> int:
        """The offset at which it ends, for those who read all or what is committed only."""
        if not committed:
            return len(self.entries)
        while self._stable < len(self.entries) and self.entries[self._stable].state != "open":
            self._stable += 1
        return self._stable


@dataclass
class Transactional:
    """What the brokers know of one transactional id."""

    epoch: int = -1
    open: list[tuple[str, Entry]] = field(default_factory=list)


@dataclass
class Kafka:
    """All topics."""

    loop: asyncio.AbstractEventLoop
    topics: dict[str, Topic] = field(default_factory=dict)
    ids: dict[str, Transactional] = field(default_factory=dict)
    fenced: int = 0
    """How often somebody was refused who had lost the right to write."""
    landed: Callable[[str, str, Entry], None] = lambda writer, topic, entry: None
    """Called with each record that a topic gets, by whom and which topic."""
    handed_over: Callable[[str, str, Payload, tuple[str, int] | None], None] = lambda *_: None
    """Called with each record that somebody gives to a producer: who, which topic, its key, the claim to write it."""

    def topic(self, name: str) -> Topic:
        return self.topics.setdefault(name, Topic())

    def append(
        self, writer: str, topic: str, key: Payload, value: Payload, claim: tuple[str, int] | None
    ) -> int | KafkaError:
        """The offset of a new record, or why there is none."""
        state = "committed"
        if claim is not None:
            if self._is_fenced(claim):
                return _fenced()
            state = "open"
        entry = Entry(key, value, int((EPOCH + self.loop.time()) * 1000), state, writer)
        entries = self.topic(topic).entries
        entries.append(entry)
        self.landed(writer, topic, entry)
        if claim is not None:
            self.ids[claim[0]].open.append((topic, entry))
        self._tell(topic)
        return len(entries) - 1

    def claim(self, name: str) -> int:
        """Gives the right to write under this id to whoever asks; what another has open is aborted."""
        known = self.ids.setdefault(name, Transactional())
        self._finish(known, "aborted")
        known.epoch += 1
        return known.epoch

    def finish(self, claim: tuple[str, int], state: str) -> KafkaError | None:
        """Ends a transaction, committed or aborted."""
        if self._is_fenced(claim):
            return _fenced()
        self._finish(self.ids[claim[0]], state)
        return None

    def _is_fenced(self, claim: tuple[str, int]) -> bool:
        if self.ids[claim[0]].epoch == claim[1]:
            return False
        self.fenced += 1
        return True

    def _finish(self, known: Transactional, state: str) -> None:
        topics = dict.fromkeys(topic for topic, _ in known.open)
        for _, entry in known.open:
            entry.state = state
        known.open.clear()
        for topic in topics:
            self.topic(topic).entries.append(Entry(None, None, 0, "aborted"))
            self._tell(topic)

    def _tell(self, topic: str) -> None:
        found = self.topic(topic)
        waiting, found.changed = found.changed, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    def read(self, topic: str, start: int, committed: bool) -> Sequence[tuple[int, Entry]]:
        """The records from an offset on that a reader may see."""
        found = self.topic(topic)
        end = found.end(committed)
        return [(at, found.entries[at]) for at in range(start, end) if _is_seen(found.entries[at], committed)]


def _is_seen(entry: Entry, committed: bool) -> bool:
    if entry.key is None and entry.value is None:
        return False
    return entry.state == "committed" if committed else True


def _fenced() -> KafkaError:
    return KafkaError(KafkaError._FENCED, "another one has the right to write", True)
