"""Which topics a sink reads: those listed, or those that its Java pattern matches as a whole."""

from collections.abc import Mapping

from confluent_kafka.admin import AdminClient

from ferryman.connector import SinkConfig
from ferryman.errors import TaskError
from ferryman.regex.pattern import TooSlow


def topics(admin: AdminClient, config: SinkConfig) -> list[str]:
    """The topics to subscribe to now. librdkafka's own patterns are another language than Java's."""
    if config.topics:
        return config.topics
    try:
        return sorted(config.pattern().matching(list(admin.list_topics(timeout=30).topics)))
    except TooSlow as error:
        raise TaskError(str(error)) from error


def partitions(admin: AdminClient, raw: Mapping[str, str]) -> list[tuple[str, int]]:
    """The partitions that there are of a sink's topics."""
    known = admin.list_topics(timeout=30).topics
    config = SinkConfig.parse(raw)
    return [(topic, number) for topic in topics(admin, config) if topic in known for number in known[topic].partitions]
