"""A client's fatal error comes as KafkaException, whatever callbacks it met on its way."""

import logging

import confluent_kafka
import pytest
from confluent_kafka import KafkaError, KafkaException, Message

from ferryman.kafka.callbacks import Consumer, Producer, serving
from ferryman.kafka.clients import QUIET
from tests.running import create_topic, until

FENCED = KafkaException(KafkaError(KafkaError._FENCED))


def _met(depth: int) -> SystemError:
    """What C makes of an exception that is set when a built-in function returns, so many times."""
    error: BaseException = FENCED
    for _ in range(depth):
        wrapped = SystemError("<built-in function isinstance> returned a result with an exception set")
        wrapped.__cause__ = error
        error = wrapped
    assert isinstance(error, SystemError)
    return error


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_an_error_that_callbacks_have_met_is_the_one_of_before(depth: int) -> None:
    with pytest.raises(KafkaException) as raised, serving():
        raise _met(depth)
    assert raised.value is FENCED


def test_other_errors_stay_what_they_are() -> None:
    for other in (
        SystemError("of its own"),
        ValueError("of a callback"),
        KafkaException(KafkaError(KafkaError._STATE)),
    ):
        with pytest.raises(type(other)) as raised, serving():
            raise other
        assert raised.value is other


class Failing(confluent_kafka.Consumer):
    """What a poll of the client raises."""

    error: BaseException

    def poll(self, timeout: float = -1) -> Message | None:
        raise self.error


class Polled(Consumer, Failing):
    """Our consumer, above that client."""


@pytest.mark.parametrize(
    ("error", "raised"),
    [(_met(1), FENCED), (_met(3), FENCED), (FENCED, FENCED), (other := SystemError("its own"), other)],
)
def test_so_it_is_in_a_consumers_poll(error: BaseException, raised: BaseException) -> None:
    consumer = Polled({"group.id": "nobody's", **QUIET})
    consumer.error = error
    with pytest.raises(type(raised)) as found:
        consumer.poll(0)
    assert found.value is raised
    consumer.close()


@pytest.mark.parametrize("call", ["poll", "flush", "commit_transaction"])
def test_a_fenced_producer_says_so_in_each_call_that_tells_of_its_messages(kafka: str, unique: str, call: str) -> None:
    create_topic(kafka, unique, 2)
    config = {"bootstrap.servers": kafka, "transactional.id": unique, "logger": logging.getLogger(unique)}
    fenced, told = Producer(config), []

    def tell(error: KafkaError | None, message: Message) -> None:
        told.append(isinstance(error, KafkaError))

    fenced.init_transactions(60)
    fenced.begin_transaction()
    confluent_kafka.Producer(config).init_transactions(60)
    for number in range(200):
        fenced.produce(unique, b"value", str(number).encode(), on_delivery=tell)

    def is_fenced() -> bool:
        try:
            getattr(fenced, call)(1)
        except KafkaException as error:
            return bool(error.args[0].code() == KafkaError._FENCED)
        return False

    until(is_fenced, 60, "the producer to be told that it is fenced")
