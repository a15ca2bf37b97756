"""Plugins that block, or hold the interpreter's lock, in each callback: the others go on and the worker answers."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from tests.plugin_folder import installed
from tests.reliability.flows import Config, committed, file_sink, lines
from tests.reliability.scoreboard.plugin import Trials
from tests.running import WEB, Worker, alive, create_topic, fresh, produce, settings, until, worker

PLUGINS = """
import os, re, time
from pathlib import Path
from ferryman.api import Sink, Source
from ferryman.config import Str, key
from ferryman.connector import SinkConfig, SourceConfig

def stick(config, where):
    if config.where != where:
        return
    Path(config.sign).touch()
    if config.how == "blocks":
        time.sleep(3600)
    os.nice(19)
    re.match("(a+)+$", "a" * 60 + "b")  # holds the interpreter's lock for years

class StuckSinkConfig(SinkConfig):
    where: Str = key()
    how: Str = key()
    sign: Str = key()

class StuckSink(Sink[StuckSinkConfig]):
    config_class = StuckSinkConfig

    def start(self):
        stick(self.config, "start")

    def open(self, partitions):
        stick(self.config, "open")
        return {}

    def put(self, records):
        stick(self.config, "put")

    def flush(self, offsets):
        stick(self.config, "flush")

    def close(self, partitions):
        stick(self.config, "close")

    def stop(self):
        stick(self.config, "stop")

class StuckSourceConfig(SourceConfig):
    where: Str = key()
    how: Str = key()
    sign: Str = key()

class StuckSource(Source[StuckSourceConfig]):
    config_class = StuckSourceConfig

    def start(self):
        stick(self.config, "start")

    def poll(self):
        stick(self.config, "poll")
        return []
"""
CALLBACKS = [
    ("StuckSink", "start"),
    ("StuckSink", "open"),
    ("StuckSink", "put"),
    ("StuckSink", "flush"),
    ("StuckSink", "close"),
    ("StuckSink", "stop"),
    ("StuckSource", "start"),
    ("StuckSource", "poll"),
]
AT_THE_END = ("close", "stop")


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path, and a short grace."""
    directory = tmp_path_factory.mktemp("stuck")
    home = installed(directory, "stuck", PLUGINS, "StuckSink", "StuckSource")
    with worker(
        directory,
        settings(kafka, fresh("stuck"), task_shutdown_graceful_timeout_ms="3000"),
        PYTHONPATH=str(home),
    ) as one:
        yield one


def stuck(topic: str, plugin: str, where: str, how: str, directory: Path) -> Config:
    """A connector that sticks in a callback, and leaves a file as a sign when it gets there."""
    name = f"{topic}-{plugin}-{where}"
    config = {"name": name, "connector.class": plugin, "where": where, "how": how, "sign": str(directory / name)}
    return config | ({"topics": topic} if plugin == "StuckSink" else {})


def members(admin: AdminClient, name: str) -> list[str]:
    """The member ids of a connector's group: new ones after every rejoining."""
    group = f"connect-{name}"
    return sorted(each.member_id for each in admin.describe_consumer_groups([group])[group].result().members)


@pytest.mark.scoreboard("R14")
@pytest.mark.parametrize("how", ["blocks", "spins"])
def test_the_others_go_on_and_rest_answers(
    tmp_path: Path, kafka: str, admin: AdminClient, running: Worker, unique: str, how: str, trials: Trials
) -> None:
    healthy, out = f"{unique}-healthy", tmp_path / "out.txt"
    create_topic(kafka, unique)
    create_topic(kafka, healthy)
    produce(kafka, unique, [b'"one"'])
    running.create(file_sink(healthy, out))
    produce(kafka, healthy, [b"0"])
    until(lambda: lines(out) == [b"0"], 60)
    before = members(admin, healthy)
    configs = [stuck(unique, plugin, where, how, tmp_path) for plugin, where in CALLBACKS]
    for config in configs:
        running.create(config)
    early = [config for config in configs if config["where"] not in AT_THE_END]
    until(lambda: all(Path(config["sign"]).exists() for config in early), 120, "all to stick")
    for config in configs:
        until(lambda config=config: running.pids(config["name"]), 60)  # type: ignore[misc]
        if config not in early:
            running.running(config["name"])
            until(lambda config=config: committed(running, config["name"]) == 1, 60)  # type: ignore[misc]
    pids = [pid for config in configs for pid in running.pids(config["name"])]
    stops = [threading.Thread(target=running.delete, args=(config["name"],)) for config in configs]
    for stop in stops:
        stop.start()
    until(lambda: all(Path(config["sign"]).exists() for config in configs), 120, "the last ones to stick")
    for number in range(1, 6):
        produce(kafka, healthy, [b"%d" % number])
        until(lambda number=number: len(lines(out)) == number + 1, 60)  # type: ignore[misc]
        for path in ("connectors", f"connectors/{healthy}/status", "connector-plugins", "health"):
            assert WEB.get(f"{running.url}/{path}").status_code == 200
    for stop in stops:
        stop.join()
    until(lambda: not any(alive(pid) for pid in pids), 60, "the stuck processes to be gone")
    assert running.call("GET", "/connectors") == [healthy]
    assert members(admin, healthy) == before
    assert len(running.pids(healthy)) == 1
    trials.held(len(CALLBACKS))
