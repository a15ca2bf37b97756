"""A distributed worker of Kafka Connect itself, with its file connectors, on the topics of a group."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.peer import LOCK
from ferryman.settings.settings import Settings
from ferryman.stack.runtime.artifacts import class_path, read_lock
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import free_port
from tests.running import WEB, until


@contextmanager
def kafka_connect(directory: Path, worker: Settings) -> Iterator[str]:
    """Its URL, while the block runs. It has the settings of a worker of ours, and JSON converters."""
    lock = read_lock(LOCK)
    jars = [*lock["connect"], *lock["file"]]
    download(jars)
    url, file, log = f"http://127.0.0.1:{free_port()}", directory / "worker.properties", directory / "log"
    converter = "org.apache.kafka.connect.json.JsonConverter"
    own = {"listeners": url, "key.converter": converter, "value.converter": converter, "plugin.discovery": "only_scan"}
    file.write_text("".join(f"{key}={value}\n" for key, value in {**worker.values, **own}.items()))
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    command = java("512m", directory, "-cp", class_path(jars), main, str(file))
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(lambda: _serves(url, process, log), 120, "Kafka Connect's start", pause=0.2)
            yield url
        finally:
            process.kill()


def _serves(url: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-3000:]
    try:
        return WEB.get(f"{url}/connectors").status_code == 200
    except httpx.TransportError:
        return False
