"""What a leader has left undone is done by the next one, and what a leader decides holds on all workers."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ferryman.facts.config_records import SessionKey
from ferryman.facts.states import State
from ferryman.facts.statuses import ConnectorStatusRecord, StatusRecord, StoredStatus, TaskStatusRecord, TopicUseRecord
from ferryman.internal_topics import of_worker
from ferryman.internal_topics.config_topic import ConfigTopic
from ferryman.internal_topics.status_topic import decoded
from tests.internal_topics import logs
from tests.running import create_topic, distributed, group, until

SCHEMA = {"type": "record", "name": "invented", "fields": [{"name": "n", "type": "long"}]}


def inventing(name: str, tasks: int) -> dict[str, str]:
    """A source that never ends, with tasks that have an offset each."""
    return {
        "name": name,
        "connector.class": "DatagenSource",
        "kafka.topic": name,
        "schema.string": json.dumps(SCHEMA),
        "throughput": "100",
        "tasks.max": str(tasks),
    }


@contextmanager
def leading(kafka: str, name: str) -> Iterator[ConfigTopic]:
    """The config topic, written as a leader does that claims the right to."""
    worker = logs.distributed(kafka, name, exactly_once_source_support="enabled")
    logs.make(kafka, worker.distributed.config_storage_topic)
    log, leader = of_worker.config_log(worker, lambda records: None), of_worker.leader_writer(worker)
    assert leader is not None
    log.start()
    leader.claim(logs.SOON)
    try:
        yield ConfigTopic(log, leader)
    finally:
        leader.relinquish()
        log.close()


@pytest.mark.parametrize("former", [0, 3], ids=["nobody to fence", "three former tasks"])
def test_tasks_start_though_the_leader_died_after_their_configs_and_before_it_fenced_the_former_ones(
    kafka: str, unique: str, tmp_path: Path, former: int
) -> None:
    create_topic(kafka, unique)
    config = inventing(unique, 2)
    tasks = [{**config, "task.class": "ferryman.connectors.datagen.source.DatagenConnector"}] * 2
    with leading(kafka, unique) as topic:
        topic.put_session_key(SessionKey(b"k" * 32, "HmacSHA256", int(time.time() * 1000)))
        topic.put_connector(unique, config)
        topic.put_tasks(unique, tasks)
        if former:
            topic.put_fencing(unique, former)
            topic.put_tasks(unique, tasks)
    with group(tmp_path, distributed(kafka, unique, exactly_once_source_support="enabled"), 1) as (only,):
        until(lambda: only.states(unique) == ["RUNNING"] * 3, 60, "the tasks to run")


def test_offsets_that_are_moved_right_after_a_stop_stay_moved_wherever_the_tasks_ran(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    with group(tmp_path, distributed(kafka, unique), 3) as workers:
        workers[0].create(inventing(unique, 3))
        for number, worker in enumerate(workers):
            until(lambda: workers[0].states(unique) == ["RUNNING"] * 4, 60, "the tasks to run")
            until(lambda: len(offsets(workers, unique)) == 3, 60, "all tasks to have committed")
            worker.call("PUT", f"/connectors/{unique}/stop", expect=204)
            before = offsets(workers, unique)
            moved = [each | {"offset": each["offset"] | {"current.iteration": number}} for each in before]
            workers[number - 1].call("PATCH", f"/connectors/{unique}/offsets", {"offsets": moved}, expect=200)
            until(lambda: workers[0].states(unique) == ["STOPPED"], 60, "the tasks to be gone")
            found = offsets(workers, unique)
            assert [each["offset"]["current.iteration"] for each in found] == [number] * 3
            workers[0].call("PUT", f"/connectors/{unique}/resume", expect=202)


def offsets(workers: Sequence[Any], name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = workers[0].call("GET", f"/connectors/{name}/offsets")["offsets"]
    return found


def state(record: StatusRecord) -> State | None:
    """What it says of a connector or a task; None of one that is gone, and of a record about something else."""
    return None if isinstance(record, TopicUseRecord) or record.status is None else record.status.state


def test_the_late_word_of_a_former_owner_is_put_right_by_whoever_runs_the_task(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    chosen = distributed(kafka, unique)
    settings = logs.distributed(kafka, unique, status_storage_topic=chosen["status.storage.topic"])
    with group(tmp_path, chosen, 1) as (only,):
        only.create(inventing(unique, 1))
        until(lambda: only.states(unique) == ["RUNNING"] * 2, 60, "the task to run")
        seen = list[State | None]()
        log = of_worker.status_log(settings, lambda records: seen.extend(map(state, decoded(records))))
        writer = of_worker.status_writer(settings, lambda record: True)
        late = StoredStatus(State.UNASSIGNED, "somebody:8083", 1)
        log.start()
        before = len(seen)
        writer.put(TaskStatusRecord(unique, 0, late))
        writer.put(ConnectorStatusRecord(unique, late))
        assert writer.flush(logs.SOON)
        until(lambda: seen[before:].count(State.RUNNING) == 2)
        until(lambda: only.states(unique) == ["RUNNING"] * 2, 60, "the worker to have read that too")
        writer.close(logs.SOON)
        log.close()
