"""Where a worker's settings come from, and what is refused or warned about."""

from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.settings import settings
from ferryman.settings.listeners import Listener
from ferryman.telemetry import redaction

STANDALONE = """
# as Kafka ships it
bootstrap.servers=localhost:9092
key.converter=org.apache.kafka.connect.json.JsonConverter
value.converter=org.apache.kafka.connect.json.JsonConverter
key.converter.schemas.enable=true
value.converter.schemas.enable=true
offset.storage.file.filename=/tmp/connect.offsets
offset.flush.interval.ms=10000
"""
CONVERTERS = {"key.converter": "StringConverter", "value.converter": "StringConverter"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "connect-standalone.properties"
    path.write_text(STANDALONE)
    return path


def test_kafkas_own_standalone_file_loads_without_a_warning(file: Path) -> None:
    loaded = settings.load(file)
    assert loaded.warnings == ()
    assert loaded.config.offset_flush_interval_ms == 10000
    assert loaded.config.offset_storage_file_filename == "/tmp/connect.offsets"
    assert loaded.under("value.converter.") == {"schemas.enable": "true"}


def test_the_command_line_beats_the_environment_which_beats_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONNECT_OFFSET_FLUSH_INTERVAL_MS", "2")
    monkeypatch.setenv("CONNECT_BOOTSTRAP_SERVERS", "env:1")
    loaded = settings.load(file, {"offset.flush.interval.ms": "3"}).config
    assert (loaded.offset_flush_interval_ms, loaded.bootstrap_servers) == (3, ["env:1"])


def test_the_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONNECT_KEY_CONVERTER", "StringConverter")
    monkeypatch.setenv("CONNECT_VALUE_CONVERTER", "io.confluent.connect.avro.AvroConverter")
    monkeypatch.setenv("CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL", "http://registry:8081")
    assert settings.load().under("value.converter.") == {"schema.registry.url": "http://registry:8081"}


def test_only_this_machine_reaches_a_worker_that_was_told_nothing() -> None:
    assert settings.parse(CONVERTERS).config.addresses == [Listener("127.0.0.1", 8083)]
    assert settings.parse(CONVERTERS).config.advertised == "127.0.0.1:8083"


def test_a_listener_without_a_host_is_every_interface() -> None:
    listeners = settings.parse(CONVERTERS | {"listeners": "http://:8083,http://[::1]:9000"}).config.addresses
    assert listeners == [Listener("", 8083), Listener("::1", 9000)]


def test_the_old_rest_port_still_sets_the_listener(tmp_path: Path) -> None:
    path = tmp_path / "w.properties"
    path.write_text(STANDALONE + "rest.port=8084\nrest.host.name=box\n")
    loaded = settings.load(path)
    assert loaded.config.addresses == [Listener("box", 8084)]
    assert any(text.startswith("rest.port ") for text in loaded.warnings)


def test_unknown_and_useless_keys_are_warned_about_by_name() -> None:
    given = CONVERTERS | {"plugin.path": "/x", "ofset.flush.interval.ms": "1", "metric.reporters": "x"}
    assert [text.split()[0] for text in settings.parse(given).warnings] == [
        "metric.reporters",
        "ofset.flush.interval.ms",
        "plugin.path",
    ]


def test_everything_wrong_is_said_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.parse(
            {
                "key.converter": "StringConverter",
                "offset.flush.interval.ms": "soon",
                "listeners": "https://:8083",
                "rest.extension.classes": "com.example.Extension",
                "admin.listeners": "ftp://:9999",
                "ssl.client.auth": "perhaps",
                "connector.client.config.override.policy": "com.example.Mine",
                "config.providers": "vault",
                "config.providers.vault.class": "com.example.Vault",
            }
        )
    assert {problem.key for problem in caught.value.problems} == {
        "value.converter",
        "offset.flush.interval.ms",
        "rest.extension.classes",
        "admin.listeners",
        "ssl.client.auth",
        "connector.client.config.override.policy",
        "config.providers.vault.class",
    }
    assert all(problem.key in problem.message for problem in caught.value.problems)


def test_an_admin_listener_that_is_listed_twice_is_one() -> None:
    given = {**CONVERTERS, "admin.listeners": "http://127.0.0.1:9999, http://127.0.0.1:9998,http://127.0.0.1:9999"}
    found = settings.parse(given).config.admin_listeners
    assert found == ["http://127.0.0.1:9999", "http://127.0.0.1:9998"]


def test_a_missing_file_is_named() -> None:
    with pytest.raises(ConfigError, match=r"/nowhere/w\.properties cannot be read: No such file"):
        settings.load(Path("/nowhere/w.properties"))


def test_references_are_resolved_and_their_values_protected(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secrets.properties").write_text("registry=canary-4711")
    file.write_text(
        STANDALONE
        + "config.providers=file\nconfig.providers.file.class=FileConfigProvider\n"
        + f"config.providers.file.param.allowed.paths={tmp_path}\n"
        + f"value.converter.basic.auth.user.info=${{file:{tmp_path}/secrets.properties:registry}}\n"
    )
    loaded = settings.load(file)
    assert loaded.under("value.converter.")["basic.auth.user.info"] == "canary-4711"
    assert redaction.redact("it is canary-4711") == f"it is ${{file:{tmp_path}/secrets.properties:registry}}"
    assert "canary" not in repr(loaded)


def test_a_password_in_an_error_is_hidden() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.parse(CONVERTERS | {"listeners": "hunter22", "producer.sasl.password": "hunter22"})
    assert "hunter22" not in str(caught.value)


def test_the_environment_of_confluents_images_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "BOOTSTRAP_SERVERS": "broker:29092",
        "REST_PORT": "8083",
        "GROUP_ID": "compose-connect-group",
        "CONFIG_STORAGE_TOPIC": "docker-connect-configs",
        "OFFSET_STORAGE_TOPIC": "docker-connect-offsets",
        "OFFSET_STORAGE_REPLICATION_FACTOR": "1",
        "STATUS_STORAGE_TOPIC": "docker-connect-status",
        "KEY_CONVERTER": "org.apache.kafka.connect.storage.StringConverter",
        "VALUE_CONVERTER": "io.confluent.connect.avro.AvroConverter",
        "VALUE_CONVERTER_SCHEMA_REGISTRY_URL": "http://schema-registry:8081",
        "INTERNAL_KEY_CONVERTER": "org.apache.kafka.connect.json.JsonConverter",
        "REST_ADVERTISED_HOST_NAME": "connect",
        "PLUGIN_PATH": "/usr/share/java",
        "LOG4J_LOGGERS": "org.reflections=ERROR",
        "PRODUCER_INTERCEPTOR_CLASSES": "io.confluent.monitoring.clients.interceptor.MonitoringProducerInterceptor",
    }.items():
        monkeypatch.setenv(f"CONNECT_{name}", value)
    loaded = settings.load()
    assert loaded.config.advertised == "connect:8083"
    assert loaded.config.addresses == [Listener("", 8083)]
    assert loaded.config.offset_storage_topic == "docker-connect-offsets"
    assert [text.split()[0] for text in loaded.warnings] == [
        "producer.interceptor.classes",
        "config.storage.topic",
        "internal.key.converter",
        "log4j.loggers",
        "plugin.path",
        "status.storage.topic",
    ]


def test_client_settings_of_the_worker_are_checked_at_its_start() -> None:
    with pytest.raises(ConfigError) as caught:
        settings.parse(CONVERTERS | {"consumer.fetch.min.bytes": "few", "producer.plugin.library.paths": "/tmp/x.so"})
    assert {problem.key for problem in caught.value.problems} == {
        "consumer.fetch.min.bytes",
        "producer.plugin.library.paths",
    }


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("offset.storage.topics", "offset.storage.topic"),
        ("value.converter.schema.enable", "value.converter.schemas.enable"),
        ("listener", "listeners"),
        ("connector.allowed.path", "connector.allowed.paths"),
        ("plugins.path", "plugin.path"),
        ("rest.prt", "rest.port"),
        ("session.timeout", "session.timeout.ms"),
        ("securty.protocol", "security.protocol"),
        ("producer.lingr.ms", "producer.linger.ms"),
        ("producer.override.linger.ms", "producer.linger.ms"),
        ("offset.storage.segment.byte", "offset.storage.segment.bytes"),
        ("config.providers.fil.class", "config.providers.file.class"),
        ("config.providers.file.clas", "config.providers.file.class"),
        ("config.providers.file.params.allowed.paths", "config.providers.file.param.allowed.paths"),
        ("offset.storage.foo", None),
        ("comsumer.max.poll.records", "consumer.max.poll.records"),
        ("config.providers.file.param.allowed.path", "allowed.paths"),
    ],
)
def test_a_key_of_a_worker_that_is_nearly_right_is_warned_about(wrong: str, right: str | None) -> None:
    json = "org.apache.kafka.connect.json.JsonConverter"
    provider = {"config.providers": "file", "config.providers.file.class": "FileConfigProvider"}
    found = settings.parse({"key.converter": json, "value.converter": json, **provider, wrong: "x"}).warnings
    (warning,) = [text for text in found if text.startswith(f"{wrong} ")]
    assert right is None or warning.endswith(f"; did you mean {right}?")
