"""What is the worker's own, which no connector may use."""

from collections.abc import Mapping

import pytest

from ferryman.settings import settings
from ferryman.settings.modes import DISTRIBUTED, STANDALONE, Mode
from ferryman.validation import connector_config

WORKER = {
    "group.id": "connect-workers",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    "config.storage.topic": "own-configs",
    "offset.storage.topic": "own-offsets",
    "status.storage.topic": "own-statuses",
}
SINK = {"name": "c", "connector.class": "FileStreamSink", "topics": "t"}
SOURCE = {"name": "c", "connector.class": "FileStreamSource", "topic": "t"}
OVERRIDE = "consumer.override.group.id"
OVERRIDDEN = (OVERRIDE, "Consumer group connect-workers conflicts with Connect worker group connect-workers")


def by_name(name: str) -> tuple[str, str]:
    text = f"Consumer group for sink connector named {name} conflicts with Connect worker group connect-workers"
    return "name", text


def errors(raw: Mapping[str, str], mode: Mode = DISTRIBUTED, **worker: str) -> list[tuple[str, str]]:
    changes = {key.replace("_", "."): value for key, value in worker.items()}
    found = connector_config.validate(raw, settings.parse(WORKER | changes, mode))
    assert found.infos.as_json()["error_count"] == len({problem.key for problem in found.infos.problems})
    return [(problem.key, problem.message) for problem in found.infos.problems]


@pytest.mark.parametrize("group", ["connect-workers", " connect-workers\t"])
def test_a_sink_is_no_member_of_its_workers_group(group: str) -> None:
    assert errors(SINK | {OVERRIDE: group}) == [OVERRIDDEN]


def test_a_sink_whose_name_leads_to_its_workers_group_needs_another_name() -> None:
    assert errors(SINK | {"name": "workers"}) == [by_name("workers")]


def test_a_sink_of_such_a_name_may_have_another_group() -> None:
    assert errors(SINK | {"name": "workers", OVERRIDE: "connect-c"}) == []


def test_the_workers_own_setting_for_consumers_is_what_sinks_without_one_have() -> None:
    assert errors(SINK, consumer_group_id="connect-workers") == [by_name("c")]
    assert errors(SINK | {"name": "workers"}, consumer_group_id="another") == []


def test_a_group_that_a_reference_leads_to_is_known_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SINKS_GROUP", "connect-workers")
    provider = "org.apache.kafka.common.config.provider.EnvVarConfigProvider"
    found = errors(
        SINK | {OVERRIDE: "${env::SINKS_GROUP}"}, config_providers="env", config_providers_env_class=provider
    )
    assert [key for key, _ in found] == [OVERRIDE]


@pytest.mark.parametrize("raw", [SINK | {OVERRIDE: "connect-workers"}, SINK | {"name": "workers"}])
def test_a_standalone_worker_joins_no_group_that_a_sink_could_share(raw: Mapping[str, str]) -> None:
    assert errors(raw, STANDALONE) == []


@pytest.mark.parametrize("raw", [SOURCE | {OVERRIDE: "connect-workers"}, SOURCE | {"name": "workers"}])
def test_a_source_joins_no_group(raw: Mapping[str, str]) -> None:
    assert errors(raw) == []


QUEUE = "errors.deadletterqueue.topic.name"


@pytest.mark.parametrize("raw", [SOURCE, SINK])
@pytest.mark.parametrize("topic", ["own-offsets", "own-configs", "own-statuses"])
def test_a_dead_letter_queue_is_no_topic_of_the_workers_own(raw: Mapping[str, str], topic: str) -> None:
    text = f"The DLQ topic '{topic}' may not be one in which the worker keeps configs, offsets or statuses"
    assert errors({**raw, QUEUE: topic}) == [(QUEUE, text)]
