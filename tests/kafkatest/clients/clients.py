"""The clients: of which version each is, how it is brought here, and how it is asked."""

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.kafkatest.clients.life import Step
from tests.places import ROOT

_HERE = Path(__file__).parent
Ask = Callable[[Step], Any]
"""Has a client do a step, and says what it printed or returned."""


@dataclass(frozen=True)
class Client:
    """One client."""

    name: str
    version: str
    opened: Callable[[str, Path], AbstractContextManager[Ask]]
    """Given the worker's URL and an empty folder."""
    lacks: frozenset[str] = frozenset()
    """The steps that it has no call for that Kafka takes."""
    needs: str | None = None
    """A program that must be installed."""

    def __str__(self) -> str:
        return self.name


@contextmanager
def kafka_connect_py(url: str, home: Path) -> Iterator[Ask]:
    """Its command line, installed into an environment of its own."""
    venv.create(home / "venv", with_pip=True)
    commands = home / "venv" / "bin"
    pinned = ("--require-hashes", "--only-binary", ":all:", "-r", str(_HERE / "kafka-connect-py.txt"))
    subprocess.run([commands / "pip", "install", "--quiet", "--no-deps", *pinned], check=True)

    def ask(step: Step) -> Any:
        printed = []
        for words in _words(step):
            found = subprocess.run(
                [commands / "kc", "--url", url, *words], capture_output=True, text=True, timeout=300, check=False
            )
            assert found.returncode == 0, found.stderr
            printed.append([_read(found.stdout), re.sub(r"(?m)^.* - kafka-connect - ", "", found.stderr)])
        return printed

    yield ask


def _words(step: Step) -> Sequence[Sequence[str]]:
    """The commands of a step: most are named as it is."""
    name, config = step.name, json.dumps(step.config)
    special: Mapping[str, Sequence[Sequence[str]]] = {
        "root": [["info"]],
        "list": [["list"]],
        "expanded": [["list", "--expand", "info"], ["list", "--expand", "status"]],
        "plugins": [["list-plugins"]],
        "validate": [["validate-config", step.config.get("connector.class", ""), "--config-data", config]],
        "create": [["create", "--config-data", json.dumps({"name": name, "config": dict(step.config)})]],
        "tasks": [["list-tasks", name]],
        "task status": [["task-status", name, "0"]],
        "topics": [["list-topics", name]],
        "reset topics": [["reset-topics", name]],
        "update": [["update", name, "--config-data", config]],
        "restart all": [["restart", name, "--include-tasks"]],
        "restart task": [["restart-task", name, "0"]],
    }
    return special.get(step.do, [[step.do, name]])


def _read(printed: str) -> Any:
    try:
        return json.loads(printed)
    except ValueError:
        return printed.strip()


@contextmanager
def _conversation(command: Sequence[str], where: Path) -> Iterator[Ask]:
    """A program that reads what is asked and writes what the client returned, a line of JSON each."""
    process = subprocess.Popen(command, cwd=where, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None

    def ask(step: Step) -> Any:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(step.asked()) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"{command} has ended at {step}"
        return json.loads(line)

    try:
        yield ask
    finally:
        process.stdin.close()
        process.wait(120)
        process.stdout.close()


@contextmanager
def _go(which: str, url: str, home: Path) -> Iterator[Ask]:
    """One of the Go clients, built at the versions and hashes of go.mod and go.sum."""
    program = str(home / "clients")
    exactly = {**os.environ, "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
    subprocess.run(["go", "build", "-buildvcs=false", "-o", program, "."], cwd=_HERE / "go", env=exactly, check=True)
    with _conversation([program, which, url], home) as ask:
        yield ask


@contextmanager
def _npm(url: str, home: Path) -> Iterator[Ask]:
    """npm's client, installed at the versions and hashes of package-lock.json."""
    shutil.copytree(_HERE / "npm", home, dirs_exist_ok=True)
    subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=home, check=True)
    with _conversation(["node", "client.js", url], home) as ask:
        yield ask


def _sourcelab(url: str, home: Path) -> AbstractContextManager[Ask]:
    return _conversation([sys.executable, "-m", "tests.kafkatest.clients.sourcelab", url, str(home)], ROOT)


CLIENTS = (
    Client("kafka-connect-py", "1.0.0", kafka_connect_py, frozenset({"stop"})),
    Client("sourcelab", "4.0.5", _sourcelab),
    Client(
        "cloudhut",
        "v0.0.0-20240523140316-27c93e339567",
        partial(_go, "cloudhut"),
        frozenset({"tasks", "task status"}),
        needs="go",
    ),
    Client(
        "go-kafka",
        "v0.9.0",
        partial(_go, "go-kafka"),
        frozenset(
            {"root", "expanded", "plugins", "validate", "task status", "topics", "reset topics"}
            | {"stop", "restart all", "restart task"}
        ),
        needs="go",
    ),
    # It cannot read which topics there are, and its reset of them is refused by Kafka.
    Client("kafka-connect-client", "2.3.0", _npm, frozenset({"topics", "reset topics"}), needs="npm"),
)
