"""The readers of source offsets, as their worker has them: one for all who ask with the same client about one topic.

A reader's process reads its topic once, and goes on reading it for as long as somebody uses it. What it has learnt is
read from Kafka, so that one that dies loses nothing: the questions are put again to the next.
"""

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from ferryman.offset_reader.spec import ReaderSpec
from ferryman.offsets.asking import Asking
from ferryman.worker.forks.forked import Forks
from ferryman.worker.processes.supervised_process import LastMessage, SupervisedProcess

MAX_MESSAGE_BYTES = 64 << 20
"""Bytes that a message of a reader may have."""
LINGER_SECONDS = 30.0
"""Seconds without use after which a reader ends."""
OWN_NAMES = frozenset({"client.id"})
"""Settings that are another for each connector and change nothing of what is read."""


@dataclass(frozen=True, eq=False, slots=True)
class Asker:
    """A task, a connector or a request; it gets the offsets of its connector and no others."""

    connector: str
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text, references resolved."""
    references: Sequence[Sequence[str]] = field(repr=False)
    """The rows of what the references in its configs resolved to."""
    tell: Callable[[Mapping[str, Any]], None]
    """Takes the messages that ``Asking.heard`` takes; on the loop."""


@dataclass(frozen=True, slots=True)
class _Question:
    asker: Asker
    number: int
    """What the one who asks calls it."""
    reader: "OffsetReader"


class OffsetReaders:
    """The readers of one worker."""

    def __init__(self, forks: Forks, levels: Mapping[str, str]) -> None:
        self._forks, self._levels = forks, levels
        self._readers: dict[bytes, OffsetReader] = {}
        self._questions: dict[int, _Question] = {}
        self._asks = itertools.count()

    def ask(self, asker: Asker, message: Mapping[str, Any]) -> None:
        """Somebody asks, or takes the next part of an answer: see ``Asking``. Returns at once."""
        if "next" in message:
            self._goes_on(asker, message["number"], message["next"])
            return
        reader = self._reader(asker, message["topic"], message["client"])
        self._drop(asker)
        ask = next(self._asks)
        self._questions[ask] = _Question(asker, message["number"], reader)
        reader.users.add(asker)
        reader.ask(ask, asker.connector)

    def release(self, asker: Asker) -> None:
        """It does not ask any more."""
        self._drop(asker)
        for identity, reader in list(self._readers.items()):
            if asker in reader.users:
                reader.users.discard(asker)
                if not reader.users:
                    asyncio.get_running_loop().call_later(LINGER_SECONDS, self._end_unused, identity, reader)

    def from_thread(
        self, connector: str, worker: Mapping[str, str], references: Sequence[Sequence[str]]
    ) -> tuple[Asker, Asking]:
        """For a thread that asks and waits; the asker is to be released when it has ended."""
        loop = asyncio.get_running_loop()

        def tell(event: str, facts: dict[str, Any]) -> None:
            loop.call_soon_threadsafe(self.ask, asker, facts)

        asking = Asking(tell)
        asker = Asker(connector, worker, references, asking.heard)
        return asker, asking

    def _reader(self, asker: Asker, topic: str, client: Mapping[str, Any]) -> "OffsetReader":
        identity = _identity(topic, client)
        reader = self._readers.get(identity)
        if reader is None:
            config = {name: _text(value) for name, value in client.items() if name not in OWN_NAMES}
            config["client.id"] = "connector-offsets"
            spec = ReaderSpec(topic, config, asker.worker, self._levels, references=asker.references)
            reader = self._readers[identity] = OffsetReader(self._forks, spec, self._heard)
        return reader

    def _goes_on(self, asker: Asker, number: int, part: int) -> None:
        for ask, each in self._questions.items():
            if each.asker is asker and each.number == number:
                each.reader.processes.tell({"ask": ask, "next": part})

    def _drop(self, asker: Asker) -> None:
        for ask, each in list(self._questions.items()):
            if each.asker is asker:
                del self._questions[ask]
                each.reader.drop(ask)

    def _end_unused(self, identity: bytes, reader: "OffsetReader") -> None:
        if not reader.users and self._readers.get(identity) is reader:
            del self._readers[identity]
            reader.processes.end()

    def _heard(self, reader: "OffsetReader", message: Mapping[str, Any]) -> None:
        question = self._questions.get(message["ask"])
        if question is None:
            return
        facts = {name: value for name, value in message.items() if name not in ("event", "ask")}
        if message["event"] == "failed" or not message.get("more", True):
            del self._questions[message["ask"]]
            reader.answered(message["ask"])
        question.asker.tell({"offsets": message["event"], "number": question.number, **facts})


class OffsetReader:
    """One reader, through all its processes."""

    def __init__(
        self, forks: Forks, spec: ReaderSpec, heard: Callable[["OffsetReader", Mapping[str, Any]], None]
    ) -> None:
        self.users: set[Asker] = set()
        self._spec, self._heard = spec, heard
        self._asks: dict[int, str] = {}
        """The questions without an answer, each with its connector."""
        self.processes = SupervisedProcess(forks, "offsets", f"the reader of {spec.topic}", [], self, MAX_MESSAGE_BYTES)

    def ask(self, ask: int, connector: str) -> None:
        """Puts a question."""
        self._asks[ask] = connector
        if self.processes.is_over:
            self.processes.start()
        else:
            self.processes.tell({"ask": ask, "connector": connector})

    def answered(self, ask: int) -> None:
        """A question has its answer."""
        self._asks.pop(ask, None)

    def drop(self, ask: int) -> None:
        """Nobody waits for the answer any more."""
        if self._asks.pop(ask, None) is not None:
            self.processes.tell({"ask": ask})

    # What its processes tell; see ``supervised_process.Supervised``.

    def first_messages(self) -> list[bytes]:
        """What a new process is told."""
        asks = [orjson.dumps({"ask": ask, "connector": connector}) for ask, connector in self._asks.items()]
        return [self._spec.dump(), *asks]

    def descriptor(self) -> None:
        """It needs no memory of ours."""

    def on_message(self, message: Mapping[str, Any]) -> LastMessage | None:
        """It has found something, waits, or has failed to read."""
        self._heard(self, message)
        return None

    async def restart_after_failure(self, lived: float) -> bool:
        """It has no last word."""
        return False

    async def crashed(self, how: str) -> bool:
        """It counts as any other death."""
        return False

    def died(self, failure: str | None) -> None:
        """Once too many have died, those who wait are told why: they try again as after an outage."""
        for ask in list(self._asks) if failure else []:
            self._heard(self, {"event": "failed", "ask": ask, "reason": failure, "key": ""})

    def recovered(self) -> None:
        """Nothing needs to know that."""


def _identity(topic: str, client: Mapping[str, Any]) -> bytes:
    """A digest, since it is kept and the values are secret."""
    settings = sorted((name, _text(value)) for name, value in client.items() if name not in OWN_NAMES)
    return hashlib.sha256(orjson.dumps([topic, settings])).digest()


def _text(value: object) -> str:
    """A setting as librdkafka reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
