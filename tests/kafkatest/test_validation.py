"""What ConnectorValidationIntegrationTest asks of a worker: how many keys are wrong, which, and in which words."""

import re

import pytest

from tests.kafkatest.configs import sink, source
from tests.kafkatest.connect import Config, Connect

MINE = "org.apache.kafka.connect.integration.TestableSinkConnector"
FILTER = "org.apache.kafka.connect.transforms.Filter"
TOMBSTONE = "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone"
JSON = "org.apache.kafka.connect.json.JsonConverter"

SINK = {**sink("t1"), "name": "sink-connector", "tasks.max": "1"}
SOURCE = {**source("t1"), "name": "source-connector", "tasks.max": "1"}
NO_TOPICS = {key: value for key, value in SINK.items() if key != "topics"}
EITHER = "Must configure one of topics or topics.regex"
BOTH = "topics and topics.regex are mutually exclusive options, but both are set."
DUPLICATE = "Invalid value {} for configuration {}: Duplicate alias provided."

WRONG: dict[str, tuple[Config, dict[str, str]]] = {
    "a sink with neither topics nor a pattern": (NO_TOPICS, {"topics": EITHER, "topics.regex": EITHER}),
    "a sink with topics and a pattern": (
        {**SINK, "topics.regex": "r.*"},
        {"topics": BOTH, "topics.regex": BOTH},
    ),
    "a dead letter queue among the topics": (
        {**SINK, "errors.deadletterqueue.topic.name": "t1"},
        {
            "topics": "The DLQ topic 't1' may not be included in the list of topics ('topics=[t1]') consumed by the "
            "connector"
        },
    ),
    "a dead letter queue that the pattern matches": (
        {**NO_TOPICS, "topics.regex": "r.*", "errors.deadletterqueue.topic.name": "ruh.roh"},
        {
            "topics.regex": "The DLQ topic 'ruh.roh' may not be matched by the regex for the topics "
            "('topics.regex=r.*') consumed by the connector"
        },
    ),
    "a group of topics to be created that is named twice": (
        {**SOURCE, "topic.creation.groups": "g1, g2, g1"},
        {"topic.creation.groups": DUPLICATE.format("[g1, g2, g1]", "topic.creation.groups")},
    ),
    "a transform that is named twice": (
        {**SINK, "transforms": "t, t", "transforms.t.type": FILTER},
        {"transforms": DUPLICATE.format("[t, t]", "transforms")},
    ),
    "a transform of no known class": (
        {**SINK, "transforms": "t", "transforms.t.type": "WheresTheFruit"},
        {
            "transforms.t.type": "Invalid value WheresTheFruit for configuration transforms.t.type: Class "
            "WheresTheFruit could not be found."
        },
    ),
    "a transform whose class is another plugin's": (
        {**SINK, "transforms": "t", "transforms.t.type": MINE},
        {"transforms.t.type": "*"},
    ),
    "a negation without a predicate": (
        {**SINK, "transforms": "t", "transforms.t.type": FILTER, "transforms.t.negate": "true"},
        {
            "transforms.t.type": "Config 'transforms.t.negate' was provided but there is no config "
            "'transforms.t.predicate' defining a predicate to be negated."
        },
    ),
    "a predicate that is named twice": (
        {**SINK, "predicates": "p, p", "predicates.p.type": TOMBSTONE},
        {"predicates": DUPLICATE.format("[p, p]", "predicates")},
    ),
    "a predicate of no known class": (
        {**SINK, "predicates": "p", "predicates.p.type": "WheresTheFruit"},
        {
            "predicates.p.type": "Invalid value WheresTheFruit for configuration predicates.p.type: Class "
            "WheresTheFruit could not be found."
        },
    ),
    "a predicate whose class is another plugin's": (
        {**SINK, "predicates": "p", "predicates.p.type": MINE},
        {"predicates.p.type": "*"},
    ),
    "a converter of no known class": (
        {**SINK, "key.converter": "WheresTheFruit"},
        {
            "key.converter": "Invalid value WheresTheFruit for configuration key.converter: Class WheresTheFruit could "
            "not be found."
        },
    ),
    "a converter whose class is another plugin's": ({**SINK, "key.converter": MINE}, {"key.converter": "*"}),
    "a converter with a value that it cannot take": (
        {**SINK, "key.converter": JSON, "key.converter.schemas.enable": "notaboolean"},
        {"key.converter.schemas.enable": "*"},
    ),
    "a header converter of no known class": (
        {**SINK, "header.converter": "WheresTheFruit"},
        {
            "header.converter": "Invalid value WheresTheFruit for configuration header.converter: Class WheresTheFruit "
            "could not be found."
        },
    ),
    "a header converter whose class is another plugin's": (
        {**SINK, "header.converter": MINE},
        {"header.converter": "*"},
    ),
    "a header converter with a value that it cannot take": (
        {**SINK, "header.converter": JSON, "header.converter.schemas.enable": "notaboolean"},
        {"header.converter.schemas.enable": "*"},
    ),
}
"""For each config its keys that are wrong, with Kafka's text; * where the text speaks of Java's types."""


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_a_config_is_told_by_key(connect: Connect, what: str) -> None:
    config, expected = WRONG[what]
    found = connect.validated(config)
    assert {key: len(errors) for key, errors in found.items()} == dict.fromkeys(expected, 1), found
    said = {key: errors[0] if expected[key] != "*" else "*" for key, errors in found.items()}
    assert said == expected


@pytest.mark.parametrize("config", [SINK, SOURCE], ids=["a sink", "a source"])
def test_nothing_is_wrong_with_the_configs_that_the_others_are_made_from(connect: Connect, config: Config) -> None:
    assert connect.validated(config) == {}


def test_a_config_that_is_wrong_is_refused_with_the_same_words(connect: Connect, unique: str) -> None:
    config, expected = WRONG["a dead letter queue among the topics"]
    text = connect.refused(400, "POST", "/connectors", {"name": unique, "config": {**config, "name": unique}})
    assert re.match(r"Connector configuration is invalid and contains the following 1 error\(s\):\n", text)
    assert expected["topics"] in text
    assert unique not in connect.connectors()


@pytest.mark.modes("distributed")
def test_a_sink_does_not_share_the_workers_group(connect: Connect) -> None:
    group = connect.settings["group.id"]
    default = connect.validated({**SINK, "name": group.removeprefix("connect-")})
    overridden = connect.validated({**SINK, "consumer.override.group.id": group})
    assert [list(default), list(overridden)] == [["name"], ["consumer.override.group.id"]]
