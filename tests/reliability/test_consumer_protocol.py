"""Sinks in groups of the consumer protocol (KIP-848): kills, sleepers, several owners, and the way there and back.

The broker waits for its session's end before it gives a killed task's partitions away, and takes late commits of
members that no longer own what they commit for.
"""

import json
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.connectors.s3.s3_task import World
from tests.reliability.flows import Config, Table, committed, file_sink, keys, lines, rows, s3_sink, sql_sink
from tests.reliability.test_zombies import go_on, stop, two_workers
from tests.running import Worker, create_topic, produce, send, settings, until, worker

CONSUMER = {"consumer.override.group.protocol": "consumer"}
PARTITIONS = 4


@dataclass
class Flow:
    """A sink, and what came of the numbers that went into its topic."""

    config: Config
    found: Callable[[], Sequence[int]]
    locked: bool = False
    """Whether a successor waits until the former owner is gone."""

    def has(self, count: int) -> None:
        """Waits for the numbers up to this one; each must be there once."""
        until(lambda: len(self.found()) >= count, 120, f"{count} to come out")
        assert Counter(self.found()) == Counter(range(count))


@pytest.fixture(params=["sql", "s3", "file"])
def flow(request: pytest.FixtureRequest, unique: str, tmp_path: Path) -> Flow:
    """One sink of each kind that keeps its truth outside the group."""
    if request.param == "sql":
        url = request.getfixturevalue("postgres")
        return Flow(sql_sink(unique, url) | CONSUMER, Table(url, unique).ids)
    if request.param == "s3":
        bucket = World(request.getfixturevalue("stack")["s3"], unique)
        return Flow(s3_sink(unique, bucket.url, unique) | CONSUMER, lambda: archived(bucket))
    file = tmp_path / "out.txt"
    values = {"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
    return Flow(
        file_sink(unique, file) | values | CONSUMER, lambda: [number(each) for each in lines(file)], locked=True
    )


def archived(bucket: World) -> list[int]:
    """The numbers in all objects; the values have a schema of their own around them."""
    return [int((each.get("payload") or each)["id"]) for found in bucket.contents().values() for each in found]


def number(line: bytes) -> int:
    """The number of a line, which is a struct as Java prints it."""
    return int(line.partition(b"id=")[2].partition(b",")[0] or json.loads(line)["id"])


def feed(kafka: str, topic: str, first: int, last: int) -> None:
    produce(kafka, topic, rows(first, last), keys(range(last - first)))


def test_a_sleeper_that_wakes_up_behind_its_successor_adds_nothing(
    tmp_path: Path, kafka: str, unique: str, flow: Flow
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    with two_workers(tmp_path, kafka, unique) as (first, second):
        first.create(flow.config)
        feed(kafka, unique, 0, 60)
        flow.has(60)
        feed(kafka, unique, 60, 120)
        stop(first, unique)
        try:
            second.create(flow.config)
            if flow.locked:
                until(
                    lambda: second.states(unique)[1:] and "holds its lock" in second.said,
                    60,
                    "the lock to be asked for",
                )
            else:
                flow.has(120)
        finally:
            go_on(first, unique)
        feed(kafka, unique, 120, 180)
        flow.has(180)


def test_partitions_move_one_by_one_between_tasks_that_come_and_go(
    tmp_path: Path, kafka: str, unique: str, flow: Flow
) -> None:
    if flow.locked:
        pytest.skip("its sink has one task")
    create_topic(kafka, unique, PARTITIONS)
    count = 0
    with worker(tmp_path, settings(kafka, unique)) as running:
        for tasks in ("1", "3", "2", "4", "1"):
            running.call("PUT", f"/connectors/{unique}/config", flow.config | {"tasks.max": tasks})
            feed(kafka, unique, count, count + 60)
            count += 60
            flow.has(count)
            until(lambda tasks=tasks: running.states(unique) == ["RUNNING"] * (int(tasks) + 1))  # type: ignore[misc]


def test_a_group_goes_over_to_the_consumer_protocol_and_back(
    tmp_path: Path, kafka: str, unique: str, flow: Flow
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    classic = flow.config | {"consumer.override.group.protocol": "classic"}
    with worker(tmp_path, settings(kafka, unique)) as running:
        for round, config in enumerate((classic, flow.config, classic, flow.config)):
            running.call("PUT", f"/connectors/{unique}/config", config)
            feed(kafka, unique, round * 40, round * 40 + 40)
            flow.has(round * 40 + 40)
        assert protocols(kafka, unique) == ["CONSUMER"]
        running.call("PUT", f"/connectors/{unique}/stop", expect=204)
        running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)
        running.call("PUT", f"/connectors/{unique}/resume", expect=202)
        until(lambda: len(flow.found()) == 320, 60, "everything to come out again")


def protocols(kafka: str, name: str) -> list[str]:
    """The type of a connector's consumer group."""
    found = AdminClient({"bootstrap.servers": kafka}).list_consumer_groups().result().valid
    return [each.type.name for each in found if each.group_id == f"connect-{name}"]


def test_late_commits_of_a_member_that_owns_nothing_any_more_are_taken_and_do_no_harm(
    tmp_path: Path, kafka: str, unique: str, flow: Flow
) -> None:
    """What KIP-1251 is to end; should the broker refuse the commit, this test has nothing left to say."""
    create_topic(kafka, unique, PARTITIONS)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(flow.config)
        feed(kafka, unique, 0, 60)
        flow.has(60)
        until(lambda: committed(running, unique) == 60)
        early = noted(kafka, unique)
        feed(kafka, unique, 60, 120)
        flow.has(120)
        until(lambda: committed(running, unique) == 120)
        with closing(Consumer(member_of(kafka, unique))) as late:
            late.subscribe([f"{unique}-none"])
            until(lambda: late.poll(0.1) is None and accepted(late, early), 60, "the late commit to be taken")
        assert committed(running, unique) == 60
        send(running.pids(unique)[-1], signal.SIGKILL)
        feed(kafka, unique, 120, 180)
        flow.has(180)


def member_of(kafka: str, name: str) -> dict[str, str | bool]:
    """A member of a connector's group."""
    return {
        "bootstrap.servers": kafka,
        "group.id": f"connect-{name}",
        "group.protocol": "consumer",
        "enable.auto.commit": False,
    }


def noted(kafka: str, name: str) -> list[TopicPartition]:
    """The offsets of a connector's group, with what is noted beside them."""
    with closing(Consumer(member_of(kafka, name))) as reader:
        return reader.committed([TopicPartition(name, number) for number in range(PARTITIONS)], timeout=30)


def accepted(late: Consumer, offsets: Sequence[TopicPartition]) -> bool:
    """Whether a member's commit is taken; not before it has joined."""
    again = [TopicPartition(each.topic, each.partition, each.offset, each.metadata) for each in offsets]
    try:
        return all(each.error is None for each in late.commit(offsets=again, asynchronous=False) or [])
    except KafkaException:
        return False


def test_what_keeps_its_truth_in_the_groups_metadata_is_refused(
    kafka: str, running: Worker, unique: str, stack: dict[str, str]
) -> None:
    mail = {
        "name": unique,
        "connector.class": "EmailSink",
        "topics": unique,
        "smtp.host": "127.0.0.1",
        "mail.from": "a@example.org",
        "mail.to": "b@example.org",
        "mail.subject": "s",
        "mail.text": "t",
    }
    without = s3_sink(unique, stack["s3"], unique, **{"enable.conditional.writes": "false"})
    for config in (mail, without):
        said = running.call("POST", "/connectors", {"name": unique, "config": config | CONSUMER}, expect=400)
        assert "consumer.override.group.protocol must be classic" in said["message"]


def test_a_task_that_is_killed_is_succeeded_when_its_session_is_over(
    tmp_path: Path, kafka: str, unique: str, flow: Flow, long: bool
) -> None:
    create_topic(kafka, unique, PARTITIONS)
    with worker(tmp_path, settings(kafka, unique)) as running:
        running.create(flow.config)
        feed(kafka, unique, 0, 60)
        flow.has(60)
        for round in range(1, 8 if long else 2):
            feed(kafka, unique, round * 60, round * 60 + 60)
            send(running.pids(unique)[-1], signal.SIGKILL)
            flow.has(round * 60 + 60)
        until(lambda: running.states(unique) == ["RUNNING", "RUNNING"])
