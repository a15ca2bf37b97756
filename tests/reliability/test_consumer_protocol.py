"""Sinks in groups of the consumer protocol (KIP-848): kills, sleepers, several owners, and the way there and back.

The broker waits for its session's end before it gives a killed task's partitions away, and takes late commits of
members that no longer own what they commit for. One sink of each kind lives through each story, beside the others.
"""

import json
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupType, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.connectors.s3.s3_task import World
from tests.reliability.flows import Config, Table, committed, file_sink, keys, lines, rows, s3_sink, sql_sink
from tests.reliability.test_zombies import two_workers
from tests.running import Worker, create_topic, produce, send, settings, until, worker

CONSUMER = {"consumer.override.group.protocol": "consumer"}
PARTITIONS = 4


@dataclass
class Flow:
    """A sink, what goes into its topic, which has the sink's name, and what came of it."""

    kafka: str
    config: Config
    found: Callable[[], Sequence[int]]
    locked: bool = False
    """Whether it has one task, whose successor waits until it is gone."""
    count: int = 0

    @property
    def name(self) -> str:
        return self.config["name"]

    def feed(self) -> None:
        """Sixty more numbers go in."""
        produce(self.kafka, self.name, rows(self.count, self.count + 60), keys(range(60)))
        self.count += 60

    def has_all(self) -> None:
        """Waits for all numbers that went in; each must be there once."""
        until(lambda: len(self.found()) >= self.count, 120, f"{self.count} numbers to come out of {self.name}")
        assert Counter(self.found()) == Counter(range(self.count))


@dataclass
class Flows:
    """The flows of one test."""

    all: Sequence[Flow]

    def go_on(self) -> None:
        """More numbers go in, and come out."""
        self.feed()
        self.have_all()

    def feed(self) -> None:
        for flow in self.all:
            flow.feed()

    def have_all(self) -> None:
        for flow in self.all:
            flow.has_all()

    def put(self, running: Worker, **more: str) -> None:
        """Creates the connectors, or gives them other configs."""
        chosen = {key.replace("_", "."): value for key, value in more.items()}
        for flow in self.all:
            running.call("PUT", f"/connectors/{flow.name}/config", flow.config | chosen)

    def tasks(self, running: Worker) -> list[int]:
        """The pids of their only tasks."""
        return [running.pids(flow.name)[-1] for flow in self.all]

    def run(self, running: Worker) -> bool:
        """Whether all are well."""
        return all(set(running.states(flow.name)) == {"RUNNING"} for flow in self.all)


@pytest.fixture
def flows(kafka: str, postgres: str, stack: dict[str, str], unique: str, tmp_path: Path) -> Flows:
    """One sink of each kind that keeps its truth outside the group."""
    bucket, file = World(stack["s3"], f"{unique}-s3"), tmp_path / "out.txt"
    values = {"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
    into_file = file_sink(f"{unique}-file", file) | values
    made = [
        Flow(kafka, sql_sink(f"{unique}-sql", postgres) | CONSUMER, Table(postgres, f"{unique}-sql").ids),
        Flow(kafka, s3_sink(f"{unique}-s3", bucket.url, f"{unique}-s3") | CONSUMER, lambda: archived(bucket)),
        Flow(kafka, into_file | CONSUMER, lambda: [number(each) for each in lines(file)], locked=True),
    ]
    for flow in made:
        create_topic(kafka, flow.name, PARTITIONS)
    return Flows(made)


def archived(bucket: World) -> list[int]:
    """The numbers in all objects; without schemas the values are envelopes."""
    return [int((each.get("payload") or each)["id"]) for found in bucket.contents().values() for each in found]


def number(line: bytes) -> int:
    """The number of a line, which is a map as Java prints it."""
    return int(line.partition(b"id=")[2].partition(b",")[0] or json.loads(line)["id"])


def test_tasks_that_are_killed_are_succeeded_when_their_sessions_are_over(
    tmp_path: Path, kafka: str, unique: str, flows: Flows, long: bool
) -> None:
    with worker(tmp_path, settings(kafka, unique)) as running:
        flows.put(running)
        flows.go_on()
        for _ in range(8 if long else 1):
            flows.feed()
            for pid in flows.tasks(running):
                send(pid, signal.SIGKILL)
            flows.have_all()
            until(lambda: flows.run(running))


def test_sleepers_that_wake_up_behind_their_successors_add_nothing(
    tmp_path: Path, kafka: str, unique: str, flows: Flows
) -> None:
    with two_workers(tmp_path, kafka, unique) as (first, second):
        flows.put(first)
        flows.go_on()
        flows.feed()
        assert first.process is not None
        asleep = [first.process.pid, *flows.tasks(first)]
        for pid in asleep:
            send(pid, signal.SIGSTOP)
        try:
            flows.put(second)
            until(lambda: "holds its lock" in second.said, 60, "the file's lock to be asked for")
            for flow in flows.all:
                if not flow.locked:
                    flow.has_all()
        finally:
            for pid in asleep:
                send(pid, signal.SIGCONT)
        flows.go_on()


def test_partitions_move_one_by_one_between_tasks_that_come_and_go(
    tmp_path: Path, kafka: str, unique: str, flows: Flows, long: bool
) -> None:
    several = Flows([flow for flow in flows.all if not flow.locked])
    with worker(tmp_path, settings(kafka, unique)) as running:
        for tasks in ("1", "3", "2", "4", "1") if long else ("1", "3", "2"):
            several.feed()
            several.put(running, tasks_max=tasks)
            several.go_on()
            until(lambda: several.run(running))


def test_groups_go_over_to_the_consumer_protocol_and_back(
    tmp_path: Path, kafka: str, unique: str, flows: Flows
) -> None:
    with worker(tmp_path, settings(kafka, unique)) as running:
        for protocol in ("classic", "consumer", "classic", "consumer"):
            flows.put(running, consumer_override_group_protocol=protocol)
            flows.go_on()
        for flow in flows.all:
            assert is_of_consumer_protocol(kafka, flow.name)
            running.call("PUT", f"/connectors/{flow.name}/stop", expect=204)
            running.call("DELETE", f"/connectors/{flow.name}/offsets", expect=200)
            running.call("PUT", f"/connectors/{flow.name}/resume", expect=202)
        for flow in flows.all:
            until(lambda flow=flow: len(flow.found()) == 2 * flow.count, 60, "all to come out again")  # type: ignore[misc]


def is_of_consumer_protocol(kafka: str, name: str) -> bool:
    """Whether a connector's group is."""
    admin = AdminClient({"bootstrap.servers": kafka})
    found = admin.list_consumer_groups(types={ConsumerGroupType.CONSUMER}).result().valid
    return f"connect-{name}" in [each.group_id for each in found]


def test_late_commits_of_members_that_own_nothing_any_more_do_no_harm(
    tmp_path: Path, kafka: str, unique: str, flows: Flows
) -> None:
    """The broker takes them, until KIP-1251."""
    with worker(tmp_path, settings(kafka, unique)) as running:
        flows.put(running)
        flows.go_on()
        until(lambda: all(committed(running, flow.name) == flow.count for flow in flows.all))
        early = {flow.name: noted(kafka, flow.name) for flow in flows.all}
        flows.go_on()
        until(lambda: all(committed(running, flow.name) == flow.count for flow in flows.all))
        for flow in flows.all:
            with closing(Consumer(member_of(kafka, flow.name))) as late:
                late.subscribe([f"{flow.name}-none"])
                until(lambda: late.poll(0.1) is None and taken(late, early[flow.name]), 60, "the commit to be taken")  # noqa: B023
            assert committed(running, flow.name) < flow.count
        for pid in flows.tasks(running):
            send(pid, signal.SIGKILL)
        flows.go_on()


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


def taken(late: Consumer, offsets: Sequence[TopicPartition]) -> bool:
    """Whether a member's commit is; not before it has joined."""
    again = [TopicPartition(each.topic, each.partition, each.offset, each.metadata) for each in offsets]
    try:
        return all(each.error is None for each in late.commit(offsets=again, asynchronous=False) or [])
    except KafkaException:
        return False


def test_what_keeps_its_truth_in_the_groups_metadata_is_refused(
    running: Worker, unique: str, stack: dict[str, str]
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
