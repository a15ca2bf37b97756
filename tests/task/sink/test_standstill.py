"""Partitions that a sink's consumer waits for in vain: told by its statistics, and fetched again by a seek."""

from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import TopicPartition as ClientPartition

from ferryman.record import TopicPartition
from ferryman.task.sink.standstill import REPORTS, WAITS, Standstill

FIRST, SECOND = TopicPartition("t", 0), TopicPartition("t", 1)


def report(**partitions: tuple[str, int]) -> dict[str, Any]:
    """Of the topic t: by number, what a partition does and where it stands."""
    found = {each[1:]: {"fetch_state": state, "app_offset": at} for each, (state, at) in partitions.items()}
    return {"topics": {"t": {"partitions": {"-1": {"fetch_state": "none", "app_offset": -1001}, **found}}}}


def told(reports: Sequence[Mapping[str, Any]]) -> list[list[TopicPartition]]:
    """What is said to stand still after each report."""
    standstill = Standstill()
    return [standstill.take(each) for each in reports]


def test_a_partition_that_waits_at_one_place_in_enough_reports_stands_still() -> None:
    waits = report(_0=(WAITS, 7), _1=("active", 3))
    assert told([waits] * (REPORTS + 1)) == [[]] * (REPORTS - 1) + [[FIRST], []]


def test_it_gets_as_long_again_before_it_is_said_to_once_more() -> None:
    assert [bool(each) for each in told([report(_0=(WAITS, 7))] * 2 * REPORTS)] == [*[False] * (REPORTS - 1), True] * 2


def test_whoever_was_told_or_reads_in_between_does_not_stand_still() -> None:
    waits = report(_0=(WAITS, 7))
    for between in (report(_0=("active", 7)), report(_0=(WAITS, 8)), report()):
        assert told([*[waits] * (REPORTS - 1), between, *[waits] * (REPORTS - 1)]) == [[]] * (2 * REPORTS - 1)


def test_each_partition_counts_for_itself() -> None:
    later = [report(_0=(WAITS, 7)), *[report(_0=(WAITS, 7), _1=(WAITS, 9))] * REPORTS]
    assert told(later) == [[]] * (REPORTS - 1) + [[FIRST], [SECOND]]


class Recording:
    """A consumer that is at some place in a partition, or has lost it."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.sought: list[tuple[str, int, int]] = []

    def position(self, partitions: list[ClientPartition]) -> list[ClientPartition]:
        if self.at is None:
            raise KafkaException(KafkaError(KafkaError._STATE))
        return [ClientPartition(each.topic, each.partition, self.at) for each in partitions]

    def seek(self, partition: ClientPartition) -> None:
        self.sought.append((partition.topic, partition.partition, partition.offset))


def sought(at: int | None, times: int, reports: int) -> list[tuple[str, int, int]]:
    """Where a consumer is sent that is asked so many times for each of so many reports."""
    given = [report(_0=(WAITS, 7)) for _ in range(reports)]
    consumer: Any = Recording(at)
    standstill = Standstill(lambda: given[0])
    while given:
        for _ in range(times):
            standstill.fetch_again(consumer)
        given.pop(0)
    return consumer.sought  # type: ignore[no-any-return]


def test_it_is_fetched_again_from_where_it_was_read_to() -> None:
    assert sought(12, 1, REPORTS) == [("t", 0, 12)]


def test_a_report_counts_once_however_often_it_is_looked_at() -> None:
    assert sought(12, 10, REPORTS - 1) == []


def test_a_partition_that_was_read_nowhere_or_is_gone_is_left_alone() -> None:
    assert (sought(-1001, 1, REPORTS), sought(None, 1, REPORTS)) == ([], [])


def test_without_a_report_nothing_is_done() -> None:
    consumer: Any = Recording(1)
    Standstill().fetch_again(consumer)
    assert consumer.sought == []
