"""What a broker refuses is said as what it is, with the limit and the key that would let it pass."""

import pytest
from confluent_kafka import KafkaError

from ferryman.kafka.refusals import REFUSED, as_refusal, explained


@pytest.mark.parametrize("code", sorted(REFUSED))
def test_every_refusal_says_what_it_is_and_what_to_look_at(code: int) -> None:
    text = as_refusal(KafkaError(code, "so it is"), "topic t")
    what, _, rest = text.partition(", and trying again would not help: ")
    assert what.split(" ")[0] in {"a", "the"}
    assert rest.startswith(f"{KafkaError(code).name()}: so it is: ")
    assert "{" not in text


def test_what_is_larger_than_the_broker_takes_is_not_called_a_right() -> None:
    size = as_refusal(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE), "topic t")
    right = as_refusal(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "topic t")
    assert size.startswith("a record, or a batch of them, is larger than the broker accepts")
    assert "topic t's max.message.bytes" in size
    assert right.startswith("the user has no right to the topic")


def test_the_key_is_the_one_of_whoever_produces() -> None:
    error = KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)
    assert "the user of event.producer.* needs the right" in explained(error, "t", "event.producer.")
    assert "the user of producer.override.* needs the right" in explained(error, "t")


def test_any_other_error_is_the_brokers_own_words() -> None:
    assert explained(KafkaError(KafkaError._TIMED_OUT, "too late"), "t") == "too late"


def test_a_missing_right_to_a_topic_may_be_a_missing_topic_and_is_said_with_the_keys_that_make_it() -> None:
    error = as_refusal(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), "topic t")
    assert "if there is no such topic, create it" in str(error)
    assert "topic.creation.default.partitions" in str(error)
