"""What is explained: a connector's file with the worker that it would run on, as far as these are given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ferryman.api import Sink
from ferryman.config import trim
from ferryman.connector import ConnectorConfig
from ferryman.errors import ConfigError, KeyProblem
from ferryman.plugins import catalog
from ferryman.settings import settings
from ferryman.settings.config_providers import Providers
from ferryman.settings.references import references
from ferryman.settings.settings import Settings
from ferryman.telemetry import redaction
from ferryman.worker import connector_file

_CONVERTERS = ("key.converter", "value.converter")
_ANY = "org.apache.kafka.connect.json.JsonConverter"


@dataclass(frozen=True, slots=True)
class Subject:
    """A connector's config, read."""

    name: str
    """The connector's name."""
    plugin: type[Any]
    """Its class."""
    posted: Mapping[str, str] = field(repr=False)
    """The config as it is in the file."""
    raw: Mapping[str, str] = field(repr=False)
    """The same with the worker's config providers asked."""
    worker: Settings | None
    """The worker; None if none was named."""
    config: ConnectorConfig | None
    """The config; None for one that cannot be read."""
    problems: Sequence[KeyProblem]
    """What is wrong with it."""
    unresolved: Sequence[KeyProblem]
    """Keys whose values only an unavailable config provider knows; they are not among ``problems``."""

    @property
    def is_sink(self) -> bool:
        """Whether it is a sink."""
        return issubclass(self.plugin, Sink)

    def checked(self) -> ConnectorConfig:
        """The config. Raises ConfigError with everything that is wrong with it."""
        if self.config is None or self.problems or self.unresolved:
            raise ConfigError(*self.problems, *self.unresolved)
        return self.config


def read(file: Path, worker: Path | None) -> Subject:
    """The connector in a file. Raises ConfigError for a file that cannot be read, or an unknown class. Secrets are
    hidden from now on."""
    found = connector_file.read(file)
    plugin = plugin_of(found.config.get("connector.class", ""))
    redaction.protect_config(found.config, plugin.config_class.secrets())
    given = None if worker is None else _settings(worker)
    resolution = (Providers() if given is None else given.providers).resolve(found.config)
    redaction.protect_config(resolution.values, plugin.config_class.secrets())
    missing = [*resolution.problems, *resolution.missing]
    unresolved = [each for each in _unresolved(resolution.values, given is None) if each.key not in _keys(missing)]
    config, wrong = plugin.config_class.read(resolution.values)
    problems = [*missing, *(each for each in wrong if each.key not in _keys(missing) | _keys(unresolved))]
    return Subject(found.name, plugin, found.config, resolution.values, given, config, problems, unresolved)


def _keys(problems: Sequence[KeyProblem]) -> set[str]:
    return {each.key for each in problems}


def plugin_of(name: str) -> type[Any]:
    """The class that a config names. Raises ConfigError if there is none."""
    if not trim(name):
        text = 'Missing required configuration "connector.class" which has no default value.'
        raise ConfigError.for_key("connector.class", text)
    plugin = catalog.connector(name)
    if plugin is None:
        reason = catalog.import_error(("sink", "source"), name)
        why = f"there is no connector {name!r}" if reason is None else f"connector {name!r} cannot be loaded: {reason}"
        raise ConfigError.for_key("connector.class", f"connector.class: {why}")
    return plugin


def _settings(file: Path) -> Settings:
    """A worker's settings from its file and the environment; converters that are missing there may be the connector's
    own."""
    return settings.parse({**dict.fromkeys(_CONVERTERS, _ANY), **settings.source_values(file)})


def any_worker() -> Settings:
    """The settings of a worker that has nothing but defaults."""
    return settings.parse(dict.fromkeys(_CONVERTERS, _ANY))


def _unresolved(values: Mapping[str, str], alone: bool) -> list[KeyProblem]:
    which = (
        "a config provider; name the worker's file with --worker"
        if alone
        else "a provider that the worker does not have"
    )
    return [
        KeyProblem(key, f"{key}: {found.text} needs {which}")
        for key, value in values.items()
        if (found := next(references(value), None)) is not None
    ]
