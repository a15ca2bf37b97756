"""What ConnectorTopicsIntegrationTest asks of a worker: the topics that a connector has used, shown and forgotten."""

import pytest

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Connect
from tests.running import consume, until


def uses(connect: Connect, name: str, topics: list[str]) -> None:
    """Waits until a connector has used these topics."""
    until(lambda: connect.topics(name) == sorted(topics), what=f"{name} to use {topics}")


def read(connect: Connect, kafka: str, name: str, topic: str) -> None:
    """Waits until a sink has committed all of a topic."""
    last = consume(kafka, topic)[-1].offset()
    assert last is not None

    def at() -> int:
        found = [each for each in connect.offsets(name) if each["partition"]["kafka_topic"] == topic]
        return int(found[0]["offset"]["kafka_offset"]) if found else 0

    until(lambda: at() > last, what=f"{name} to read {topic} to its end")


def test_topics_are_those_that_a_connector_has_used_until_it_is_deleted_or_they_are_forgotten(
    connect: Connect, kafka: str, unique: str
) -> None:
    foo, bar, both = f"{unique}-foo", f"{unique}-bar", f"{unique}-both"
    assert connect.topics(foo) == []
    for name in (foo, bar):
        connect.configure(name, source(name, tasks_max="1"))
        connect.runs(name, 1)
        uses(connect, name, [name])
    connect.configure(both, sink(foo, bar, tasks_max="1"))
    connect.runs(both, 1)
    uses(connect, both, [foo, bar])
    connect.delete(bar)
    connect.is_gone(bar)
    assert connect.topics(bar) == []
    read(connect, kafka, both, bar)
    connect.call("PUT", f"/connectors/{both}/topics/reset", expect=202)
    uses(connect, both, [foo])


@pytest.mark.long
@pytest.mark.settings(topic_tracking_allow_reset="false")
def test_where_topics_may_not_be_forgotten_they_stay(other: Connect, unique: str) -> None:
    foo, both = f"{unique}-foo", f"{unique}-both"
    assert other.topics(foo) == []
    other.configure(foo, source(foo, tasks_max="1"))
    other.configure(both, sink(foo, tasks_max="1"))
    for name in (foo, both):
        other.runs(name, 1)
        uses(other, name, [foo])
    other.delete(foo)
    other.is_gone(foo)
    assert other.topics(foo) == []
    assert "Topic tracking reset is disabled." in other.refused(403, "PUT", f"/connectors/{both}/topics/reset")
    assert other.topics(both) == [foo]


@pytest.mark.long
@pytest.mark.settings(topic_tracking_enable="false")
def test_where_topics_are_not_followed_they_are_neither_shown_nor_forgotten_nor_written_down(
    other: Connect, kafka: str, unique: str
) -> None:
    other.configure(unique, source(unique, tasks_max="1"))
    other.runs(unique, 1)
    for name in (unique, "nobody"):
        assert "Topic tracking is disabled." in other.refused(403, "PUT", f"/connectors/{name}/topics/reset")
        assert "Topic tracking is disabled." in other.refused(403, "GET", f"/connectors/{name}/topics")
    until(lambda: other.offsets(unique), what="the first records")
    if other.whose.distributed:
        keys = [(each.key() or b"").decode() for each in consume(kafka, other.settings["status.storage.topic"])]
        assert any(key.startswith("status-task-") for key in keys)
        assert not any(key.startswith("status-topic-") for key in keys)
