"""Tasks that fail, on a real worker with plugins of anybody's: who comes back by itself, and who waits for somebody."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.plugin_folder import installed
from tests.reliability.flows import Config, lines
from tests.running import (
    Worker,
    borrowed,
    create_topic,
    distributed,
    fresh,
    group,
    produce,
    settings,
    until,
    worker,
)

PLUGINS = """
import logging
from pathlib import Path
from ferryman.api import Sink
from ferryman.config import Bool, Str, key
from ferryman.connector import SinkConfig
from ferryman.errors import DataError

log = logging.getLogger("frail")

class FrailConfig(SinkConfig):
    file: Str = key()
    needs: Str = key()
    grows: Bool = key(False)

class FrailSink(Sink[FrailConfig]):
    config_class = FrailConfig

    def start(self):
        self.taken = []
        while self.config.grows:
            self.taken.append(b"x" * 10_000_000)

    def put(self, records):
        log.debug("about to put")
        if not Path(self.config.needs).exists():
            raise RuntimeError("nothing stands where it should")
        for record in records:
            if record.value == "bad":
                raise DataError("it is bad")
        with open(self.config.file, "a") as file:
            file.writelines(f"{record.value}\\n" for record in records)
"""
OFTEN = {"ferryman.auto.restart.delay.ms": "200", "ferryman.auto.restart.delay.max.ms": "60000"}


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path, and quick restarts."""
    name = fresh("frail")
    folder = tmp_path_factory.mktemp(name)
    path = installed(folder, "frail", PLUGINS, "FrailSink")
    with worker(folder, settings(kafka, name) | OFTEN, PYTHONPATH=str(path)) as one:
        yield one


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    with borrowed(lasting, unique) as one:
        yield one


def frail(name: str, folder: Path, **more: str) -> Config:
    return {
        "name": name,
        "connector.class": "FrailSink",
        "topics": name,
        "file": str(folder / "out"),
        "needs": str(folder / "needed"),
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def task(running: Worker, name: str) -> dict[str, Any]:
    """A connector's first task, as its status tells; nothing while there is none."""
    tasks = running.call("GET", f"/connectors/{name}/status").get("tasks") or [{}]
    found: dict[str, Any] = tasks[0]
    return found


def test_a_task_that_fails_comes_back_by_itself_and_says_meanwhile_when(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one", b"two"])
    running.create(frail(unique, tmp_path))
    shown = until(lambda: (found := task(running, unique)).get("restart", {}).get("failures", 0) > 1 and found)
    assert shown["state"] == "FAILED"
    assert "RuntimeError: nothing stands where it should" in shown["trace"]
    assert datetime.fromisoformat(shown["restart"]["next_try"]).tzinfo is not None
    (tmp_path / "needed").touch()
    until(lambda: lines(tmp_path / "out") == [b"one", b"two"], 60)
    running.running(unique)
    assert "restart" not in task(running, unique)


def test_without_restarts_a_task_stays_failed_until_somebody_restarts_it(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one"])
    running.create(frail(unique, tmp_path, ferryman_auto_restart_enable="false"))
    running.trace(unique)
    (tmp_path / "needed").touch()
    assert "restart" not in task(running, unique)
    running.call("POST", f"/connectors/{unique}/tasks/0/restart", expect=204)
    until(lambda: lines(tmp_path / "out") == [b"one"], 60)
    assert len(running.pids(unique)) == 2


def test_what_a_restart_does_not_get_over_is_not_tried_again(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    (tmp_path / "needed").touch()
    produce(kafka, unique, [b"bad"])
    running.create(frail(unique, tmp_path))
    assert "it is bad" in running.trace(unique)
    assert "the task has failed and is not restarted by itself" in running.said
    assert "restart" not in task(running, unique)


def test_a_restart_over_rest_does_not_wait_for_the_next_try(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one"])
    never = {f"ferryman_auto_restart_delay_{end}": "3600000" for end in ("ms", "max_ms")}
    running.create(frail(unique, tmp_path, **never))
    until(lambda: "restart" in task(running, unique))
    (tmp_path / "needed").touch()
    running.call("POST", f"/connectors/{unique}/restart?includeTasks=true&onlyFailed=true", expect=202)
    until(lambda: lines(tmp_path / "out") == [b"one"], 60)
    running.delete(unique)


def test_the_restarts_of_a_task_come_to_an_end(kafka: str, running: Worker, unique: str, tmp_path: Path) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one"])
    running.create(frail(unique, tmp_path, ferryman_auto_restart_max_restarts="2"))
    until(lambda: f"task {unique}-0 has failed 3 times in a row and stays FAILED" in running.said)
    found = task(running, unique)
    assert (found["state"], "restart" in found) == ("FAILED", False)
    assert len(running.pids(unique)) == 3


def test_in_a_group_the_topic_of_statuses_tells_when_a_task_is_started_again(
    kafka: str, lasting: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"one"])
    path = {"PYTHONPATH": lasting.environment["PYTHONPATH"]}
    with group(tmp_path, distributed(kafka, unique) | OFTEN, 1, **path) as (one,):
        one.create(frail(unique, tmp_path))
        until(lambda: "restart" in task(one, unique))
        (tmp_path / "needed").touch()
        until(lambda: lines(tmp_path / "out") == [b"one"], 60)
        until(lambda: "restart" not in task(one, unique))


# Logs.


def test_a_worker_may_log_in_json_whom_each_line_is_about(
    kafka: str, tmp_path: Path, lasting: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b"bad"])
    (tmp_path / "needed").touch()
    path = {"PYTHONPATH": lasting.environment["PYTHONPATH"]}
    with worker(tmp_path, settings(kafka, unique, ferryman_log_format="json"), **path) as one:
        one.call("PUT", f"/admin/loggers/connector.{unique}", {"level": "DEBUG"}, expect=200)
        one.create(frail(unique, tmp_path))
        one.trace(unique)
        said = until(lambda: (found := logged(one)) and any("trace" in each for each in found) and found)
    own = [each for each in said if each.get("connector") == unique]
    (failed,) = [each for each in own if "trace" in each]
    assert (failed["task"], failed["level"], failed["logger"]) == (0, "ERROR", "ferryman.task.process")
    assert "it is bad" in failed["trace"]
    assert any("runs as process" in each["message"] and each.get("task") == 0 for each in own)
    assert {each["connector"] for each in said if each["level"] == "DEBUG"} <= {unique}
    assert any(each["message"] == "about to put" for each in own)


def logged(running: Worker) -> list[dict[str, Any]]:
    """The lines of a worker's log, all of which are objects; the last may not be complete yet."""
    return [json.loads(line) for line in running.said.splitlines(keepends=True) if line.endswith("\n")]


# Memory.


def test_a_task_that_takes_too_much_memory_is_ended_and_started_anew_while_others_go_on(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    other = f"{unique}-other"
    (tmp_path / "needed").touch()
    for name in (unique, other):
        create_topic(kafka, name)
    running.create(frail(other, tmp_path))
    running.create(frail(unique, tmp_path, grows="true", ferryman_task_memory_max_bytes="300000000"))
    trace = running.trace(unique)
    assert "ferryman.task.memory.max.bytes is 300,000,000" in trace
    assert "5 times in a row" in trace
    produce(kafka, other, [b"one"])
    until(lambda: lines(tmp_path / "out") == [b"one"], 60)
    assert len(running.pids(other)) == 1
    assert running.states(other) == ["RUNNING", "RUNNING"]


def test_the_kernel_is_to_take_a_task_before_its_worker(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    running.create(frail(unique, tmp_path))
    running.running(unique)
    assert running.process is not None
    score, workers = (
        int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (running.pids(unique)[0], running.process.pid)
    )
    assert score == min(1000, workers + 500)
