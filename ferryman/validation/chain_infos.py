"""The keys of transforms and predicates as ``/config/validate`` shows them, a group for each alias."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ferryman.chain import chain_config
from ferryman.config import Config, Definition, trim
from ferryman.errors import KeyProblem
from ferryman.plugins import catalog
from ferryman.validation import config_infos, plugin_infos, plugin_versions
from ferryman.validation.config_infos import ConfigInfo

_TITLES: Mapping[str, tuple[str, str, catalog.Kind]] = {
    "transforms": ("Transforms", "Transformation", "transformation"),
    "predicates": ("Predicates", "Predicate", "predicate"),
}


@dataclass(frozen=True, slots=True)
class _Key:
    """A key of the grammar, that every alias has beside those of its plugin."""

    name: str
    type: str
    documentation: str
    importance: str = "MEDIUM"
    default: str | None = None
    width: str = "NONE"
    display: str | None = None
    """Its label, with places for the kind of plugin and the alias; None is its name."""


_FIRST = (
    _Key(
        "type",
        "CLASS",
        "Its class; for a transform of a key or value with $Key or $Value at the end.",
        "HIGH",
        width="LONG",
        display="{} type for {}",
    ),
    _Key(
        "plugin.version",
        "STRING",
        "The version, or range of versions in Maven's notation, that its package must have.",
        "HIGH",
        width="LONG",
        display="{} version for {}",
    ),
)
_LAST = (
    _Key("negate", "BOOLEAN", "Whether it applies to the records for which the predicate is false.", default="false"),
    _Key("predicate", "STRING", "The alias of the predicate that decides for which records the transform applies."),
)


def alias_infos(
    given: Mapping[str, str], values: Mapping[str, str], problems: Iterable[KeyProblem]
) -> list[ConfigInfo]:
    """The entries of every alias. ``values`` is the config with references resolved, ``given`` the same as posted."""
    return [
        info
        for name in _TITLES
        for alias in chain_config.aliases(values, name)
        for info in _alias(name, alias, given, list(problems))
    ]


def prefixes(values: Mapping[str, str]) -> Iterable[str]:
    """How the keys of all aliases begin; ``values`` is the config with references resolved."""
    return (f"{name}.{alias}." for name in _TITLES for alias in chain_config.aliases(values, name) if alias)


def keys(values: Mapping[str, str]) -> Iterable[str]:
    """The keys that all aliases can have, in full; ``values`` is the config with references resolved."""
    for name, (_, _, kind) in _TITLES.items():
        for alias in chain_config.aliases(values, name):
            prefix = f"{name}.{alias}."
            plugin = catalog.find(kind, values.get(f"{prefix}type", ""))
            own = () if plugin is None else plugin.config_class.keys()
            yield from (prefix + key for key in (*chain_config.OF_THE_GRAMMAR, *own))


def version_problems(given: Mapping[str, str], values: Mapping[str, str]) -> Iterable[KeyProblem]:
    """What is wrong with the versions that aliases ask for. ``given`` is the config as posted, ``values`` the same with
    references resolved."""
    for name, (_, _, kind) in _TITLES.items():
        for alias in chain_config.aliases(values, name):
            key, version = f"{name}.{alias}.type", f"{name}.{alias}.plugin.version"
            plugin = _named(kind, values.get(key, ""))
            if plugin is not None:
                yield from plugin_versions.problems(given, values, key, version, plugin)
            elif key in values:
                yield from plugin_versions.unreadable(values, version)


def _named(kind: catalog.Kind, name: str) -> type[Any] | None:
    """The plugin that a name means; none without the side that it needs, as there is no such class."""
    plugin, name = catalog.find(kind, name), trim(name)
    return None if getattr(plugin, "sided", False) and name == catalog.without_side(name) else plugin


def _alias(name: str, alias: str, given: Mapping[str, str], problems: list[KeyProblem]) -> Iterable[ConfigInfo]:
    prefix, kind = f"{name}.{alias}.", _TITLES[name][2]
    plugin = _named(kind, given.get(f"{prefix}type", ""))
    for order, definition in enumerate(_definitions(name, alias, plugin)):
        full_name = prefix + definition.name
        errors = tuple(problem.message for problem in problems if problem.key == full_name)
        whole = replace(definition, name=full_name, group=f"{_TITLES[name][0]}: {alias}", order=order)
        yield _with_choices(ConfigInfo(whole, config_infos.value(whole, given.get(full_name), errors)), kind, plugin)


def _definitions(name: str, alias: str, plugin: type[Any] | None) -> Iterable[Definition]:
    """The declarations without their prefix; of a plugin that is not known only those with which it is named."""
    yield from (_declared(each, name, alias) for each in _FIRST)
    if plugin is not None:
        config_class: type[Config] = plugin.config_class
        yield from config_class.definitions()
        yield from (_declared(each, name, alias) for each in (_LAST if name == "transforms" else ()))


def _declared(key: _Key, name: str, alias: str) -> Definition:
    display = (key.display or key.name).format(_TITLES[name][1], alias)
    return Definition(
        *(key.name, key.type, key.name == "type", key.default, key.importance, key.documentation),
        *(None, key.width, display, (), -1),
    )


def _with_choices(info: ConfigInfo, kind: catalog.Kind, plugin: type[Any] | None) -> ConfigInfo:
    """An entry with what there is to choose from; a class in full, as Kafka Connect prints it."""
    if info.value.name.endswith(".plugin.version"):
        return plugin_versions.version_entry(info, plugin)
    if not info.value.name.endswith(".type") or info.definition is None or info.definition.type != "CLASS":
        return info
    choices = tuple(one.name for one in plugin_infos.list_plugins(connectors_only=False) if one.type == kind)
    value = info.value.value
    if plugin is not None and value:
        value = catalog.full_name(plugin, value)
    return ConfigInfo(info.definition, replace(info.value, value=value, recommended_values=choices))
