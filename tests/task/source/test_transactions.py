"""What stands behind a producer that has failed, and whether somebody else has moved a source's offsets."""

from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.api import Offset
from ferryman.errors import TaskError
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.task.setup.control import Control
from ferryman.task.source.outbox import Outbox
from ferryman.task.source.transactions import Transactions, cause, moved_by_another
from tests.kafka.cluster_in_memory import Cluster, failed
from tests.kafka.fake_producer import FakeProducer


@pytest.mark.parametrize("code", [KafkaError._FATAL, KafkaError._STATE])
def test_behind_a_producer_that_is_broken_stands_what_broke_it(code: int) -> None:
    fake = FakeProducer(Cluster())
    fake.fails["commit"] = failed(KafkaError._FENCED)
    producer: Any = fake
    assert cause(failed(code), producer).args[0].code() == KafkaError._FENCED
    assert cause(failed(code), producer).args[0].code() == code, "a commit that went well tells nothing"


def test_an_error_that_says_what_it_is_about_is_not_asked_further() -> None:
    fake = FakeProducer(Cluster())
    producer: Any = fake
    error = failed(KafkaError._TIMED_OUT)
    assert cause(error, producer) is error
    assert fake.calls == []


AT1, AT2, AT3 = {"at": 1}, {"at": 2}, {"at": 3}
Offsets = Mapping[str, Offset]


@pytest.mark.parametrize(
    ("before", "attempted", "now", "moved"),
    [
        pytest.param({"p": AT1}, {}, {"p": AT1}, False, id="nothing happened"),
        pytest.param({"p": AT1}, {"p": AT2}, {"p": AT1}, False, id="our last transaction was aborted"),
        pytest.param({"p": AT1}, {"p": AT2}, {"p": AT2}, False, id="our last transaction was committed"),
        pytest.param({}, {"p": AT2}, {}, False, id="our first transaction was aborted"),
        pytest.param({}, {"p": AT2}, {"p": AT2}, False, id="our first transaction was committed"),
        pytest.param({"p": AT1}, {"p": None}, {}, False, id="we forgot a partition"),
        pytest.param({"p": AT1}, {"p": None}, {"p": AT1}, False, id="forgetting a partition was aborted"),
        pytest.param({"p": AT1}, {"p": AT2}, {"p": AT3}, True, id="another one went further"),
        pytest.param({"p": AT1}, {}, {"p": AT2}, True, id="another one moved what we did not touch"),
        pytest.param({"p": AT1}, {"p": AT2}, {}, True, id="another one forgot a partition"),
        pytest.param({}, {}, {"q": AT1}, True, id="another one has a new partition"),
        pytest.param({"p": AT1}, {"p": None}, {"p": AT2}, True, id="another one moved what we forgot"),
    ],
)
def test_offsets_that_moved_otherwise_than_by_our_last_transaction_tell_of_a_second_owner(
    before: Offsets, attempted: Mapping[str, Offset | None], now: Offsets, moved: bool
) -> None:
    assert moved_by_another(before, attempted, now) is moved


def test_offsets_join_a_transaction_when_its_records_are_there_in_topics_that_may_not_be() -> None:
    """Others who read the offsets' topic would wait for the end of a transaction that cannot come to one."""
    fake = FakeProducer(Cluster())
    producer: Any = fake
    transactions = Transactions(
        Outbox(producer, Control(lambda event, facts: None), 1.0, 60.0), SourceOffsets("c"), "o", None
    )
    seen: list[list[str]] = []

    def polled() -> None:
        if fake.queue:
            seen.append([each.topic for each in fake.queue])
        fake.broker_answers = len(seen) > 3

    fake.when_polled = polled
    for topic in ("nowhere", "nowhere", "elsewhere"):
        transactions.begin()
        transactions.outbox.write(topic, b"1", b"k")
        transactions.note({"p": ({"p": 1}, AT1)})
        assert transactions.commit()
    assert seen[:5] == [["nowhere"]] * 4 + [["o"]]
    assert seen[5:] == [["nowhere", "o"], ["elsewhere"], ["o"]]


@pytest.mark.parametrize("ending", ["commit", "take_back"])
def test_a_producer_that_has_lost_a_connection_is_worn_when_its_transaction_has_ended(ending: str) -> None:
    """The request that ended it may have been sent twice, and the first copy may be under way."""
    producer: Any = FakeProducer(Cluster())
    outbox, lost = Outbox(producer, Control(lambda event, facts: None), 1.0, 60.0), [False]
    transactions = Transactions(outbox, SourceOffsets("c"), "o", None, cut_off=lambda: lost[0])
    worn = []
    for now in (False, True):
        lost[0] = now
        transactions.begin()
        transactions.note({"p": ({"p": 1}, AT1)})
        before = transactions.worn
        assert getattr(transactions, ending)()
        worn.append((before, transactions.worn))
    assert worn == [(False, False), (False, True)]


def test_a_topic_that_the_broker_refuses_fails_the_task_and_any_other_loss_is_what_it_was() -> None:
    fake = FakeProducer(Cluster())
    producer: Any = fake
    transactions = Transactions(
        Outbox(producer, Control(lambda event, facts: None), 1.0, 60.0), SourceOffsets("c"), "o", None
    )
    undelivered = KafkaException(KafkaError(KafkaError._INCONSISTENT, "1 message(s) failed delivery"))
    transactions.begin()
    for topic in ("a good one", "no good one"):
        transactions.outbox.write(topic, b"1", b"k")
    assert transactions.cause(undelivered) is undelivered
    fake.refuses["no good one"] = KafkaError.TOPIC_EXCEPTION
    with pytest.raises(TaskError, match=r"does not accept a topic of that name, and trying again .* TOPIC_EXCEPTION"):
        transactions.cause(undelivered)
    refused = KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert transactions.cause(refused) is refused, "the client says the reason, and not of which topic"
    fake.fails["list_topics"] = failed(KafkaError._TRANSPORT)
    fake.refuses = {"a good one": KafkaError.TOPIC_EXCEPTION}
    assert transactions.cause(undelivered) is undelivered, "the broker could not be asked"
    transactions.abandon()
    assert transactions.cause(undelivered) is undelivered, "it is of no transaction any more"
