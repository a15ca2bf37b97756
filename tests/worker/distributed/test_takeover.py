"""A cluster of Kafka Connect's own workers is stopped, ours start with the same settings, and everything goes on; and
the way back."""

import json
from pathlib import Path

from click.testing import CliRunner

from ferryman.commands import main
from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED
from tests.internal_topics.kafka_connect import kafka_connect
from tests.running import WEB, distributed, group, until

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"


def add(file: Path, *lines: str) -> None:
    with file.open("a") as opened:
        opened.write("".join(f"{line}\n" for line in lines))


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def states(url: str, name: str) -> set[str]:
    status = WEB.get(f"{url}/connectors/{name}/status").json()
    return (
        {status["connector"]["state"], *(task["state"] for task in status["tasks"])} if "connector" in status else set()
    )


def test_ours_go_on_where_kafka_connects_workers_stopped_and_the_other_way_round(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    chosen = distributed(kafka, unique, offset_flush_interval_ms="500")
    chosen |= {f"{side}.converter": "org.apache.kafka.connect.json.JsonConverter" for side in ("key", "value")}
    source, sink = tmp_path / "in.txt", tmp_path / "out.txt"
    configs = {
        "in": {"connector.class": SOURCE, "tasks.max": "1", "file": str(source), "topic": unique},
        "out": {"connector.class": SINK, "tasks.max": "1", "topics": unique, "file": str(sink)},
        "idle": {"connector.class": SINK, "tasks.max": "1", "topics": unique, "file": str(tmp_path / "idle.txt")},
    }
    configs["odd"] = {
        **configs["idle"],
        "file": str(tmp_path / "odd.txt"),
        "consumer.override.partition.assignment.strategy": "org.apache.kafka.clients.consumer.StickyAssignor",
    }
    add(source, "one", "two")
    jvm = settings.parse(chosen, DISTRIBUTED)
    with kafka_connect(tmp_path, jvm) as url:
        for name, config in configs.items():
            until(lambda name=name, config=config: WEB.put(f"{url}/connectors/{name}/config", json=config).is_success)  # type: ignore[misc]
        until(lambda: lines(sink) == ["one", "two"], 60, "two lines of Kafka Connect")
        assert WEB.put(f"{url}/connectors/idle/stop").status_code == 204
        until(lambda: committed(url, "in") == [{"position": 8}], 60, "the source's offset")
        until(lambda: committed(url, "out") == [{"kafka_offset": 2}], 60, "the sink's offset")
        assert verdicts(url) == {"idle": "runs", "in": "runs", "odd": "refused", "out": "runs"}
    add(source, "three")
    with group(tmp_path, chosen, 2) as (first, second):
        assert first.call("GET", "/connectors") == ["idle", "in", "odd", "out"]
        for name in ("in", "out"):
            second.running(name)
            assert second.call("GET", f"/connectors/{name}/config") == {"name": name, **configs[name]}
        assert "partition.assignment.strategy" in first.trace("odd")
        until(lambda: first.states("idle") == ["STOPPED"], 30, "what was stopped to be so")
        until(lambda: lines(sink) == ["one", "two", "three"], 60, "the third line, by ours")
        until(lambda: committed(first.url, "in") == [{"position": 14}], 60, "the source's offset")
        until(lambda: committed(first.url, "out") == [{"kafka_offset": 3}], 60, "the sink's offset")
        first.call("PUT", "/connectors/idle/resume", expect=202)
        second.running("idle")
    add(source, "four")
    with kafka_connect(tmp_path, jvm) as url:
        until(lambda: lines(sink) == ["one", "two", "three", "four"], 60, "the fourth line, by Kafka Connect")
        until(lambda: states(url, "idle") == {"RUNNING"}, 60, "what ours resumed to run")


def verdicts(url: str) -> dict[str, str]:
    """What `ferryman migrate check` says of each connector."""
    result = CliRunner().invoke(main, ["migrate", "check", url, "--json"])
    assert result.exit_code == 1, result.output
    return {each["name"]: each["verdict"] for each in json.loads(result.stdout)["connectors"]}


def committed(url: str, name: str) -> list[dict[str, int]]:
    found = WEB.get(f"{url}/connectors/{name}/offsets").json()
    return [each["offset"] for each in found["offsets"]]
