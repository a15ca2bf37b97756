"""Plugins that misbehave, installed as anybody's are: one tells its password, one blocks for ever, one kills itself."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_folder import installed
from tests.reliability.flows import lines
from tests.running import WEB, Worker, alive, consume, create_topic, produce, settings, until, worker

CANARY = "Tweet-canary/7+x"
PLUGINS = """
import logging, os, signal, time
from ferryman.api import Sink
from ferryman.config import Password, Str, key
from ferryman.connector import SinkConfig
from ferryman.errors import DataError

class RogueConfig(SinkConfig):
    access_code: Password = key()
    habit: Str = key()

class RogueSink(Sink[RogueConfig]):
    config_class = RogueConfig
    atomic = True

    def start(self):
        self.code = self.config.access_code.get_secret_value()
        if self.config.habit == "tell":
            logging.getLogger("rogue").warning("logging in with %s", self.code)
        if self.config.habit == "fail":
            raise RuntimeError(f"cannot log in with {self.code!r}")
        if self.config.habit == "block":
            time.sleep(3600)

    def put(self, records):
        if self.config.habit == "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        raise DataError(f"{self.code} does not like this record")
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path."""
    directory = tmp_path_factory.mktemp("rogue")
    home = installed(directory, "rogue", PLUGINS, "RogueSink")
    with worker(directory, settings(kafka, f"rogue-{uuid.uuid4().hex[:10]}"), PYTHONPATH=str(home)) as one:
        yield one


def rogue(name: str, habit: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "RogueSink",
        "topics": name,
        "access.code": CANARY,
        "habit": habit,
        "errors.tolerance": "all",
        "errors.log.enable": "true",
        "errors.log.include.messages": "true",
        "errors.deadletterqueue.topic.name": f"{name}-dead",
        "errors.deadletterqueue.topic.replication.factor": "1",
        "errors.deadletterqueue.context.headers.enable": "true",
    }


def test_a_password_that_a_plugin_puts_into_its_errors_is_hidden(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    running.create(rogue(unique, "fail"))
    assert "cannot log in with '[hidden]'" in running.trace(unique)
    assert CANARY not in running.said


def test_a_password_that_a_plugin_logs_or_gives_as_a_records_fault_is_hidden(
    kafka: str, running: Worker, unique: str
) -> None:
    create_topic(kafka, unique)
    create_topic(kafka, f"{unique}-dead")
    produce(kafka, unique, [b'{"a": 1}'])
    running.create(rogue(unique, "tell"))
    letters = until(lambda: consume(kafka, f"{unique}-dead"), 30)
    headers = dict(letters[0].headers() or [])
    assert headers["__connect.errors.exception.message"] == b"[hidden] does not like this record"
    assert CANARY not in repr(headers)
    assert letters[0].value() == b'{"a": 1}'
    until(lambda: "logging in with [hidden]" in running.said, 10)
    assert CANARY not in running.said
    assert running.call("GET", f"/connectors/{unique}/config")["access.code"] == CANARY


def test_a_plugin_that_blocks_neither_blocks_rest_nor_other_connectors(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    out, other = tmp_path / "out.txt", f"{unique}-other"
    create_topic(kafka, unique)
    create_topic(kafka, other)
    running.create(rogue(unique, "block"))
    pid = until(lambda: running.pids(unique))[0]
    running.create({"name": other, "connector.class": "FileStreamSink", "topics": other, "file": str(out)})
    produce(kafka, other, [b'"one"'])
    until(lambda: lines(out) == [b"one"], 30)
    for path in ("connectors?expand=status", f"connectors/{unique}/status", "connector-plugins", "health"):
        assert WEB.get(f"{running.url}/{path}").status_code == 200
    running.delete(unique)
    assert not alive(pid)


def test_a_plugin_that_crashes_its_process_takes_nothing_else_down(kafka: str, running: Worker, unique: str) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b'{"a": 1}'])
    running.create(rogue(unique, "die"))
    assert "was killed by SIGSEGV" in running.trace(unique)
    until(lambda: len(running.pids(unique)) > 1, 30, "another try")
    assert running.call("GET", "/health")["status"] == "healthy"
