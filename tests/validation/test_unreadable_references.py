"""A reference that a config provider cannot read is refused with its key, whichever part of a config the key is of."""

from collections.abc import Mapping

import pytest

from ferryman.settings import settings
from ferryman.validation import connector_config

WORKER = {
    "config.providers": "file",
    "config.providers.file.class": "FileConfigProvider",
    "key.converter": "StringConverter",
    "value.converter": "StringConverter",
}
TRANSFORMS = "org.apache.kafka.connect.transforms."
SOURCE = {
    "name": "c",
    "connector.class": "FileStreamSource",
    "topic": "t",
    "transforms": "t",
    "transforms.t.type": f"{TRANSFORMS}InsertField$Value",
    "transforms.t.static.field": "f",
    "transforms.t.static.value": "v",
    "transforms.t.predicate": "p",
    "predicates": "p",
    "predicates.p.type": f"{TRANSFORMS}predicates.TopicNameMatches",
    "predicates.p.pattern": "a.*",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "topic.creation.default.partitions": "1",
    "topic.creation.default.replication.factor": "1",
}


def errors(raw: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(each.key, each.message) for each in connector_config.validate(raw, settings.parse(WORKER)).infos.problems]


@pytest.mark.parametrize(
    "key",
    [
        *("topic", "file", "tasks.max", "transforms.t.static.value", "transforms.t.negate", "predicates.p.pattern"),
        *("value.converter.schemas.enable", "value.converter.decimal.format", "producer.override.client.id"),
        *("producer.override.linger.ms", "topic.creation.default.partitions", "topic.creation.default.cleanup.policy"),
        *("transforms.unlisted.x", "nobody.knows"),
    ],
)
def test_a_reference_to_a_file_that_is_not_there_is_refused_once_with_its_key(key: str) -> None:
    assert errors(SOURCE) == []
    text = f"{key} cannot be resolved: Could not read properties from file /nowhere/s: No such file or directory"
    assert errors({**SOURCE, key: "${file:/nowhere/s:k}"}).count((key, text)) == 1
