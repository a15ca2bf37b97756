"""Environments written for the images of Confluent and of Debezium say the same to a worker of ours."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from ferryman.settings import environment, settings
from ferryman.settings.listeners import Listener

AVRO = "io.confluent.connect.avro.AvroConverter"
USELESS = {**environment.NO_EFFECT, **environment.BARE_NO_EFFECT}
JSON = "org.apache.kafka.connect.json.JsonConverter"
DEBEZIUM = {
    "BOOTSTRAP_SERVERS": "kafka:9092",
    "GROUP_ID": "7",
    "CONFIG_STORAGE_TOPIC": "my_connect_configs",
    "OFFSET_STORAGE_TOPIC": "my_connect_offsets",
    "STATUS_STORAGE_TOPIC": "my_connect_statuses",
}


def loaded(
    monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], file: Path | None = None
) -> settings.Settings:
    """The settings in an environment that has these variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return settings.load(file)


def test_prefixed_names_follow_the_rule_of_confluents_images() -> None:
    found = environment.read(
        {"CONNECT_A_B": "1", "CONNECT_A__B": "2", "CONNECT_A___B": "3", "CONNECT_": "", "HOME": "x"}
    )
    assert found == {"a.b": "1", "a_b": "2", "a-b": "3"}


def test_every_bare_name_of_debeziums_images_sets_its_key() -> None:
    variables = {name: f"value of {name}" for name in environment.BARE}
    found = environment.read({**variables, "REST_HOST_NAME": "box", "REST_PORT": "8084"})
    listener = {"listeners": "http://box:8084"}
    keys = {key: name for name, key in environment.BARE.items() if not key.startswith(("rest.host", "rest.port"))}
    assert found == {key: f"value of {name}" for key, name in keys.items()} | listener


def test_an_environment_for_debeziums_images_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, DEBEZIUM)
    assert found.config.bootstrap_servers == ["kafka:9092"]
    assert found.config.group_id == "7"
    assert found.config.offset_storage_topic == "my_connect_offsets"
    assert found.values["key.converter"] == found.values["value.converter"] == JSON
    assert found.config.offset_flush_interval_ms == 60000
    assert found.config.task_shutdown_graceful_timeout_ms == 10000
    assert [text.split()[0] for text in found.warnings] == ["config.storage.topic", "status.storage.topic"]


def test_the_group_is_1_where_nothing_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert loaded(monkeypatch, {"OFFSET_STORAGE_TOPIC": "offsets"}).config.group_id == "1"


def test_the_images_defaults_yield_to_a_worker_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "worker.properties"
    file.write_text("key.converter=StringConverter\noffset.flush.timeout.ms=7\nbootstrap.servers=file:1\n")
    found = loaded(monkeypatch, DEBEZIUM, file)
    assert (found.values["key.converter"], found.values["value.converter"]) == ("StringConverter", JSON)
    assert found.config.offset_flush_timeout_ms == 7
    assert found.config.bootstrap_servers == ["kafka:9092"]


def test_prefixed_names_are_read_beside_bare_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(
        monkeypatch,
        {**DEBEZIUM, "VALUE_CONVERTER": AVRO, "CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL": "http://registry:8081"},
    )
    assert found.values["value.converter"] == AVRO
    assert found.under("value.converter.") == {"schema.registry.url": "http://registry:8081"}


def test_a_bare_name_wins_over_the_same_key_with_a_prefix_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(
        monkeypatch, {**DEBEZIUM, "CONNECT_GROUP_ID": "other", "CONNECT_OFFSET_STORAGE_TOPIC": "my_connect_offsets"}
    )
    assert found.config.group_id == "7"
    assert found.warnings[0] == "CONNECT_GROUP_ID has no effect beside GROUP_ID, which wins as in Debezium's images"
    assert not any(text.startswith("CONNECT_OFFSET") for text in found.warnings)


def test_an_empty_bare_name_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, {**DEBEZIUM, "GROUP_ID": "", "CONNECT_GROUP_ID": "other"})
    assert found.config.group_id == "other"


def test_bare_names_mean_nothing_without_a_storage_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    stray = {"GROUP_ID": "1000", "REST_PORT": "1", "LOG_LEVEL": "debug", "HEAP_OPTS": "-Xmx1g", "KEY_CONVERTER": "x"}
    found = loaded(monkeypatch, {**stray, "CONNECT_KEY_CONVERTER": JSON, "CONNECT_VALUE_CONVERTER": JSON})
    assert found.config.group_id == "connect"
    assert found.config.addresses == [Listener("127.0.0.1", 8083)]
    assert found.warnings == ()


def test_stray_bootstrap_servers_are_warned_about(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"BOOTSTRAP_SERVERS": "other:9092", "CONNECT_KEY_CONVERTER": JSON, "CONNECT_VALUE_CONVERTER": JSON}
    found = loaded(monkeypatch, given)
    assert found.config.bootstrap_servers == ["localhost:9092"]
    (warning,) = found.warnings
    assert warning.startswith("BOOTSTRAP_SERVERS is not read")
    assert "other:9092" not in warning


@pytest.mark.parametrize("name", sorted(USELESS))
def test_what_has_no_effect_is_warned_about_by_name(name: str) -> None:
    assert environment.warnings({**DEBEZIUM, name: "hunter2"}) == [f"{name} has no effect: {USELESS[name]}"]


def test_a_feature_that_is_switched_off_is_not_warned_about() -> None:
    assert environment.warnings({**DEBEZIUM, "ENABLE_JOLOKIA": "false", "HEAP_OPTS": ""}) == []


def test_settings_of_a_jvm_are_warned_about_beside_confluents_names_only() -> None:
    assert environment.warnings({"KAFKA_OPTS": "-Dx=y"}) == []
    assert environment.warnings({"CONNECT_GROUP_ID": "a", "KAFKA_OPTS": "-Dx=y"}) == [
        "KAFKA_OPTS has no effect: there is no JVM"
    ]


def test_an_unknown_name_with_a_prefix_is_warned_about_by_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    found = loaded(monkeypatch, {**DEBEZIUM, "CONNECT_OFSET_FLUSH_INTERVAL_MS": "1"})
    assert (
        "ofset.flush.interval.ms is not a setting of a worker and has no effect; did you mean offset.flush.interval.ms?"
        in found.warnings
    )


@pytest.mark.parametrize("name", ["CONNECT_REST_PORT", "REST_PORT"])
def test_the_port_of_either_image_sets_the_listener_without_a_warning(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "worker.properties"
    file.write_text("listeners=http://:8083\n")
    found = loaded(monkeypatch, {**DEBEZIUM, name: "9083"}, file)
    assert found.config.addresses == [Listener("", 9083)]
    assert not any("rest.port" in text for text in found.warnings)
