"""Several workers of a group: what runs where, what is asked of which, and what becomes of it all when one goes."""

import signal
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.running import Worker, create_topic, distributed, fresh, group, produce, send, until


def file_sink(name: str, folder: Path, **more: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "FileStreamSink",
        "topics": name,
        "file": str(folder / f"{name}.txt"),
        "value.converter": "StringConverter",
        **more,
    }


@pytest.fixture(scope="module")
def lasting(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Worker]]:
    with group(tmp_path_factory.mktemp("group"), distributed(kafka, fresh("group")), 3) as workers:
        yield workers


def status(worker: Worker, name: str) -> dict[str, str]:
    """The worker of each instance that runs, by ``connector`` or the task's number."""
    found = worker.call("GET", f"/connectors/{name}/status")
    if "connector" not in found:
        return {}
    places = {"connector": found["connector"], **{str(each["id"]): each for each in found["tasks"]}}
    return {which: each["worker_id"] for which, each in places.items() if each["state"] == "RUNNING"}


def everywhere(workers: Sequence[Worker], name: str, tasks: int) -> dict[str, str]:
    """Waits until all workers say that a connector and so many tasks run, and where."""

    def agreed() -> dict[str, str]:
        told = [status(each, name) for each in workers]
        return told[0] if all(each == told[0] for each in told) and len(told[0]) == tasks + 1 else {}

    found: dict[str, str] = until(agreed, 60, f"all to say that {name} runs")
    return found


def at(workers: Sequence[Worker], worker_id: str) -> Worker:
    return next(each for each in workers if each.id == worker_id)


def is_with(worker: Worker, name: str) -> bool:
    return status(worker, name) == {"connector": worker.id, "0": worker.id}


def in_states(worker: Worker, name: str, states: set[str]) -> bool:
    return set(worker.states(name)) == states


def has_none(worker: Worker) -> bool:
    return not list(worker.call("GET", "/connectors"))


def test_a_worker_goes_on_after_a_restart_with_what_it_was_asked_for(kafka: str, unique: str, tmp_path: Path) -> None:
    create_topic(kafka, unique)
    with group(tmp_path, distributed(kafka, unique), 1) as (only,):
        only.create(file_sink(unique, tmp_path))
        only.running(unique)
        only.stop()
        only.start()
        assert only.call("GET", "/connectors") == [unique]
        only.running(unique)
        only.delete(unique)
        assert only.call("GET", "/connectors") == []
        until(lambda: not only.states(unique), 30, "its status to be forgotten")


def test_any_worker_takes_a_request_and_all_tell_the_same(
    kafka: str, unique: str, lasting: list[Worker], tmp_path: Path
) -> None:
    create_topic(kafka, unique, 3)
    for number, worker in enumerate(lasting):
        name = f"{unique}-{number}"
        create_topic(kafka, name)
        worker.create(file_sink(name, tmp_path))
    for number in range(3):
        everywhere(lasting, f"{unique}-{number}", 1)
    config = file_sink(f"{unique}-0", tmp_path, **{"errors.log.enable": "true"})
    for worker in lasting:
        worker.call("PUT", f"/connectors/{unique}-0/config", config, expect=200)
        worker.call("PUT", f"/connectors/{unique}-1/pause", expect=202)
    for worker in lasting:
        until(partial(in_states, worker, f"{unique}-1", {"PAUSED"}), 30)
        assert worker.call("GET", f"/connectors/{unique}-0/config", expect=200) == config
    for worker in lasting:
        worker.call("POST", f"/connectors/{unique}-0/tasks/0/restart", expect=204)
        worker.call("POST", f"/connectors/{unique}-0/restart", expect=204)
        worker.call("POST", f"/connectors/{unique}-0/restart?includeTasks=true", expect=202)
    everywhere(lasting, f"{unique}-0", 1)
    for worker in lasting:
        lines = worker.call("GET", f"/connectors/{unique}-0/tasks/0/logs", expect=200)["lines"]
        assert any("runs as process" in line["message"] for line in lines)
    lasting[1].call("PUT", f"/connectors/{unique}-2/stop", expect=204)
    for worker in lasting:
        until(partial(in_states, worker, f"{unique}-2", {"STOPPED"}), 30)
    offsets = [{"partition": {"kafka_topic": f"{unique}-2", "kafka_partition": 0}, "offset": {"kafka_offset": 0}}]
    for worker in lasting:
        worker.call("PATCH", f"/connectors/{unique}-2/offsets", {"offsets": offsets}, expect=200)
        assert worker.call("GET", f"/connectors/{unique}-2/offsets", expect=200) == {"offsets": offsets}
    for number, worker in enumerate(lasting):
        worker.delete(f"{unique}-{number}")
    for worker in lasting:
        until(partial(has_none, worker), 30, "all connectors to be gone")


def test_who_stays_keeps_its_tasks_while_others_come_and_go(kafka: str, unique: str, tmp_path: Path) -> None:
    names = [f"{unique}-{number}" for number in range(4)]
    with group(tmp_path, distributed(kafka, unique), 2) as (first, second):
        for name in names:
            create_topic(kafka, name)
            first.create(file_sink(name, tmp_path))
        for name in names:
            everywhere([first, second], name, 1)
        kept = {name: first.pids(name) for name in names if status(first, name)["0"] == first.id}
        assert len(kept) == 2
        second.stop()
        for name in names:
            until(partial(is_with, first, name), 60, f"{name} to be with the first")
        assert {name: first.pids(name) for name in kept} == kept
        second.start()
        until(lambda: [status(first, name).get("0") for name in names].count(second.id) == 2, 60, "two to move back")
        stays = [name for name in kept if status(first, name).get("0") == first.id]
        assert all(first.pids(name) == kept[name] for name in stays)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_what_a_lost_worker_ran_goes_on_elsewhere_and_nothing_is_lost_or_doubled(
    kafka: str, unique: str, tmp_path: Path, number: signal.Signals
) -> None:
    create_topic(kafka, unique)
    out = tmp_path / f"{unique}.txt"

    def written() -> list[int]:
        return [int(line) for line in out.read_text().splitlines()] if out.exists() else []

    with group(tmp_path, distributed(kafka, unique), 3) as workers:
        workers[0].create(file_sink(unique, tmp_path))
        victim = at(workers, everywhere(workers, unique, 1)["0"])
        rest = [each for each in workers if each is not victim]
        numbers(kafka, unique, 0, 100)
        until(lambda: len(written()) >= 100, 60, "a hundred lines")
        assert victim.process is not None
        send(victim.process.pid, number)
        numbers(kafka, unique, 100, 200)
        until(lambda: status(rest[0], unique).get("0") in {each.id for each in rest}, 60, "the task to run elsewhere")
        until(lambda: len(written()) >= 200, 60, "two hundred lines")
        if number is signal.SIGSTOP:
            before = victim.said.count("Generation")
            send(victim.process.pid, signal.SIGCONT)
            until(lambda: victim.said.count("Generation") > before, 60, "the one that slept to come back")
        numbers(kafka, unique, 200, 300)
        until(lambda: len(written()) >= 300, 60, "three hundred lines")
        assert sorted(written()) == list(range(300))


def numbers(kafka: str, topic: str, start: int, stop: int) -> None:
    produce(kafka, topic, [str(number).encode() for number in range(start, stop)])
