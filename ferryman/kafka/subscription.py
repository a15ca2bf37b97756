"""Which topics a sink reads: those listed, or those that its Java pattern matches as a whole.

A pattern never brings in what Kafka and Connect keep for themselves, nor what the connector writes: a sink would read
its own commits or its own dead letters, and never come to an end.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ferryman.config import trim
from ferryman.connector import SinkConfig
from ferryman.errors import TaskError
from ferryman.kafka.admin import Admin
from ferryman.regex.pattern import TooSlow

log = logging.getLogger(__name__)

INTERNAL = "__"
"""How the names of topics begin that belong to Kafka itself: __consumer_offsets, __transaction_state and others."""
STORAGE: Mapping[str, str] = {
    "offset.storage.topic": "connect-offsets",
    "config.storage.topic": "connect-configs",
    "status.storage.topic": "connect-status",
}
"""The worker's settings that name topics of its own, and what they are when they are not set."""


def topics_to_read(
    config: SinkConfig, worker: Mapping[str, str], existing: Iterable[str]
) -> tuple[list[str], list[str]]:
    """The topics to read of those that there are, and those that the pattern matches and that are left out; sorted.

    ``worker`` are the worker's settings as text. Topics that are listed by name are read whatever they are.
    """
    if config.topics:
        return config.topics, []
    try:
        matching = sorted(config.pattern().matching(list(existing)))
    except TooSlow as error:
        raise TaskError(str(error)) from error
    own = own_topics(worker) | set(config.written_topics)
    left_out = [topic for topic in matching if topic.startswith(INTERNAL) or topic in own]
    return [topic for topic in matching if topic not in left_out], left_out


def own_topics(worker: Mapping[str, str]) -> set[str]:
    """The topics in which a worker with these settings keeps what is its own."""
    return {trim(worker.get(key, "")) or default for key, default in STORAGE.items()}


@dataclass
class Subscription:
    """The topics of one sink. A warning names those that its pattern leaves out, once until they are others."""

    admin: Admin
    config: SinkConfig
    worker: Mapping[str, str] = field(repr=False)
    """The worker's settings as text: the topics in which it keeps its own are left out."""
    _left_out: list[str] = field(default_factory=list)
    """The topics that the last warning named."""

    def topics(self) -> list[str]:
        """The topics to subscribe to now. librdkafka's own patterns are another language than Java's."""
        if self.config.topics:
            return self.config.topics
        topics, left_out = topics_to_read(self.config, self.worker, self.admin.list_topics(timeout=30).topics)
        news, self._left_out = left_out != self._left_out, left_out
        if news and left_out:
            log.warning(
                "topics.regex=%s also matches %s; topics that are internal, or that the connector writes itself, are "
                "read only if topics lists them",
                *(self.config.topics_regex, ", ".join(left_out)),
            )
        return topics

    def partitions(self) -> list[tuple[str, int]]:
        """The partitions that there are of these topics; says nothing about what is left out."""
        known = self.admin.list_topics(timeout=30).topics
        topics, _ = topics_to_read(self.config, self.worker, known)
        return [(topic, number) for topic in topics if topic in known for number in known[topic].partitions]
