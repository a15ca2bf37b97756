"""The partitions of tasks that are gone for good do not stand still behind a worker that is killed or frozen."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.plugin_folder import installed
from tests.running import Worker, create_topic, distributed, group, produce, send, until
from tests.worker.test_places_in_groups import PLUGIN

LONG = "1000000"
"""Milliseconds that a consumer's session lasts: longer than any test."""


@pytest.fixture
def workers(kafka: str, unique: str, tmp_path: Path) -> Iterator[list[Worker]]:
    home = installed(tmp_path, "telling", PLUGIN, "TellingSink")
    with group(tmp_path, distributed(kafka, unique), 2, PYTHONPATH=str(home)) as both:
        yield both


@pytest.fixture
def sink(workers: list[Worker], kafka: str, unique: str) -> dict[str, str]:
    """A sink with four tasks on two workers, a partition each, which have read a record."""
    create_topic(kafka, unique, 4)
    config = {
        "name": unique,
        "connector.class": "TellingSink",
        "topics": unique,
        "tasks.max": "4",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "consumer.override.session.timeout.ms": LONG,
        "consumer.override.max.poll.interval.ms": LONG,
    }
    workers[0].create(config)
    until(lambda: len(set(owners(workers[0], unique))) == 2, 60, "its tasks to run on both workers")
    all_arrive(workers, kafka, unique, "first")
    return config


def owners(worker: Worker, name: str) -> list[str]:
    """The workers of its tasks, once all four run."""
    found = worker.call("GET", f"/connectors/{name}/status").get("tasks", [])
    ids = [each["worker_id"] for each in found if each["state"] == "RUNNING"]
    return ids if len(ids) == 4 else []


def without_task_0(workers: list[Worker], name: str) -> tuple[Worker, Worker]:
    """The worker that has not the connector's first task, and the other one."""
    first = owners(workers[0], name)[0]
    one, other = workers
    return (one, other) if one.id != first else (other, one)


def all_arrive(workers: list[Worker], kafka: str, topic: str, value: str) -> None:
    """What is put into each partition is read."""
    for partition in range(4):
        produce(kafka, topic, [value.encode()], partition=partition)
    for partition in range(4):
        expected = f"{topic} {partition} {value!r}"
        until(lambda expected=expected: any(expected in each.said for each in workers), 60, expected)  # type: ignore[misc]


def has_tasks(worker: Worker, config: dict[str, str], tasks_max: str) -> bool:
    """Asks for so many tasks; false while the group has not noticed that a worker is gone."""
    answer = worker.call("PUT", f"/connectors/{config['name']}/config", config | {"tasks.max": tasks_max})
    return "error_code" not in answer


def members(admin: AdminClient, name: str) -> int:
    return len(admin.describe_consumer_groups([f"connect-{name}"])[f"connect-{name}"].result().members)


def test_the_tasks_that_are_left_read_the_partitions_of_those_that_died_with_their_worker(
    workers: list[Worker], kafka: str, sink: dict[str, str], unique: str
) -> None:
    dies, stays = without_task_0(workers, unique)
    dies.kill()
    until(lambda: has_tasks(stays, sink, "1"), 60, "the group to go on")
    all_arrive(workers, kafka, unique, "second")


def test_nobody_is_left_in_the_group_of_a_connector_that_is_deleted_when_a_worker_is_dead(
    workers: list[Worker], admin: AdminClient, sink: dict[str, str], unique: str
) -> None:
    dies, stays = without_task_0(workers, unique)
    dies.kill()
    until(lambda: stays.call("DELETE", f"/connectors/{unique}") is None, 60, "the group to go on")
    until(lambda: members(admin, unique) == 0, 60, "the group to be empty")


def test_the_tasks_that_are_left_read_the_partitions_of_those_whose_worker_stands_still(
    workers: list[Worker], kafka: str, admin: AdminClient, sink: dict[str, str], unique: str
) -> None:
    frozen, stays = without_task_0(workers, unique)
    assert frozen.process is not None
    send(frozen.process.pid, signal.SIGSTOP)
    try:
        until(lambda: has_tasks(stays, sink, "1"), 60, "the group to go on")
        all_arrive(workers, kafka, unique, "second")
        until(lambda: members(admin, unique) == 1, 60, "only one to be in the group")
    finally:
        send(frozen.process.pid, signal.SIGCONT)
    until(lambda: has_tasks(stays, sink, "4"), 60, "the group to go on")
    until(lambda: len(set(owners(stays, unique))) == 2, 60, "its tasks to run on both workers")
    all_arrive(workers, kafka, unique, "third")
