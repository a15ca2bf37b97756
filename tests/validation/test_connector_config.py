"""What is said about a connector's config before anything is started."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ferryman.connectors.file.source import FileStreamSourceConnector
from ferryman.errors import ConfigError, RequestError
from ferryman.settings import settings
from ferryman.telemetry import redaction
from ferryman.validation import connector_config

WORKER = {
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
}
SOURCE = {"name": "c", "connector.class": "FileStreamSource", "topic": "t"}
SINK = {"name": "c", "connector.class": "FileStreamSink", "topics": "t"}
FRAMEWORK = (
    "name connector.class tasks.max key.converter value.converter header.converter transforms predicates "
    "config.action.reload errors.retry.timeout errors.retry.delay.max.ms errors.tolerance errors.log.enable "
    "errors.log.include.messages tasks.max.enforce connector.plugin.version key.converter.plugin.version "
    "value.converter.plugin.version header.converter.plugin.version"
)
FILE_SOURCE = (
    f"{FRAMEWORK} file topic batch.size topic.creation.groups exactly.once.support transaction.boundary "
    "transaction.boundary.interval.ms offsets.storage.topic"
)
FILE_SINK = (
    f"{FRAMEWORK} file topics topics.regex errors.deadletterqueue.topic.name "
    "errors.deadletterqueue.topic.replication.factor errors.deadletterqueue.context.headers.enable"
)


def validated(raw: Mapping[str, str | None], **worker: str) -> connector_config.Validation:
    changes = {key.replace("_", "."): value for key, value in worker.items()}
    return connector_config.validate(raw, settings.parse(WORKER | changes))


def errors(raw: Mapping[str, str | None], **worker: str) -> list[tuple[str, str]]:
    return [(problem.key, problem.message) for problem in validated(raw, **worker).infos.problems]


def entry(raw: Mapping[str, str | None], key: str, **worker: str) -> dict[str, Any]:
    found = [one for one in validated(raw, **worker).infos.as_json()["configs"] if one["value"]["name"] == key]
    assert len(found) == 1
    entry: dict[str, Any] = found[0]
    return entry


@pytest.mark.parametrize(
    ("raw", "keys"), [(SOURCE, FILE_SOURCE), (SINK, FILE_SINK), ({"connector.class": "FileStreamSink"}, FILE_SINK)]
)
def test_the_keys_are_those_that_kafkas_system_tests_expect(raw: Mapping[str, str], keys: str) -> None:
    body = validated(raw).infos.as_json()
    assert list(body) == ["name", "error_count", "groups", "configs"]
    assert sorted(one["value"]["name"] for one in body["configs"]) == sorted(keys.split())
    assert all(one["definition"]["name"] == one["value"]["name"] for one in body["configs"])


def test_an_entry_has_kafkas_shape() -> None:
    found = entry(SOURCE, "tasks.max")
    assert list(found) == ["definition", "value"]
    assert found["definition"] | {"documentation": ""} == {
        "name": "tasks.max",
        "type": "INT",
        "required": False,
        "default_value": "1",
        "importance": "HIGH",
        "documentation": "",
        "group": "Common",
        "width": "SHORT",
        "display_name": "Tasks max",
        "dependents": (),
        "order": 4,
    }
    assert found["value"] == {
        "name": "tasks.max",
        "value": "1",
        "recommended_values": (),
        "errors": (),
        "visible": True,
    }


def test_of_a_transform_without_its_side_nothing_is_known_but_how_it_is_named() -> None:
    name = "org.apache.kafka.connect.transforms.SetSchemaMetadata"
    raw = SINK | {"transforms": "a", "transforms.a.type": name, "transforms.a.schema.version": "key"}
    body = validated(raw | {"transforms.a.plugin.version": "nope"}).infos.as_json()
    values = {
        each["value"]["name"]: each["value"] for each in body["configs"] if "transforms.a." in each["value"]["name"]
    }
    assert list(values) == ["transforms.a.type", "transforms.a.plugin.version"]
    assert [len(each["errors"]) for each in values.values()] == [1, 0]
    assert [each["visible"] for each in values.values()] == [True, False]


@pytest.mark.parametrize(("text", "shown"), [(" +7 ", "7"), ("007", "7"), ("\u0663", "3"), ("-0", "0"), ("x", None)])
def test_a_number_is_shown_as_it_was_read(text: str, shown: str | None) -> None:
    assert entry(SINK | {"errors.retry.timeout": text}, "errors.retry.timeout")["value"]["value"] == shown


@pytest.mark.parametrize(
    ("key", "given", "value", "messages"),
    [
        (
            "tasks.max",
            "abc",
            None,
            [
                "Invalid value abc for configuration tasks.max: Not a number of type INT",
                "Invalid value null for configuration tasks.max: Value must be non-null",
            ],
        ),
        ("tasks.max", "0", "0", ["Invalid value 0 for configuration tasks.max: Value must be at least 1"]),
        ("tasks.max", " 3 ", "3", []),
        (
            "errors.tolerance",
            "ALL",
            "ALL",
            ["Invalid value ALL for configuration errors.tolerance: String must be one of: none, all"],
        ),
        (
            "errors.log.enable",
            "yes",
            None,
            ["Invalid value yes for configuration errors.log.enable: Expected value to be either true or false"],
        ),
        ("errors.log.enable", "TRUE", "true", []),
        (
            "key.converter",
            "WheresTheFruit",
            None,
            ["Invalid value WheresTheFruit for configuration key.converter: Class WheresTheFruit could not be found."],
        ),
        (
            "header.converter",
            "org.apache.kafka.connect.json.JsonConverter",
            "org.apache.kafka.connect.json.JsonConverter",
            [],
        ),
        ("header.converter", "SimpleHeaderConverter", "org.apache.kafka.connect.storage.SimpleHeaderConverter", []),
        ("header.converter", "Simple", "org.apache.kafka.connect.storage.SimpleHeaderConverter", []),
        (
            "key.converter",
            "SimpleHeaderConverter",
            "org.apache.kafka.connect.storage.SimpleHeaderConverter",
            [
                "Invalid value SimpleHeaderConverter for configuration key.converter: Class class "
                "org.apache.kafka.connect.storage.SimpleHeaderConverter does not implement the Converter interface"
            ],
        ),
        (
            "key.converter",
            "java.lang.String",
            "java.lang.String",
            [
                "Invalid value java.lang.String for configuration key.converter: Class class java.lang.String does not "
                "implement the Converter interface"
            ],
        ),
        (
            "header.converter",
            "Filter",
            "Filter",
            [
                "Invalid value Filter for configuration header.converter: Class class Filter does not implement the "
                "HeaderConverter interface"
            ],
        ),
        ("tasks.max", "99999999999", None, ["Not a number of type INT", "Value must be non-null"]),
        ("name", " ", "", ["Invalid value  for configuration name: String may not be empty"]),
        ("transforms", "", "", []),
        ("errors.retry.timeout", "-1", "-1", []),
        ("topics", None, None, ["Null value can not be supplied as the configuration value."]),
    ],
)
def test_values_and_errors_are_kafkas(key: str, given: str | None, value: str | None, messages: list[str]) -> None:
    found = entry({**SINK, key: given}, key)["value"]
    assert all(text.endswith(message) for text, message in zip(found["errors"], messages, strict=False))
    if given is not None:
        assert len(found["errors"]) == len(messages)
        assert found["value"] == value


def test_everything_wrong_is_said_at_once_each_with_its_key() -> None:
    raw = {
        "connector.class": "FileStreamSink",
        "tasks.max": "many",
        "topics.regex": "t.*",
        "topics": "t",
        "transforms": "a,b",
        "transforms.a.type": "NoSuch",
        "transforms.b.negate": "true",
        "predicates": "p",
        "value.converter": "JsonConverter",
        "value.converter.schemas.enable": "maybe",
        "consumer.override.fetch.min.bytes": "few",
        "admin.override.ssl.engine.location": "/tmp/x.so",
        "mock_mode": None,
    }
    found = errors(raw)
    assert {key for key, _ in found} == {
        "name",
        "tasks.max",
        "topics",
        "topics.regex",
        "transforms.a.type",
        "transforms.b.type",
        "predicates.p.type",
        "value.converter.schemas.enable",
        "consumer.override.fetch.min.bytes",
        "admin.override.ssl.engine.location",
        "mock_mode",
    }
    told = {key: key for key, _ in found} | {"transforms.b.type": "transforms.b."}
    named = [told[key] in message for key, message in found if key not in {"mock_mode", "topics", "topics.regex"}]
    assert all(named)
    assert validated(raw).infos.as_json()["error_count"] == len(found)


def test_what_is_wrong_between_keys_is_said_although_another_key_does_not_parse() -> None:
    masked = {**SINK, "transforms": "a", "transforms.a.type": "org.apache.kafka.connect.transforms.MaskField$Value"}
    found = errors(masked | {"transforms.a.fields": "x,", "transforms.a.replace.null.with.default": "perhaps"})
    assert [key for key, _ in found] == ["transforms.a.fields", "transforms.a.replace.null.with.default"]
    assert [key for key, _ in errors(SINK | {"topics.regex": "["})] == ["topics", "topics.regex", "topics.regex"]


def test_a_converter_shows_the_part_of_a_record_that_it_is_for() -> None:
    shown = entry({**SINK, "key.converter": "StringConverter"}, "key.converter.converter.type")
    assert (shown["definition"]["required"], shown["value"]["value"]) == (True, "key")
    wrong = {**SINK, "key.converter": "StringConverter", "key.converter.converter.type": "both"}
    assert [key for key, _ in errors(wrong)] == ["key.converter.converter.type"]


def test_check_raises_what_validate_says() -> None:
    worker = settings.parse(WORKER)
    with pytest.raises(ConfigError) as caught:
        connector_config.check({"connector.class": "FileStreamSource", "tasks.max": "0"}, worker)
    assert [(problem.key, problem.message) for problem in caught.value.problems] == errors(
        {"connector.class": "FileStreamSource", "tasks.max": "0"}
    )
    assert connector_config.check(SOURCE, worker).warnings == ()


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ({"topic": "t", "x.password": "canary-val-1"}, "Connector config {topic=t, x.password=[hidden]} contains no"),
        ({"connector.class": " "}, "contains no connector type"),
        ({"connector.class": "os.system"}, "Failed to find any class that implements Connector and which name matches"),
    ],
)
def test_without_a_known_class_nothing_else_is_looked_at(raw: Mapping[str, str], text: str) -> None:
    with pytest.raises(RequestError) as caught:
        validated(raw)
    assert caught.value.status == 400
    assert text in str(caught.value)


def test_unknown_keys_are_warned_about_with_what_may_be_meant() -> None:
    found = validated(
        {**SINK, "topcs": "t", "key.converter.schemas.enable": "true", "_comment": "x", "transforms.x.type": "y"}
    )
    assert found.infos.problems == []
    assert found.warnings == (
        "key.converter.schemas.enable has no effect without key.converter: "
        "the worker's converter comes with the worker's settings",
        "topcs is not a setting of FileStreamSink and has no effect; did you mean topics?",
        "transforms.x.type is not a setting of FileStreamSink and has no effect; transforms lists nothing",
    )


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("value.converter.schema.enable", "value.converter.schemas.enable"),
        ("consumer.overide.max.poll.records", "consumer.override.max.poll.records"),
        ("transforms.hoist.filed", "transforms.hoist.field"),
        ("transforms.hosit.field", "transforms.hoist.field"),
        ("transform", "transforms"),
        ("error.tolerance", "errors.tolerance"),
        ("consumer.max.poll.records", "consumer.override.max.poll.records"),
        ("consumer.override.max.poll.record", "consumer.override.max.poll.records"),
        ("consumer.override.isolation_level", "consumer.override.isolation.level"),
        ("consumer.override.session.timeout", "consumer.override.session.timeout.ms"),
        ("admin.override.request.timeouts.ms", "admin.override.request.timeout.ms"),
        ("consumer.override.sasl.jaas.confg", "consumer.override.sasl.jaas.config"),
        ("consumer.override.securty.protocol", "consumer.override.security.protocol"),
        ("transforms.hoist.feild", "transforms.hoist.field"),
        ("transforms.hoist.negat", "transforms.hoist.negate"),
        ("transforms.Hoist.field", "transforms.hoist.field"),
        ("transform.hoist.field", "transforms.hoist.field"),
        ("transforms.hoistfield", "transforms.hoist.field"),
        ("predicates.tombstones.type", "predicates.tombstone.type"),
        ("predicate.tombstone.type", "predicates.tombstone.type"),
        ("header.converters", "header.converter"),
    ],
)
def test_a_key_that_is_nearly_right_is_warned_about(wrong: str, right: str) -> None:
    transform = {"transforms": "hoist", "transforms.hoist.type": "HoistField$Value", "transforms.hoist.field": "x"}
    predicate = {"predicates": "tombstone", "predicates.tombstone.type": "RecordIsTombstone"}
    found = validated({**SINK, **transform, **predicate, "value.converter": "JsonConverter", wrong: "x"})
    said = [*found.warnings, *(problem.message for problem in found.infos.problems)]
    (text,) = [text for text in said if text.startswith(f"{wrong} ")]
    assert text.endswith(f"; did you mean {right}?")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("topic.creation.group", "did you mean topic.creation.groups?"),
        ("topic.creation.order.include", "lists orders; did you mean topic.creation.orders.include?"),
        ("topic.creation.orders.includes", "did you mean topic.creation.orders.include?"),
        ("topic.creation.orders.partition", "did you mean topic.creation.orders.partitions?"),
        ("topic.creation.default.replication_factor", "did you mean topic.creation.default.replication.factor?"),
        ("topic.creation.defaults.partitions", "did you mean topic.creation.default.partitions?"),
        ("topic.creation.orders.cleanup.polcy", "did you mean topic.creation.orders.cleanup.policy?"),
        ("topic.creation.default.include", "the default group has the topics that no other group includes"),
        ("topic.creation.enable", "it is a setting of the worker"),
        ("topics.creation.groups", "did you mean topic.creation.groups?"),
        ("producer.override.max.request.sizes", "did you mean producer.override.max.request.size?"),
        ("producer.override.fetch.min.bytes", "it is a setting of consumers"),
        ("transforms.late.type", "transforms lists nothing"),
    ],
)
def test_a_key_of_a_source_that_is_nearly_right_is_warned_about(wrong: str, words: str) -> None:
    creation = {"topic.creation.groups": "orders", "topic.creation.default.partitions": "1"}
    creation |= {"topic.creation.default.replication.factor": "1", "topic.creation.orders.include": "o.*"}
    (text,) = [text for text in validated({**SOURCE, **creation, wrong: "1"}).warnings if text.startswith(f"{wrong} ")]
    assert text.endswith(words)


@pytest.mark.parametrize(
    "key",
    [
        "producer.override.max.block.ms",
        "producer.override.socket.connection.setup.timeout.max.ms",
        "topic.creation.orders.min.insync.replicas",
        "topic.creation.orders.confluent.placement.constraints",
    ],
)
def test_what_is_spelled_right_is_not_taken_for_something_else(key: str) -> None:
    creation = {"topic.creation.groups": "orders", "topic.creation.default.partitions": "1"}
    creation |= {"topic.creation.default.replication.factor": "1", "topic.creation.orders.include": "o.*"}
    assert not any("did you mean" in text for text in validated({**SOURCE, **creation, key: "1"}).warnings)


@pytest.mark.parametrize("override", ["linger.ms=5", "security.protocol=PLAINTEXT", "compression.type=zstd"])
def test_what_is_set_for_a_client_that_a_connector_has_not_is_said_to_have_no_effect(override: str) -> None:
    name, _, value = override.partition("=")
    given = {**SINK, f"producer.override.{name}": value}
    assert errors(given) == []
    assert f"producer.override.{name} has no effect: this connector has no producer" in validated(given).warnings


@pytest.mark.parametrize("override", ["acks=7", "linger.ms=x", "plugin.library.paths=/a/b.so", "sasl.login.class=a.B"])
def test_what_no_client_could_have_is_refused_for_one_that_a_connector_has_not_too(override: str) -> None:
    name, _, value = override.partition("=")
    given = {**SINK, f"producer.override.{name}": value}
    queue = {"errors.tolerance": "all", "errors.deadletterqueue.topic.name": "d"}
    for each in (given, given | queue):
        found = [*errors(each), *validated(each).warnings]
        assert any(f"producer.override.{name}" in str(text) and "no producer" not in str(text) for text in found)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("event.producer.lingr.ms", "has no effect on this producer; did you mean event.producer.linger.ms?"),
        ("event.value.converter.schema.enable", "did you mean event.value.converter.schemas.enable?"),
        ("event.topics", "did you mean event.topic?"),
    ],
)
def test_what_a_connector_hands_on_is_looked_at_too(wrong: str, words: str) -> None:
    raw = {"name": "c", "connector.class": "EmailSink", "topics": "t", "event.topic": "e", wrong: "1"}
    (text,) = [text for text in validated(raw).warnings if text.startswith(f"{wrong} ")]
    assert text.endswith(words)
    del raw["event.topic"]
    assert any(text.startswith(f"{wrong} ") for text in validated(raw).warnings)


def test_a_converter_shows_the_workers_class_and_the_choice() -> None:
    found = entry(SOURCE, "value.converter")
    assert found["definition"]["default_value"] == found["value"]["value"] == WORKER["value.converter"]
    assert WORKER["key.converter"] in found["value"]["recommended_values"]
    assert (
        "org.apache.kafka.connect.storage.SimpleHeaderConverter"
        in entry(SOURCE, "header.converter")["value"]["recommended_values"]
    )


def test_a_connectors_own_converter_brings_its_keys() -> None:
    raw = {**SOURCE, "value.converter": "JsonConverter", "value.converter.schemas.enable": "True"}
    found = entry(raw, "value.converter.schemas.enable")
    assert (found["value"]["value"], found["definition"]["type"]) == ("true", "BOOLEAN")
    assert errors(raw) == []


@pytest.mark.parametrize(
    ("policy", "key", "allowed"),
    [
        ("All", "producer.override.linger.ms", True),
        ("None", "producer.override.linger.ms", False),
        ("Principal", "producer.override.linger.ms", False),
        ("Principal", "producer.override.security.protocol", True),
        ("Allowlist", "producer.override.linger.ms", True),
        ("Allowlist", "producer.override.batch.size", False),
    ],
)
def test_the_workers_policy_decides_about_overrides(policy: str, key: str, allowed: bool) -> None:
    value = "PLAINTEXT" if "protocol" in key else "5"
    worker = {
        "connector_client_config_override_policy": policy,
        "connector_client_config_override_allowlist": "linger.ms",
    }
    text = f"The '{policy}' policy does not allow '{key}' to be overridden in the connector configuration."
    assert errors({**SOURCE, key: value}, **worker) == ([] if allowed else [(key, text)])


def test_the_policy_is_asked_only_about_clients_that_there_are() -> None:
    """Kafka Connect's, too: a sink has a producer if it has a topic of dead letters."""
    key, policy = "producer.override.linger.ms", {"connector_client_config_override_policy": "None"}
    assert errors({**SINK, "file": "/x", key: "5"}, **policy) == []
    queue = {"errors.deadletterqueue.topic.name": "d"}
    assert [name for name, _ in errors({**SINK, "file": "/x", **queue, key: "5"}, **policy)] == [key]


def test_no_policy_lifts_the_hard_refusals() -> None:
    worker = {
        "connector_client_config_override_policy": "Allowlist",
        "connector_client_config_override_allowlist": "plugin.library.paths",
    }
    key = "consumer.override.plugin.library.paths"
    assert [name for name, _ in errors({**SINK, key: "/tmp/x.so"}, **worker)] == [key]


def test_transforms_and_predicates_have_their_own_groups() -> None:
    raw = {
        **SINK,
        "transforms": "a",
        "transforms.a.type": "org.apache.kafka.connect.transforms.MaskField$Value",
        "transforms.a.predicate": "p",
        "transforms.a.replacement": "",
        "predicates": "p",
        "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    }
    assert {key for key, _ in errors(raw)} == {
        "transforms.a.fields",
        "transforms.a.replacement",
        "predicates.p.name",
    }
    assert all(key in message for key, message in errors(raw))
    groups = {one["value"]["name"]: one["definition"]["group"] for one in validated(raw).infos.as_json()["configs"]}
    assert groups["transforms.a.type"] == groups["transforms.a.fields"] == "Transforms: a"
    assert groups["predicates.p.name"] == "Predicates: p"


def test_topic_creation_needs_its_defaults() -> None:
    raw = {**SOURCE, "topic.creation.groups": "g", "topic.creation.default.partitions": "0"}
    assert {key for key, _ in errors(raw)} == {
        "topic.creation.default.partitions",
        "topic.creation.default.replication.factor",
    }
    body = validated(raw).infos.as_json()
    assert {"Topic Creation: default", "Topic Creation: g"} < set(body["groups"])


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    file = tmp_path / "secrets.properties"
    file.write_text("password=canary-val-2\nnumber=x7y\n")
    return file


def test_references_are_resolved_for_the_check_and_never_shown(secret_file: Path) -> None:
    worker = {"config_providers": "file", "config_providers_file_class": "FileConfigProvider"}
    raw = {
        **SOURCE,
        "tasks.max": f"${{file:{secret_file}:number}}",
        "file": f"/x/${{file:{secret_file}:password}}",
        "producer.override.sasl.password": f"${{file:{secret_file}:password}}",
    }
    found = errors(raw, **worker)
    assert [key for key, _ in found] == ["tasks.max", "tasks.max"]
    assert entry(raw, "file", **worker)["value"]["value"] == raw["file"]
    password = "producer.override.sasl.password"
    assert entry(raw, password, **worker)["value"]["value"] == raw[password]
    assert "canary-val-2" not in str(validated(raw, **worker).infos.as_json())


def test_secrets_in_a_config_are_hidden_in_the_answer() -> None:
    raw = {
        **SINK,
        "file": "postgresql://u:canary-val-3@h/db",
        "consumer.override.sasl.jaas.config": 'x.Y required username="u" password="canary-val-4";',
        "consumer.override.ssl.key.password": "canary-val-5",
    }
    assert "canary" not in str(validated(raw).infos.as_json())
    assert redaction.redact("canary-val-5") == "[hidden]"


QUEUE = "errors.deadletterqueue.topic.name"


def test_a_sources_dead_letter_queue_is_shown_where_it_is_given_since_kafka_connect_has_none() -> None:
    shown = [one["value"]["name"] for one in validated(SOURCE).infos.as_json()["configs"]]
    assert not [name for name in shown if "deadletterqueue" in name]
    assert entry(SOURCE | {QUEUE: "dead"}, QUEUE)["value"]["value"] == "dead"


def test_a_sources_dead_letter_queue_without_tolerance_is_warned_about() -> None:
    (warning,) = validated(SOURCE | {QUEUE: "dead"}).warnings
    assert warning.startswith(f"{QUEUE} has no effect with errors.tolerance=none: ")
    assert validated(SOURCE | {QUEUE: "dead", "errors.tolerance": "all"}).warnings == ()


@pytest.mark.parametrize("raw", [SOURCE, SINK])
def test_a_reload_action_other_than_the_default_is_warned_about(raw: dict[str, str]) -> None:
    (warning,) = validated(raw | {"config.action.reload": "none"}).warnings
    assert warning.startswith("config.action.reload has no effect: ")
    assert validated(raw | {"config.action.reload": "restart "}).warnings == ()


def test_a_dead_letter_queue_is_not_the_connectors_own_offsets_topic() -> None:
    found = errors(SOURCE | {QUEUE: "own", "offsets.storage.topic": "own"})
    assert found == [(QUEUE, "The DLQ topic 'own' may not be the topic of the connector's offsets")]


EXACTLY_ONCE = "exactly.once.support"


def test_a_worker_that_sources_deliver_at_least_once_on_refuses_who_requires_more() -> None:
    required = SOURCE | {EXACTLY_ONCE: "required", "file": "/tmp/f"}
    assert errors(required) == []
    assert errors(required, exactly_once_source_support="enabled") == []
    found = errors(required, exactly_once_source_support="disabled")
    assert found == [(EXACTLY_ONCE, "This worker does not have exactly-once source support enabled.")]


def test_a_source_says_whether_its_config_can_be_delivered_exactly_once() -> None:
    stdin = SOURCE | {EXACTLY_ONCE: "required"}
    text = "The connector does not support exactly-once semantics with the provided configuration."
    assert errors(stdin) == [(EXACTLY_ONCE, text)]
    assert errors(stdin | {EXACTLY_ONCE: "requested"}) == []


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda config: None, "The connector does not implement the API required for preflight validation"),
        (lambda config: next(iter(())), "An unexpected error occurred during validation; please see the worker logs"),
        (lambda config: 1 / 0, "An unexpected error occurred during validation: division by zero"),
    ],
)
def test_a_source_that_does_not_say_it_is_refused_if_that_is_required(
    monkeypatch: pytest.MonkeyPatch, answer: Any, message: str
) -> None:
    monkeypatch.setattr(FileStreamSourceConnector, "supports_exactly_once", answer)
    ((key, text),) = errors(SOURCE | {EXACTLY_ONCE: "required"})
    assert key == EXACTLY_ONCE
    assert text.startswith(message)


def test_only_a_source_that_can_ends_transactions_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    by_source = SOURCE | {"transaction.boundary": "connector"}
    text = (
        "The connector does not support connector-defined transaction boundaries with the given configuration. "
        "Please reconfigure it to use a different transaction boundary definition."
    )
    assert errors(by_source) == [("transaction.boundary", text)]
    monkeypatch.setattr(FileStreamSourceConnector, "ends_transactions", lambda config: True)
    assert errors(by_source) == []


def test_keys_of_transactions_are_warned_about_where_there_are_none() -> None:
    given = SOURCE | {"transaction.boundary": "interval", "transaction.boundary.interval.ms": "5"}
    assert validated(given).warnings == ()
    found = [text.partition(":")[0] for text in validated(given, exactly_once_source_support="disabled").warnings]
    assert found == ["transaction.boundary has no effect", "transaction.boundary.interval.ms has no effect"]


# Ferryman's own keys.


def test_keys_of_our_own_are_shown_where_they_are_given_and_are_checked() -> None:
    ours = {"ferryman.auto.restart.max.restarts": "4", "ferryman.auto.restart.enable": "perhaps"}
    found = entry(SINK | ours, "ferryman.auto.restart.max.restarts")
    assert (found["definition"]["default_value"], found["value"]["value"]) == ("10", "4")
    assert [key for key, _ in errors(SINK | ours)] == ["ferryman.auto.restart.enable"]
    assert not any("ferryman.auto" in warning for warning in validated(SINK | ours).warnings)


def test_one_of_ours_that_is_nearly_right_is_warned_about() -> None:
    (warning,) = validated(SINK | {"ferryman.auto.restart.enabled": "false"}).warnings
    assert "did you mean ferryman.auto.restart.enable?" in warning
