"""A connector object in a group of workers: on the one that owns the connector and nowhere else, whatever it meets."""

import re
import signal
from pathlib import Path

from tests.running import Worker, alive, create_topic, distributed, group, send, until
from tests.worker.watching_plugin import watching, with_watching_source


def pids(workers: list[Worker], name: str) -> list[int]:
    """The processes of the connector that live, on all workers."""
    said = "".join(each.said for each in workers)
    return [pid for pid in map(int, re.findall(rf"connector {name} runs as process (\d+)", said)) if alive(pid)]


def owner(workers: list[Worker], name: str, asked: Worker) -> Worker:
    """The worker that runs the connector, once one does."""

    def probe() -> str:
        status = asked.call("GET", f"/connectors/{name}/status").get("connector", {})
        return str(status["worker_id"]) if status.get("state") == "RUNNING" else ""

    found = until(probe, what=f"{name} to run")
    return next(each for each in workers if each.id == found)


def test_the_owner_alone_has_the_object_which_follows_the_connector_and_knows_its_offsets(
    kafka: str, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    plugins = str(with_watching_source(tmp_path))
    folder = tmp_path / "watched"
    with group(tmp_path, distributed(kafka, unique), 2, PYTHONPATH=plugins) as workers:
        workers[0].create(watching(unique, folder))
        first = owner(workers, unique, workers[0])
        other = next(each for each in workers if each is not first)
        (pid,) = until(lambda: pids(workers, unique), what="the object")
        (folder / "b.txt").touch()
        until(lambda: other.states(unique) == ["RUNNING"] * 3, what="a task for the second file")
        assert pids(workers, unique) == [pid]

        def offsets() -> str:
            (folder / "offsets").touch()
            until(lambda: not (folder / "offsets").exists(), what="the offsets")
            return (folder / "found").read_text()

        until(lambda: re.fullmatch(r"\[\{'at': \d+\}, None\]", offsets()), what="the offset of a task")

        # A worker that stands still is no owner any more: its object ends when the lease is over.
        assert first.process is not None
        first.process.send_signal(signal.SIGSTOP)
        until(lambda: not alive(pid), what="the end of the object of a worker that stands still")
        assert owner(workers, unique, other) in workers
        until(lambda: pids([other], unique), what="the object on the other worker")
        send(first.process.pid, signal.SIGCONT)
        until(lambda: first.call("GET", f"/connectors/{unique}/status")["connector"]["state"] == "RUNNING")
        until(lambda: len(pids(workers, unique)) == 1, what="a single object")
        workers[0].call("DELETE", f"/connectors/{unique}", expect=204)
        until(lambda: pids(workers, unique) == [], what="its end")
