"""A connector that gets an offsets topic of its own and loses it again: it goes on where it was and forgets in both."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.reliability.flows import STRING
from tests.running import Worker, consume, create_topic, distributed, group, until


@pytest.fixture
def only(tmp_path: Path, kafka: str, unique: str) -> Iterator[Worker]:
    """A distributed worker by itself."""
    with group(tmp_path, distributed(kafka, unique), 1) as (one,):
        until(lambda: one.call("GET", "/")["kafka_cluster_id"])
        yield one


def position(running: Worker, name: str) -> int | None:
    found = running.call("GET", f"/connectors/{name}/offsets")["offsets"]
    return int(found[0]["offset"]["position"]) if found else None


def positions(kafka: str, topic: str) -> list[int | None]:
    """What a topic of offsets holds."""
    values = [message.value() for message in consume(kafka, topic)]
    return [None if value is None else json.loads(value)["position"] for value in values]


def test_a_connector_keeps_its_place_whether_it_has_a_topic_of_its_own_or_not(
    tmp_path: Path, kafka: str, only: Worker, unique: str
) -> None:
    name, own, workers = f"{unique}-c", f"{unique}-own", f"{unique}-offsets"
    file = tmp_path / "in"
    create_topic(kafka, name)
    config = {"name": name, "connector.class": "FileStreamSource", "topic": name, "file": str(file)}
    config["value.converter"] = STRING
    file.write_text("a\n")
    only.create(config)
    until(lambda: position(only, name) == 2)
    # As Kafka's strings, it is read without the blanks around it, by whoever reads it.
    only.call("PUT", f"/connectors/{name}/config", {**config, "offsets.storage.topic": f" {own} "}, expect=200)
    until(lambda: len(only.pids(name)) == 2, what="the end of the task that writes the worker's topic")
    with file.open("a") as more:
        more.write("b\n")
    until(lambda: position(only, name) == 4)
    until(lambda: positions(kafka, workers) == [2, 4], 60, "the copy in the worker's topic")
    assert positions(kafka, own) == [4]
    only.call("PUT", f"/connectors/{name}/stop", expect=204)
    until(lambda: only.states(name) == ["STOPPED"])
    moved = {"offsets": [{"partition": {"filename": str(file)}, "offset": {"position": 2}}]}
    only.call("PATCH", f"/connectors/{name}/offsets", moved, expect=200)
    assert position(only, name) == 2
    assert (positions(kafka, own), positions(kafka, workers)) == ([4, 2], [2, 4, 2])
    only.call("DELETE", f"/connectors/{name}/offsets", expect=200)
    assert position(only, name) is None
    assert (positions(kafka, own)[-1], positions(kafka, workers)[-1]) == (None, None)
    only.call("PUT", f"/connectors/{name}/config", config, expect=200)
    only.call("PUT", f"/connectors/{name}/resume", expect=202)
    until(lambda: position(only, name) == 4)
    assert [message.value() for message in consume(kafka, name)] == [b"a", b"b", b"a", b"b"]


def test_an_own_topic_that_forgets_is_refused_by_the_key_that_names_it(
    tmp_path: Path, kafka: str, only: Worker, unique: str
) -> None:
    name, own = f"{unique}-c", f"{unique}-own"
    create_topic(kafka, own, cleanup_policy="delete")
    config = {"name": name, "connector.class": "FileStreamSource", "topic": name, "file": str(tmp_path / "in")}
    only.create({**config, "offsets.storage.topic": own})
    until(lambda: len(only.states(name)) == 2)
    assert f"Topic '{own}' supplied via the 'offsets.storage.topic' property is required to have" in only.trace(name)
