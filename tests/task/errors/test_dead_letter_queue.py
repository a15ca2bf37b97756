"""Dead letters on a broker that answers late, in part, or with an error: what is acknowledged is not written again.

The broker is played, since a real one does not lose its tongue at the right moment; tests/reliability has real ones.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.chain.narrowing import Failure, Stage
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.kafka.admin import Admin
from ferryman.record import Coordinates, Original, Polled, TopicPartition
from ferryman.task.errors import dead_letter_queue
from ferryman.task.errors.dead_letter_queue import DeadLetterQueue, create_topic
from ferryman.task.errors.letter_writer import LetterWriter, Size

Answer = Callable[[dict[str, Any]], KafkaError | None]


@dataclass
class Broker:
    """A producer whose messages are answered by ``answer`` when it is polled, at most ``a_poll`` at a time."""

    answer: Answer = lambda message: None
    a_poll: int = 1000
    room: int = 1000
    waiting: list[dict[str, Any]] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    limit: int = 10**9
    now: ClassVar[float] = 0.0

    def produce(self, topic: str, **message: Any) -> None:
        if len(self.waiting) >= self.room:
            raise BufferError("Local: Queue full")
        if len(message["value"] or b"") > self.limit:
            raise KafkaException(KafkaError(KafkaError.MSG_SIZE_TOO_LARGE))
        self.waiting.append(message)

    def poll(self, wait: float) -> None:
        Broker.now += wait
        answered, self.waiting = self.waiting[: self.a_poll], self.waiting[self.a_poll :]
        for message in answered:
            error = self.answer(message)
            if error is None:
                self.written.append(message)
            message["on_delivery"](error, None)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time goes by where the producer is polled, and nowhere else."""
    Broker.now = 0.0
    monkeypatch.setattr(dead_letter_queue, "time", SimpleNamespace(monotonic=lambda: Broker.now))


def letters(broker: Broker, context: bool = True) -> DeadLetterQueue:
    return DeadLetterQueue(broker, "dead", LetterWriter(context, "sink", 0))  # type: ignore[arg-type]


def failures(count: int, size: int = 3) -> list[Failure]:
    values = [b"x" * size for _ in range(count)]
    polled = Polled("orders", 2, range(count), [7] * count, [b"k"] * count, values, [[("own", b"1")]] * count)
    return [Failure(polled, at, Stage.VALUE_CONVERTER, "Json", DataError("no")) for at in range(count)]


def offsets(broker: Broker) -> list[str]:
    return [dict(message["headers"])["__connect.errors.offset"].decode() for message in broker.written]


def test_what_was_acknowledged_is_not_written_again_when_the_rest_comes_again() -> None:
    broker = Broker(a_poll=1)
    queue = letters(broker)
    for _ in range(2):
        with pytest.raises(RetriableError, match=r"[89]\d\d dead letters are not acknowledged yet by dead"):
            queue.send(failures(1000))
    broker.a_poll = 1000
    queue.send(failures(1000))
    assert offsets(broker) == [str(number) for number in range(1000)]


def test_a_queue_that_is_full_lets_the_loop_do_its_rounds_and_goes_on_where_it_was() -> None:
    broker = Broker(room=4, a_poll=0)
    queue = letters(broker)
    with pytest.raises(RetriableError, match="full"):
        queue.send(failures(10))
    broker.a_poll = 1000
    queue.send(failures(10))
    assert sorted(map(int, offsets(broker))) == list(range(10))


def test_a_stop_ends_the_wait() -> None:
    broker = Broker(a_poll=0)
    queue = letters(broker)
    queue.stopping = lambda: True
    with pytest.raises(RetriableError):
        queue.send(failures(2))
    assert Broker.now < dead_letter_queue.ACKNOWLEDGEMENT_SECONDS


@pytest.mark.parametrize("code", [KafkaError._MSG_TIMED_OUT, KafkaError.NOT_ENOUGH_REPLICAS, KafkaError._TRANSPORT])
def test_a_letter_that_failed_with_an_outage_is_written_when_that_is_over(code: int) -> None:
    errors = [KafkaError(code)]
    broker = Broker(answer=lambda message: errors.pop() if errors else None)
    queue = letters(broker)
    with pytest.raises(RetriableError, match="1 dead letters were not written to dead"):
        queue.send(failures(3))
    queue.send(failures(3))
    assert sorted(offsets(broker)) == ["0", "1", "2"]


def test_a_producer_that_is_broken_is_replaced() -> None:
    broken = KafkaError(KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER, fatal=True)
    with pytest.raises(Indeterminate):
        letters(Broker(answer=lambda message: broken)).send(failures(1))


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (KafkaError.INVALID_TIMESTAMP, "dead's message.timestamp.before.max.ms"),
        (KafkaError.INVALID_RECORD, "cleanup.policy=compact"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, "the right to write to dead"),
        (KafkaError.RECORD_LIST_TOO_LARGE, "dead's segment.bytes"),
    ],
)
def test_a_refusal_names_the_record_and_the_limit(code: int, key: str) -> None:
    with pytest.raises(TaskError) as found:
        letters(Broker(answer=lambda message: KafkaError(code))).send(failures(1))
    assert "the dead letter of orders-2@0 was not written to dead" in str(found.value)
    assert key in str(found.value)


@pytest.mark.parametrize("context", [True, False])
def test_letters_of_a_time_that_the_broker_does_not_take_get_the_present_one_and_say_their_own(context: bool) -> None:
    # It refuses whole batches.
    broker = Broker(answer=lambda message: KafkaError(KafkaError.INVALID_TIMESTAMP) if message["timestamp"] else None)
    sender = letters(broker, context)
    sender.send(failures(3))
    sender.send(failures(3))
    assert [message["timestamp"] for message in broker.written] == [0, 0, 0]
    assert {dict(message["headers"])["__ferryman.errors.timestamp"] for message in broker.written} == {b"7"}


def test_a_batch_that_is_too_large_goes_letter_by_letter() -> None:
    broker = Broker()
    broker.answer = lambda message: KafkaError(KafkaError.MSG_SIZE_TOO_LARGE) if many else None
    many = [True]

    def poll(wait: float, real: Any = broker.poll) -> None:
        many[:] = [True] if len(broker.waiting) > 1 else []
        real(wait)

    broker.poll = poll  # type: ignore[method-assign]
    letters(broker).send(failures(5))
    assert offsets(broker) == ["0", "1", "2", "3", "4"]
    assert [message["value"] for message in broker.written] == [b"xxx"] * 5


@pytest.mark.parametrize("context", [True, False])
@pytest.mark.parametrize("whose", ["producer", "broker"])
def test_what_is_too_large_is_written_without_its_value_and_says_where_that_is(whose: str, context: bool) -> None:
    too_large = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    broker = Broker(answer=lambda message: too_large if len(message["value"] or b"") > 100 else None)
    broker.limit = 100 if whose == "producer" else 10**9
    letters(broker, context).send([*failures(1, size=101)])
    (message,) = broker.written
    headers = dict(message["headers"])
    assert message["value"] is None
    assert message["key"] == b"k"
    assert headers["own"] == b"1"
    assert headers["__connect.errors.topic"] == b"orders"
    assert headers["__connect.errors.partition"] == b"2"
    assert headers["__connect.errors.offset"] == b"0"
    assert headers["__ferryman.errors.left.out"] == b"value"
    assert headers["__ferryman.errors.value.bytes"] == b"101"
    limit = b"producer.override.max.request.size" if whose == "producer" else b"max.message.bytes of dead"
    assert headers["__ferryman.errors.left.out.because.of"] == limit
    assert ("__connect.errors.stage" in headers) is context


def test_a_letter_says_the_time_of_its_record_unless_that_is_not_known() -> None:
    (failure,) = failures(1)
    told = {"own": failure}
    for name, is_timed in (("replayed", True), ("of a stamped letter", False)):
        original = Original("first", Coordinates("first", 0, 3), is_timed=is_timed)
        told[name] = replace(failure, origin=replace(failure.origin, originals=[original]))  # type: ignore[type-var]
    writer = LetterWriter(True, "sink", 0)
    times = {name: dict(writer.letter(each).headers).get("__ferryman.errors.timestamp") for name, each in told.items()}
    assert times == {"own": b"7", "replayed": b"7", "of a stamped letter": None}


@pytest.mark.parametrize("size", Size)
@pytest.mark.parametrize("context", [True, False])
def test_a_letter_says_when_its_record_was_refused_if_it_says_why(size: Size, context: bool) -> None:
    before = time.time()
    told = dict(LetterWriter(context, "sink", 0).letter(failures(1)[0], size).headers).get("__ferryman.errors.time")
    assert (told is not None) is context
    assert told is None or before - 1 <= int(told) / 1000 <= time.time()


def test_a_broker_that_takes_nothing_but_the_coordinates_gets_these() -> None:
    too_large = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    broker = Broker(answer=lambda message: too_large if message["key"] else None)
    letters(broker).send(failures(1))
    assert {name for name, _ in broker.written[0]["headers"]} == {
        "__connect.errors.topic",
        "__connect.errors.partition",
        "__connect.errors.offset",
        "__ferryman.errors.time",
        "__ferryman.errors.left.out",
        "__ferryman.errors.left.out.because.of",
        "__ferryman.errors.value.bytes",
    }


def test_a_broker_that_takes_not_even_those_fails_the_task_and_is_told_by_its_limit() -> None:
    too_large = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    with pytest.raises(TaskError, match=r"orders-2@0 .* max\.message\.bytes of dead"):
        letters(Broker(answer=lambda message: too_large)).send(failures(1))


def test_what_is_through_is_forgotten() -> None:
    queue = letters(Broker())
    queue.send(failures(5))
    queue.delivered(TopicPartition("orders", 2), 4)
    assert queue._acknowledged == {TopicPartition("orders", 2): {4}}
    queue.delivered(TopicPartition("orders", 2), 5)
    assert queue._acknowledged == {}


def test_its_topic_keeps_letters_however_old_their_records_are(kafka: str, unique: str) -> None:
    admin = Admin({"bootstrap.servers": kafka})
    for _ in range(2):
        create_topic(admin, unique, 1)
    assert admin.settings(unique)["retention.ms"].value == "-1"


@pytest.mark.parametrize("code", [KafkaError.POLICY_VIOLATION, KafkaError.INVALID_CONFIG])
def test_a_broker_whose_policy_keeps_nothing_for_ever_makes_the_topic_as_it_will(
    code: int, caplog: pytest.LogCaptureFixture
) -> None:
    made = list[Any]()

    def create(topic: Any) -> None:
        if topic.config:
            raise KafkaException(KafkaError(code, "Policy is not met"))
        made.append(topic.topic)

    admin: Any = SimpleNamespace(list_topics=lambda timeout: SimpleNamespace(topics={}), create_topic=create)
    create_topic(admin, "dead", 1)
    assert made == ["dead"]
    assert "does not accept retention.ms=-1 for dead" in caplog.text
    assert "Policy is not met" in caplog.text
