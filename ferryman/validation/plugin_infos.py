"""What REST says about plugins: their list, and the keys of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from ferryman.config import Config, Definition
from ferryman.connector import ConnectorConfig, SinkConfig, SourceConfig
from ferryman.errors import RequestError
from ferryman.java.version_ranges import LATEST
from ferryman.plugins import catalog
from ferryman.validation import plugin_versions

SIMPLE_HEADERS = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
"""The one converter that is for headers only."""


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """A plugin under one of its names."""

    name: str
    type: str
    """sink, source, converter, header_converter, transformation or predicate."""
    version: str


def list_plugins(connectors_only: bool) -> tuple[PluginInfo, ...]:
    """Sinks, then sources; the other kinds too if wanted. One that has several Java names is there under each."""
    kinds: list[catalog.Kind] = ["sink", "source"]
    if not connectors_only:
        kinds += ["transformation", "predicate", "converter"]
    found = [info for kind in kinds for info in sorted(_infos(kind), key=lambda info: info.name)]
    if not connectors_only:
        found += [PluginInfo(info.name, "header_converter", info.version) for info in found if info.type == "converter"]
    return tuple(info for info in found if (info.name, info.type) != (SIMPLE_HEADERS, "converter"))


def _infos(kind: catalog.Kind) -> Iterator[PluginInfo]:
    for entry in catalog.entries(kind):
        for name in entry.names:
            for side in ("$Key", "$Value") if entry.sided else ("",):
                yield PluginInfo(f"{name}{side}", kind, catalog.version(entry))


def definitions(name: str, version: str = LATEST) -> list[Definition] | None:
    """The keys of a plugin of any kind, its own first; None for an unknown one.

    RequestError 400 if it has none of the versions asked for, which are a version, a range of Maven's or ``latest``.
    """
    for kind in get_args(catalog.Kind):
        plugin = catalog.find(kind, name)
        if plugin is not None:
            _check_version(plugin, name, version)
            return own_first(plugin.config_class)
    return None


def _check_version(plugin: type[Any], name: str, version: str) -> None:
    try:
        problem = plugin_versions.unmet(version, plugin, name)
    except ValueError as error:
        problem = str(error)
    if problem is not None:
        raise RequestError(400, problem)


def own_first(config_class: type[Config]) -> list[Definition]:
    """A config's declarations, with what every connector has at the end."""
    framework = frame(config_class).model_fields
    declared = list(zip(config_class.model_fields, config_class.definitions(), strict=True))
    own = [definition for field, definition in declared if field not in framework]
    return own + [definition for field, definition in declared if field in framework]


def frame(config_class: type[Config]) -> type[Config]:
    """The class that declares what every connector of a side has; Config itself for other plugins."""
    bases: tuple[type[Config], ...] = (SinkConfig, SourceConfig, ConnectorConfig)
    return next((base for base in bases if issubclass(config_class, base)), Config)
