"""The move of a cluster: Kafka Connect's connectors go on with us, and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from ferryman.commands import main
from tests.membership.jvm_worker import jvm_worker
from tests.running import WEB, consume, create_topic, distributed, group, produce, until

pytestmark = pytest.mark.timeout(1200)
TEXT = "org.apache.kafka.connect.storage.StringConverter"


def source(name: str, folder: Path) -> dict[str, str]:
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
        "file": str(folder / "in.txt"),
        "topic": name,
        "value.converter": TEXT,
    }


def sink(name: str, folder: Path, file: str = "out.txt") -> dict[str, str]:
    return {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "file": str(folder / file),
        "topics": f"{name}-sink",
        "value.converter": TEXT,
    }


ONLY_THERE = {"consumer.override.group.protocol": "consumer"}
"""What Kafka Connect takes and we refuse."""


@dataclass
class Old:
    """A cluster of one JVM worker, asked over REST."""

    url: str

    def put(self, path: str, body: Any = None) -> None:
        until(lambda: _accepted(f"{self.url}{path}", body), 60, path)

    def states(self, name: str) -> set[str]:
        answer = WEB.get(f"{self.url}/connectors/{name}/status")
        if answer.status_code != 200:
            return set()
        found = answer.json()
        return {found["connector"]["state"], *(task["state"] for task in found["tasks"])}


def _accepted(url: str, body: Any) -> bool:
    """Whether a request is taken; one that meets a rebalance (409) is to be made again."""
    answer = WEB.put(url, json=body)
    assert answer.status_code in (200, 201, 202, 204, 409, 500), answer.text
    return answer.status_code < 300


@contextmanager
def kafka_connect(folder: Path, settings: dict[str, str]) -> Iterator[Old]:
    with jvm_worker(folder, settings, "file") as url:
        yield Old(url)


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


def arrived(kafka: str, topic: str) -> list[str]:
    return [(message.value() or b"").decode() for message in consume(kafka, topic)]


def add(file: Path, *words: str) -> None:
    with file.open("a") as out:
        out.writelines(f"{word}\n" for word in words)


def test_a_clusters_connectors_go_on_with_us_and_back(kafka: str, unique: str, tmp_path: Path, long: bool) -> None:
    settings = distributed(kafka, unique)
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-sink")
    read, written, taken = f"{unique}-read", f"{unique}-written", tmp_path / "in.txt"

    def went_on(word: str, count: int) -> bool:
        return arrived(kafka, unique).count(word) == 1 and len(lines(tmp_path / "out.txt")) >= count

    with kafka_connect(tmp_path, settings) as old:
        old.put(f"/connectors/{read}/config", source(unique, tmp_path))
        old.put(f"/connectors/{written}/config", sink(unique, tmp_path))
        old.put(f"/connectors/{unique}-other/config", {**sink(unique, tmp_path, "other.txt"), **ONLY_THERE})
        add(taken, "a line", "another")
        produce(kafka, f"{unique}-sink", [b"1", b"2"])
        until(lambda: went_on("another", 2), 60, "both to work there")
        old.put(f"/connectors/{written}/pause")
        until(lambda: old.states(written) == {"PAUSED"}, 60, "the sink to pause")
        verdicts = checked(old.url)
        assert verdicts == {read: "runs", written: "runs", f"{unique}-other": "refused"}
    add(taken, "a third")
    with group(tmp_path, settings, 2) as (first, second):
        for worker in (first, second):
            assert worker.call("GET", "/connectors") == sorted([read, written, f"{unique}-other"])
        until(lambda: set(first.states(written)) == {"PAUSED"}, 60, "the sink to be paused here too")
        first.call("PUT", f"/connectors/{written}/resume", expect=202)
        second.running(read)
        second.running(written)
        assert "group.protocol" in first.trace(f"{unique}-other")
        produce(kafka, f"{unique}-sink", [b"3"])
        until(lambda: went_on("a third", 3), 60, "both to go on here")
        assert arrived(kafka, unique) == ["a line", "another", "a third"]
    if not long:  # tests/internal_topics/test_takeover.py has the way back in every run
        return
    add(taken, "a fourth")
    produce(kafka, f"{unique}-sink", [b"4"])
    with kafka_connect(tmp_path, settings) as old:
        until(lambda: old.states(read) == old.states(written) == {"RUNNING"}, 60, "both to run there again")
        until(lambda: went_on("a fourth", 4), 60, "both to go on there")
        assert arrived(kafka, unique) == ["a line", "another", "a third", "a fourth"]
        assert lines(tmp_path / "out.txt") == ["1", "2", "3", "4"]


def checked(url: str) -> dict[str, str]:
    """What `ferryman migrate check` says of each connector."""
    result = CliRunner().invoke(main, ["migrate", "check", url, "--json"])
    assert result.exit_code == 1, result.output
    return {each["name"]: each["verdict"] for each in json.loads(result.stdout)["connectors"]}
