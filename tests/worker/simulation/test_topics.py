"""The models of Kafka's topics and clients, and a real broker, live through the same story."""

import subprocess
import sys

import pytest

from tests.internal_topics import logs
from tests.worker.simulation.log_story import story


@pytest.mark.timeout(300)
def test_the_models_live_through_it() -> None:
    command = [sys.executable, "-m", "tests.worker.simulation.play_log_story"]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.timeout(300)
def test_a_broker_lives_through_it(kafka: str, unique: str) -> None:
    worker = logs.distributed(kafka, unique, exactly_once_source_support="preparing")
    logs.make(kafka, worker.distributed.config_storage_topic)
    story(worker)
