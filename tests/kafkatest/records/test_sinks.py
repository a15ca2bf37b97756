"""What SinkConnectorsIntegrationTest asks of a worker: what a sink is told when its topics come and go."""

from collections.abc import Sequence

import pytest
from confluent_kafka.admin import AdminClient

from tests.kafkatest.configs import sink
from tests.kafkatest.connect import Config, Connect
from tests.kafkatest.report.differences import COOPERATIVE_ASSIGNOR
from tests.kafkatest.test_offsets_api import of_sink
from tests.running import create_topic, produce, until

EAGER = "org.apache.kafka.clients.consumer.RoundRobinAssignor"
COOPERATIVE = "org.apache.kafka.clients.consumer.CooperativeStickyAssignor"


def config(name: str, topics: Sequence[str], assignor: str) -> Config:
    """The config of a sink that looks for new topics often, and makes none itself."""
    consumer = {
        "partition.assignment.strategy": assignor,
        "allow.auto.create.topics": "false",
        "metadata.max.age.ms": "1000",
        "default.api.timeout.ms": "5000",
    }
    overrides = {f"consumer.override.{key}": value for key, value in consumer.items()}
    return {**sink(*topics, tasks_max="1"), **overrides}


class Watched:
    """A sink of three topics that come one after the other: what it got, and what it was told."""

    def __init__(self, connect: Connect, kafka: str, name: str) -> None:
        self.connect, self.kafka, self.name = connect, kafka, name
        self.topics = [f"{name}-{number}" for number in (1, 2, 3)]
        self.sent: list[str] = []

    def send(self, topic: str, value: str) -> None:
        produce(self.kafka, topic, [value.encode()])
        self.sent.append(value)

    def has_got_all(self) -> None:
        """It has got everything that was sent, once."""
        until(lambda: len(self.connect.obtained(self.name)) >= len(self.sent), what=f"the sink to get {self.sent}")
        assert sorted(self.connect.obtained(self.name)) == sorted(self.sent)

    def was_told(self, *expected: tuple[int, int]) -> None:
        """How often the partition of each topic was given and taken."""
        assert [self.connect.given(f"{topic}-0") for topic in self.topics[: len(expected)]] == list(expected)


@pytest.mark.parametrize("assignor", [EAGER, COOPERATIVE], ids=["eager", "cooperative"])
def test_a_sink_is_given_its_topics_as_they_come_and_loses_what_is_deleted(
    connect: Connect, kafka: str, admin: AdminClient, unique: str, assignor: str
) -> None:
    eager = assignor is EAGER
    if not eager and connect.whose.differs(COOPERATIVE_ASSIGNOR):
        text = connect.refused(400, "PUT", f"/connectors/{unique}/config", config(unique, [unique], assignor))
        assert "only RangeAssignor and RoundRobinAssignor are supported" in text
        return
    watched = Watched(connect, kafka, unique)
    first, second, third = watched.topics
    connect.configure(unique, config(unique, watched.topics, assignor))
    connect.runs(unique, 1)
    watched.was_told((0, 0), (0, 0), (0, 0))

    create_topic(kafka, first)
    watched.send(first, "t1v1")
    watched.has_got_all()
    watched.was_told((1, 0), (0, 0), (0, 0))

    create_topic(kafka, second)
    watched.send(second, "t2v1")
    watched.send(second, "t1v2")
    watched.has_got_all()
    watched.was_told((2, 1) if eager else (1, 0), (1, 0), (0, 0))

    create_topic(kafka, third)
    watched.send(third, "t3v1")
    watched.send(second, "t2v2")
    watched.has_got_all()
    watched.was_told(*([(3, 2), (2, 1), (1, 0)] if eager else [(1, 0)] * 3))
    until(lambda: len(connect.offsets(unique)) == 3, what="the commits")
    assert of_sink(first, 0, 1) in connect.offsets(unique)

    admin.delete_topics([first])[first].result()
    until(lambda: connect.given(f"{first}-0")[1] == (3 if eager else 1), what="the end of the deleted topic")
    watched.send(third, "t3v2")
    watched.send(second, "t2v3")
    watched.has_got_all()
    watched.was_told(*([(3, 3), (3, 2), (2, 1)] if eager else [(1, 1), (1, 0), (1, 0)]))
