"""Configs of the connectors that Kafka's integration tests use."""

from tests.kafkatest.connect import Config

STRING = "org.apache.kafka.connect.storage.StringConverter"
_CONVERTERS = {"key.converter": STRING, "value.converter": STRING}


def source(topic: str, /, **more: str) -> Config:
    """A TestableSourceConnector that creates its topic."""
    return {
        "connector.class": "TestableSourceConnector",
        "tasks.max": "2",
        "topic": topic,
        "throughput": "10",
        "messages.per.poll": "3",
        "topic.creation.default.replication.factor": "1",
        "topic.creation.default.partitions": "1",
        **_CONVERTERS,
        **_dotted(more),
    }


def sink(*topics: str, **more: str) -> Config:
    """A TestableSinkConnector."""
    return {
        "connector.class": "TestableSinkConnector",
        "tasks.max": "2",
        "topics": ",".join(topics),
        **_CONVERTERS,
        **_dotted(more),
    }


def _dotted(more: dict[str, str]) -> Config:
    return {key.replace("_", "."): value for key, value in more.items()}
