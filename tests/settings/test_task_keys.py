"""Ferryman's own keys of tasks: a connector's over its worker's."""

import pytest

from ferryman.errors import ConfigError
from ferryman.retry.restarts import Policy
from ferryman.settings import settings
from ferryman.settings.task_keys import TaskKeys

WORKER = {"bootstrap.servers": "b:9092", "key.converter": "String", "value.converter": "String"}


def test_a_connector_says_it_for_itself_and_a_worker_for_the_others() -> None:
    worker = {**WORKER, "ferryman.auto.restart.max.restarts": "3", "ferryman.auto.restart.delay.ms": "1000"}
    assert settings.parse(worker).warnings == ()
    assert TaskKeys.of(worker, {"name": "c"}).restarts == Policy(3, 1.0, 600.0)
    assert TaskKeys.of(worker, {"ferryman.auto.restart.max.restarts": "-1"}).restarts == Policy(None, 1.0, 600.0)
    assert TaskKeys.of({}, {}).restarts == Policy(10, 30.0, 600.0)


def test_without_restarts_a_task_that_has_failed_stays_so() -> None:
    assert TaskKeys.of({"ferryman.auto.restart.enable": "false"}, {}).restarts.most == 0


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ferryman.auto.restart.enable", "perhaps"),
        ("ferryman.auto.restart.max.restarts", "-2"),
        ("ferryman.auto.restart.delay.ms", "0"),
        ("ferryman.auto.restart.delay.max.ms", "soon"),
        ("ferryman.task.memory.max.bytes", "-1"),
    ],
)
def test_what_cannot_be_is_refused_by_name(key: str, value: str) -> None:
    for refused in (lambda: TaskKeys.of({}, {key: value}), lambda: settings.parse({**WORKER, key: value})):
        with pytest.raises(ConfigError, match=key):
            refused()
