"""A sink's task that could not leave its group itself does not keep its partitions when it is gone for good."""

import re
import signal
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient

from tests.plugin_folder import installed
from tests.running import Worker, borrowed, create_topic, fresh, produce, send, settings, until, worker

PLUGIN = """
from ferryman.api import Sink
from ferryman.connector import SinkConfig

class TellingSink(Sink[SinkConfig]):
    config_class = SinkConfig

    def put(self, records):
        for record in records:
            print(f"{record.topic} {record.partition} {record.value!r}", flush=True)
"""
Config = dict[str, str]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    directory = tmp_path_factory.mktemp("places")
    home = installed(directory, "telling", PLUGIN, "TellingSink")
    chosen = settings(kafka, fresh("places"), task_shutdown_graceful_timeout_ms="500")
    with worker(directory, chosen, PYTHONPATH=str(home)) as one:
        yield one


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    with borrowed(lasting, unique) as one:
        yield one


@pytest.fixture
def sink(running: Worker, kafka: str, unique: str) -> Config:
    """A sink with two tasks, a partition each; one hangs, and its session in the group lasts a quarter of an hour."""
    create_topic(kafka, unique, 2)
    config = {
        "name": unique,
        "connector.class": "TellingSink",
        "topics": unique,
        "tasks.max": "2",
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        "consumer.override.session.timeout.ms": "1000000",
        "consumer.override.max.poll.interval.ms": "1000000",
    }
    running.create(config)
    until(lambda: running.states(unique) == ["RUNNING"] * 3, 60, "its tasks to run")
    all_arrive(running, kafka, unique, "first")
    (hanging,) = re.findall(rf"task {unique}-1 runs as process (\d+)", running.said)
    send(int(hanging), signal.SIGSTOP)
    return config


def all_arrive(running: Worker, kafka: str, topic: str, value: str) -> None:
    """What is put into each partition is read."""
    for partition in range(2):
        produce(kafka, topic, [value.encode()], partition=partition)
        expected = f"{topic} {partition} {value!r}"
        until(lambda expected=expected: expected in running.said, 60, expected)  # type: ignore[misc]


def members(admin: AdminClient, group: str) -> int:
    return len(admin.describe_consumer_groups([group])[group].result().members)


def test_the_tasks_that_are_left_read_its_partitions(running: Worker, kafka: str, sink: Config, unique: str) -> None:
    running.call("PUT", f"/connectors/{unique}/config", sink | {"tasks.max": "1"}, expect=200)
    all_arrive(running, kafka, unique, "second")


def test_the_offsets_of_a_stopped_connector_can_be_reset(
    running: Worker, admin: AdminClient, sink: Config, unique: str
) -> None:
    running.call("PUT", f"/connectors/{unique}/stop", expect=204)
    until(lambda: members(admin, f"connect-{unique}") == 0, 60, "the group to be empty")
    running.call("DELETE", f"/connectors/{unique}/offsets", expect=200)


def test_one_that_is_to_come_back_has_its_place_at_once(running: Worker, kafka: str, sink: Config, unique: str) -> None:
    running.call("PUT", f"/connectors/{unique}/config", sink | {"errors.log.enable": "true"}, expect=200)
    all_arrive(running, kafka, unique, "second")
