"""What ErrorHandlingIntegrationTest asks of a worker: bad records retried, skipped, reported and put aside."""

from typing import Any

import pytest

from tests.kafkatest.configs import sink
from tests.kafkatest.connect import Config, Connect
from tests.kafkatest.report.differences import CLASS_OF_A_BAD_RECORD
from tests.running import consume, create_topic, produce, until

RECORDS = 100
FAULTY = "org.apache.kafka.connect.integration.ErrorHandlingIntegrationTest$FaultyPassthrough"


@pytest.fixture
def tolerant(kafka: str, unique: str) -> Config:
    """A sink's config that tolerates all errors, logs them, and has a dead letter queue."""
    create_topic(kafka, unique)
    return {
        **sink(unique, tasks_max="1"),
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "errors.deadletterqueue.topic.name": f"{unique}-errors",
        "errors.deadletterqueue.context.headers.enable": "true",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.tolerance": "all",
        "errors.retry.timeout": "1000",
    }


def feed(kafka: str, topic: str) -> None:
    keys, values = ([f"{what}-{number}".encode() for number in range(RECORDS)] for what in ("key", "value"))
    produce(kafka, topic, values, keys)


def test_of_the_records_that_fail_one_is_tried_again_and_the_other_put_aside(
    connect: Connect, kafka: str, unique: str, tolerant: Config
) -> None:
    connect.configure(
        unique, {**tolerant, "transforms": "failing_transform", "transforms.failing_transform.type": FAULTY}
    )
    connect.runs(unique, 1)
    feed(kafka, unique)
    until(lambda: len(connect.obtained(unique)) >= RECORDS - 1, what="all records but one")
    assert connect.obtained(unique) == [f"value-{number}" for number in range(RECORDS) if number != 7]
    (letter,) = consume(kafka, f"{unique}-errors")
    assert (letter.key(), letter.value()) == (b"key-7", b"value-7")
    pairs: Any = letter.headers()
    headers = dict(pairs)
    error = "DataException" if connect.whose.differs(CLASS_OF_A_BAD_RECORD) else "RetriableException"
    assert headers["__connect.errors.topic"] == unique.encode()
    assert headers["__connect.errors.exception.class.name"] == f"org.apache.kafka.connect.errors.{error}".encode()
    assert headers["__connect.errors.exception.message"] == b"Error when value='value-7'"
    connect.delete(unique)
    connect.is_gone(unique)


def test_whatever_a_sink_reports_is_put_aside_once(connect: Connect, kafka: str, unique: str, tolerant: Config) -> None:
    reporting = {"connector.class": "ErrantRecordSinkConnector", "consumer.override.max.poll.records": "5"}
    connect.configure(unique, {**tolerant, **reporting})
    connect.runs(unique, 1)
    feed(kafka, unique)
    letters = f"{unique}-errors"
    until(lambda: len(consume(kafka, letters)) >= RECORDS, what="a letter for each record", pause=0.5)
    assert sorted(each.key() or b"" for each in consume(kafka, letters)) == sorted(
        f"key-{number}".encode() for number in range(RECORDS)
    )
    connect.delete(unique)
    connect.is_gone(unique)
