"""Groups and configs that a member has no place in, and the way back."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer

from ferryman.membership import member
from tests.membership.workers import Group, Worker, group
from tests.running import create_topic, until


@pytest.fixture
def workers(kafka: str, unique: str) -> Iterator[Group]:
    with group(kafka, unique, a=2) as made:
        yield made


def test_a_consumer_group_is_refused_until_its_consumers_are_gone(workers: Group) -> None:
    create_topic(workers.kafka, workers.name)
    consumer = Consumer({"bootstrap.servers": workers.kafka, "group.id": workers.name})
    consumer.subscribe([workers.name])
    until(lambda: consumer.poll(0.05) or consumer.assignment(), 60, "the consumer's assignment")
    workers.join("w1")
    until(lambda: workers.members["w1"].failure, 60, "the reason")
    assert "InconsistentGroupProtocolError" in str(workers.members["w1"].failure)
    consumer.close()
    workers.settle()
    assert workers.members["w1"].failure is None


def test_what_keeps_a_worker_out_is_said_again_after_a_minute(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    monkeypatch.setattr(member, "boot_time", lambda: now[0])
    nobody = Group("127.0.0.1:9", "g")
    kept_out = member.Member(nobody.settings("w1"), Worker(nobody.configs))
    said = []
    for now[0] in (1000.0, 1005.0, 1059.0, 1061.0, 1066.0):
        kept_out._failed("a Kafka Connect worker is there", 5.0)
        said.append(caplog.text.count("This worker is in no group: a Kafka Connect worker is there"))
    assert said == [1, 1, 1, 2, 2]
    kept_out._failed("something else", 5.0)
    assert "This worker is in no group: something else" in caplog.text


def test_a_session_timeout_that_the_broker_does_not_take_is_named(workers: Group) -> None:
    workers.join("w1", session_timeout=500)
    until(lambda: workers.members["w1"].failure, 60, "the reason")
    assert "InvalidSessionTimeoutError" in str(workers.members["w1"].failure)


def test_a_worker_that_is_behind_reads_on_before_it_is_told_its_work(workers: Group) -> None:
    workers.join("w1")
    workers.settle()
    behind = workers.join("w2")
    behind.behind = 1
    workers.members["w1"].rejoin("a test")
    workers.settle()
    heard = [what for _, what, _ in behind.heard]
    assert "catch up" not in heard or heard.index("catch up") < len(heard) - 1 - heard[::-1].index("assigned")


def test_a_leader_that_knows_less_than_another_reads_on_and_gives_out_then(workers: Group) -> None:
    leader = workers.join("w1")
    workers.settle()
    workers.configs.change(a=2, b=2)
    leader.behind = 1
    workers.join("w2")
    workers.settle()
    assert leader.times("catch up") >= 1
    assert leader.times("lost") == 0


def test_one_that_cannot_catch_up_gives_up_its_work_and_stays_out_for_a_while(workers: Group) -> None:
    workers.join("w1")
    workers.settle()
    stuck = workers.workers["w2"] = workers.join("w2")
    workers.settle()
    had = stuck.held
    stuck.can_catch_up, stuck.behind = False, 5
    workers.change(a=4)
    until(lambda: stuck.times("revoked"), 60, "the work to be given up")
    assert stuck.last("revoked").both(had) or stuck.times("revoked")
    until(lambda: "was not read up to offset" in str(workers.members["w2"].failure), 60, "the reason")
    stuck.can_catch_up = True
    workers.settle()
    assert workers.members["w2"].failure is None
