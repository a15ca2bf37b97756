"""How much a sink's consumer waits for before it takes it: whatever there is, or more for a sink in no hurry. Pure.

Each answer to a fetch costs the broker, the task and what it writes to the same, however little is in it. A sink whose
work shows only later anyway (``Sink.fetch_min_bytes``) takes fewer and larger ones; the settings of the consumer
(KIP-458) go over its wish.
"""

from collections.abc import Mapping

from ferryman.kafka.client_keys import Value

LEAST, LONGEST = "fetch.min.bytes", "fetch.wait.max.ms"
"""librdkafka's names. The second is fetch.max.wait.ms of Java, 500 in both."""
_PARTITION, _ALL = "max.partition.fetch.bytes", "fetch.max.bytes"
_BOUNDS: Mapping[str, int] = {_PARTITION: 1_048_576, _ALL: 52_428_800}
"""An answer never has more of a partition, or in all; by default so many bytes."""


def wished(least: int, consumer: Mapping[str, Value]) -> dict[str, Value]:
    """What is to be set besides, so that a fetch waits for ``least`` bytes; nothing where the consumer's own settings
    say how many, or bound an answer so that as many would never be there."""
    if least <= 1 or LEAST in consumer:
        return {}
    bound = min(int(consumer.get(name, most)) for name, most in _BOUNDS.items())
    return {LEAST: max(1, min(least, bound))}


def fetch_summary(consumer: Mapping[str, Value]) -> str | None:
    """What the task's log and ``ferryman explain`` say about it; None for the usual."""
    least = int(consumer.get(LEAST, 1))
    if least <= 1:
        return None
    return f"fetch {least:,} bytes at once, or what is there after {int(consumer.get(LONGEST, 500)):,} ms"
