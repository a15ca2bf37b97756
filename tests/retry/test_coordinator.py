"""A group whose coordinator moves is asked again, one that says no is not."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.retry import coordinator


def answering(*answers: int) -> tuple[list[int], Callable[[], str]]:
    left = list(answers)

    def question() -> str:
        if left:
            raise KafkaException(KafkaError(left.pop(0)))
        return "answer"

    return left, question


def test_a_coordinator_that_moves_and_then_loads_is_asked_until_it_answers() -> None:
    left, question = answering(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS)
    assert coordinator.ask(question) == "answer"
    assert not left


def test_another_answer_is_an_answer() -> None:
    left, question = answering(KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.NOT_COORDINATOR)
    with pytest.raises(KafkaException):
        coordinator.ask(question)
    assert len(left) == 1


def test_patience_ends_with_the_coordinators_last_word() -> None:
    _, question = answering(*[KafkaError.COORDINATOR_NOT_AVAILABLE] * 100)
    with pytest.raises(KafkaException, match="COORDINATOR_NOT_AVAILABLE"):
        coordinator.ask(question, patience=0.5)
