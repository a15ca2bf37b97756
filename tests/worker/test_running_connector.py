"""A connector as a worker holds it: its states as clients see them, and the configs of its tasks."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.api import Sink, Source
from ferryman.connector import SinkConfig, SourceConfig
from ferryman.errors import ConfigError, TaskError
from ferryman.facts.states import State, TargetState
from ferryman.settings.config_providers import Resolution
from ferryman.worker.running_connector import RunningConnector, task_configs

RAW = {"name": "c", "connector.class": "ThreeTasks", "topics": "t"}


class ThreeTasks(Sink[SinkConfig]):
    """A sink that makes three tasks whatever it is told."""

    config_class = SinkConfig

    @classmethod
    def task_configs(cls, config: SinkConfig, raw: Mapping[str, str]) -> list[Mapping[str, str]]:
        return [{**raw, "task": str(number), "seen": config.topics[0]} for number in range(3)]


class Feed(Source[SourceConfig]):
    """A source."""


def connector(plugin: type[Any] = ThreeTasks, target: TargetState = TargetState.RUNNING) -> RunningConnector:
    return RunningConnector("c", RAW, plugin, target)


def as_posted(raw: Mapping[str, str]) -> Resolution:
    return Resolution(dict(raw))


@pytest.mark.parametrize("target", list(TargetState))
def test_a_connector_is_in_the_state_that_is_wanted_of_it(target: TargetState) -> None:
    assert connector(target=target).state == State(target.value)


def test_a_connector_with_a_trace_has_failed_whatever_is_wanted() -> None:
    failed = connector(target=TargetState.PAUSED)
    failed.trace = "it broke"
    assert failed.state is State.FAILED
    status = failed.status("w:1")
    assert (status.connector.state, status.connector.trace, status.connector.worker_id) == (
        State.FAILED,
        "it broke",
        "w:1",
    )


def test_its_tasks_are_shown_by_number_with_their_own_states() -> None:
    made = connector()
    tasks: Any = [
        SimpleNamespace(state=State.RUNNING, trace=None, outage=None),
        SimpleNamespace(state=State.FAILED, trace="oops", outage=None),
    ]
    made.tasks = tasks
    status = made.status("w:1")
    assert {number: (task.state, task.trace) for number, task in status.tasks.items()} == {
        0: (State.RUNNING, None),
        1: (State.FAILED, "oops"),
    }
    assert status.connector.state is State.RUNNING
    assert status.connector.trace is None


def test_it_is_a_sink_or_a_source() -> None:
    assert (connector().type, connector(Feed).type) == ("sink", "source")
    assert connector().status("w").type == "sink"


def test_its_info_has_the_config_as_posted_and_a_number_for_each_task_config() -> None:
    made = connector()
    made.task_configs = [RAW, RAW]
    assert (made.info.name, made.info.config, list(made.info.tasks), made.info.type) == ("c", RAW, [0, 1], "sink")


def test_a_plugin_sees_resolved_values_and_tasks_keep_the_references() -> None:
    raw = RAW | {"tasks.max": "3", "topics": "${env:TOPIC}"}
    configs = task_configs(ThreeTasks, raw, lambda given: Resolution({**given, "topics": "resolved"}))
    assert [(each["task"], each["seen"], each["topics"]) for each in configs] == [
        (str(number), "resolved", "${env:TOPIC}") for number in range(3)
    ]
    assert {each["task.class"] for each in configs} == {"ThreeTasks"}


def test_more_tasks_than_tasks_max_are_refused() -> None:
    with pytest.raises(TaskError, match="The connector c has generated 3 tasks, which is greater than 2, the maximum"):
        task_configs(ThreeTasks, RAW | {"tasks.max": "2"}, as_posted)


def test_more_tasks_than_tasks_max_are_only_warned_about_if_that_is_wanted(caplog: pytest.LogCaptureFixture) -> None:
    raw = RAW | {"tasks.max": "2", "tasks.max.enforce": "false"}
    assert len(task_configs(ThreeTasks, raw, as_posted)) == 3
    assert "has generated 3 tasks" in caplog.messages[0]


@pytest.mark.parametrize("most", ["3", "4"])
def test_as_many_tasks_as_tasks_max_or_fewer_are_fine(most: str, caplog: pytest.LogCaptureFixture) -> None:
    assert len(task_configs(ThreeTasks, RAW | {"tasks.max": most}, as_posted)) == 3
    assert caplog.messages == []


def test_a_config_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(ConfigError):
        task_configs(ThreeTasks, RAW | {"tasks.max": "none"}, as_posted)
