"""What InternalTopicsIntegrationTest asks of a worker of a group: its topics made as its settings say, or refused."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from ferryman.stack import Stack
from ferryman.stack.services import Shape
from tests.kafkatest.brokers import broker
from tests.kafkatest.connect import Connect, Node, cluster, worker_settings
from tests.kafkatest.report.differences import TOO_FEW_BROKERS
from tests.kafkatest.whose import Whose
from tests.running import WEB, create_topic, until

pytestmark = pytest.mark.modes("distributed")
KINDS = {"config": 1, "offset": 25, "status": 5}
"""The internal topics, with how many partitions each has where nothing else is said."""


@pytest.fixture(scope="module")
def brokers() -> Iterator[str]:
    """Three of them."""
    with Stack(("kafka",), shape=Shape(brokers=3)) as stack:
        yield stack.addresses["kafka"]


def topic_settings(kafka: str, topic: str) -> tuple[int, int, str] | None:
    """A topic's partitions, replicas and policy; None where there is none. Looking does not make it."""
    admin = AdminClient({"bootstrap.servers": kafka})
    found = admin.list_topics(timeout=60).topics.get(topic)
    if found is None:
        return None
    resource = ConfigResource(ResourceType.TOPIC, topic)
    policy = admin.describe_configs([resource])[resource].result()["cleanup.policy"].value
    return len(found.partitions), len(found.partitions[0].replicas), str(policy)


def are_as_configured(kafka: str, settings: dict[str, str], replicas: dict[str, int]) -> None:
    for kind, partitions in KINDS.items():
        found = topic_settings(kafka, settings[f"{kind}.storage.topic"])
        assert found == (partitions, replicas[kind], "compact"), kind


def by_default(kafka: str, name: str) -> dict[str, str]:
    """A worker's settings that leave it to the defaults what its topics are like."""
    own = ("config", "offset", "status")
    left_out = {f"{kind}.storage.{what}" for kind in own for what in ("replication.factor", "partitions")}
    return {key: value for key, value in worker_settings(kafka, name).items() if key not in left_out}


@pytest.mark.long
def test_they_are_made_with_the_defaults_and_found_again(
    whose: Whose, brokers: str, unique: str, tmp_path: Path
) -> None:
    settings = by_default(brokers, unique)
    with cluster(whose, tmp_path, settings, 1) as connect:
        are_as_configured(brokers, settings, dict.fromkeys(KINDS, 3))
        connect.remove(connect.nodes[0])
        connect.add()
        are_as_configured(brokers, settings, dict.fromkeys(KINDS, 3))


@pytest.mark.long
def test_they_are_made_with_fewer_replicas_than_there_are_brokers(
    whose: Whose, brokers: str, unique: str, tmp_path: Path
) -> None:
    replicas = {"config": 1, "offset": 2, "status": 1}
    more = {f"{kind}.storage.replication.factor": str(number) for kind, number in replicas.items()}
    settings = by_default(brokers, unique) | more
    with cluster(whose, tmp_path, settings, 1):
        are_as_configured(brokers, settings, replicas)


def health(node: Node) -> str:
    """What a worker says of itself while it starts; nothing when it does not answer yet, or no more."""
    try:
        answer = WEB.get(node.url + "/health")
    except httpx.TransportError:
        return ""
    return str(answer.json()["message"]) if answer.status_code == 503 else ""


def ended(node: Node) -> int:
    """The exit code of a worker that ends by itself."""
    assert node.process is not None
    code = node.process.wait(600)
    assert code != 0
    return code


def test_a_worker_that_cannot_have_as_many_replicas_does_not_start_and_makes_no_topics(
    whose: Whose, kafka: str, unique: str, tmp_path: Path
) -> None:
    replicas = {"config.storage.replication.factor": "3", "offset.storage.replication.factor": "2"}
    settings = worker_settings(kafka, unique) | replicas
    node = Node(whose, tmp_path, settings)
    node.launch()
    try:
        starting = "initializing and reading to the end of internal topics"
        until(lambda: starting in health(node), what="the worker to say what it does")
        if whose.differs(TOO_FEW_BROKERS):
            until(lambda: "(config.storage.replication.factor is 3)" in node.log.read_text(), what="the key")
        else:
            assert ended(node)
    finally:
        node.kill()
    assert topic_settings(kafka, settings["config.storage.topic"]) is None
    assert topic_settings(kafka, settings["offset.storage.topic"]) is None


POLICIES = {"config": "delete", "offset": "delete,compact", "status": None}


@pytest.mark.long
def test_a_worker_does_not_start_until_all_its_topics_are_compacted(
    whose: Whose, kafka: str, unique: str, tmp_path: Path
) -> None:
    settings = worker_settings(kafka, unique)
    for kind, policy in POLICIES.items():
        create_topic(kafka, f"{unique}-good-{kind}", cleanup_policy="compact")
        if policy:
            create_topic(kafka, f"{unique}-bad-{kind}", cleanup_policy=policy)
        else:
            create_topic(kafka, f"{unique}-bad-{kind}")
    topics = {f"{kind}.storage.topic": f"{unique}-bad-{kind}" for kind in POLICIES}
    connect = Connect(whose, tmp_path, settings)
    for kind in POLICIES:
        node = Node(whose, tmp_path, settings | topics)
        node.launch()
        assert ended(node)
        assert "cleanup.policy" in node.log.read_text()
        topics[f"{kind}.storage.topic"] = f"{unique}-good-{kind}"
    connect.settings = settings | topics
    node = connect.add()
    node.stop()


@pytest.fixture(scope="module")
def compacting_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker whose topics are compacted where nothing else is said."""
    with broker(tmp_path_factory.mktemp("compacting"), log_cleanup_policy="compact") as address:
        yield address


@pytest.mark.long
def test_topics_that_somebody_made_are_good_if_the_brokers_own_policy_is(
    whose: Whose, compacting_kafka: str, unique: str, tmp_path: Path
) -> None:
    settings = worker_settings(compacting_kafka, unique)
    for kind in KINDS:
        create_topic(compacting_kafka, settings[f"{kind}.storage.topic"])
    with cluster(whose, tmp_path, settings, 1) as connect:
        assert connect.connectors() == []
