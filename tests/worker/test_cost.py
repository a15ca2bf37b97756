"""What tasks that have nothing to do take, against generous limits: kinds of waste, not figures.

Before these were looked after, each task had 53 MB of its own, all plugins' libraries, and an admin client for life.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.usage import private_mb, tree
from tests.reliability.flows import JSON, file_sink, lines
from tests.running import Worker, create_topic, fresh, produce, settings, until

TASKS = 3
OF_PLUGINS = (
    *("polars", "_polars_runtime_32", "pyarrow", "numpy", "fastavro", "cramjam", "sqlalchemy", "psycopg", "pymysql"),
    *("boto3", "botocore", "httpx", "aiosmtplib", "ferryman.formats.json.columns_reader", "ferryman.formats.avro"),
    *("ferryman.converters", "ferryman.connectors", "ferryman.transforms"),
)
"""What processes need in which plugins run, and a worker never."""
EMPTY = {
    *("ferryman.converters", "ferryman.connectors", "ferryman.transforms"),
    *("ferryman.transforms.predicates", "ferryman.transforms.debezium"),
}
TOLD = (sys.executable, "-X", "importtime", "-P", "-m", "ferryman")
"""Runs a worker that says what it imports; the processes that it starts do not."""


@pytest.fixture(scope="module")
def name() -> str:
    """The name of the tasks' topic: another one each time that these fixtures are made."""
    return fresh("cost")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, kafka: str, name: str) -> Iterator[Worker]:
    """A worker with tasks that have written their topic's only line."""
    directory = tmp_path_factory.mktemp("cost")
    create_topic(kafka, name)
    produce(kafka, name, [b"a line"])
    one = Worker(directory, settings(kafka, name), command=TOLD)
    try:
        one.start()
        for number in range(TASKS):
            one.create(file_sink(f"{name}-{number}", directory / f"{number}.txt", topics=name))
        for number in range(TASKS):
            file = directory / f"{number}.txt"
            until(lambda file=file: lines(file), 60, "a line")  # type: ignore[misc]
        yield one
    finally:
        one.stop()


@pytest.fixture
def pids(running: Worker, name: str) -> list[int]:
    """The processes of its tasks."""
    return [running.pids(f"{name}-{number}")[-1] for number in range(TASKS)]


def test_a_task_has_little_memory_of_its_own(pids: list[int]) -> None:
    assert [found for pid in pids if (found := private_mb(pid)) > 15] == []


def test_a_worker_is_two_processes_and_one_a_task(running: Worker) -> None:
    assert running.process is not None
    pid = running.process.pid
    until(lambda: len(tree(pid)) == 2 + TASKS, what="processes that nobody needs any more to be gone")


def test_a_sink_that_has_its_partitions_keeps_one_client(pids: list[int]) -> None:
    def clients(pid: int) -> int:
        return sum(each.read_text() == "rdk:main\n" for each in Path(f"/proc/{pid}/task").glob("*/comm"))

    for pid in pids:
        until(lambda pid=pid: clients(pid) == 1, what="the admin client to be gone")  # type: ignore[misc]


def named(modules: set[str], wanted: tuple[str, ...] = OF_PLUGINS) -> set[str]:
    """The modules that are one of the wanted ones, or inside of it; but for packages in which there is nothing."""
    found = {each for each in modules if any(each == one or each.startswith(f"{one}.") for one in wanted)}
    return found - EMPTY


def asked_about_letters(running: Worker, kafka: str, directory: Path) -> None:
    """It shows a dead letter, decoded and edited, and sends it to its topic."""
    name = "cost-of-letters"
    for topic in (name, f"{name}-dlq"):
        create_topic(kafka, topic)
    produce(kafka, f"{name}-dlq", [b'{"n":1}'], headers=[("__connect.errors.topic", name.encode())])
    config = file_sink(name, directory / "letters.txt", topics=f"{name}-none")
    config["value.converter"], config["value.converter.schemas.enable"] = JSON, "false"
    running.create(config | {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": f"{name}-dlq"})
    letter = running.call("GET", f"/connectors/{name}/dead-letters/0-0?edit=.n%3D2", expect=200)
    assert (letter["value"]["decoded"], letter["edited"]["decoded"]) == ({"n": 1}, {"n": 2})
    body = {"all": True, "to_topic": True, "edit": ".n=2"}
    assert running.call("POST", f"/connectors/{name}/dead-letters/replay", body, expect=200)["letters"] == 1
    running.delete(name)


def test_a_worker_imports_nothing_that_only_plugins_need(running: Worker, kafka: str, tmp_path: Path) -> None:
    """Its converters are JSON's and String's; it has checked configs, run tasks, and answered what there is to ask."""
    asked_about_letters(running, kafka, tmp_path)
    running.call("GET", "/connector-plugins?connectorsOnly=false", expect=200)
    running.call("GET", "/connector-plugins/S3Sink/config", expect=200)
    running.call("GET", "/connectors?expand=status&expand=info", expect=200)
    running.call(
        "PUT", "/connector-plugins/JdbcSinkConnector/config/validate", {"connector.class": "JdbcSinkConnector"}
    )
    imported = set(re.findall(r"import time: .*\| +(\S+)$", running.said, re.MULTILINE))
    assert "ferryman.worker.requests.herder_on_plane" in imported
    assert named(imported) == set()
    assert named(imported, ("kafka",)) == set()  # it is in no group
    assert named(imported, ("yaml",)) == set()  # nobody has given it any


def test_a_worker_of_a_group_starts_with_nothing_that_only_plugins_need() -> None:
    code = "import sys, ferryman.worker.distributed.worker; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert named(set(ran.stdout.split()), (*OF_PLUGINS, "yaml")) == set()
