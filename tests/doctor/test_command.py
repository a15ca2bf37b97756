"""`ferryman doctor` as people call it: its files, its exit codes, what it prints, what hangs."""

import json
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from ferryman.commands import main
from tests.doctor.looks import worker_file, written
from tests.plugin_folder import installed
from tests.running import create_topic, settings

JSON = "org.apache.kafka.connect.json.JsonConverter"
CONVERTERS = {"key.converter": JSON, "value.converter": JSON}
FILE = "org.apache.kafka.connect.file.FileStreamSinkConnector"
PATIENT = ("--seconds", "60")


def doctor(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["doctor", *map(str, arguments)])


def sink(folder: Path, **more: str) -> dict[str, Any]:
    return {"name": "lines", "connector.class": FILE, "topics": "orders", "file": str(folder / "out.txt"), **more}


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that lets in everybody and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_worker_and_a_connector_that_are_well_are_told_so(kafka: str, unique: str, tmp_path: Path) -> None:
    create_topic(kafka, unique)
    worker = worker_file(tmp_path, settings(kafka, unique))
    said = doctor(worker, written(tmp_path, sink(tmp_path, topics=unique)), *PATIENT)
    assert (said.exit_code, "MEND" in said.stdout) == (0, False), said.output
    assert f"ok        lines: topic {unique}: 1 partition, 1 replica each" in said.stdout
    assert said.stdout.splitlines()[-1].startswith("nothing must be mended; ")


def test_what_must_be_mended_is_printed_with_what_to_do_and_the_exit_code_is_1(tmp_path: Path) -> None:
    said = doctor(written(tmp_path, sink(tmp_path / "no")))
    assert said.exit_code == 1
    assert f"MEND      lines: file {tmp_path}/no/out.txt: the folder {tmp_path}/no does not exist" in said.stdout
    assert f"          -> mkdir -p {tmp_path}/no" in said.stdout
    assert "left out  lines: kafka: without a worker's file" in said.stdout


def test_json_behind_a_mark_of_its_byte_order_is_a_connector_whatever_its_file_is_called(tmp_path: Path) -> None:
    file = tmp_path / "lines.conf"
    file.write_text(json.dumps(sink(tmp_path / "no")), "utf-8-sig")
    said = doctor(file)
    assert f"MEND      lines: file {tmp_path}/no/out.txt" in said.stdout, said.output


def test_one_object_of_json_has_it_all(tmp_path: Path) -> None:
    said = doctor(written(tmp_path, sink(tmp_path / "no")), "--json")
    found = json.loads(said.stdout)
    assert (said.exit_code, found["well"]) == (1, False)
    assert {"level": "mend", "mend": f"mkdir -p {tmp_path}/no"}.items() <= found["findings"][-1].items()


def test_a_config_that_no_worker_takes_is_refused_with_every_problem(tmp_path: Path) -> None:
    said = doctor(written(tmp_path, sink(tmp_path, **{"tasks.max": "0", "errors.tolerance": "some"})))
    assert said.exit_code == 2
    assert all(key in said.stderr for key in ("lines.json", "tasks.max", "errors.tolerance"))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    assert doctor(tmp_path / "missing.properties").exit_code == 2
    first = worker_file(tmp_path, {**CONVERTERS, "bootstrap.servers": "127.0.0.1:1"})
    second = worker_file(tmp_path, {**CONVERTERS, "bootstrap.servers": "127.0.0.1:1"}, name="other")
    said = doctor(first, second)
    assert (said.exit_code, "there can be only one worker's file" in said.stderr) == (2, True)
    first.write_text("key.converter=\\u12")
    said = doctor(first)
    assert (said.exit_code, said.stderr.startswith(f"{first}, line 1: ")) == (2, True)
    first.write_text("")
    said = doctor(first)
    assert (said.exit_code, said.stderr.startswith(f"{first}: Missing required configuration")) == (2, True)
    said = doctor(written(tmp_path, {"name": "lines", "connector.class": "NobodysSink", "topics": "t"}))
    assert (said.exit_code, "NobodysSink" in said.stderr) == (2, True)


def test_a_reference_that_nothing_is_found_for_is_to_be_mended(tmp_path: Path) -> None:
    providers = {
        "config.providers": "env",
        "config.providers.env.class": "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
    }
    worker = worker_file(tmp_path, {**CONVERTERS, **providers, "bootstrap.servers": "${env:NOBODYS_KAFKA}"})
    said = doctor(worker, written(tmp_path, sink(tmp_path)))
    assert (said.exit_code, "MEND      worker: bootstrap.servers" in said.stdout) == (1, True), said.output
    worker = worker_file(tmp_path, {**CONVERTERS, **providers})
    said = doctor(
        written(tmp_path, sink(tmp_path, topics="${env:NOBODYS_TOPIC}")), "--worker", worker, "--seconds", "1"
    )
    assert (said.exit_code, "MEND      lines: topics" in said.stdout) == (1, True), said.output


def test_a_system_that_hangs_is_told_and_does_not_hang_the_doctor(tmp_path: Path) -> None:
    with silent() as port:
        config = {
            "name": "shop",
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "topics": "orders",
            "connection.url": f"jdbc:postgresql://127.0.0.1:{port}/shop",
            "connection.user": "ferryman",
            "connection.password": "an-obol-for-charon",
        }
        said = doctor(written(tmp_path, config), "--seconds", "0.5")
    assert (said.exit_code, "MEND      shop: " in said.stdout) == (1, True)
    assert "an-obol-for-charon" not in said.output


@contextmanager
def open_files(many: int) -> Iterator[None]:
    """This process has so many, as a worker of a thousand connectors has."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 2 * many)), hard))
    with ExitStack() as files:
        for _ in range(many):
            files.enter_context(open(os.devnull))
        yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_with_more_open_files_than_select_can_count_may_ask(tmp_path: Path) -> None:
    with open_files(1100):
        said = doctor(written(tmp_path, sink(tmp_path / "no")))
    assert f"          -> mkdir -p {tmp_path}/no" in said.stdout


PLUGINS = """
import time
from ferryman.api import Finding, Sink

class Mute(Sink):
    pass

class Rude(Sink):
    @classmethod
    def examine(cls, config, examination):
        print("this is no finding")
        yield Finding("ok", "manners", "it has said hello to " + ", ".join(examination.topics))
        raise OSError("an-obol-for-charon is what it cost")

class Hung(Sink):
    @classmethod
    def examine(cls, config, examination):
        yield Finding("ok", "step 1", "done")
        while True:
            time.sleep(60)
"""


def test_plugins_of_others_say_what_they_like_or_nothing_or_hang(tmp_path: Path) -> None:
    home = installed(tmp_path, "others_plugins", PLUGINS, "Mute", "Rude", "Hung")
    files = [
        written(tmp_path, {"name": "mute", "connector.class": "Mute", "topics": "t"}),
        written(tmp_path, {"name": "hung", "connector.class": "Hung", "topics": "t"}),
        written(
            tmp_path,
            {"name": "rude", "connector.class": "Rude", "topics": "t", "some.password": "an-obol-for-charon"},
        ),
    ]
    command = [sys.executable, "-m", "ferryman", "doctor", *map(str, files), "--seconds", "5"]
    said = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(home)})
    assert said.returncode == 1, said.stderr
    assert "left out  mute: Mute: the connector's class does not say how to check its system" in said.stdout
    assert "ok        rude: manners: it has said hello to t" in said.stdout
    assert "MEND      rude: Rude: the check has failed with OSError: [hidden] is what it cost" in said.stdout
    assert "no finding" not in said.stdout
    assert "ok        hung: step 1: done" in said.stdout
    assert "MEND      hung: Hung: no answer within 5 seconds: the checks after this one were not made" in said.stdout
