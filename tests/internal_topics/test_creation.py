"""Internal topics are made compacted where they are missing; those that would lose something are refused."""

from collections.abc import Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError
from confluent_kafka.admin import AdminClient, ConfigResource, NewTopic, ResourceType  # type: ignore[attr-defined]

from ferryman.errors import ConfigError, RetriableError, TaskError
from ferryman.internal_topics import creation
from ferryman.internal_topics.creation import InternalTopic, Kind
from ferryman.kafka.admin import Admin
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_admin import FakeAdmin
from tests.running import until

KINDS: list[Kind] = ["config", "offset", "status"]


def create(admin: Any, kind: Kind = "offset", partitions: int = 5, **settings: str) -> None:
    own = {name.replace("_", "."): value for name, value in settings.items()}
    creation.create(admin, InternalTopic(kind, "internal", partitions, 1, own))


@pytest.fixture
def fake() -> FakeAdmin:
    return FakeAdmin(Cluster())


@pytest.mark.parametrize("kind", KINDS)
def test_a_missing_topic_is_created_compacted(fake: FakeAdmin, kind: Kind) -> None:
    create(fake, kind)
    (topic,) = fake.created
    assert (topic.topic, topic.num_partitions, topic.config) == ("internal", 5, {"cleanup.policy": "compact"})


def test_it_is_created_with_the_workers_settings_for_it_and_compacted_whatever_these_say(fake: FakeAdmin) -> None:
    create(fake, segment_bytes="1000000", cleanup_policy="delete")
    assert fake.created[0].config == {"segment.bytes": "1000000", "cleanup.policy": "compact"}


def test_one_that_is_there_is_kept(fake: FakeAdmin) -> None:
    fake.cluster.create("internal", 1, {"cleanup.policy": "compact"})
    create(fake)
    assert fake.created == []


@pytest.mark.parametrize("policy", ["delete", "compact,delete"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_forgets_is_refused_by_its_key_and_policy(fake: FakeAdmin, kind: Kind, policy: str) -> None:
    fake.cluster.create("internal", 1, {"cleanup.policy": policy})
    with pytest.raises(ConfigError, match=f"currently has 'cleanup.policy={policy}'") as raised:
        create(fake, kind)
    assert raised.value.problems[0].key == f"{kind}.storage.topic"
    assert f"Topic 'internal' supplied via the '{kind}.storage.topic' property" in str(raised.value)


def test_one_whose_policy_cannot_be_seen_is_trusted(fake: FakeAdmin) -> None:
    fake.cluster.create("internal", 1)
    create(fake)
    fake.refuses["internal"] = KafkaError.TOPIC_AUTHORIZATION_FAILED
    create(fake)


def test_a_config_topic_of_several_partitions_is_refused(fake: FakeAdmin) -> None:
    fake.cluster.create("internal", 2, {"cleanup.policy": "compact"})
    with pytest.raises(ConfigError, match=r"a single partition in order to .* but found 2 partitions\.$"):
        create(fake, "config", 1)
    create(fake, "status")


def test_one_that_somebody_else_makes_meanwhile_is_looked_at_too(
    fake: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, made = fake.create_topic, iter([(2, "compact"), (1, "delete")])

    def beaten(topic: Any) -> None:
        partitions, policy = next(made)
        fake.cluster.create("internal", partitions, {"cleanup.policy": policy})
        first(topic)

    monkeypatch.setattr(fake, "create_topic", beaten)
    with pytest.raises(ConfigError, match="but found 2 partitions"):
        create(fake, "config")
    del fake.cluster.topics["internal"]
    with pytest.raises(ConfigError, match="currently has 'cleanup\\.policy=delete'"):
        create(fake, "config")


def test_one_that_is_there_but_not_listed_yet_is_asked_for_again(
    fake: FakeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.cluster.create("internal", 1, {"cleanup.policy": "compact"})
    listed = fake.list_topics
    late: Iterator[dict[str, Any]] = iter([{}, {}])
    monkeypatch.setattr(fake, "list_topics", lambda timeout: SimpleNamespace(topics=next(late, listed(timeout).topics)))
    with pytest.raises(RetriableError, match="is there, but the broker does not list it yet"):
        create(fake)
    create(fake)


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError.UNKNOWN_TOPIC_OR_PART])
def test_one_whose_settings_the_broker_does_not_tell_now_is_an_outage(fake: FakeAdmin, code: int) -> None:
    fake.cluster.create("internal", 1, {"cleanup.policy": "compact"})
    fake.refuses["internal"] = code
    with pytest.raises(RetriableError, match="the offsets topic internal cannot be described"):
        create(fake)


def test_somebody_else_may_be_faster(fake: FakeAdmin, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fake.create_topic

    def beaten(topic: Any) -> None:
        fake.cluster.create("internal", 1, {"cleanup.policy": "compact"})
        first(topic)

    monkeypatch.setattr(fake, "create_topic", beaten)
    create(fake)
    assert fake.created == []


def test_a_broker_that_cannot_create_it_now_is_an_outage_and_the_key_is_named(fake: FakeAdmin) -> None:
    fake.refuses["internal"] = KafkaError.INVALID_REPLICATION_FACTOR
    with pytest.raises(RetriableError, match=r"internal cannot be created.*\(status.storage.replication.factor is 1\)"):
        create(fake, "status")


@pytest.mark.parametrize("code", [KafkaError.INVALID_CONFIG, KafkaError.POLICY_VIOLATION, KafkaError.TOPIC_EXCEPTION])
def test_a_broker_that_makes_no_such_topic_is_not_asked_again_and_the_keys_are_named(
    fake: FakeAdmin, code: int
) -> None:
    fake.refuses["internal"] = code
    with pytest.raises(
        TaskError, match=r"\(the keys are offset.storage.partitions, offset.storage.segment.byte, offset"
    ):
        create(fake, segment_byte="1")


def refusal(admin: Admin, topic: InternalTopic) -> ConfigError | None:
    """Why it may not be used; None while the broker does not know of it."""
    try:
        creation.create(admin, topic)
    except ConfigError as error:
        return error
    except RetriableError:
        return None
    raise AssertionError(topic)


def test_a_real_broker_makes_it_so_and_tells_of_one_that_is_otherwise(
    kafka: str, admin: AdminClient, unique: str
) -> None:
    ours = Admin({"bootstrap.servers": kafka})
    topic = InternalTopic("config", unique, 1, -1, {"segment.bytes": "1048576"})
    creation.create(ours, topic)
    creation.create(ours, topic)
    resource = ConfigResource(ResourceType.TOPIC, unique)
    found = admin.describe_configs([resource])[resource].result()
    assert (found["cleanup.policy"].value, found["segment.bytes"].value) == ("compact", "1048576")
    assert len(admin.list_topics(unique).topics[unique].partitions) == 1
    for name, partitions, policy in ((f"{unique}-d", 1, "delete"), (f"{unique}-2", 2, "compact")):
        admin.create_topics([NewTopic(name, partitions, 1, config={"cleanup.policy": policy})])[name].result()
        other = InternalTopic("config", name, 1, 1)
        assert "is required to have" in str(until(partial(refusal, ours, other), what="the broker to know of it"))
