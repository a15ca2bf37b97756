"""Kafka Connect's names of loggers, and ours."""

import importlib
import logging
from collections.abc import Iterator

import pytest

from ferryman.telemetry import java_loggers, logs

ALL = sorted({each for names in java_loggers.OURS.values() for each in names})


@pytest.mark.parametrize("name", [each for each in ALL if each != "librdkafka"])
def test_each_of_ours_is_a_module_or_a_folder_of_modules(name: str) -> None:
    importlib.import_module(name)


def test_a_name_of_theirs_means_its_like_and_itself() -> None:
    assert java_loggers.meant("org.apache.kafka.connect") == ("org.apache.kafka.connect", "ferryman")
    assert java_loggers.meant("ferryman.task") == ("ferryman.task",)
    assert java_loggers.meant("org.apache.kafka.connect.runtime.Nobody") == ("org.apache.kafka.connect.runtime.Nobody",)


@pytest.fixture
def levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in ALL}
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


@pytest.mark.usefixtures("levels")
def test_a_level_set_by_their_name_holds_for_ours() -> None:
    logs.set_level("org.apache.kafka.connect.runtime.WorkerSinkTask", "TRACE")
    assert logging.getLogger("ferryman.task.sink.loop").isEnabledFor(5)
    assert not logging.getLogger("ferryman.task.source").isEnabledFor(5)
