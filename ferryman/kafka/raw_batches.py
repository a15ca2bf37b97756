"""Messages as the client hands them out, as raw batches of their partitions."""

from collections.abc import Iterable
from typing import Any

from confluent_kafka import Message

from ferryman.record import Polled


def by_partition(messages: Iterable[Message]) -> Iterable[Polled]:
    """Records as the raw batches of their partitions."""
    # The client's stubs call every part of a message optional; of one without an error, topic to offset are there.
    groups: dict[Any, list[Any]] = {}
    for message in messages:
        groups.setdefault((message.topic(), message.partition()), []).append(message)
    for (topic, partition), group in groups.items():
        times = [message.timestamp() for message in group]
        headers = [message.headers() for message in group]
        yield Polled(
            topic=topic,
            partition=partition,
            offsets=[message.offset() for message in group],
            timestamps=[time if kind else None for kind, time in times],
            keys=[message.key() for message in group],
            values=[message.value() for message in group],
            headers=[each or [] for each in headers] if any(headers) else None,
            timestamp_type=("NoTimestampType", "CreateTime", "LogAppendTime")[times[0][0]],
        )
