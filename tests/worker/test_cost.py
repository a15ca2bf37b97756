"""What tasks that have nothing to do take, against generous limits: kinds of waste, not figures.

Before these were looked after, each task had 53 MB of its own, all plugins' libraries, and an admin client for life.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.usage import private_mb, tree
from tests.reliability.flows import file_sink, lines
from tests.running import Worker, create_topic, produce, settings, until, worker

TASKS = 3


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with tasks that have written their topic's only line."""
    directory, name = tmp_path_factory.mktemp("cost"), "cost-of-idle-tasks"
    create_topic(kafka, name)
    produce(kafka, name, [b"a line"])
    with worker(directory, settings(kafka, name)) as one:
        for number in range(TASKS):
            one.create(file_sink(f"{name}-{number}", directory / f"{number}.txt", topics=name))
        for number in range(TASKS):
            file = directory / f"{number}.txt"
            until(lambda file=file: lines(file), 60, "a line")  # type: ignore[misc]
        yield one


def pids(running: Worker) -> list[int]:
    """The processes of its tasks."""
    return [running.pids(f"cost-of-idle-tasks-{number}")[-1] for number in range(TASKS)]


def test_a_task_has_little_memory_of_its_own(running: Worker) -> None:
    assert [found for pid in pids(running) if (found := private_mb(pid)) > 18] == []


def test_a_worker_is_two_processes_and_one_a_task(running: Worker) -> None:
    assert running.process is not None
    pid = running.process.pid
    until(lambda: len(tree(pid)) == 2 + TASKS, what="processes that nobody needs any more to be gone")


def test_a_sink_that_has_its_partitions_keeps_one_client(running: Worker) -> None:
    def clients(pid: int) -> int:
        return sum(each.read_text() == "rdk:main\n" for each in Path(f"/proc/{pid}/task").glob("*/comm"))

    for pid in pids(running):
        until(lambda pid=pid: clients(pid) == 1, what="the admin client to be gone")  # type: ignore[misc]
