"""Which versions of its plugins a config asks for (KIP-891). A package is installed in one version, and no other."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ferryman.errors import KeyProblem
from ferryman.java import version_ranges
from ferryman.plugins import catalog
from ferryman.validation.config_infos import ConfigInfo


def problems(
    given: Mapping[str, str], values: Mapping[str, str], kind: str, key: str, plugin: type[Any]
) -> Iterable[KeyProblem]:
    """What is wrong with the version in ``key`` of the plugin that ``kind`` names: said of both keys, as Kafka Connect
    does, unless a reference brought it. ``given`` is the config as posted, ``values`` the same resolved."""
    if key not in values:
        return
    try:
        found = unmet(values[key], plugin, values.get(kind, ""))
    except ValueError as error:
        found = str(error)
    if found is not None:
        keys = (kind, key) if given.get(key) == values[key] else (key,)
        yield from (KeyProblem(each, found) for each in keys)


def unreadable(values: Mapping[str, str], key: str) -> Iterable[KeyProblem]:
    """What is wrong with a version in ``key`` of a plugin that the config does not name: only what is no range."""
    try:
        version_ranges.parse(values.get(key, version_ranges.LATEST))
    except ValueError as error:
        yield KeyProblem(key, str(error))


def unmet(wanted: str, plugin: type[Any], name: str) -> str | None:
    """What is wrong if a plugin, called by that name, has none of the versions wanted. ValueError for no range."""
    versions, version = version_ranges.parse(wanted), catalog.version(plugin)
    if versions is None or version in versions:
        return None
    full = catalog.full_name(plugin, name)
    return f"Plugin {full} not found that matches the version range {versions}, available versions: [{version}]"


def version_entry(info: ConfigInfo, plugin: type[Any] | None) -> ConfigInfo:
    """The entry of a version's key, with the version that is there as its default and the one to choose."""
    version = "undefined" if plugin is None else catalog.version(plugin)
    if version == "undefined" or info.definition is None:
        return replace(info, value=replace(info.value, visible=False))
    value = info.value.value if info.value.value is not None else version
    return ConfigInfo(
        replace(info.definition, default_value=version),
        replace(info.value, value=value, recommended_values=(version,)),
    )
