"""A partition whose leader changes is asked about again, one that nobody may read is not."""

from dataclasses import dataclass
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from ferryman.retry import leader


@dataclass
class Consumer:
    """One that is given these errors, and then the bounds 3 and 7."""

    answers: list[int]

    def get_watermark_offsets(self, partition: TopicPartition, timeout: float) -> tuple[int, int]:
        assert timeout > 0
        if self.answers:
            raise KafkaException(KafkaError(self.answers.pop(0)))
        return 3, 7


def bounds(within: float, *answers: int) -> tuple[int, int]:
    consumer: Any = Consumer(list(answers))
    return leader.bounds(consumer, TopicPartition("t", 0), within)


def test_who_leads_no_more_is_passed_over_until_somebody_does() -> None:
    assert bounds(60, KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE) == (3, 7)


def test_another_answer_is_an_answer() -> None:
    with pytest.raises(KafkaException, match="TOPIC_AUTHORIZATION_FAILED"):
        bounds(60, KafkaError.TOPIC_AUTHORIZATION_FAILED)


def test_after_its_time_the_last_answer_is_told() -> None:
    with pytest.raises(KafkaException, match="NOT_LEADER_FOR_PARTITION"):
        bounds(0.5, *[KafkaError.NOT_LEADER_FOR_PARTITION] * 100)
