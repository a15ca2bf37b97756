"""What ExactlyOnceSourceIntegrationTest asks of a worker: records in transactions, former tasks and leaders fenced."""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Message, Producer

from tests.kafkatest.configs import source
from tests.kafkatest.connect import Config, Connect, cluster, worker_settings
from tests.kafkatest.test_offsets_api import of_source, stand_at
from tests.kafkatest.whose import Whose
from tests.running import consume, create_topic, until

SETTINGS = {"exactly_once_source_support": "enabled", "offset_flush_interval_ms": "600000"}
pytestmark = [pytest.mark.modes("distributed"), pytest.mark.settings(**SETTINGS)]
RECORDS = 300


def counting(topic: str, **more: str) -> Config:
    """A source that counts as fast as it can, a hundred a poll."""
    return source(topic, throughput="-1", messages_per_poll="100", **more)


def numbers(messages: Sequence[Message]) -> dict[int, list[int]]:
    """By task, sorted: several partitions tell nothing of the order between them."""
    found = defaultdict(list)
    for message in messages:
        _, _, task, number = (message.value() or b"").decode().split("-")
        found[int(task)].append(int(number))
    return {task: sorted(each) for task, each in found.items()}


def stops(connect: Connect, name: str, tasks: int) -> None:
    """Deletes a source, and waits for the end of its tasks."""
    connect.delete(name)
    connect.is_gone(name)
    until(lambda: len(connect.stops(name)) >= tasks, what="the end of its tasks")


REQUIRED = {"exactly.once.support": "required"}
BOUNDARY = {**REQUIRED, "custom.exactly.once.support": "supported", "transaction.boundary": "connector"}


def test_a_source_is_asked_what_it_can_guarantee(other: Connect, unique: str) -> None:
    config = {**counting(unique), "name": unique}

    def wrong(**more: str) -> list[str]:
        return list(other.validated({**config, **{key.replace("_", "."): value for key, value in more.items()}}))

    for word in ("null", "unsupported", "fail"):
        assert wrong(**REQUIRED, custom_exactly_once_support=word) == ["exactly.once.support"]
        assert wrong(**BOUNDARY, custom_transaction_boundaries=word) == ["transaction.boundary"]
    assert wrong(**REQUIRED, custom_exactly_once_support="supported") == []
    assert wrong(**BOUNDARY, custom_transaction_boundaries="supported") == []


@pytest.mark.parametrize("boundary", ["poll", "interval"])
def test_each_record_is_there_once_whatever_ends_a_transaction(
    other: Connect, kafka: str, unique: str, boundary: str
) -> None:
    create_topic(kafka, unique, 3)
    config = counting(unique, tasks_max="1", max_messages=str(RECORDS), transaction_boundary=boundary)
    if boundary == "interval":
        config["transaction.boundary.interval.ms"] = "2000"
    other.configure(unique, config)
    other.runs(unique, 1)
    stand_at(other, unique, [of_source(unique, 0, RECORDS)])
    stops(other, unique, 1)
    assert numbers(consume(kafka, unique)) == {0: list(range(1, RECORDS + 1))}


def test_a_connector_that_ends_transactions_itself_may_abort_them(other: Connect, kafka: str, unique: str) -> None:
    config = counting(unique, tasks_max="1", max_messages="233") | BOUNDARY
    config["custom.transaction.boundaries"] = "supported"
    create_topic(kafka, unique, 3)
    other.configure(unique, config)
    stand_at(other, unique, [of_source(unique, 0, 233)])
    ends = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233]
    kept = [range(first + 1, last + 1) for first, last in zip([0, *ends], ends, strict=False) if last % 2]
    assert numbers(consume(kafka, unique)) == {0: [number for each in kept for number in each]}
    assert written(kafka, other.settings["offset.storage.topic"], unique) == ends


def written(kafka: str, topic: str, connector: str) -> list[int]:
    """The offsets of a connector in an offsets topic, in order."""
    found = [(json.loads(each.key() or b"[null]"), json.loads(each.value() or b"{}")) for each in consume(kafka, topic)]
    return [value["saved"] for key, value in found if key[0] == connector]


def test_a_leader_that_was_fenced_leads_again(other: Connect, kafka: str, unique: str) -> None:
    group = other.settings["group.id"]
    Producer({"bootstrap.servers": kafka, "transactional.id": f"connect-cluster-{group}"}).init_transactions(60)
    config = counting(unique, tasks_max="1", max_messages=str(RECORDS))
    first = other.ask("PUT", f"/connectors/{unique}/config", config)
    if first.status_code not in {200, 201}:
        assert first.status_code == 500, first.text
        other.configure(unique, config)
    other.runs(unique, 1)
    stand_at(other, unique, [of_source(unique, 0, RECORDS)])
    stops(other, unique, 1)
    assert numbers(consume(kafka, unique)) == {0: list(range(1, RECORDS + 1))}


@pytest.mark.long
def test_former_tasks_are_fenced_when_there_are_more_or_fewer_of_them(other: Connect, kafka: str, unique: str) -> None:
    create_topic(kafka, unique, 3)
    other.configure(unique, source(unique, tasks_max="3", throughput="50"))
    other.runs(unique, 3)
    before = 3
    for turn, after in enumerate((5, 1, 5, 3)):
        former = [zombie(kafka, f"{other.settings['group.id']}-{unique}-{number}") for number in range(before)]
        other.configure(unique, source(unique, tasks_max=str(after), throughput="50") | {f"turn.{turn}": "new"})
        start_with(other, f"turn.{turn}", after)
        other.runs(unique, after)
        assert all(is_fenced(each, unique) for each in former), f"from {before} to {after} tasks"
        before = after
    until(lambda: set(numbers(consume(kafka, unique))) == set(range(5)), what="records of each task", pause=1)
    stops(other, unique, 3)
    for task, found in numbers(consume(kafka, unique)).items():
        assert found == list(range(1, len(found) + 1)), f"task {task}"


def start_with(connect: Connect, key: str, tasks: int) -> None:
    """Waits until so many tasks have started whose configs have a key; until then former ones may run."""
    line = re.compile(rf"Started \S+ task (\S+) with properties .*\b{re.escape(key)}\b")
    until(lambda: len(set(line.findall(connect.plugins_said))) >= tasks, what="the start of the new tasks")


def zombie(kafka: str, identity: str) -> Producer:
    """A producer that takes the identity of a task."""
    made = Producer({"bootstrap.servers": kafka, "transactional.id": identity})
    made.init_transactions(60)
    return made


def is_fenced(producer: Producer, topic: str) -> bool:
    """Whether it can write no more."""
    try:
        producer.begin_transaction()
        producer.produce(topic, b"from", b"beyond")
        producer.commit_transaction(60)
    except KafkaException:
        return True
    return False


@pytest.mark.long
def test_offsets_in_a_topic_beside_the_records_outlive_the_end_of_exactly_once_support(
    whose: Whose, kafka: str, other_kafka: str, unique: str, tmp_path: Path
) -> None:
    settings = worker_settings(kafka, unique, **SETTINGS)
    create_topic(other_kafka, unique, 3)
    at = {f"{who}.override.bootstrap.servers": other_kafka for who in ("producer", "consumer", "admin")}
    config = counting(unique, tasks_max="1", max_messages=str(RECORDS)) | at
    config |= {"offsets.storage.topic": f"{unique}-own-offsets"}
    with cluster(whose, tmp_path, settings, 1) as connect:
        connect.configure(unique, config)
        connect.runs(unique, 1)
        stand_at(connect, unique, [of_source(unique, 0, RECORDS)])
        assert numbers(consume(other_kafka, unique)) == {0: list(range(1, RECORDS + 1))}
        polls = [100, 200, 300]
        assert written(other_kafka, f"{unique}-own-offsets", unique) == polls
        assert set(written(kafka, settings["offset.storage.topic"], unique)) <= set(polls)  # copies

        connect.remove(connect.nodes[0])
        connect.settings = {**settings, "exactly.once.source.support": "disabled", "offset.flush.interval.ms": "500"}
        connect.add()
        connect.configure(unique, config | {"max.messages": str(2 * RECORDS)})
        connect.runs(unique, 1)
        stand_at(connect, unique, [of_source(unique, 0, 2 * RECORDS)])
        stops(connect, unique, 1)
        assert numbers(consume(other_kafka, unique)) == {0: list(range(1, 2 * RECORDS + 1))}


def test_a_source_that_writes_among_its_own_offsets_fails(other: Connect, unique: str) -> None:
    naughty = "org.apache.kafka.connect.integration.ExactlyOnceSourceIntegrationTest$NaughtyConnector"
    topic = {"transaction.boundary": "interval", "offsets.storage.topic": f"{unique}-whoops"}
    other.configure(unique, {"connector.class": naughty, "tasks.max": "1", **topic})
    other.becomes(unique, "RUNNING", ["FAILED"])
