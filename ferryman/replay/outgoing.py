"""What goes to a topic of a dead letter: the record in it, or what the connector makes of that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ferryman.chain import builder
from ferryman.chain.chain import Chain, assembled
from ferryman.dead_letters.letter import ATTEMPTS, DeadLetter
from ferryman.dead_letters.shown import source_converter
from ferryman.errors import RequestError
from ferryman.record import Payload, Polled, Record, batches
from ferryman.replay.request import Edit
from ferryman.task.setup import plugins


class Outgoing(NamedTuple):
    """A record on its way to a topic."""

    topic: str
    partition: int | None
    """None leaves the choice to the producer."""
    key: Payload
    value: Payload
    headers: Sequence[tuple[str, Payload]]
    timestamp: int | None
    """In milliseconds; None is now."""


Way = Callable[[DeadLetter, str], Sequence[Outgoing]]
"""What goes of a letter whose record is of a topic. Raises RetriableError, TaskError, or what is wrong with it."""


def of_sink(edit: Edit) -> Way:
    """The record as it was, with its value edited; it says how often it was tried."""

    def going(letter: DeadLetter, topic: str) -> Sequence[Outgoing]:
        attempts: tuple[str, Payload] = (ATTEMPTS, str(letter.attempts + 1).encode())
        value = edit(topic, letter.value)
        return [Outgoing(topic, None, letter.key, value, [*letter.headers, attempts], letter.timestamp)]

    return going


@dataclass(frozen=True, slots=True)
class OfSource:
    """Records of sources, which their letters hold in JSON with schemas as the source handed them over: transformed and
    encoded as the connector's config says now."""

    edit: Edit
    reading: Chain
    """Decodes letters."""
    chain: Chain

    @classmethod
    def of(cls, edit: Edit, raw: Mapping[str, str], worker: Mapping[str, str]) -> "OfSource":
        """By the config of a connector, references resolved. ConfigError for what cannot be, RequestError 400 where it
        names others' transforms or converters, which run in tasks only."""
        named = plugins.named({key: value for key, value in raw.items() if key != "connector.class"}, worker)
        others = [name for _, name, module, _ in named if not module.startswith(plugins.OURS)]
        if others:
            raise RequestError(
                400, f"Letters cannot be sent to their topic here: {', '.join(others)} runs in tasks only"
            )
        chain = builder.chain(raw, worker)
        key, value = source_converter("key"), source_converter("value")
        return cls(edit, assembled(key, value, builder.converter("header", raw, worker)), chain)

    def going(self, letter: DeadLetter, topic: str) -> Sequence[Outgoing]:
        """What goes of a letter: nothing if a transform drops its record."""
        record = self._record(letter, topic)
        found, failures = self.chain.transform(batches([record], [record], [0]))
        encoded = [self.chain.encode(each) for each in found]
        for failure in (*failures, *(each for _, failed in encoded for each in failed)):
            raise failure.error
        return [
            Outgoing(each.topic, each.partition, key, value, headers, time)
            for made, _ in encoded
            for each in made
            for key, value, headers, time in zip(
                each.keys, each.values, each.headers or [()] * len(each), each.timestamps, strict=True
            )
        ]

    def _record(self, letter: DeadLetter, topic: str) -> Record:
        value, headers = self.edit(topic, letter.value), [letter.headers] if letter.headers else None
        polled = Polled(topic, 0, [0], [letter.timestamp], [letter.key], [value], headers)
        found, failures = self.reading.decode(polled)
        for failure in failures:
            raise failure.error
        (record,) = (record for each in found for record in each.records())
        partition = letter.target[1] if letter.target else None
        return replace(record, partition=partition, offset=None, origin=None, lay=None)
