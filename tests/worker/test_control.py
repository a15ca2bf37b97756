"""A worker whose Kafka is away and whose connectors stand still: it answers, obeys and ends all the same."""

import asyncio
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bench.answers import AWAY, besieged, measured
from ferryman.stack.runtime.ports import free_port
from tests.reliability.flows import file_sink
from tests.reliability.test_processes import family
from tests.running import FERRYMAN, WEB, Worker, alive, send, settings, until, worker
from tests.worker.blocking_plugin import blocking, with_blocking_sink


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One worker for the tests here, which has all the time it wants for an end, and does not get it."""
    directory = tmp_path_factory.mktemp("alone")
    provider = "org.apache.kafka.common.config.provider.FileConfigProvider"
    chosen = settings(AWAY, "alone", task_shutdown_graceful_timeout_ms="600000", tasks_max_limit="10")
    chosen |= {"config.providers": "file", "config.providers.file.class": provider}
    with worker(directory, chosen, PYTHONPATH=str(with_blocking_sink(directory))) as one:
        yield one
        one.kill()


class Answer(threading.Thread):
    """A request in a thread of its own."""

    def __init__(self, running: Worker, method: str, path: str, body: Any = None) -> None:
        super().__init__(daemon=True)
        self.running, self.request = running, (method, running.url + path, body)
        self.status: int | None = None
        self.text = ""
        self.start()

    def run(self) -> None:
        method, url, body = self.request
        try:
            answer = WEB.request(method, url, json=body)
        except httpx.TransportError as error:
            self.text = str(error)
        else:
            self.status, self.text = answer.status_code, answer.text


def test_it_answers_while_everything_stands_still(running: Worker, long: bool) -> None:
    running.create(blocking("init"))
    stuck = [blocking(habit) for habit in ("problems", "task_configs")]

    async def siege() -> list[float]:
        async with besieged(running.url, stuck):
            return await measured(running.url, clients=100 if long else 30, rounds=5)

    assert asyncio.run(siege())[-1] < 20, "seconds for the slowest answer"


def test_it_says_at_once_that_it_does_not_know_the_cluster_yet(running: Worker) -> None:
    answers = [running.call("GET", "/", expect=200)["kafka_cluster_id"] for _ in range(10)]
    assert set(answers) == {None}


def test_what_comes_while_a_connector_is_deleted_finds_it_gone(running: Worker, tmp_path: Path) -> None:
    running.create(file_sink("deleted", tmp_path / "out.txt"))
    pid = until(lambda: running.pids("deleted"), 30)[0]
    send(pid, signal.SIGSTOP)  # so that the deletion lasts until it goes on
    deletion = Answer(running, "DELETE", "/connectors/deleted")
    until(lambda: "deleted" not in running.call("GET", "/connectors"), 30, "the deletion to count")
    for method, path, body in (
        ("GET", "", None),
        ("POST", "/restart", None),
        ("POST", "/restart?includeTasks=true", None),
        ("POST", "/tasks/0/restart", None),
        ("PUT", "/pause", None),
        ("PUT", "/resume", None),
        ("PUT", "/stop", None),
        ("PATCH", "/config", {"errors.log.enable": "true"}),
        ("DELETE", "", None),
    ):
        running.call(method, f"/connectors/deleted{path}", body, expect=404)
    assert waits(deletion)
    send(pid, signal.SIGCONT)
    deletion.join()
    assert deletion.status == 204
    assert not any(alive(each) for each in running.pids("deleted"))


def waits(request: Answer) -> bool:
    """Whether it has no answer after many others, made later, have theirs."""
    return all(request.is_alive() for _ in range(30) if request.running.call("GET", "/health"))


def test_a_connector_that_takes_the_name_of_one_that_still_ends_waits_for_its_tasks(
    running: Worker, tmp_path: Path
) -> None:
    config = file_sink("again", tmp_path / "out.txt")
    running.create(config)
    first = until(lambda: running.pids("again"), 30)[0]
    send(first, signal.SIGSTOP)
    deletion = Answer(running, "DELETE", "/connectors/again")
    until(lambda: "again" not in running.call("GET", "/connectors"), 30, "the deletion to count")
    successor = Answer(running, "PUT", "/connectors/again/config", config)
    assert waits(successor)
    assert running.pids("again") == [first]
    send(first, signal.SIGCONT)
    deletion.join()
    successor.join()
    assert (deletion.status, successor.status) == (204, 201)
    until(lambda: len(running.pids("again")) == 2, 30, "its own task")
    assert not alive(first)


def test_a_config_that_is_there_already_restarts_nothing(running: Worker, tmp_path: Path) -> None:
    config = file_sink("same", tmp_path / "out.txt")
    running.create(config)
    until(lambda: running.pids("same"), 30)
    for _ in range(3):
        running.call("PUT", "/connectors/same/config", config, expect=200)
    assert len(running.pids("same")) == 1
    running.call("PUT", "/connectors/same/config", config | {"errors.log.enable": "true"}, expect=200)
    until(lambda: len(running.pids("same")) == 2, 30, "the task with the other config")


def test_tasks_max_has_a_limit_in_the_workers_settings(running: Worker, tmp_path: Path) -> None:
    config = file_sink("many", tmp_path / "out.txt", tasks_max="11")
    answer = running.call("POST", "/connectors", {"name": "many", "config": config}, expect=400)
    assert "tasks.max.limit" in answer["message"]
    running.create(config | {"tasks.max": "10"})


def test_a_reference_that_no_longer_resolves_fails_the_start_and_names_the_key(running: Worker, tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.properties"
    secrets.write_text(f"place={tmp_path}/out.txt\n")
    running.create(file_sink("referring", tmp_path / "x") | {"file": f"${{file:{secrets}:place}}"})
    until(lambda: running.pids("referring"), 30)
    secrets.write_text("other=1\n")
    running.call("POST", "/connectors/referring/tasks/0/restart", expect=204)
    assert "file cannot be resolved: the config provider 'file' finds nothing for" in running.trace("referring")
    secrets.unlink()
    running.call("POST", "/connectors/referring/tasks/0/restart", expect=204)
    assert "file cannot be resolved: Could not read properties from file" in running.trace("referring")
    secrets.write_text(f"place={tmp_path}/out.txt\n")
    running.call("POST", "/connectors/referring/restart?includeTasks=true&onlyFailed=true", expect=202)
    until(lambda: running.states("referring")[1] != "FAILED" and len(running.pids("referring")) == 2, 30)


def test_it_ends_in_time_whatever_stands_still_and_starts_nothing_more(tmp_path: Path) -> None:
    chosen = settings(AWAY, "ending", task_shutdown_graceful_timeout_ms="3000")
    with worker(tmp_path, chosen, PYTHONPATH=str(with_blocking_sink(tmp_path))) as running:
        running.create(file_sink("frozen", tmp_path / "out.txt"))
        send(until(lambda: running.pids("frozen"), 30)[0], signal.SIGSTOP)
        with httpx.Client(base_url=running.url, timeout=120) as client:
            for number in range(400):  # together more than twice what a pipe holds
                logger = "ferryman." + "x" * 230 + str(number)
                assert client.put(f"/admin/loggers/{logger}", json={"level": "INFO"}).status_code == 200
        stuck = Answer(running, "PUT", "/connector-plugins/BlockingSink/config/validate", blocking("problems"))
        assert running.process is not None
        everybody = family(running)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: WEB.get(running.url + "/health").status_code == 503, 30, "the worker to begin to end")
        late = [
            Answer(running, "POST", "/connectors", {"name": "two", "config": file_sink("two", tmp_path / "two.txt")}),
            Answer(running, "POST", "/connectors/frozen/tasks/0/restart"),
        ]
        for each in (*late, stuck):
            each.join()
        assert [each.status for each in late] == [503, 503], [each.text for each in late]
        assert running.process.wait(120) == 0
    until(lambda: not any(alive(pid) for pid in everybody), 10, "the tasks to go with the worker")
    assert running.pids("two") == []


def test_a_log_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / "worker.properties"
    port = free_port()
    chosen = {"listeners": f"http://127.0.0.1:{port}", **settings(AWAY, "unread")}
    file.write_text("".join(f"{key}={value}\n" for key, value in chosen.items()))
    process = subprocess.Popen([FERRYMAN, "standalone", str(file)], stderr=subprocess.PIPE)
    try:
        until(lambda: _healthy(port), 60, "the worker's start")
        config = file_sink("talkative", tmp_path / "out.txt") | {f"unknown.{n}": "x" for n in range(1000)}
        for _ in range(3):
            answer = WEB.put(f"http://127.0.0.1:{port}/connectors/talkative/config", json=config)
            assert answer.status_code in (200, 201)
        process.terminate()
        process.wait(120)
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _healthy(port: int) -> bool:
    try:
        return WEB.get(f"http://127.0.0.1:{port}/health").status_code == 200
    except httpx.TransportError:
        return False
