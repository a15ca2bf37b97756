"""Puts the files of a folder into this machine's place: addresses and credentials are replaced, nothing else."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from ferryman.java import properties
from ferryman.stack.runtime.ports import free_port
from tests.prefork import Process, start
from tests.running import FERRYMAN, Worker, until

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Place:
    """Where the systems are, and a folder for the worker to run in."""

    folder: Path
    kafka: str
    registry: str = ""
    postgres: str = ""

    def file(self, name: str) -> Path:
        """A copy of a file of workers/ or connectors/ with this place's addresses and credentials."""
        copy = self.folder / Path(name).name
        copy.write_text(self._moved((HERE / name).read_text()))
        return copy

    def _moved(self, text: str) -> str:
        text = re.sub(r"\b(localhost|kafka):9092\b", self.kafka, text)
        text = re.sub(r"http://(localhost|schema-registry):8081", self.registry, text)
        text = text.replace("/opt/connect/", f"{self.folder}/")
        if not self.postgres:
            return text
        url = sa.make_url(self.postgres)
        text = re.sub(r"(jdbc:postgresql://)[\w-]+:5432/\w+", rf"\g<1>{url.host}:{url.port}/{url.database}", text)
        text = re.sub(r"user=postgres&password=postgres", f"user={url.username}&password={url.password}", text)
        text = re.sub(r'("connection\.user(?:name)?": )"\w+"', rf'\g<1>"{url.username}"', text)
        return re.sub(r'("connection\.password": )"\w+"', rf'\g<1>"{url.password}"', text)

    @contextmanager
    def worker(self, settings: str, connectors: Sequence[str], typed: bytes | None = None) -> Iterator[Worker]:
        """A worker with files on its command line, at a port of its own; what is typed comes from its console."""
        port = free_port()
        made = Worker(self.folder, {}, port)
        files = [str(self.file(f"connectors/{name}")) for name in connectors]
        listener = f"listeners=http://127.0.0.1:{port}"
        command = [FERRYMAN, "standalone", "--override", listener, str(self.file(f"workers/{settings}")), *files]
        with made.log.open("wb") as log, self.out.open("wb") as out:
            if typed is None:
                made.process = start(command, out, os.environ, self.folder, log)
            else:
                made.process = _at_a_console(command, self.folder, out, log, typed)
        try:
            until(made._ready, 60, f"the worker's start, see {made.log}")
            yield made
        finally:
            made.stop()
            if made.process.stdin is not None:
                made.process.stdin.close()

    @property
    def out(self) -> Path:
        """The worker's standard output."""
        return self.folder / "stdout.txt"

    def post(self, worker: Worker, name: str) -> None:
        """What ``curl -d @file`` does; the config that the worker then shows is the posted one, as strings."""
        body = json.loads(self.file(f"connectors/{name}").read_text())
        worker.call("POST", "/connectors", body, expect=201)
        shown = worker.call("GET", f"/connectors/{body['name']}/config")
        assert shown == {"name": body["name"]} | {key: _text(value) for key, value in body["config"].items()}

    def declared(self, name: str) -> str:
        """The connector's name in a file."""
        path = HERE / "connectors" / name
        found = properties.load(path.read_bytes()) if path.suffix == ".properties" else json.loads(path.read_text())
        return str(found["name"])


def _at_a_console(command: Sequence[str], folder: Path, out: BinaryIO, log: BinaryIO, typed: bytes) -> Process:
    """Somebody has typed this, and may type more."""
    process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=log, bufsize=0)
    assert process.stdin is not None
    process.stdin.write(typed)
    return process


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
