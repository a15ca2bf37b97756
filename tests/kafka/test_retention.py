"""A warning before a broker deletes what is older than its topic keeps, and none where it does not."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.kafka.admin import Admin
from ferryman.kafka.retention import Retention
from tests.running import create_topic

DAY = 86_400_000


def ago(days: int) -> list[int | None]:
    """The timestamp of a record of so many days ago."""
    return [round(time.time() * 1000) - days * DAY]


def looked(kafka: str, topic: str, **settings: str) -> None:
    """Three times at a record of a month ago."""
    create_topic(kafka, topic, 1, **settings)
    retention = Retention(Admin({"bootstrap.servers": kafka}))
    for _ in range(3):
        retention.look(topic, ago(30))


def test_a_topic_that_deletes_what_is_so_old_is_warned_about_once(
    kafka: str, unique: str, caplog: pytest.LogCaptureFixture
) -> None:
    looked(kafka, unique, retention_ms=str(7 * DAY))
    (warned,) = caplog.messages
    assert warned.startswith(f"{unique} has retention.ms=604800000, and gets records whose timestamps are older")


@pytest.mark.parametrize(
    "kept",
    [
        {"retention_ms": "-1"},
        {"retention_ms": str(31 * DAY)},
        {"retention_ms": str(7 * DAY), "message_timestamp_type": "LogAppendTime"},
        {"retention_ms": str(7 * DAY), "cleanup_policy": "compact"},
    ],
)
def test_one_that_keeps_it_is_not(
    kafka: str, unique: str, kept: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    looked(kafka, unique, **kept)
    assert caplog.messages == []


def test_records_of_now_ask_nobody() -> None:
    nobody: Any = None
    for timestamps in ([None], [-1], ago(0)):
        Retention(nobody).look("t", timestamps)


@pytest.mark.parametrize(
    ("code", "asked"), [(KafkaError.UNKNOWN_TOPIC_OR_PART, 3), (KafkaError.TOPIC_AUTHORIZATION_FAILED, 1)]
)
def test_who_does_not_tell_is_asked_again_only_where_the_topic_may_come(
    code: int, asked: int, caplog: pytest.LogCaptureFixture
) -> None:
    questions = list[str]()

    def settings(topic: str, within: float) -> dict[str, Any]:
        questions.append(topic)
        raise KafkaException(KafkaError(code))

    retention = Retention(SimpleNamespace(settings=settings, close=lambda: None))  # type: ignore[arg-type]
    for _ in range(3):
        retention.look("t", ago(30))
    assert (len(questions), caplog.messages) == (asked, [])
