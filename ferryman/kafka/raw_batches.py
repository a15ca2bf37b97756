"""Messages as the client hands them out, as raw batches of their partitions."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Message

from ferryman.record import Payload, Polled

NO_TIMESTAMP = -1
"""The timestamp of a record that has none."""
_TYPES = ("NoTimestampType", "CreateTime", "LogAppendTime")
_NONE: Mapping[int, str] = {}


def by_partition(messages: Sequence[Message]) -> list[Polled]:
    """Records as the raw batches of their partitions."""
    if len(messages) == 1:
        return [_one(messages[0])]
    # The client's stubs call every part of a message optional; of one without an error, topic to offset are there.
    groups: dict[Any, list[Any]] = {}
    for message in messages:
        groups.setdefault((message.topic(), message.partition()), []).append(message)
    return [_many(topic, partition, group) for (topic, partition), group in groups.items()]


def _one(message: Any) -> Polled:
    # A loop over one record costs more than the record.
    kind, time = message.timestamp()
    found, offset = headers(message), message.offset()
    return Polled(
        topic=message.topic(),
        partition=message.partition(),
        offsets=[offset],
        timestamps=[time if kind and time >= 0 else None],
        keys=[message.key()],
        values=[message.value()],
        headers=[found] if found else None,
        timestamp_type=_TYPES[kind],
        unreadable=_NONE
        if found is not None and time >= NO_TIMESTAMP
        else _unreadable([offset], [(kind, time)], [found]),
    )


def _many(topic: str, partition: int, group: Sequence[Any]) -> Polled:
    times = [message.timestamp() for message in group]
    found = [headers(message) for message in group]
    offsets = [message.offset() for message in group]
    return Polled(
        topic=topic,
        partition=partition,
        offsets=offsets,
        timestamps=[time if kind and time >= 0 else None for kind, time in times],
        keys=[message.key() for message in group],
        values=[message.value() for message in group],
        headers=[each or [] for each in found] if any(found) else None,
        timestamp_type=_TYPES[times[0][0]],
        unreadable=_unreadable(offsets, times, found),
    )


def _unreadable(offsets: Sequence[int], times: Sequence[tuple[int, int]], found: Sequence[object]) -> dict[int, str]:
    reasons = dict[int, str]()
    for offset, (kind, time), each in zip(offsets, times, found, strict=True):
        if each is None:
            reasons[offset] = "the name of one of its headers is not UTF-8"
        elif kind and time < NO_TIMESTAMP:
            reasons[offset] = f"Invalid record timestamp {time}"
    return reasons


def headers(message: Message) -> Sequence[tuple[str, Payload]] | None:
    """A message's headers; None if the name of one is not UTF-8. To be called once for a message: when it has failed
    the client ends the process over the next call."""
    try:
        found: Any = message.headers()
    except (SystemError, UnicodeDecodeError):
        return None
    return found or ()
