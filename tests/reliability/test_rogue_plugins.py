"""Plugins that misbehave, installed as anybody's are: one tells its password, one blocks, one dies, one leaks:
in a task, when it is checked, when its offsets are moved, when it is imported."""

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.plugin_folder import installed
from tests.reliability.flows import lines
from tests.running import WEB, Worker, alive, consume, create_topic, fresh, produce, settings, until, worker
from tests.worker.test_control import Answer

CANARY = "Tweet-canary/7+x"
PLUGINS = """
import ctypes, logging, os, signal, time
from ferryman.api import Sink
from ferryman.config import Password, Str, key
from ferryman.connector import SinkConfig
from ferryman.errors import DataError

class RogueConfig(SinkConfig):
    access_code: Password = key()
    habit: Str = key()
    sign: Str = key("")

    def problems(self):
        if self.sign:
            with open(self.sign, "w") as sign:
                sign.write(str(os.getpid()))
        deed(self.habit, "when checked")
        return super().problems()

def deed(habit, when):
    if habit == f"hangs {when}":
        time.sleep(3600)
    if habit == f"spins {when}":
        os.nice(19)
        while True: pass
    if habit == f"exits {when}":
        os._exit(3)
    if habit == f"dies {when}":
        os.kill(os.getpid(), signal.SIGSEGV)
    kept = []
    while habit == f"leaks {when}":
        kept.append(b"x" * (1 << 25))

class RogueSink(Sink[RogueConfig]):
    config_class = RogueConfig
    atomic = True

    @classmethod
    def alter_offsets(cls, config, context, offsets):
        deed(config.habit, "when moved")
        return True

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
        if self.config.habit.startswith("freeze") and not os.path.exists(self.config.habit.split()[1]):
            open(self.config.habit.split()[1], "w").close()
            from ferryman.forked import frozen
            frozen.SECONDS = 3.0
            time.sleep(frozen.EVERY + 1)  # until it is told
            ctypes.PyDLL(None).sleep(3600)  # a PyDLL keeps the interpreter
        raise DataError(f"{self.code} does not like this record")
"""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory, kafka: str) -> Iterator[Worker]:
    """A worker with the plugins on its path."""
    directory = tmp_path_factory.mktemp("rogue")
    home = installed(directory, "rogue", PLUGINS, "RogueSink")
    with worker(directory, settings(kafka, fresh("rogue")), PYTHONPATH=str(home)) as one:
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


def test_a_task_in_which_nothing_can_run_any_more_is_replaced(
    kafka: str, running: Worker, unique: str, tmp_path: Path
) -> None:
    create_topic(kafka, unique)
    produce(kafka, unique, [b'{"a": 1}'])
    running.create(rogue(unique, f"freeze {tmp_path / 'once'}"))
    letters = until(lambda: consume(kafka, f"{unique}-dead"), 60)
    assert [each.value() for each in letters] == [b'{"a": 1}']
    assert len(running.pids(unique)) >= 2
    assert "most recent call first" in running.said


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


@pytest.mark.parametrize(
    ("habit", "how"),
    [
        ("exits when checked", "ended without an error, with exit code 3"),
        ("dies when checked", "was killed by SIGSEGV"),
        ("leaks when checked", r"took [0-9,]+ bytes of memory and was ended"),
    ],
)
def test_a_plugin_that_ends_its_process_when_it_is_checked_is_named_and_nothing_else_is_harmed(
    running: Worker, unique: str, habit: str, how: str
) -> None:
    config = rogue(unique, habit)
    calls = [
        ("PUT", "/connector-plugins/RogueSink/config/validate", config),
        ("POST", "/connectors", {"name": unique, "config": config}),
        ("PUT", f"/connectors/{unique}/config", config),
    ]
    for method, path, body in calls:
        answer = running.call(method, path, body, expect=500)
        assert re.search(f"the process that ran the code of RogueSink {how}$", answer["message"]), answer
    assert unique not in running.call("GET", "/connectors")
    assert running.call("PUT", calls[0][1], rogue(unique, "none"), expect=200)["error_count"] == 0
    assert CANARY not in running.said


@pytest.mark.parametrize("habit", ["hangs when checked", "spins when checked"])
def test_a_plugin_that_does_not_come_back_from_a_check_holds_up_no_other_check(
    running: Worker, unique: str, habit: str, tmp_path: Path
) -> None:
    path = "/connector-plugins/RogueSink/config/validate"
    stuck = [Answer(running, "PUT", path, rogue(unique, habit) | {"sign": str(tmp_path / f"{n}")}) for n in range(3)]
    until(lambda: all((tmp_path / f"{number}").exists() for number in range(3)), what="all of them to be checked")
    assert running.call("PUT", path, rogue(unique, "none"), expect=200)["error_count"] == 0
    running.create({"name": unique, "connector.class": "FileStreamSink", "topics": unique, "file": str(tmp_path / "x")})
    assert running.call("GET", "/health")["status"] == "healthy"
    assert [each.status for each in stuck] == [None, None, None]
    for number in range(3):  # so that no later test finds them in its way
        os.kill(int((tmp_path / f"{number}").read_text()), signal.SIGKILL)
    for each in stuck:
        each.join()
        assert each.status == 500
        assert "the code of RogueSink was killed by SIGKILL" in each.text


@pytest.mark.parametrize(
    ("habit", "how"),
    [("exits when moved", "ended without an error, with exit code 3"), ("dies when moved", "was killed by SIGSEGV")],
)
def test_a_plugin_that_dies_when_its_offsets_are_moved_is_named_and_they_stay(
    kafka: str, running: Worker, unique: str, habit: str, how: str
) -> None:
    create_topic(kafka, unique)
    body = {"name": unique, "config": rogue(unique, habit), "initial_state": "STOPPED"}
    running.call("POST", "/connectors", body, expect=201)
    offset = {"partition": {"kafka_topic": unique, "kafka_partition": 0}, "offset": {"kafka_offset": 5}}
    answer = running.call("PATCH", f"/connectors/{unique}/offsets", {"offsets": [offset]}, expect=500)
    assert f"the code of RogueSink {how}" in answer["message"]
    assert running.call("GET", f"/connectors/{unique}/offsets", expect=200) == {"offsets": []}
    assert running.call("GET", "/health")["status"] == "healthy"


BROKEN = """
import os, time
from ferryman.api import Sink
from ferryman.connector import SinkConfig
{deed}

class {name}(Sink[SinkConfig]):
    config_class = SinkConfig

    def put(self, records): pass
"""
DEEDS = {"RaisingSink": "raise ImportError('no birds here')", "ExitingSink": "os._exit(3)", "GoodSink": ""}


def test_plugins_that_cannot_be_imported_are_left_out_with_a_line_and_named(
    tmp_path: Path, kafka: str, unique: str, long: bool
) -> None:
    deeds = DEEDS | ({"HangingSink": "time.sleep(3600)"} if long else {})
    for name, deed in deeds.items():
        home = installed(tmp_path, name.lower(), BROKEN.format(name=name, deed=deed), name)
    with worker(tmp_path, settings(kafka, unique), PYTHONPATH=str(home)) as running:
        listed = {each["class"] for each in running.call("GET", "/connector-plugins", expect=200)}
        assert "GoodSink" in listed
        assert listed.isdisjoint(deeds.keys() - {"GoodSink"})
        good = {"name": unique, "connector.class": "GoodSink", "topics": unique}
        assert running.call("PUT", "/connector-plugins/GoodSink/config/validate", good)["error_count"] == 0
        for name in deeds.keys() - {"GoodSink"}:
            assert f"the plugin {name} of {name.lower()} cannot be loaded and is left out" in running.said
            body = {"name": unique, "config": good | {"connector.class": name}}
            answer = running.call("POST", "/connectors", body, expect=400)
            assert answer["message"].startswith(f"Connector {name} cannot be loaded: "), answer


def test_the_worker_imports_no_plugin_of_others(running: Worker, unique: str, tmp_path: Path) -> None:
    """Of its own neither: see tests/worker/test_cost.py."""
    assert running.process is not None
    config = rogue(unique, "none") | {"sign": str(tmp_path / "sign")}
    running.call("PUT", "/connector-plugins/RogueSink/config/validate", config, expect=200)
    running.call("POST", "/connectors", {"name": unique, "config": config, "initial_state": "STOPPED"}, expect=201)
    assert int((tmp_path / "sign").read_text()) != running.process.pid
