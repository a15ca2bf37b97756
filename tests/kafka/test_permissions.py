"""Who may do what, as the broker answers it: the task is refused, and told by which key."""

import pytest
from confluent_kafka import KafkaError

from ferryman.kafka.permissions import Heard, refusal


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (KafkaError.SASL_AUTHENTICATION_FAILED, "consumer.override.sasl.jaas.config"),
        (KafkaError._AUTHENTICATION, "consumer.override.sasl.jaas.config"),
        (KafkaError.GROUP_AUTHORIZATION_FAILED, "consumer.override.sasl.jaas.config"),
        (KafkaError._SSL, "consumer.override.ssl.truststore.location"),
    ],
)
def test_a_client_that_is_not_let_in_is_refused_and_the_key_is_named(code: int, key: str) -> None:
    found = refusal(KafkaError(code), "consumer")
    assert found is not None
    assert found.key == key
    assert key in str(found)


@pytest.mark.parametrize("code", [KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT])
def test_a_broker_that_is_away_refuses_nothing(code: int) -> None:
    assert refusal(KafkaError(code), "consumer") is None


def test_the_last_refusal_that_a_client_tells_of_on_the_side_is_kept() -> None:
    heard = Heard()
    hear = heard.by("producer")
    hear(KafkaError(KafkaError._TRANSPORT))
    assert heard.refusal() is None
    hear(KafkaError(KafkaError._SSL))
    hear(KafkaError(KafkaError._AUTHENTICATION))
    found = heard.refusal()
    assert found is not None
    assert found.key == "producer.override.sasl.jaas.config"
