"""What a config provider gave is in no answer of /validate, no error and no warning, whatever the key that names it."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.plugins import catalog
from ferryman.settings import settings
from ferryman.settings.worker_keys import WorkerConfig
from ferryman.validation import connector_config

VALUES = {"short": "q7zx!", "list": "kq1, wq2", "url": "jqdbc:qx://qu:qpw@qh/qd"}
"""By their names in the file of secrets; none of their parts is an ordinary word."""
PARTS = ("q7zx", "kq1", "wq2", "jqdbc", "qpw")
PROVIDERS = {
    "config.providers": "file",
    "config.providers.file.class": "FileConfigProvider",
    "key.converter": "StringConverter",
    "value.converter": "StringConverter",
}
CLIENTS = (
    "fetch.min.bytes",
    "security.protocol",
    "ssl.key.pem",
    "sasl.jaas.config",
    "client.dns.lookup",
    "nobody.knows",
)
GROUPS = {"topic.creation.default.partitions": "1", "topic.creation.default.replication.factor": "1"}


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    file = tmp_path / "s.properties"
    file.write_text("".join(f"{name}={value}\n" for name, value in VALUES.items()))
    return file


def worker(secrets: Path) -> settings.Settings:
    limit = {"config.providers.file.param.allowed.paths": str(secrets.parent)}
    return settings.parse({**PROVIDERS, **limit})


def shown(text: str) -> list[str]:
    return [part for part in PARTS if part.lower() in text.lower()]


def said(raw: Mapping[str, str], worker: settings.Settings) -> str:
    """All that a config is answered with; the refusal of a config consists of the same texts."""
    found = connector_config.validate(raw, worker)
    return "\n".join([str(found.infos.as_json()), *found.warnings])


def connectors() -> list[str]:
    sides: tuple[catalog.Kind, ...] = ("sink", "source")
    return [catalog.names(plugin)[0] for kind in sides for plugin in catalog.installed(kind)]


def keys(plugin: str) -> Iterator[str]:
    found = catalog.connector(plugin)
    assert found is not None
    yield from sorted(found.config_class.keys() - {"connector.class", "name"})
    for client in CLIENTS:
        yield f"consumer.override.{client}"
        yield f"producer.override.{client}"
    yield from ("topic.creation.groups", "topic.creation.default.partitions", "not.a.key", "conection.pasword")


@pytest.mark.parametrize("plugin", connectors())
def test_no_key_of_a_connector_shows_what_its_reference_resolves_to(secrets: Path, plugin: str) -> None:
    running = worker(secrets)
    for key in keys(plugin):
        for name in VALUES:
            reference = f"${{file:{secrets}:{name}}}"
            raw = {"name": "n", "connector.class": plugin, "topics": "t", **GROUPS, key: reference}
            assert (key, name, shown(said(raw, running))) == (key, name, [])


@pytest.mark.parametrize("kind", ["transformation", "predicate", "converter"])
def test_no_key_of_a_transform_predicate_or_converter_does(secrets: Path, kind: catalog.Kind) -> None:
    running = worker(secrets)
    base = {"name": "n", "connector.class": "FileStreamSink", "topics": "t", "file": "/x"}
    for plugin in catalog.installed(kind):
        prefix = {"transformation": "transforms.a.", "predicate": "predicates.a.", "converter": "value.converter."}[
            kind
        ]
        name = catalog.names(plugin)[0]
        chosen = (
            {prefix.rstrip("."): name} if kind == "converter" else {prefix.split(".")[0]: "a", f"{prefix}type": name}
        )
        for key in (*sorted(plugin.config_class.keys()), "type", "predicate", "nobodys"):
            for value in VALUES:
                raw = {**base, **chosen, prefix + key: f"${{file:{secrets}:{value}}}"}
                assert (name, key, shown(said(raw, running))) == (name, key, [])


@pytest.mark.parametrize(
    "key", ["key.converter", "header.converter", "errors.deadletterqueue.topic.name", "transforms"]
)
def test_names_of_plugins_topics_and_aliases_are_not_shown_either(secrets: Path, key: str) -> None:
    for value in VALUES:
        base = {"name": "n", "connector.class": "FileStreamSink", "topics": "t", "transforms.a.type": "Filter"}
        assert shown(said({**base, key: f"${{file:{secrets}:{value}}}"}, worker(secrets))) == []


def test_a_file_that_cannot_be_read_is_not_shown_by_another_form_of_its_name(secrets: Path) -> None:
    mail = {"smtp.host": "h", "mail.from": "a@b.c", "mail.to": "a@b.c", "mail.subject": "s"}
    raw = {"name": "n", "connector.class": "EmailSinkConnector", "topics": "t", **mail}
    given = raw | {"mail.html.file": f"${{file:{secrets}:url}}"}
    text = said(given, worker(secrets))
    assert "cannot be read: No such file or directory" in text
    assert shown(text) == []


def test_the_reference_stands_in_place_of_the_value(secrets: Path) -> None:
    secrets.write_text("short=w8xy!\nlong=a-long-canary-of-its-own")
    reference = f"${{file:{secrets}:short}}"
    raw = {"name": "n", "connector.class": "FileStreamSource", "topic": "t", "batch.size": reference}
    with pytest.raises(ConfigError) as refusal:
        connector_config.check(raw, worker(secrets))
    assert f"Invalid value {reference} for configuration batch.size: Not a number of type INT" in str(refusal.value)


@pytest.mark.parametrize("key", sorted(WorkerConfig.keys() - {"config.providers"}))
def test_no_key_of_a_worker_shows_it(secrets: Path, key: str) -> None:
    for name in VALUES:
        given = {**PROVIDERS, "config.providers.file.param.allowed.paths": str(secrets.parent)}
        try:
            text = "\n".join(settings.parse({**given, key: f"${{file:{secrets}:{name}}}"}).warnings)
        except ConfigError as error:
            text = str(error)
        assert (name, shown(text)) == (name, [])
