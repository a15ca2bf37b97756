"""A standalone worker that is told to stop before it has started."""

import json
from pathlib import Path

import httpx

from tests.running import WEB, Worker, settings
from tests.worker.blocking_plugin import blocking, with_blocking_sink

AWAY = "127.0.0.1:1"


class Starting(Worker):
    """One that counts as started as soon as it answers."""

    def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said
        try:
            return WEB.get(f"{self.url}/health").status_code == 503
        except httpx.TransportError:
            return False


def test_a_worker_that_is_told_to_stop_while_it_creates_its_first_connector_has_not_failed(tmp_path: Path) -> None:
    config = blocking("problems")
    file = tmp_path / "connector.json"
    file.write_text(json.dumps(config))
    variables = {"PYTHONPATH": str(with_blocking_sink(tmp_path))}
    worker = Starting(tmp_path, settings(AWAY, "starting"), environment=variables)
    try:
        worker.start(file)
    finally:
        worker.stop()
    assert worker.process is not None
    assert worker.process.poll() == 0, worker.said
