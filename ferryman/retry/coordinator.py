"""Asks a group's coordinator again while it moves or loads: the client gives such answers back as errors."""

import time
from collections.abc import Callable
from typing import TypeVar

from confluent_kafka import KafkaError, KafkaException

from ferryman.retry import backoff

Answer = TypeVar("Answer")

COORDINATOR_MOVING = frozenset(
    {
        KafkaError.NOT_COORDINATOR,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    }
)
RETRY_SECONDS = 30.0
LONGEST_WAIT = 1.0


def ask(question: Callable[[], Answer], patience: float = RETRY_SECONDS) -> Answer:
    """The first answer that is not one of COORDINATOR_MOVING; after ``patience`` seconds, that one's KafkaException."""
    deadline = time.monotonic() + patience
    attempt = 0
    while True:
        try:
            return question()
        except KafkaException as error:
            attempt += 1
            wait = backoff.delay(attempt, LONGEST_WAIT)
            if error.args[0].code() not in COORDINATOR_MOVING or time.monotonic() + wait > deadline:
                raise
            time.sleep(wait)
