"""The converters of a config: their classes, and the keys of each."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ferryman.config import Config
from ferryman.conversion import SIDE
from ferryman.errors import KeyProblem
from ferryman.java import spelling
from ferryman.plugins import catalog
from ferryman.telemetry import redaction
from ferryman.validation import config_infos, plugin_infos
from ferryman.validation.config_infos import ConfigInfo
from ferryman.validation.parts import CONVERTERS, VERSION, Part, View


def class_problems(view: View) -> Iterable[KeyProblem]:
    """What is wrong with the classes that a config names as its converters."""
    for key in CONVERTERS:
        name = view.values.get(key)
        if name is None:
            continue
        plugin = catalog.find("converter", name)
        if plugin is None:
            kind = "HeaderConverter" if key == "header.converter" else "Converter"
            reason = catalog.absence(["converter"], name, kind)
            yield KeyProblem(key, f"Invalid value {name} for configuration {key}: {reason}")
        elif key != "header.converter" and plugin_infos.SIMPLE_HEADERS in catalog.names(plugin):
            text = f"Class class {plugin_infos.SIMPLE_HEADERS} does not implement the Converter interface"
            yield KeyProblem(key, f"Invalid value {name} for configuration {key}: {text}")


def with_choices(info: ConfigInfo, view: View) -> ConfigInfo:
    """A converter's key shows the worker's class as its default, and those there are to choose from."""
    key = info.value.name
    if info.definition is None:
        return info
    kind = "header_converter" if key == "header.converter" else "converter"
    choices = tuple(one.name for one in plugin_infos.list_plugins(connectors_only=False) if one.type == kind)
    default = redaction.redact(_full_name(getattr(view.settings.config, key.replace(".", "_"))))
    definition = replace(info.definition, type="CLASS", default_value=default)
    value = info.value.value or (default if key not in view.given else None)
    return ConfigInfo(
        definition, config_infos.ConfigValue(key, value and _full_name(value), choices, info.value.errors)
    )


def _full_name(name: str) -> str:
    """A converter's name as a class is printed: in full, if it is known."""
    plugin = catalog.find("converter", name)
    return name if plugin is None else catalog.full_name(plugin, name)


def own_keys(key: str, view: View) -> Part:
    """The keys of one of the converters, which count if the connector names its class."""
    prefix = f"{key}."
    values = {name: value for name, value in _under(prefix, view.values).items() if name != VERSION}
    if key not in view.values:
        reason = f"has no effect without {key}: the worker's converter comes with the worker's settings"
        return Part(warnings=tuple(f"{prefix}{name} {reason}" for name in values))
    plugin = catalog.find("converter", view.values[key])
    if plugin is None:
        return Part()
    config_class: type[Config] = plugin.config_class
    redaction.protect_config(view.values, {f"{prefix}{name}" for name in config_class.secrets()})
    injected = {SIDE: key.partition(".")[0]} if SIDE in config_class.keys() else {}  # noqa: SIM118
    problems = config_class.read({**injected, **values, **view.nulls_under(prefix)})[1]
    given = injected | _under(prefix, view.given)
    infos = config_infos.field_infos(config_class, config_class.model_fields, given, problems)
    loose = config_infos.undeclared(problems, infos, config_class.keys())
    shown = tuple(info.under(prefix) for info in infos)
    names = [prefix + name for name in sorted(config_class.keys())]
    unknown = tuple(
        f"{prefix}{name} is not a setting of {view.values[key]} and has no effect{spelling.meant(prefix + name, names)}"
        for name in config_class.strangers(values)
    )
    rest = tuple(KeyProblem(info.value.name, text) for info in loose for text in info.under(prefix).value.errors)
    return Part(shown, tuple(KeyProblem(prefix + one.key, one.message) for one in rest), unknown)


def _under(prefix: str, config: Mapping[str, str]) -> dict[str, str]:
    return {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
