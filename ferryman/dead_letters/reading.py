"""Reads a topic of dead letters: what it holds now, the newest part of it if it is long, or one letter."""

from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Message

from ferryman.dead_letters.letter import LOG_APPEND_TIME, DeadLetter, parsed
from ferryman.kafka.newest import Extent as Extent
from ferryman.kafka.newest import Newest
from ferryman.kafka.raw_batches import headers
from ferryman.record import Coordinates

_TYPES = {TIMESTAMP_LOG_APPEND_TIME: LOG_APPEND_TIME}


class Reader:
    """Reads one topic, without a group. Methods raise RetriableError when Kafka does not answer, TaskError when it
    refuses."""

    def __init__(self, client: Mapping[str, Any], topic: str) -> None:
        self._newest = Newest(client, topic, "the topic of dead letters")

    def close(self) -> None:
        """Ends the client."""
        self._newest.close()

    def newest(self, most: int, until: float, extent: Extent) -> Iterator[DeadLetter]:
        """About the last ``most`` letters of the topic as it is now, those of a partition in their order. Stops at the
        monotonic time ``until``, and says in ``extent`` how far it came."""
        return map(_letter, self._newest.messages(most, until, extent))

    def one(self, partition: int, offset: int) -> DeadLetter | None:
        """The letter at an offset; None if there is none."""
        found = self._newest.one(partition, offset)
        return None if found is None else _letter(found)


def _letter(message: Message) -> DeadLetter:
    kind, timestamp = message.timestamp()
    at = Coordinates(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))
    found: Any = headers(message) or []
    key, value = message.key(), message.value()
    time, type_ = timestamp if kind and timestamp > 0 else None, _TYPES.get(kind, "CreateTime")
    return parsed(at, time, _bytes(key), _bytes(value), found, type_)


def _bytes(content: Any) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
