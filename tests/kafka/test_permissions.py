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


@pytest.mark.parametrize(
    ("facility", "text", "lost"),
    [
        ("FAIL", "127.0.0.1:9092/1: Disconnected: connection reset by peer (after 628ms in state UP)", True),
        ("FAIL", "1 request(s) timed out: disconnect (average rtt 5ms) (after 9ms in state UP, 1 suppressed)", True),
        ("FAIL", "Connect to ipv4#127.0.0.1:9092 failed: Connection refused (after 0ms in state CONNECT)", False),
        ("GETPID", "Failed to acquire transactional PID", False),
    ],
)
def test_a_client_logs_whether_it_has_lost_a_connection_that_requests_went_over(
    facility: str, text: str, lost: bool
) -> None:
    heard = Heard()
    heard.lines("producer").log(20, "%s [%s] %s", facility, "rdkafka#producer-1", f"[thrd:x]: {text}")
    assert heard.cut_off == ({"producer"} if lost else set())
