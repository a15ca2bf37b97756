"""What a connector returns for its tasks: looked at, and kept with references instead of what they stand for."""

from typing import Any

import pytest

from ferryman.connector_process import task_configs
from ferryman.connectors.datagen.source import DatagenConnector
from ferryman.errors import TaskError
from ferryman.telemetry.references import Found, References

RAW = {
    "name": "c",
    "connector.class": "DatagenConnector",
    "kafka.topic": "t",
    "quickstart": "crowdfunding",
    "tasks.max": "2",
}
CONFIG = DatagenConnector.config_class.parse(RAW)


@pytest.mark.parametrize(
    "made",
    [None, "a text", b"bytes", {"a": "map"}, [["a list"]], [{"key": 1}], [{1: "value"}], [RAW, None], iter([RAW])],
)
def test_what_is_no_list_of_configs_is_refused_in_words(made: Any) -> None:
    with pytest.raises(TaskError, match="task configs of the connector c are not what a connector must return"):
        task_configs.checked(made, CONFIG)


def test_more_than_tasks_max_are_refused_unless_that_is_allowed(caplog: pytest.LogCaptureFixture) -> None:
    text = "The connector c has generated 3 tasks, which is greater than 2, the maximum number"
    with pytest.raises(TaskError, match=text):
        task_configs.checked([RAW] * 3, CONFIG)
    lax = DatagenConnector.config_class.parse({**RAW, "tasks.max.enforce": "false"})
    assert task_configs.checked((RAW,) * 3, lax) == [RAW] * 3
    assert text in caplog.text
    assert task_configs.checked([], CONFIG) == []


def test_references_are_kept_where_values_are_the_connectors_own_or_all_of_one() -> None:
    raw = {**RAW, "url": "http://${file:f:host}/x", "password": "${file:f:code}"}
    resolved = {**raw, "url": "http://db/x", "password": "secret"}
    references = References((Found("url", "${file:f:host}", "db"), Found("password", "${file:f:code}", "secret")))
    made = {"name": "c", "url": "http://db/x", "password": "secret", "again": "secret", "more": "http://db/y"}
    assert task_configs.stored(made, DatagenConnector, raw, resolved, references) == {
        "name": "c",
        "url": "http://${file:f:host}/x",
        "password": "${file:f:code}",
        "again": "${file:f:code}",
        "more": "http://db/y",
        "task.class": "io.confluent.kafka.connect.datagen.DatagenTask",
    }
