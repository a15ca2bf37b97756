"""The demo's group of workers, of which one has just died: what it ran is shown as lost, whatever it said last."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ferryman.demo.facts.errors import DemoError
from ferryman.demo.group import LOST, Group
from ferryman.demo.worker import Connector, Worker


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """Three workers that were never started, of which the first two are taken for living."""
    made = Group(tmp_path, tmp_path / "distributed.properties", {})
    living = {each.id for each in made._workers[:2]}
    monkeypatch.setattr(Worker, "pid", property(lambda worker: 7 if worker.id in living else None))
    monkeypatch.setattr(Worker, "connectors", lambda worker: told(made) if worker is made._workers[1] else [])
    return made


def told(group: Group) -> list[Connector]:
    """What the second worker answers; the first one does not."""
    ids = [each.id for each in group._workers]
    both = {0: "RUNNING", 1: "RUNNING"}
    return [
        Connector("a", "RUNNING", both, worker=ids[0], workers={0: ids[1], 1: ids[2]}),
        Connector("b", "RUNNING", {0: "FAILED"}, "trace", worker=ids[2], workers={0: ids[0]}),
    ]


def test_what_a_dead_worker_ran_is_lost_until_another_says_that_it_has_it(group: Group) -> None:
    seen: Mapping[str, Any] = {each.name: (each.state, dict(each.tasks)) for each in group.connectors()}
    assert seen == {"a": ("RUNNING", {0: "RUNNING", 1: LOST}), "b": (LOST, {0: "FAILED"})}
    assert not any(each.running for each in group.connectors())


def test_the_process_of_a_task_is_in_the_log_of_the_worker_that_runs_it(group: Group) -> None:
    for number, worker in enumerate(group._workers):
        worker.log.write_text(f"task a-0 runs as process 1{number}\ntask a-0 runs as process 2{number}\n")
    assert group.task_pid("a-0") == 21
    assert group.task_pid("a-1") is None


def test_a_task_that_no_living_worker_has_is_no_reason_to_kill_one(group: Group) -> None:
    with pytest.raises(DemoError, match="no worker says that it runs a-1"):
        group.lose("a-1")
