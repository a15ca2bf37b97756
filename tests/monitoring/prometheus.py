"""Prometheus itself, with the config that we ship, for as long as a block runs."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from ferryman.stack.runtime.ports import free_port
from tests.places import ROOT
from tests.running import WEB, until

FOLDER = ROOT / "configs/monitoring"
PROMETHEUS = shutil.which("prometheus")
needs_prometheus = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    url: str

    def ask(self, path: str, **parameters: str) -> Any:
        """What its API answers; a refusal is a failure, with its reason."""
        answer = WEB.get(f"{self.url}/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", answer
        return answer["data"]

    def result(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression, as they are now."""
        return list(self.ask("query", query=expression)["result"])


@contextmanager
def scraping(directory: Path, target: str) -> Iterator[Prometheus]:
    """With the shipped config and rules, of another target, and scraped every second."""
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": [target]}]
    shutil.copy(FOLDER / "alerts.yml", directory)
    (directory / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    address = f"127.0.0.1:{free_port()}"
    command = [str(PROMETHEUS), f"--config.file={directory / 'prometheus.yml'}", f"--web.listen-address={address}"]
    log = directory / "prometheus.log"
    with (
        log.open("wb") as output,
        subprocess.Popen([*command, f"--storage.tsdb.path={directory / 'data'}"], stderr=output) as process,
    ):
        try:
            until(lambda: _is_ready(address, process, log), 120, "Prometheus")
            yield Prometheus(f"http://{address}")
        finally:
            process.kill()


def _is_ready(address: str, process: "subprocess.Popen[bytes]", log: Path) -> bool:
    assert process.poll() is None, log.read_text()
    try:
        return WEB.get(f"http://{address}/-/ready").status_code == 200
    except httpx.TransportError:
        return False
