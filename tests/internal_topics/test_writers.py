"""Whoever claims the right to write last has it alone: what a former leader writes is refused, and never half there."""

from collections.abc import Iterator

import pytest

from ferryman.errors import FencedError, RetriableError
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.kafka_log import KafkaLog
from ferryman.internal_topics.writers import FencedWriter
from ferryman.settings.settings import Settings
from tests.internal_topics.logs import SOON, Received, arrives, config_logs, distributed

A, B = [(b"a", b"1"), (b"b", b"2")], [(b"a", b"3")]


@pytest.fixture
def worker(kafka: str, unique: str) -> Settings:
    return distributed(kafka, unique, exactly_once_source_support="preparing")


@pytest.fixture
def topic(worker: Settings) -> Iterator[tuple[KafkaLog, Received]]:
    with config_logs(1, worker) as [made]:
        yield made


def leader(worker: Settings) -> FencedWriter:
    found = of_worker.leader_writer(worker)
    assert found is not None
    return found


def test_nobody_writes_without_having_claimed_the_right_to(worker: Settings) -> None:
    first = leader(worker)
    assert not first.claimed
    with pytest.raises(FencedError, match="before the right to write to it has been claimed"):
        first.send(A, SOON)


def test_of_two_that_claim_the_right_the_later_has_it_until_the_first_claims_it_again(
    worker: Settings, topic: tuple[KafkaLog, Received]
) -> None:
    log, received = topic
    first, second = leader(worker), leader(worker)
    first.claim(SOON)
    first.send(A, SOON)
    second.claim(SOON)
    with pytest.raises(FencedError, match="another worker has claimed the right"):
        first.send(B, SOON)
    assert not first.claimed
    with pytest.raises(FencedError, match="before the right to write to it has been claimed"):
        first.send(B, SOON)
    second.send(B, SOON)
    first.claim(SOON)
    log.read_up_to(first.send(A, SOON), SOON)
    arrives(received, b"1", b"2", b"3", b"1", b"2")


def test_claiming_again_what_one_has_changes_nothing(worker: Settings, topic: tuple[KafkaLog, Received]) -> None:
    log, received = topic
    first = leader(worker)
    first.claim(SOON)
    first.send(A, SOON)
    first.claim(SOON)
    log.read_up_to(first.send(B, SOON), SOON)
    log.read_up_to(first.send([], SOON), SOON)
    arrives(received, b"1", b"2", b"3")


def test_what_is_refused_in_part_is_not_there_at_all_and_the_right_must_be_claimed_again(
    worker: Settings, topic: tuple[KafkaLog, Received]
) -> None:
    log, received = topic
    first = leader(worker)
    first.claim(SOON)
    with pytest.raises(RetriableError):
        first.send([(b"a", b"small"), (b"b", b"x" * 2_000_000)], SOON)
    assert not first.claimed
    first.claim(SOON)
    log.read_up_to(first.send(B, SOON), SOON)
    arrives(received, b"3")


def test_where_no_writes_are_fenced_there_is_no_such_writer(kafka: str, unique: str) -> None:
    assert of_worker.leader_writer(distributed(kafka, unique)) is None
