"""Topics that a source writes to: which group creates them, with which settings, and when nobody does."""

from typing import Any

import pytest
from confluent_kafka import KafkaError

from ferryman.errors import ConfigError, TaskError
from ferryman.kafka.topic_creation import TopicCreation, groups
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_admin import FakeAdmin

DEFAULT = {"topic.creation.default.partitions": "3", "topic.creation.default.replication.factor": "-1"}
COMPACT = {
    **DEFAULT,
    "topic.creation.groups": "big, compact ,default",
    "topic.creation.big.include": "orders.*, big",
    "topic.creation.big.exclude": "orders-small",
    "topic.creation.big.partitions": "12",
    "topic.creation.compact.include": ".*-state,orders.*",
    "topic.creation.compact.replication.factor": " 2 ",
    "topic.creation.compact.cleanup.policy": "compact",
}


@pytest.fixture
def admin() -> FakeAdmin:
    return FakeAdmin(Cluster())


def creation(admin: Any, raw: dict[str, str], enabled: bool = True) -> TopicCreation:
    return TopicCreation.from_config(admin, raw, enabled)


def created(admin: FakeAdmin) -> list[tuple[str, int, int, dict[str, str]]]:
    return [(topic.topic, topic.num_partitions, topic.replication_factor, topic.config) for topic in admin.created]


@pytest.mark.parametrize(
    ("topic", "partitions", "replication", "settings"),
    [
        ("orders-1", 12, -1, {}),
        ("big", 12, -1, {}),
        ("bigger", 3, -1, {}),
        ("orders-small", 3, 2, {"cleanup.policy": "compact"}),
        ("x-state", 3, 2, {"cleanup.policy": "compact"}),
        ("my-orders", 3, -1, {}),
    ],
)
def test_the_first_group_that_matches_the_whole_name_creates_a_topic_else_the_default(
    admin: FakeAdmin, topic: str, partitions: int, replication: int, settings: dict[str, str]
) -> None:
    creation(admin, COMPACT).ensure(topic)
    assert created(admin) == [(topic, partitions, replication, settings)]


def test_groups_are_in_the_order_of_the_config_and_the_default_comes_last() -> None:
    assert [group.name for group in groups(COMPACT)] == ["big", "compact", "default"]
    assert [group.name for group in groups(COMPACT | {"topic.creation.groups": "default,compact"})] == [
        "compact",
        "default",
    ]
    assert [group.name for group in groups(DEFAULT)] == ["default"]


def test_the_default_has_no_say_in_what_it_includes() -> None:
    (group,) = groups(DEFAULT | {"topic.creation.default.exclude": ".*", "topic.creation.default.include": "x"})
    assert group.matches("anything")


@pytest.mark.parametrize("raw", [{}, {"topic.creation.enable": "true"}, {"topics": "t"}])
def test_without_topic_creation_keys_nothing_is_created_or_asked(admin: FakeAdmin, raw: dict[str, str]) -> None:
    creation(admin, raw).ensure("t")
    assert (created(admin), admin.listed) == ([], 0)


def test_a_worker_that_switched_it_off_creates_nothing(admin: FakeAdmin) -> None:
    creation(admin, DEFAULT, enabled=False).ensure("t")
    assert (created(admin), admin.listed) == ([], 0)


def test_a_topic_that_is_there_is_left_as_it_is(admin: FakeAdmin) -> None:
    admin.cluster.create("t")
    creation(admin, DEFAULT).ensure("t")
    assert created(admin) == []


def test_each_topic_is_asked_about_once(admin: FakeAdmin) -> None:
    topics = creation(admin, DEFAULT)
    for _ in range(3):
        topics.ensure("t")
        topics.ensure("u")
    assert [topic for topic, *_ in created(admin)] == ["t", "u"]
    assert admin.listed == 2


def test_somebody_else_who_was_faster_is_no_failure(admin: FakeAdmin) -> None:
    admin.refuses["t"] = KafkaError.TOPIC_ALREADY_EXISTS
    creation(admin, DEFAULT).ensure("t")


def test_a_refusal_fails_the_task_by_name_and_the_next_try_asks_again(admin: FakeAdmin) -> None:
    admin.refuses["t"] = KafkaError.TOPIC_AUTHORIZATION_FAILED
    topics = creation(admin, DEFAULT)
    with pytest.raises(TaskError, match=r"^Task failed to create new topic t\. Ensure"):
        topics.ensure("t")
    del admin.refuses["t"]
    topics.ensure("t")
    assert [topic for topic, *_ in created(admin)] == ["t"]


def problems(raw: dict[str, str]) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        groups(raw)
    return {problem.key: problem.message for problem in raised.value.problems}


def test_every_problem_is_told_at_once_by_its_key() -> None:
    found = problems(
        {
            "topic.creation.groups": "a",
            "topic.creation.a.include": "(",
            "topic.creation.a.partitions": "0",
            "topic.creation.default.partitions": "many",
        }
    )
    assert set(found) == {
        "topic.creation.a.include",
        "topic.creation.a.partitions",
        "topic.creation.default.partitions",
        "topic.creation.default.replication.factor",
    }
    assert found["topic.creation.default.replication.factor"] == (
        'Missing required configuration "topic.creation.default.replication.factor" which has no default value.'
    )
    assert found["topic.creation.a.partitions"].endswith("Value must be -1 or at least 1")


@pytest.mark.parametrize("value", ["0", "-2", "1.5", "", "01"])
def test_a_number_is_minus_one_or_at_least_one(value: str) -> None:
    assert "topic.creation.default.partitions" in problems(DEFAULT | {"topic.creation.default.partitions": value})


def test_a_pattern_that_is_none_is_refused_with_its_key() -> None:
    raw = DEFAULT | {"topic.creation.groups": "a", "topic.creation.a.exclude": "["}
    assert list(problems(raw)) == ["topic.creation.a.exclude"]


@pytest.mark.parametrize(
    ("code", "own", "words"),
    [
        (KafkaError.INVALID_PARTITIONS, {"topic.creation.a.partitions": "7"}, "(topic.creation.a.partitions is 7)"),
        (KafkaError.INVALID_PARTITIONS, {}, "(topic.creation.default.partitions is 3)"),
        (KafkaError.INVALID_REPLICATION_FACTOR, {}, "(topic.creation.default.replication.factor is -1)"),
        (
            KafkaError.INVALID_CONFIG,
            {"topic.creation.a.cleanup.polici": "compact"},
            "(the keys are topic.creation.a.cleanup.polici)",
        ),
        (KafkaError.TOPIC_EXCEPTION, {}, "up to 249 letters"),
    ],
)
def test_a_refusal_names_the_keys_that_ask_for_what_is_refused(
    admin: FakeAdmin, code: int, own: dict[str, str], words: str
) -> None:
    admin.refuses["t"] = code
    group = {"topic.creation.groups": "a", "topic.creation.a.include": "t", "topic.creation.default.partitions": "3"}
    with pytest.raises(TaskError) as raised:
        creation(admin, DEFAULT | group | own).ensure("t")
    assert words in str(raised.value)
