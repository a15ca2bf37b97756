"""A distributed worker of Kafka Connect itself, without connectors, beside ours."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from bench.peer import LOCK
from ferryman.stack.runtime.artifacts import class_path, read_lock
from ferryman.stack.runtime.download import download
from ferryman.stack.runtime.java import java
from ferryman.stack.runtime.ports import free_port
from tests.running import WEB, until


@contextmanager
def jvm_worker(directory: Path, settings: Mapping[str, str]) -> Iterator[str]:
    """Its URL, while the block runs."""
    bundle = read_lock(LOCK)["connect"]
    download(bundle)
    url, file = f"http://127.0.0.1:{free_port()}", directory / "jvm-worker.properties"
    converter = "org.apache.kafka.connect.json.JsonConverter"
    own = {"listeners": url, "key.converter": converter, "value.converter": converter}
    file.write_text("".join(f"{key}={value}\n" for key, value in {**own, **settings}.items()))
    main = "org.apache.kafka.connect.cli.ConnectDistributed"
    command = java("512m", directory, "-cp", class_path(bundle), main, str(file))
    log = directory / "jvm-worker.log"
    with log.open("ab") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            until(lambda: _answers(url, process, log), 60, "the JVM worker's start", pause=0.2)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def _answers(url: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()[-3000:]
    try:
        return WEB.get(f"{url}/connectors").status_code == 200
    except httpx.TransportError:
        return False
