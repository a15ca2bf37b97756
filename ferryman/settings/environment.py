"""A worker's settings in environment variables, as the container images of Confluent and of Debezium name them."""

import re
import shlex
from collections.abc import Mapping

from ferryman.settings.rest_access import LOGIN_CONFIG

_PREFIX = "CONNECT_"
_SPELLED = {"___": "-", "__": "_", "_": "."}
_JSON = "org.apache.kafka.connect.json.JsonConverter"
BARE: Mapping[str, str] = {
    "BOOTSTRAP_SERVERS": "bootstrap.servers",
    "GROUP_ID": "group.id",
    "CONFIG_STORAGE_TOPIC": "config.storage.topic",
    "OFFSET_STORAGE_TOPIC": "offset.storage.topic",
    "STATUS_STORAGE_TOPIC": "status.storage.topic",
    "KEY_CONVERTER": "key.converter",
    "VALUE_CONVERTER": "value.converter",
    "REST_HOST_NAME": "rest.host.name",
    "REST_PORT": "rest.port",
    "ADVERTISED_HOST_NAME": "rest.advertised.host.name",
    "ADVERTISED_PORT": "rest.advertised.port",
    "OFFSET_FLUSH_INTERVAL_MS": "offset.flush.interval.ms",
    "OFFSET_FLUSH_TIMEOUT_MS": "offset.flush.timeout.ms",
    "SHUTDOWN_TIMEOUT": "task.shutdown.graceful.timeout.ms",
}
"""What Debezium's images take without a prefix, and the key that it sets."""
STORAGE_TOPICS = ("CONFIG_STORAGE_TOPIC", "OFFSET_STORAGE_TOPIC", "STATUS_STORAGE_TOPIC")
"""The bare names that are used for nothing else: one of them shows that this is such an environment."""
DEFAULTS: Mapping[str, str] = {
    "group.id": "1",
    "key.converter": _JSON,
    "value.converter": _JSON,
    "offset.flush.interval.ms": "60000",
    "offset.flush.timeout.ms": "5000",
    "task.shutdown.graceful.timeout.ms": "10000",
}
"""What Debezium's images say where nothing else does."""
_JVM = "there is no JVM"
_JARS = "plugins are Python packages, found by their entry points"
_AVRO = "for Avro set KEY_CONVERTER and VALUE_CONVERTER, and CONNECT_VALUE_CONVERTER_SCHEMA_REGISTRY_URL"
_LOGGING = "logging is set by --log-level and PUT /admin/loggers"
NO_EFFECT: Mapping[str, str] = {
    "KAFKA_HEAP_OPTS": _JVM,
    "KAFKA_JMX_PORT": _JVM,
    "KAFKA_OPTS": _JVM,
}
"""Variables of both images that do nothing here, and why."""
BARE_NO_EFFECT: Mapping[str, str] = {
    "APICURIO_REGISTRY": _AVRO,
    "ENABLE_APICURIO_CONVERTERS": _AVRO,
    "ENABLE_DEBEZIUM_KC_REST_EXTENSION": "REST extensions are Java code",
    "ENABLE_DEBEZIUM_SCRIPTING": _JARS,
    "ENABLE_JFR": _JVM,
    "ENABLE_JMX_EXPORTER": _JVM,
    "ENABLE_JOLOKIA": _JVM,
    "ENABLE_OTEL": _JVM,
    "HEAP_OPTS": _JVM,
    "JMXHOST": _JVM,
    "JMXPORT": _JVM,
    "KAFKA_CONNECT_PLUGINS_DIR": _JARS,
    "LOG_LEVEL": _LOGGING,
}
"""Variables of Debezium's images that do nothing here, and why."""


def read(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings in an environment.

    ``CONNECT_*`` by the rule of Confluent's images: prefix off, lower case, ``_`` is a dot, ``__`` an underscore and
    ``___`` a dash. In an environment for Debezium's images (see STORAGE_TOPICS) their bare names too, which win over
    the same key with a prefix, as they do there; one that is empty is not set. ``rest.port`` and ``rest.host.name``
    become the listener.
    """
    found = {_key(name): value for name, value in environment.items() if _prefixed(name)}
    return with_listener(found | _bare(environment), keep=False)


def defaults(environment: Mapping[str, str]) -> dict[str, str]:
    """What holds where no other source says anything: the login configuration that KAFKA_OPTS names, and in an
    environment for Debezium's images their defaults."""
    found = dict(DEFAULTS) if _debezium(environment) else {}
    options = _java_options(environment)
    return found | {LOGIN_CONFIG: options[LOGIN_CONFIG]} if LOGIN_CONFIG in options else found


def _java_options(environment: Mapping[str, str]) -> dict[str, str]:
    """The system properties in KAFKA_OPTS. A path may begin with ``=`` (it overrides what Java's own security file
    names) and may be a URL."""
    try:
        words = shlex.split(environment.get("KAFKA_OPTS", ""))
    except ValueError:
        return {}
    pairs = [word.removeprefix("-D").partition("=") for word in words if word.startswith("-D")]
    return {name: value.removeprefix("=").removeprefix("file://").removeprefix("file:") for name, _, value in pairs}


def warnings(environment: Mapping[str, str]) -> list[str]:
    """What these variables say in vain, by name and never by value."""
    bare = _debezium(environment)
    useless = {
        **(NO_EFFECT if bare or any(map(_prefixed, environment)) else {}),
        **(BARE_NO_EFFECT if bare else {}),
    }
    found = [f"{name} has no effect: {useless[name]}" for name in sorted(useless) if _switched_on(environment, name)]
    if environment.get("BOOTSTRAP_SERVERS") and not bare:
        found.append(
            "BOOTSTRAP_SERVERS is not read: names without CONNECT_ count only beside "
            f"{' or '.join(STORAGE_TOPICS)}, as in Debezium's images; write CONNECT_BOOTSTRAP_SERVERS"
        )
    return found + _outdone(environment)


def with_listener(found: dict[str, str], keep: bool = True) -> dict[str, str]:
    """``found`` with ``listeners``, if it names only its parts as was done before there were listeners; with ``keep``
    the parts stay, to be warned about. Images go on naming the parts."""
    parts = ("rest.host.name", "rest.port")
    if "listeners" in found or not any(part in found for part in parts):
        return found
    listener = f"http://{found.get('rest.host.name', '')}:{found.get('rest.port', '8083')}"
    return {key: value for key, value in found.items() if keep or key not in parts} | {"listeners": listener}


def _key(name: str) -> str:
    return re.sub("___|__|_", lambda part: _SPELLED[part[0]], name.removeprefix(_PREFIX).lower())


def _prefixed(name: str) -> bool:
    return name.startswith(_PREFIX) and name != _PREFIX


def _debezium(environment: Mapping[str, str]) -> bool:
    return any(environment.get(name) for name in STORAGE_TOPICS)


def _bare(environment: Mapping[str, str]) -> dict[str, str]:
    if not _debezium(environment):
        return {}
    return {key: environment[name] for name, key in BARE.items() if environment.get(name)}


def _switched_on(environment: Mapping[str, str], name: str) -> bool:
    if name == "KAFKA_OPTS" and len(environment.get(name, "").split()) == 1:
        return LOGIN_CONFIG not in _java_options(environment)
    return environment.get(name, "").lower() not in {"", "false"}


def _outdone(environment: Mapping[str, str]) -> list[str]:
    bare = _bare(environment)
    return [
        f"{name} has no effect beside {other}, which wins as in Debezium's images"
        for name in sorted(filter(_prefixed, environment))
        for other, key in BARE.items()
        if key == _key(name) and bare.get(key, environment[name]) != environment[name]
    ]
