"""What a task asks before it begins does not keep it from ending."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ferryman.errors import RetriableError
from ferryman.kafka.admin import Admin
from ferryman.task.setup.control import Control
from ferryman.task.setup.setup import Setup
from ferryman.task.setup.spec import TaskSpec

SPEC = TaskSpec(connector="c", task=0, identity="c-0", config={"a": "b"}, worker={})


def setup(control: Control) -> Setup:
    others: dict[str, Any] = dict.fromkeys(("worker", "plugin", "config", "clients", "chain", "outages", "meters"))
    return Setup(SPEC, control, **others)


def asked(answer: "Future[Any]") -> Admin:
    """An admin client of a cluster that answers so."""
    return cast(Admin, SimpleNamespace(describe_cluster=lambda request_timeout: answer))


def test_a_task_that_is_to_end_waits_for_no_answer_of_kafka() -> None:
    control = Control(tell=lambda event, facts: None)
    control.wish("stop")
    with pytest.raises(RetriableError, match="the task is to end"):
        setup(control).facts(asked(Future()))


def test_a_plugin_is_told_its_cluster() -> None:
    answer: Future[Any] = Future()
    answer.set_result(SimpleNamespace(cluster_id="k"))
    facts = setup(Control(tell=lambda event, facts: None)).facts(asked(answer))
    assert facts == {"connector": "c", "task": 0, "cluster": "k", "raw": {"a": "b"}}
