"""Writes to the config topic lie in the order that readers rely on, and add up; what Kafka does not take is told."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from ferryman.errors import FencedError, RequestError
from ferryman.facts.config_records import LoggerLevel, RestartRequest, SessionKey
from ferryman.facts.fold import Event, Facts
from ferryman.facts.states import TargetState
from ferryman.internal_topics import config_topic, of_worker
from ferryman.internal_topics.config_topic import ConfigTopic
from ferryman.internal_topics.kafka_log import KafkaLog, LogRecord
from ferryman.internal_topics.writers import FencedWriter
from tests.internal_topics.logs import SOON, distributed, make

CONFIG = {"name": "c", "tasks.max": "2"}
TASKS = [{"task": "0"}, {"task": "1"}]


Failing = tuple[Callable[[], None], str]
"""A write, and what is said when it fails."""


@dataclass
class Group:
    """One worker's view of the config topic."""

    topic: ConfigTopic
    log: KafkaLog
    leader: FencedWriter | None
    facts: Facts
    keys: list[str]
    """The keys of all records, in order."""
    events: list[Event]


def group(kafka: str, name: str, support: str) -> Group:
    worker = distributed(kafka, name, exactly_once_source_support=support)
    make(kafka, worker.distributed.config_storage_topic)
    facts, keys, events = Facts(), list[str](), list[Event]()

    def received(records: Sequence[LogRecord]) -> None:
        keys.extend((each.key or b"").decode() for each in records)
        for record, offset in config_topic.decoded(records):
            events.extend(facts.apply(record, offset))

    log, leader = of_worker.config_log(worker, received), of_worker.leader_writer(worker)
    log.start()
    if leader is not None:
        leader.claim(SOON)
    return Group(ConfigTopic(log, leader), log, leader, facts, keys, events)


@pytest.fixture(params=["disabled", "preparing"])
def made(request: pytest.FixtureRequest, kafka: str, unique: str) -> Iterator[Group]:
    found = group(kafka, unique, request.param)
    yield found
    found.log.close()


def test_a_connectors_life_is_written_in_the_order_that_readers_rely_on(made: Group) -> None:
    made.topic.put_connector("c", CONFIG, TargetState.PAUSED)
    assert (made.facts.names(), made.facts.of("c").target) == (["c"], TargetState.PAUSED)
    made.topic.put_tasks("c", TASKS)
    assert made.facts.of("c").tasks == tuple(TASKS)
    made.topic.put_fencing("c", 2)
    made.topic.put_target("c", TargetState.STOPPED)
    made.topic.refresh(SOON)
    assert made.facts.of("c").target is TargetState.STOPPED
    made.topic.put_tasks("c", [])
    assert made.facts.of("c").tasks == ()
    made.topic.delete_connector("c")
    assert made.facts.names() == []
    assert made.keys == [
        *("target-state-c", "connector-c", "task-c-0", "task-c-1", "commit-c", "tasks-fencing-c", "target-state-c"),
        *("commit-c", "connector-c", "target-state-c"),
    ]


def test_keys_and_wishes_for_once_reach_all_workers(made: Group) -> None:
    key, restart, level = SessionKey(b"k", "HmacSHA256", 1), RestartRequest("c", True, False), LoggerLevel("l", "DEBUG")
    made.topic.put_session_key(key)
    assert made.facts.session_key == key
    made.topic.put_restart(restart)
    made.topic.put_logger(level)
    made.topic.refresh(SOON)
    assert made.events == [key, restart, level]


def test_a_former_leader_may_still_say_what_is_wanted_and_nothing_more(kafka: str, unique: str) -> None:
    former = group(kafka, unique, "enabled")
    try:
        former.topic.put_connector("c", CONFIG)
        later = of_worker.leader_writer(distributed(kafka, unique, exactly_once_source_support="enabled"))
        assert later is not None
        later.claim(SOON)
        with pytest.raises(FencedError):
            former.topic.put_connector("c", {})
        with pytest.raises(FencedError):
            former.topic.put_tasks("c", TASKS)
        former.topic.put_target("c", TargetState.PAUSED)
        former.topic.refresh(SOON)
        assert former.keys == ["connector-c", "target-state-c"]
    finally:
        former.log.close()


def test_what_kafka_does_not_take_is_a_failed_request_in_kafkas_words(
    made: Group, caplog: pytest.LogCaptureFixture
) -> None:
    large = {"k": "x" * 2_000_000}
    writes: list[Failing] = [
        (lambda: made.topic.put_connector("c", large), "Error writing connector configuration to Kafka"),
        (lambda: made.topic.put_tasks("c", [large]), "Error writing task configurations to Kafka"),
    ]
    for write, text in writes:
        with pytest.raises(RequestError) as refused:
            write()
        assert (refused.value.status, str(refused.value)) == (500, text)
        assert f"{text}: " in caplog.text
        assert "xxx" not in caplog.text
        if made.leader is not None:
            made.leader.claim(SOON)
    assert made.facts.names() == []


def test_when_nobody_reads_the_topic_any_more_every_write_fails_in_kafkas_words(made: Group) -> None:
    made.log.close()
    writes: list[Failing] = [
        (lambda: made.topic.delete_connector("c"), "Error removing connector configuration from Kafka"),
        (lambda: made.topic.put_tasks("c", []), "Error writing root configuration to Kafka"),
        (lambda: made.topic.put_fencing("c", 1), "Error writing task count record to Kafka"),
        (lambda: made.topic.put_session_key(SessionKey(b"k", "a", 1)), "Error writing session key to Kafka"),
        (
            lambda: made.topic.put_restart(RestartRequest("c", True, False)),
            "Error writing restart request {connectorName='c', onlyFailed=false, includeTasks=true} to Kafka",
        ),
    ]
    for write, text in writes:
        with pytest.raises(RequestError) as refused:
            write()
        assert (refused.value.status, str(refused.value)) == (500, text)


def test_records_of_others_in_the_topic_are_told_and_passed_over(made: Group, caplog: pytest.LogCaptureFixture) -> None:
    made.log.send([(b"connector-c", b"{"), (b"hello", b"{}"), (b"commit-c", b'{"tasks":"hush"}')], SOON)
    made.topic.put_connector("c", CONFIG)
    assert made.facts.names() == ["c"]
    assert "ignored offset 0 of the config topic: the record is not JSON" in caplog.text
    assert "the record hello at offset 1 is ignored" in caplog.text
    assert "hush" not in caplog.text
