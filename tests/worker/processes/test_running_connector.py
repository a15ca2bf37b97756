"""Connectors' own code in real processes: what it makes, how it hangs, dies and fails, and that nothing is left."""

import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.answers import AWAY
from tests.reliability.test_processes import family
from tests.running import Worker, alive, borrowed, send, settings, until, worker
from tests.worker.test_control import Answer
from tests.worker.watching_plugin import watching, with_watching_source

CANARY = "Heron-canary/3+y"


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for the tests here, whose Kafka is away: connectors need none for what is asked of them here."""
    directory = tmp_path_factory.mktemp("objects")
    provider = "org.apache.kafka.common.config.provider.FileConfigProvider"
    chosen = settings(AWAY, "objects", task_shutdown_graceful_timeout_ms="2000")
    chosen |= {"config.providers": "file", "config.providers.file.class": provider}
    with worker(directory, chosen, PYTHONPATH=str(with_watching_source(directory))) as one:
        yield one


@pytest.fixture
def running(lasting: Worker, unique: str) -> Iterator[Worker]:
    with borrowed(lasting, unique) as one:
        yield one


def pids(running: Worker, name: str) -> list[int]:
    """The processes of a connector, one after the other."""
    return [int(pid) for pid in re.findall(rf"connector {re.escape(name)} runs as process (\d+)", running.said)]


def places(running: Worker, name: str) -> list[str]:
    """What of the connector was called."""
    return re.findall(rf"{re.escape(name)} is in (\w+),", running.said)


def lives(running: Worker, name: str) -> int:
    """The process of a connector that runs."""
    until(lambda: running.states(name)[:1] == ["RUNNING"], what=f"{name} to run")
    pid = pids(running, name)[-1]
    assert alive(pid)
    return pid


def tasks(running: Worker, name: str) -> list[str]:
    """The files of its tasks."""
    return [each["config"]["only"] for each in running.call("GET", f"/connectors/{name}/tasks")]


def trace(running: Worker, name: str) -> str:
    """Why the connector itself has failed, once it has."""

    def probe() -> str:
        own = running.call("GET", f"/connectors/{name}/status")["connector"]
        return str(own.get("trace", "")) if own["state"] == "FAILED" else ""

    return str(until(probe, what=f"{name} to fail"))


def test_a_new_file_is_a_new_task_and_the_connector_runs_on(running: Worker, unique: str, tmp_path: Path) -> None:
    running.create(watching(unique, tmp_path))
    pid = lives(running, unique)
    assert tasks(running, unique) == ["a.txt"]
    for name in ("b.txt", "c.txt"):
        (tmp_path / name).touch()
    until(lambda: tasks(running, unique) == ["a.txt", "b.txt", "c.txt"], what="three tasks")
    (tmp_path / "c.txt").unlink()
    until(lambda: tasks(running, unique) == ["a.txt", "b.txt"], what="two tasks")
    assert lives(running, unique) == pid
    assert places(running, unique).count("start") == 1
    running.delete(unique)
    assert not alive(pid)
    assert places(running, unique)[-1] == "stop"


def test_pause_and_stop_end_it_in_order_and_resume_begins_anew(running: Worker, unique: str, tmp_path: Path) -> None:
    running.create(watching(unique, tmp_path))
    for path, states in (("pause", ["PAUSED"]), ("stop", ["STOPPED"])):
        pid = lives(running, unique)
        running.call("PUT", f"/connectors/{unique}/{path}")
        until(lambda states=states: running.states(unique)[:1] == states)  # type: ignore[misc]
        assert not alive(pid)
        (tmp_path / f"{path}.txt").touch()
        running.call("PUT", f"/connectors/{unique}/resume")
        until(lambda path=path: f"{path}.txt" in tasks(running, unique))  # type: ignore[misc]
    assert places(running, unique) == [*["init", "start", "task_configs", "stop"] * 2, "init", "start", "task_configs"]


def test_another_config_replaces_it_when_the_old_one_is_gone(running: Worker, unique: str, tmp_path: Path) -> None:
    config = watching(unique, tmp_path)
    running.create(config)
    first = lives(running, unique)
    running.call("PUT", f"/connectors/{unique}/config", config | {"tasks.max": "8"}, expect=200)
    assert lives(running, unique) != first
    assert not alive(first)
    assert places(running, unique) == [*["init", "start", "task_configs"], "stop", *["init", "start", "task_configs"]]


def test_wherever_some_stand_still_everybody_else_goes_on_and_they_can_be_deleted(
    running: Worker, unique: str, tmp_path: Path
) -> None:
    """All at once, since each request for such a one is waited for a while."""
    habits = ["hangs in init", "spins in start", "hangs in task_configs", "spins in stop"]
    configs = [watching(f"{unique}-{number}", tmp_path / str(number), habit) for number, habit in enumerate(habits)]
    configs.append(watching(f"{unique}-asked", tmp_path / "asked", "spins in task_configs"))
    configs[-1]["connector.class"] = "AskedSource"
    creates = [begun(running, config) for config in configs]
    for config in configs:
        name, (_, _, place) = config["name"], config["habit"].partition(" in ")
        if place == "stop":
            lives(running, name)
        else:
            until(lambda name=name, place=place: place in places(running, name), what=f"it to come to {place}")  # type: ignore[misc]
            assert running.states(name)[:1] in ([], ["UNASSIGNED"])
    running.create(file_source(f"{unique}-other", tmp_path))
    assert running.states(f"{unique}-other")[0] == "RUNNING"
    ends = [Answer(running, "DELETE", f"/connectors/{config['name']}") for config in configs]
    for each in (*creates, *ends):
        each.join()
    assert [each.status for each in ends] == [204] * len(ends)
    for config in configs:
        assert not any(map(alive, pids(running, config["name"])))
        assert len(pids(running, config["name"])) == 1


def file_source(name: str, folder: Path) -> dict[str, str]:
    """One of Ferryman's own, without an object."""
    return {"name": name, "connector.class": "FileStreamSource", "topic": name, "file": str(folder / "in.txt")}


def begun(running: Worker, config: dict[str, str]) -> Answer:
    """A request for a connector whose start nobody knows the end of, once it has a process."""
    create = Answer(running, "POST", "/connectors", {"name": config["name"], "config": config})
    until(lambda: pids(running, config["name"]), what="a process")
    return create


def test_one_that_hangs_is_ended_by_another_config(running: Worker, unique: str, tmp_path: Path) -> None:
    create = begun(running, watching(unique, tmp_path, "spins in start"))
    until(lambda: "start" in places(running, unique))
    running.call("PUT", f"/connectors/{unique}/config", watching(unique, tmp_path), expect=200)
    lives(running, unique)
    create.join()
    first, second = pids(running, unique)
    assert (alive(first), alive(second)) == (False, True)


@pytest.mark.parametrize("place", ["init", "start", "task_configs"])
def test_what_it_raises_is_shown_without_secrets_and_a_restart_helps(
    running: Worker, unique: str, tmp_path: Path, place: str
) -> None:
    running.create(watching(unique, tmp_path, f"raises in {place}", access_code=CANARY))
    text = trace(running, unique)
    assert f"RuntimeError: it cannot go on in {place} with [hidden]" in text
    assert f'comes_to(config, "{place}")' in text or f'comes_to(self.config, "{place}")' in text
    if place != "init":
        until(lambda: "stop" in places(running, unique), what="it to be stopped")
    (tmp_path / "mended").touch()
    running.call("POST", f"/connectors/{unique}/restart?includeTasks=true&onlyFailed=true", expect=202)
    lives(running, unique)
    assert running.call("GET", f"/connectors/{unique}/status")["connector"].get("trace") is None
    assert CANARY not in running.said


def test_an_error_that_it_reports_fails_it_while_its_tasks_go_on(running: Worker, unique: str, tmp_path: Path) -> None:
    running.create(watching(unique, tmp_path))
    lives(running, unique)
    (tmp_path / "broken").touch()
    assert "RuntimeError: the folder is broken" in trace(running, unique)
    assert len(running.pids(unique)) == 1
    (tmp_path / "broken").unlink()
    lives(running, unique)
    assert alive(running.pids(unique)[-1])
    assert len(running.pids(unique)) == 1


def test_one_that_dies_again_and_again_has_failed_and_the_worker_lives(
    running: Worker, unique: str, tmp_path: Path
) -> None:
    running.create(watching(unique, tmp_path, "dies in start"))
    assert "ended without an error, with exit code 3; it has died 5 times in a row" in trace(running, unique)
    running.call("PUT", f"/connectors/{unique}/config", watching(unique, tmp_path), expect=200)
    lives(running, unique)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_one_that_somebody_kills_is_started_again(
    running: Worker, unique: str, tmp_path: Path, number: signal.Signals
) -> None:
    running.create(watching(unique, tmp_path))
    first = lives(running, unique)
    send(first, number)
    until(lambda: len(pids(running, unique)) == 2 and places(running, unique).count("task_configs") == 2)
    assert lives(running, unique) != first
    assert ("stop" in places(running, unique)) == (number is signal.SIGTERM)


def test_one_without_an_object_has_a_process_only_while_it_is_asked(
    running: Worker, unique: str, tmp_path: Path
) -> None:
    running.create(watching(unique, tmp_path) | {"connector.class": "AskedSource"})
    (pid,) = pids(running, unique)
    until(lambda: not alive(pid))
    running.create(file_source(f"{unique}-ours", tmp_path))
    (pid,) = pids(running, f"{unique}-ours")
    until(lambda: not alive(pid), what="the end of a process that nobody needs any more")
    assert running.states(unique)[0] == running.states(f"{unique}-ours")[0] == "RUNNING"


def test_one_without_an_object_that_dies_has_failed(running: Worker, unique: str, tmp_path: Path) -> None:
    running.create(watching(unique, tmp_path, "dies in task_configs") | {"connector.class": "AskedSource"})
    assert "it has died 5 times in a row" in trace(running, unique)


def test_tasks_configs_hold_references_and_the_object_has_what_they_stand_for(
    running: Worker, unique: str, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text(f"code={CANARY}\n")
    reference = f"${{file:{secrets}:code}}"
    running.create(watching(unique, tmp_path, "raises in start", access_code=reference))
    assert f"it cannot go on in start with {reference}" in trace(running, unique)
    (tmp_path / "mended").touch()
    lives(running, unique)
    (task,) = running.call("GET", f"/connectors/{unique}/tasks")
    assert task["config"]["access.code"] == reference
    assert CANARY not in running.said


def test_many_are_asked_at_once_by_a_few_processes(running: Worker, unique: str, tmp_path: Path, long: bool) -> None:
    count = 100 if long else 15
    answers = [
        Answer(running, "PUT", f"/connectors/{config['name']}/config", config)
        for config in (file_source(f"{unique}-{number}", tmp_path) for number in range(count))
    ]
    for each in answers:
        each.join()
    assert {each.status for each in answers} == {201}
    processes = {pid for number in range(count) for pid in pids(running, f"{unique}-{number}")}
    assert len(processes) < count
    until(lambda: not any(map(alive, processes)), what="the end of all that were asked")
    for each in [Answer(running, "DELETE", f"/connectors/{unique}-{number}") for number in range(count)]:
        each.join()


def test_it_ends_with_its_worker_in_order_or_not(tmp_path: Path) -> None:
    chosen = settings(AWAY, "ending-objects", task_shutdown_graceful_timeout_ms="3000")
    with worker(tmp_path, chosen, PYTHONPATH=str(with_watching_source(tmp_path))) as running:
        running.create(watching("polite", tmp_path / "polite"))
        lives(running, "polite")
        running.create(watching("stubborn", tmp_path / "stubborn", "hangs in stop"))
        lives(running, "stubborn")
        everybody = family(running)
        running.stop()
        assert places(running, "polite")[-1] == places(running, "stubborn")[-1] == "stop"
        until(lambda: not any(map(alive, everybody)), what="all to be gone")
        running.start()
        running.create(watching("killed", tmp_path / "killed"))
        lives(running, "killed")
        everybody = family(running)
        running.kill()
        until(lambda: not any(map(alive, everybody)), what="all to be gone")
