"""Messages as the client hands them out, as raw batches of their partitions."""

from collections.abc import Iterable, Sequence
from typing import Any

from confluent_kafka import Message

from ferryman.record import Payload, Polled

NO_TIMESTAMP = -1
"""The timestamp of a record that has none."""


def by_partition(messages: Iterable[Message]) -> Iterable[Polled]:
    """Records as the raw batches of their partitions."""
    # The client's stubs call every part of a message optional; of one without an error, topic to offset are there.
    groups: dict[Any, list[Any]] = {}
    for message in messages:
        groups.setdefault((message.topic(), message.partition()), []).append(message)
    for (topic, partition), group in groups.items():
        times = [message.timestamp() for message in group]
        found = [headers(message) for message in group]
        offsets = [message.offset() for message in group]
        yield Polled(
            topic=topic,
            partition=partition,
            offsets=offsets,
            timestamps=[time if kind and time >= 0 else None for kind, time in times],
            keys=[message.key() for message in group],
            values=[message.value() for message in group],
            headers=[each or [] for each in found] if any(found) else None,
            timestamp_type=("NoTimestampType", "CreateTime", "LogAppendTime")[times[0][0]],
            unreadable=dict(_unreadable(offsets, times, found)),
        )


def _unreadable(
    offsets: Sequence[int], times: Sequence[tuple[int, int]], found: Sequence[object]
) -> Iterable[tuple[int, str]]:
    for offset, (kind, time), each in zip(offsets, times, found, strict=True):
        if each is None:
            yield offset, "the name of one of its headers is not UTF-8"
        elif kind and time < NO_TIMESTAMP:
            yield offset, f"Invalid record timestamp {time}"


def headers(message: Message) -> Sequence[tuple[str, Payload]] | None:
    """A message's headers; None if the name of one is not UTF-8. To be called once for a message: when it has failed
    the client ends the process over the next call."""
    try:
        found: Any = message.headers()
    except (SystemError, UnicodeDecodeError):
        return None
    return found or ()
