"""Offsets over REST, of connectors that run on a real worker."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from tests.reliability.flows import file_sink
from tests.running import Worker, consume, create_topic, produce, settings, until, worker


@pytest.fixture
def running(tmp_path: Path, kafka: str, unique: str) -> Iterator[Worker]:
    with worker(tmp_path, settings(kafka, unique)) as one:
        yield one


def at(topic: str, partition: int, offset: int) -> dict[str, Any]:
    return {"partition": {"kafka_topic": topic, "kafka_partition": partition}, "offset": {"kafka_offset": offset}}


def test_offsets_of_topics_that_a_sink_no_longer_reads_are_shown_and_kept(
    running: Worker, tmp_path: Path, kafka: str, unique: str
) -> None:
    former, present = f"{unique}-former", f"{unique}-present"
    path, config = f"/connectors/{unique}", file_sink(unique, tmp_path / "out.txt")
    for topic in (former, present):
        create_topic(kafka, topic)
        produce(kafka, topic, [b"1", b"2"])
    running.create({**config, "topics": former})
    until(lambda: running.call("GET", f"{path}/offsets") == {"offsets": [at(former, 0, 2)]}, what="the first commit")
    running.call("PUT", f"{path}/config", {**config, "topics": present, "file": str(tmp_path / "new.txt")}, expect=200)
    both = [at(former, 0, 2), at(present, 0, 2)]
    until(lambda: running.call("GET", f"{path}/offsets") == {"offsets": both}, what="the second commit")
    assert running.call("GET", f"{path}/tasks")[0]["config"]["task.class"].endswith(".file.FileStreamSinkTask")
    running.call("PUT", f"{path}/stop", expect=204)
    reader = Consumer({"bootstrap.servers": kafka, "group.id": f"connect-{unique}"})
    own = reader.committed([TopicPartition(former, 0)], timeout=60)[0].metadata
    assert own
    forget = {"offsets": [{"partition": at(present, 0, 0)["partition"], "offset": None}]}
    running.call("PATCH", f"{path}/offsets", forget, expect=200)
    assert running.call("GET", f"{path}/offsets") == {"offsets": [at(former, 0, 2)]}
    assert reader.committed([TopicPartition(former, 0)], timeout=60)[0].metadata == own
    reader.close()
    refused = running.call("PATCH", f"{path}/offsets", {"offsets": [at(present, 7, 1)]}, expect=500)
    assert refused["message"].startswith(f"Failed to alter consumer group offsets for connector {unique} (")


def test_whatever_is_among_a_file_sources_offsets_can_be_forgotten(
    running: Worker, tmp_path: Path, unique: str
) -> None:
    config = {"name": unique, "connector.class": "FileStreamSource", "topic": unique, "file": str(tmp_path / "in.txt")}
    running.call("POST", "/connectors", {"name": unique, "config": config, "initial_state": "STOPPED"}, expect=201)
    path, mine = f"/connectors/{unique}/offsets", {"partition": {"filename": "/x"}, "offset": {"position": 1}}
    running.call("PATCH", path, {"offsets": [mine]}, expect=200)
    entries: list[Any] = [{}, {"partition": None}, {"partition": {}}, {"partition": {"other": 1}, "offset": None}]
    for garbage in entries:
        running.call("PATCH", path, {"offsets": [garbage]}, expect=200)
    nested = {"partition": {"filename": {}}, "offset": {"position": 1}}
    refused = running.call("PATCH", path, {"offsets": [nested]}, expect=500)
    text = "Offsets may only contain primitive types as values, but field filename contains MAP"
    assert (refused["message"], running.call("GET", path)) == (text, {"offsets": [mine]})


def test_offsets_that_are_given_before_any_task_ran_are_kept_in_a_compacted_topic(
    running: Worker, tmp_path: Path, admin: AdminClient, kafka: str, unique: str
) -> None:
    file = tmp_path / "in.txt"
    file.write_text("one\ntwo\n")
    config = {"name": unique, "connector.class": "FileStreamSource", "topic": unique, "file": str(file)}
    running.call("POST", "/connectors", {"name": unique, "config": config, "initial_state": "STOPPED"}, expect=201)
    mine = {"partition": {"filename": str(file)}, "offset": {"position": 4}}
    running.call("PATCH", f"/connectors/{unique}/offsets", {"offsets": [mine]}, expect=200)
    resource = ConfigResource(ResourceType.TOPIC, f"{unique}-offsets")
    assert admin.describe_configs([resource])[resource].result()["cleanup.policy"].value == "compact"
    running.call("PUT", f"/connectors/{unique}/resume", expect=202)
    until(lambda: running.states(unique) == ["RUNNING"] * 2, what="its task")
    until(lambda: consume(kafka, unique), what="the line that is left")
    assert [json.loads(each.value() or b"") for each in consume(kafka, unique)] == ["two"]
