"""Which topics a pattern brings in, and which it never does."""

import pytest

from ferryman.connector import SinkConfig
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.errors import ConfigError
from ferryman.kafka.subscription import topics_to_read

KAFKAS = ["__consumer_offsets", "__transaction_state"]
THERE = ["orders", "__consumer_offsets", "__transaction_state", "connect-offsets", "ours-offsets", "dead", "_schemas"]
SINK = {"name": "s", "connector.class": "x"}


def sink(**more: str) -> SinkConfig:
    return SinkConfig.parse(SINK | {key.replace("_", "."): value for key, value in more.items()})


@pytest.mark.parametrize(
    ("worker", "left_out"),
    [
        ({}, [*KAFKAS, "connect-offsets"]),
        ({"offset.storage.topic": "ours-offsets"}, [*KAFKAS, "ours-offsets"]),
        ({"config.storage.topic": "orders"}, [*KAFKAS, "connect-offsets", "orders"]),
        ({"status.storage.topic": "dead"}, [*KAFKAS, "connect-offsets", "dead"]),
        ({"config.storage.topic": " ", "status.storage.topic": " dead\t"}, [*KAFKAS, "connect-offsets", "dead"]),
    ],
)
def test_a_pattern_leaves_out_what_belongs_to_kafka_and_to_the_worker(
    worker: dict[str, str], left_out: list[str]
) -> None:
    topics, out = topics_to_read(sink(topics_regex=".*"), worker, THERE)
    assert sorted(out) == sorted(left_out)
    assert topics == sorted(set(THERE) - set(left_out))


def test_a_pattern_leaves_out_the_connectors_dead_letters_and_what_is_noted_of_them() -> None:
    """Validation refuses such a pattern where Python's engine matches as Java's does."""
    config = SinkConfig.model_construct(topics_regex=r"[\p{Lower}-]+", errors_deadletterqueue_topic_name="dead")
    assert topics_to_read(config, {}, ["orders", "dead", "dead-replayed", "_schemas"]) == (
        ["orders"],
        ["dead", "dead-replayed"],
    )


def test_a_pattern_leaves_out_the_events_that_the_mail_sink_writes() -> None:
    config = EmailSinkConfig.model_construct(topics_regex=".*", event_topic="dead", topics=[])
    assert "dead" in config.written_topics


def test_a_topic_that_is_listed_twice_is_read_once() -> None:
    assert topics_to_read(sink(topics="b, a ,b"), {}, THERE) == (["b", "a"], [])


@pytest.mark.parametrize("topics", ["a,", ",", "a,,b"])
def test_a_list_with_an_empty_name_is_refused(topics: str) -> None:
    with pytest.raises(ConfigError, match="values must not be empty") as caught:
        sink(topics=topics)
    assert [problem.key for problem in caught.value.problems] == ["topics"]


def test_a_topic_that_is_listed_is_read_whatever_it_is() -> None:
    assert topics_to_read(sink(topics="__consumer_offsets"), {}, THERE) == (["__consumer_offsets"], [])
