"""At least once: what is committed while records are on their way, and what an answer of the broker's does.

The broker is played, so that it answers in any order; tests/reliability has real ones.
"""

import random
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.chain.encoded import Encoded
from ferryman.errors import TaskError
from ferryman.leases.lease import Lease
from ferryman.offsets.source_offsets import SourceOffsets, canonical
from ferryman.task.setup.control import Control
from ferryman.task.source import acknowledgements
from ferryman.task.source.acknowledgements import Acknowledgements
from ferryman.task.source.delivery import Progress
from ferryman.task.source.outbox import Outbox
from tests.clock import Clock


class Sent:
    """A message that the broker has not answered."""

    def __init__(self, topic: str, value: bytes | None, answer: Callable[[KafkaError | None, Any], None]) -> None:
        self.about, self.value, self.answer = topic, value, answer

    def topic(self) -> str:
        return self.about


class Broker:
    """A producer whose messages are answered when the test says so, or at each poll."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.waiting: list[Sent] = []
        self.purged = False
        self.polled: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        return len(self.waiting)

    def produce(self, topic: str, value: bytes | None, key: bytes | None, *others: Any, **more: Any) -> None:
        # By position, what is told of the answer is the fifth.
        self.waiting.append(Sent(topic, value, more["on_delivery"] if more else others[1]))

    def poll(self, seconds: float) -> None:
        self.clock.pass_(seconds)
        self.polled()

    def purge(self) -> None:
        self.purged = True

    def answer(self, *topics: str, code: int | None = None) -> None:
        """To all messages of these topics, or to all."""
        for sent in [each for each in self.waiting if not topics or each.about in topics]:
            self.waiting.remove(sent)
            sent.answer(None if code is None else KafkaError(code), sent)


class Way:
    """A delivery that commits every ten seconds and is patient for five."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock = Clock()
        monkeypatch.setattr(acknowledgements, "time", self.clock)
        self.broker, self.offsets = Broker(self.clock), SourceOffsets("c")
        self.control = Control(lambda event, facts: None)
        producer: Any = self.broker
        outbox = Outbox(producer, self.control, grace=3.0, patience=60.0)
        self.delivery = Acknowledgements(
            outbox, self.offsets, "offsets", interval=10.0, patience=5.0, _last=self.clock.monotonic()
        )

    def poll(self, count: int, topic: str = "t", **behind: int) -> None:
        """So many records go out, behind which the source stands there."""
        self.delivery.begin()
        values = [b"v"] * count
        if values:
            self.delivery.outbox.produce(Encoded(topic, None, range(count), [None] * count, values, values, None))
        self.delivery.note(progress(**behind))

    def at(self, name: str) -> int | None:
        found = self.offsets.get({"p": name})
        return None if found is None else int(found["at"])

    def answered_at_once(self) -> None:
        self.broker.polled = self.broker.answer


def progress(**offsets: int) -> Progress:
    return {canonical({"p": name}): ({"p": name}, {"at": at}) for name, at in offsets.items()}


@pytest.fixture
def way(monkeypatch: pytest.MonkeyPatch) -> Way:
    return Way(monkeypatch)


def test_offsets_follow_when_the_interval_is_over_and_all_is_acknowledged(way: Way) -> None:
    way.answered_at_once()
    way.poll(3, a=3)
    assert not way.delivery.after_round()
    assert way.at("a") is None
    way.clock.pass_(10)
    assert way.delivery.after_round()
    assert way.at("a") == 3
    way.clock.pass_(10)
    assert not way.delivery.after_round(), "there is nothing new"


def test_a_commit_that_waits_in_vain_commits_what_comes_before_and_tells_nobody(
    way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    way.poll(1, a=1)
    way.broker.answer()
    way.poll(1, "stuck", a=2)
    way.poll(1, b=1)
    way.broker.polled = lambda: way.broker.answer("t", "offsets")
    assert not way.delivery.commit()
    assert (way.at("a"), way.at("b")) == (1, 1)
    assert "1 records are not acknowledged" in caplog.text
    way.answered_at_once()
    assert way.delivery.commit()
    assert way.at("a") == 2


def test_an_offset_counts_when_the_broker_has_it(way: Way) -> None:
    way.poll(1, a=1)
    way.broker.polled = lambda: way.broker.answer("t")
    assert not way.delivery.commit()
    assert way.at("a") is None
    way.answered_at_once()
    assert way.delivery.commit()
    assert way.at("a") == 1


def test_a_poll_whose_records_were_all_dropped_is_committed_too(way: Way) -> None:
    way.answered_at_once()
    way.poll(0, a=7)
    assert way.delivery.commit()
    assert way.at("a") == 7


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, TaskError, "t's max.message.bytes is the limit"),
        (KafkaError._MSG_TIMED_OUT, KafkaException, "_MSG_TIMED_OUT"),
        (KafkaError.TOPIC_AUTHORIZATION_FAILED, TaskError, "the right to write to t"),
    ],
)
def test_an_error_of_one_record_ends_the_session_and_its_offset_is_not_committed(
    way: Way, code: int, kind: type[Exception], words: str
) -> None:
    way.poll(1, a=1)
    way.broker.answer()
    way.poll(1, a=2)
    way.broker.answer(code=code)
    with pytest.raises(kind, match=words):
        way.delivery.after_round()
    until = way.clock.monotonic() + 1
    way.broker.polled = lambda: way.broker.answer() if way.clock.monotonic() > until else None
    way.delivery.abandon()
    assert way.at("a") == 1, "what is acknowledged is committed all the same"
    assert way.broker.purged


def test_a_poll_that_was_not_handed_over_whole_is_not_passed_when_the_session_ends(way: Way) -> None:
    way.answered_at_once()
    way.poll(1, a=1)
    way.delivery.begin()
    way.delivery.outbox.produce(Encoded("t", None, [0], [None], [b"v"], [b"v"], None))
    way.delivery.abandon()
    assert way.at("a") == 1


def test_what_broke_the_producer_is_told_instead_of_what_it_says_then(way: Way) -> None:
    way.poll(1, a=1)
    way.broker.answer(code=KafkaError._MSG_TIMED_OUT)
    later = KafkaException(KafkaError(KafkaError._FATAL))
    assert way.delivery.cause(later).args[0].code() == KafkaError._MSG_TIMED_OUT


def test_a_stop_waits_no_longer_than_its_grace(way: Way) -> None:
    way.poll(1, a=1)
    way.delivery.outbox.grace = -1.0
    way.control.wish("stop")
    before = way.clock.monotonic()
    assert not way.delivery.commit()
    assert way.clock.monotonic() == before


def test_a_session_that_ends_parked_writes_no_offsets(way: Way) -> None:
    way.poll(1, a=1)
    way.broker.answer()
    way.control.renew(Lease(ends=0.0))
    way.delivery.abandon()
    assert way.broker.waiting == []
    assert way.broker.purged


@pytest.mark.parametrize("seed", range(100))
def test_in_any_order_of_answers_no_offset_passes_a_record_that_the_broker_has_not(
    monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    print("seed", seed)
    chance, way = random.Random(seed), Way(monkeypatch)
    behind, polls, lost = {"a": 0, "b": 0}, list[tuple[str, int, list[Sent]]](), list[Sent]()

    def some_answers() -> None:
        for sent in chance.sample(way.broker.waiting, chance.randint(0, len(way.broker.waiting))):
            if sent in lost:
                continue
            way.broker.waiting.remove(sent)
            sent.answer(None, sent)

    way.broker.polled = some_answers
    for _ in range(30):
        name = chance.choice("ab")
        behind[name] += 1
        before = list(way.broker.waiting)
        way.poll(chance.randint(0, 3), "t", **{name: behind[name]})
        polls.append((name, behind[name], [sent for sent in way.broker.waiting if sent not in before]))
        if chance.random() < 0.05:
            lost += polls[-1][2]
        if chance.random() < 0.5:
            way.delivery.commit()
        for owner, at, sent in polls:
            if any(each in way.broker.waiting for each in sent):
                assert (way.at(owner) or 0) < at
    way.answered_at_once()
    way.delivery.commit()
    assert {name: way.at(name) or 0 for name in behind} == behind


def test_what_was_handed_over_is_due_when_the_interval_is_over(way: Way) -> None:
    way.answered_at_once()
    assert way.delivery.due() is None
    way.poll(1, a=1)
    way.clock.pass_(4)
    assert way.delivery.due() == 6
    way.clock.pass_(7)
    assert way.delivery.due() == 0
    assert way.delivery.after_round()
    assert way.delivery.due() is None
