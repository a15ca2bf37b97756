"""What SourceConnectorsIntegrationTest asks of a worker: who creates a source's topic, and with how many partitions."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.kafkatest.brokers import broker
from tests.kafkatest.configs import source
from tests.kafkatest.connect import Config, Connect, cluster, worker_settings
from tests.kafkatest.whose import Whose
from tests.running import create_topic, until

PARTITIONS = 9


def partitions(kafka: str, topic: str) -> int:
    """How many a topic has; 0 where it is not there. Looking does not make it."""
    found = AdminClient({"bootstrap.servers": kafka}).list_topics(timeout=60).topics.get(topic)
    return len(found.partitions) if found else 0


def with_groups(topic: str) -> Config:
    """The config of a source that has its topic created with the settings of a group."""
    groups = {
        "groups": "foo,bar",
        "default.replication.factor": "1",
        "default.partitions": "1",
        "foo.include": topic,
        "foo.exclude": f"{topic}-bar",
        "foo.partitions": str(PARTITIONS),
    }
    config = {**source(topic, tasks_max="1"), **{f"topic.creation.{key}": value for key, value in groups.items()}}
    return {**config, "name": topic}


def without_creation(topic: str) -> Config:
    """The config of a source that relies on others for its topic."""
    config = {key: value for key, value in source(topic, tasks_max="1").items() if not key.startswith("topic.creation")}
    return {**config, "name": topic}


def test_a_source_creates_its_topic_by_the_settings_of_its_group(connect: Connect, kafka: str, unique: str) -> None:
    connect.configure(unique, with_groups(unique))
    assert connect.validated(with_groups(unique)) == {}
    connect.runs(unique, 1)
    until(lambda: partitions(kafka, unique) == PARTITIONS, what="the topic")


@pytest.mark.long
@pytest.mark.settings(topic_creation_enable="false")
def test_where_workers_create_no_topics_the_broker_may_by_its_own_settings(
    other: Connect, kafka: str, unique: str
) -> None:
    other.configure(unique, with_groups(unique))
    assert other.validated(with_groups(unique)) == {}
    other.runs(unique, 1)
    until(lambda: partitions(kafka, unique) == 1, what="the topic")


@pytest.fixture(scope="module")
def strict_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker that creates no topic by itself."""
    with broker(tmp_path_factory.mktemp("strict"), auto_create_topics_enable="false") as address:
        yield address


@pytest.mark.long
def test_sources_get_on_when_workers_come_to_create_topics(
    whose: Whose, strict_kafka: str, unique: str, tmp_path: Path
) -> None:
    foo, bar = f"{unique}-foo", f"{unique}-bar"
    configs = {foo: with_groups(foo), bar: without_creation(bar)}
    create_topic(strict_kafka, bar)
    settings = worker_settings(strict_kafka, unique, topic_creation_enable="false")
    with cluster(whose, tmp_path, settings, 1) as connect:
        for name, config in configs.items():
            connect.configure(name, config)
            assert connect.validated(config) == {}
            connect.runs(name, 1)
        until(lambda: connect.offsets(bar), what="records of the source whose topic is there")
        assert partitions(strict_kafka, bar) == 1
        assert partitions(strict_kafka, foo) == 0

        connect.remove(connect.nodes[0])
        connect.settings = {**settings, "topic.creation.enable": "true"}
        connect.add()
        for name, config in configs.items():
            if not whose.distributed:  # it forgets them
                connect.configure(name, config)
            connect.runs(name, 1)
        until(lambda: partitions(strict_kafka, foo) == PARTITIONS, what="the topic")
        assert partitions(strict_kafka, bar) == 1
