"""What ConnectWorkerIntegrationTest asks of a worker: target states, initial states, patches, tasks.max, aliases."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kafkatest.configs import STRING, sink, source
from tests.kafkatest.connect import Config, Connect
from tests.kafkatest.report.differences import FIRST_COMMIT
from tests.kafkatest.test_offsets_api import moved, of_sink, of_source
from tests.running import consume, create_topic, produce, until


def test_a_failed_task_is_restarted_once_its_config_is_mended(connect: Connect, unique: str) -> None:
    config = source(unique, tasks_max="1")
    connect.configure(unique, {**config, f"task-{unique}-0.start.inject.error": "true"})
    connect.becomes(unique, "RUNNING", ["FAILED"])
    connect.configure(unique, config)
    connect.call("POST", f"/connectors/{unique}/tasks/0/restart", expect=204)
    connect.runs(unique, 1)


def test_a_connector_shows_as_many_tasks_as_its_config_says(connect: Connect, unique: str) -> None:
    for count in (1, 3, 2):
        connect.configure(unique, source(unique, tasks_max=str(count)))
        connect.runs(unique, count)


def test_a_source_whose_topic_is_nowhere_is_deleted_all_the_same(connect: Connect, unique: str) -> None:
    config = {key: value for key, value in source(unique).items() if not key.startswith("topic.creation")}
    connect.configure(unique, config)
    connect.runs(unique, 2)
    connect.delete(unique)
    connect.is_gone(unique)
    until(lambda: len(connect.stops(unique)) == 2, what="the end of both tasks")


def test_every_way_from_one_target_state_to_another_leads_there(connect: Connect, unique: str) -> None:
    connect.configure(unique, source(unique))
    connect.runs(unique, 2)
    connect.stop(unique)
    connect.stop(unique)
    connect.is_stopped(unique)
    connect.resume(unique)
    connect.resume(unique)
    connect.runs(unique, 2)
    connect.pause(unique)
    connect.pause(unique)
    connect.is_paused(unique, 2)
    connect.stop(unique)
    connect.is_stopped(unique)
    connect.pause(unique)
    connect.is_paused(unique, 0)
    connect.resume(unique)
    connect.runs(unique, 2)
    connect.delete(unique)
    connect.is_gone(unique)


def test_a_connector_that_fails_at_its_start_or_end_is_stopped_resumed_and_deleted(
    connect: Connect, unique: str
) -> None:
    config = source(unique)
    connect.configure(unique, {**config, "connector.start.inject.error": "true"})
    connect.has_failed(unique, 0)
    connect.stop(unique)
    connect.is_stopped(unique)
    connect.configure(unique, config)
    connect.resume(unique)
    connect.runs(unique, 2)
    connect.configure(unique, {**config, "connector.stop.inject.error": "true"})
    connect.stop(unique)
    connect.is_stopped(unique)
    connect.resume(unique)
    connect.runs(unique, 2)
    connect.delete(unique)
    connect.is_gone(unique)


@pytest.mark.parametrize("state", ["PAUSED", "STOPPED"])
def test_a_connector_begins_in_the_state_that_it_is_created_with(connect: Connect, unique: str, state: str) -> None:
    for _ in range(2):
        connect.create(unique, source(unique), state)
        connect.becomes(unique, state, [])
        assert connect.info(unique)["tasks"] == connect.tasks(unique) == []
        connect.delete(unique)
        connect.is_gone(unique)
    connect.create(unique, source(unique), state)
    connect.resume(unique)
    connect.runs(unique, 2)


def test_a_source_created_stopped_begins_at_the_offsets_that_it_is_given(
    connect: Connect, kafka: str, unique: str
) -> None:
    connect.create(unique, source(unique, tasks_max="1", throughput="-1", max_messages="10"), "STOPPED")
    connect.is_stopped(unique)
    moved(connect, unique, [of_source(unique, 0, 5)])
    connect.resume(unique)
    connect.runs(unique, 1)
    until(lambda: connect.offsets(unique) == [of_source(unique, 0, 10)], what="the last record")
    values = [(message.value() or b"").decode() for message in consume(kafka, unique)]
    assert values == [f"value-{unique}-0-{number}" for number in range(6, 11)]


def test_a_sink_created_stopped_begins_at_the_offsets_that_it_is_given(
    connect: Connect, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [f"Message {number}".encode() for number in range(10)])
    connect.create(unique, sink(unique, tasks_max="1"), "STOPPED")
    connect.is_stopped(unique)
    moved(connect, unique, [of_sink(unique, 0, 5)])
    connect.resume(unique)
    connect.runs(unique, 1)
    until(lambda: connect.offsets(unique) == [of_sink(unique, 0, 10)], what="the last record")
    assert connect.obtained(unique) == [f"Message {number}" for number in range(5, 10)]


def test_a_patch_changes_adds_and_removes_keys_and_leaves_the_others(connect: Connect, unique: str) -> None:
    create = {**sink(unique), "unaffected-key": "unaffected-value", "to-be-deleted-key": "value"}
    connect.configure(unique, create)
    connect.runs(unique, 2)
    changes = {"tasks.max": "3", "to-be-added-key": "value", "to-be-deleted-key": None}
    connect.call("PATCH", f"/connectors/{unique}/config", changes)
    connect.runs(unique, 3)
    expected = {**create, "name": unique, "to-be-added-key": "value", "tasks.max": "3"}
    del expected["to-be-deleted-key"]
    assert connect.info(unique)["config"] == expected


def test_a_connector_that_makes_too_many_tasks_fails_unless_that_is_allowed(connect: Connect, unique: str) -> None:
    too_many = source(unique, tasks_max="1", num_tasks="2")
    connect.configure(unique, too_many)
    connect.has_failed(unique, 0)
    assert (
        f"The connector {unique} has generated 2 tasks, which is greater than 1, the maximum number of tasks it is "
        "configured to create."
    ) in connect.status(unique)["connector"]["trace"]
    connect.configure(unique, {**too_many, "tasks.max.enforce": "false"})
    connect.runs(unique, 2)
    connect.configure(unique, {**too_many, "tasks.max.enforce": "false", "num.tasks": "3"})
    connect.runs(unique, 3)
    connect.configure(unique, {**too_many, "num.tasks": "1"})
    connect.runs(unique, 1)
    connect.configure(unique, too_many)
    connect.becomes(unique, "FAILED", ["RUNNING"])
    connect.call("POST", f"/connectors/{unique}/tasks/0/restart", expect=204)
    until(lambda: connect.starts(unique)[f"{unique}-0"] > 3)
    connect.becomes(unique, "FAILED", ["RUNNING"])


def test_a_connector_is_given_another_config_after_what_its_old_one_refers_to_is_gone(
    connect: Connect, kafka: str, unique: str, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text("throughput=10\n")
    connect.configure(unique, source(unique, throughput=f"${{file:{secrets}:throughput}}"))
    connect.runs(unique, 2)
    until(lambda: len(connect.offsets(unique)) == 2, what="the first commits")
    secrets.unlink()
    create_topic(kafka, f"{unique}-other")
    connect.configure(unique, source(f"{unique}-other"))
    until(lambda: consume(kafka, f"{unique}-other"), what="a record in the other topic", pause=0.5)
    connect.runs(unique, 2)


def test_another_converter_is_taken_up_though_the_tasks_configs_stay_the_same(
    connect: Connect, kafka: str, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"non-json-value"])
    json = {
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "value.converter.schemas.enable": "false",
    }
    connect.configure(unique, {**sink(unique, tasks_max="1"), **json})
    connect.becomes(unique, "RUNNING", ["FAILED"])
    began = [of_sink(unique, 0, 0)] if connect.whose.differs(FIRST_COMMIT) else []
    assert connect.offsets(unique) == began
    connect.configure(unique, {**sink(unique, tasks_max="1"), "value.converter": STRING})
    connect.runs(unique, 1)
    until(lambda: connect.offsets(unique) == [of_sink(unique, 0, 1)], what="the record's commit")


@pytest.mark.parametrize("make", [source, sink], ids=["a source", "a sink"])
def test_plugins_of_every_kind_are_found_by_their_aliases(
    connect: Connect, unique: str, make: Callable[[str], Config]
) -> None:
    aliases = {
        **dict.fromkeys(("key.converter", "value.converter", "header.converter"), "StringConverter"),
        "transforms": "filter",
        "transforms.filter.type": "Filter",
        "transforms.filter.predicate": "tombstone",
        "predicates": "tombstone",
        "predicates.tombstone.type": "RecordIsTombstone",
    }
    connect.configure(unique, {**make(unique), **aliases})
    connect.runs(unique, 2)
