"""Checks a connector's config before anything is started: all of it, all errors at once, in Kafka Connect's words.

What AbstractHerder.validateConnectorConfig does (KIP-26, KIP-66, KIP-158, KIP-458).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ferryman.chain import chain_config
from ferryman.config import Config, Definition, split_list, trim
from ferryman.config_fields import NULL
from ferryman.connector import ConnectorConfig, SinkConfig, SourceConfig
from ferryman.errors import ConfigError, KeyProblem, RequestError
from ferryman.files import allowed_folders
from ferryman.java import spelling
from ferryman.kafka import client_config, topic_creation
from ferryman.kafka.client_keys import Role
from ferryman.plugins import catalog
from ferryman.settings.config_providers import Resolution
from ferryman.settings.settings import Settings
from ferryman.telemetry import owners, redaction
from ferryman.validation import (
    chain_infos,
    config_infos,
    converter_infos,
    exactly_once,
    misplaced_keys,
    own_keys,
    plugin_infos,
    plugin_versions,
    resolved_values,
    workers_own,
)
from ferryman.validation.config_infos import ConfigInfo, ConfigInfos
from ferryman.validation.group_protocol import problems as unfit_for_group
from ferryman.validation.misplaced_keys import ROLES
from ferryman.validation.parts import CONVERTERS, VERSION, Part, View

PRINCIPAL = frozenset({"sasl.jaas.config", "sasl.mechanism", "security.protocol"})
_TOPIC_KEYS = {"include": "LIST", "exclude": "LIST", "replication.factor": "SHORT", "partitions": "INT"}


@dataclass(frozen=True, slots=True)
class Validation:
    """What was found in a config."""

    infos: ConfigInfos
    """The answer for REST."""
    warnings: tuple[str, ...]
    """By name, for the log."""
    secrets: frozenset[str]
    """The keys whose values plugins declare to be secret."""


def check(raw: Mapping[str, str | None], settings: Settings) -> Validation:
    """Validates a config that is to be run. Raises ConfigError with every problem, RequestError (400) without a usable
    connector.class."""
    found = validate(raw, settings)
    if found.infos.problems:
        raise ConfigError(*found.infos.problems)
    return found


def validate(raw: Mapping[str, str | None], settings: Settings, resolution: Resolution | None = None) -> Validation:
    """Validates a config, references to config providers resolved, unless they are already; starts nothing and shows no
    secret. A key whose value is None is wrong. Raises RequestError (400) without a usable connector.class."""
    with allowed_folders.bounded(settings.config.connector_allowed_paths), owners.passing():
        redaction.protect_config(raw)
        given = {key: value for key, value in raw.items() if value is not None}
        return _validate(raw, given, settings, resolution or settings.providers.resolve(given))


def _validate(
    raw: Mapping[str, str | None], given: Mapping[str, str], settings: Settings, resolution: Resolution
) -> Validation:
    plugin = _connector(raw)
    config_class: type[Config] = plugin.config_class
    redaction.protect_config(resolution.values, config_class.secrets())
    nulls = {key: None for key, value in raw.items() if value is None}
    view = View(given, dict(resolution.values), nulls, plugin, settings)
    before = [*resolution.problems, *(KeyProblem(key, NULL) for key in nulls)]
    before += _too_many_tasks(view.values.get("tasks.max", ""), settings.config.tasks_max_limit)
    before += _versions(view)
    before += workers_own.problems(plugin, view.values, settings)
    framework, own, problems = _connector_keys(config_class, view, before)
    early = [_topic_groups(config_class, view), _chain(view), _dead_letters(config_class, view)]
    if issubclass(config_class, SourceConfig):
        early.append(Part(warnings=tuple(exactly_once.warnings(view.given, settings.config))))
    late = [
        _overrides(config_class, view),
        _ours(config_class, view),
        *(converter_infos.own_keys(key, view) for key in CONVERTERS),
    ]
    others = [*early, *late]
    infos = [*framework, *_infos(early), *own, *_infos(late)]
    problems += [problem for part in others for problem in part.problems]
    loose = config_infos.undeclared(problems, infos, config_class.keys())
    # Parts with keys of their own tell what they have found themselves.
    complete = config_infos.with_problems([*loose, *infos], resolution.problems)
    warnings = [
        *resolution.doubts,
        *(text for part in others for text in part.warnings),
        *_unknown(config_class, view),
        *config_class.warnings({"header.converter": settings.config.header_converter, **view.values}),
    ]
    shown = resolved_values.Shown.from_resolution(given, resolution, settings.references)
    return Validation(
        ConfigInfos(given["connector.class"], [shown.info(info.refusing(view.nulls)) for info in complete]),
        tuple(shown.text(warning, warning.partition(" ")[0]) for warning in warnings),
        _secrets(view),
    )


def _secrets(view: "View") -> frozenset[str]:
    plugins = {key: view.converter(key) for key in CONVERTERS if key in view.values}
    found = {f"{key}.{name}" for key, plugin in plugins.items() if plugin for name in plugin.config_class.secrets()}
    return frozenset(view.plugin.config_class.secrets() | found)


def _too_many_tasks(given: str, limit: int) -> list[KeyProblem]:
    if not re.fullmatch(r"\+?[0-9]{1,20}", trim(given)) or not limit < int(trim(given)) < 1 << 31:
        return []
    text = f"Invalid value {given} for configuration tasks.max: the worker's tasks.max.limit allows {limit} at most"
    return [KeyProblem("tasks.max", text)]


def _connector(raw: Mapping[str, str | None]) -> type[Any]:
    name = trim(raw.get("connector.class") or "")
    if not name:
        shown = ", ".join(f"{key}={'null' if value is None else value}" for key, value in raw.items())
        raise RequestError(400, redaction.redact(f"Connector config {{{shown}}} contains no connector type"))
    plugin = catalog.connector(name)
    if plugin is None and (reason := catalog.import_error(("sink", "source"), name)):
        raise RequestError(400, redaction.redact(f"Connector {name} cannot be loaded: {reason}"))
    if plugin is None:
        available = ", ".join(info.name for info in plugin_infos.list_plugins(connectors_only=True))
        raise RequestError(
            400,
            f"Failed to find any class that implements Connector and which name matches {name}, "
            f"available connectors are: {available}",
        )
    return plugin


def _versions(view: View) -> Iterable[KeyProblem]:
    yield from plugin_versions.problems(
        view.given, view.values, "connector.class", "connector.plugin.version", view.plugin
    )
    for key in CONVERTERS:
        plugin, version = view.converter(key), f"{key}.{VERSION}"
        if key in view.values and plugin is not None:
            yield from plugin_versions.problems(view.given, view.values, key, version, plugin)
        else:
            yield from plugin_versions.unreadable(view.values, version)


def _connector_keys(
    config_class: type[Config], view: View, before: list[KeyProblem]
) -> tuple[list[ConfigInfo], list[ConfigInfo], list[KeyProblem]]:
    """The framework's keys, the connector's own, and all problems with both."""
    config, found = config_class.read({**view.values, **view.nulls})
    frame = plugin_infos.frame(config_class)
    problems = [*before, *found, *converter_infos.class_problems(view)]
    if isinstance(config, SourceConfig):
        problems += exactly_once.problems(view.plugin, config, view.settings.config)
    if config is None:
        problems += frame.rules(view.values) if issubclass(frame, ConnectorConfig) else ()
    problems = list(dict.fromkeys(problems))
    framework = config_infos.field_infos(config_class, frame.model_fields, view.given, problems)
    own = config_infos.field_infos(
        config_class, config_class.model_fields.keys() - frame.model_fields, view.given, problems
    )
    return [_with_choices(info, view) for info in framework], own, problems


def _with_choices(info: ConfigInfo, view: View) -> ConfigInfo:
    """An entry of the framework with what depends on the plugins that there are: classes of converters, versions."""
    key = info.value.name
    kind = key.removesuffix(f".{VERSION}")
    if key == kind:
        return converter_infos.with_choices(info, view) if key in CONVERTERS else info
    return plugin_versions.version_entry(info, view.converter(kind) if kind in CONVERTERS else view.plugin)


def _infos(parts: Iterable[Part]) -> list[ConfigInfo]:
    return [info for part in parts for info in part.infos]


def _chain(view: View) -> Part:
    parsed = chain_config.parse(view.values, view.nulls)
    problems = [*parsed.problems]
    problems += chain_infos.version_problems(view.given, view.values)
    listed = tuple(chain_infos.prefixes(view.values))
    problems += [KeyProblem(key, NULL) for key in view.nulls if key.startswith(listed)]
    problems = list(dict.fromkeys(problems))
    return Part(
        tuple(chain_infos.alias_infos(view.given, view.values, problems)), tuple(problems), tuple(parsed.warnings)
    )


def _dead_letters(config_class: type[Config], view: View) -> Part:
    """A queue that is filled by one record only, or by none, which is hardly what was meant."""
    name, tolerance = "errors.deadletterqueue.topic.name", trim(view.values.get("errors.tolerance", "none"))
    if not view.values.get(name) or tolerance.lower() == "all":
        return Part()
    little, reason = "little", "and only its record gets there"
    if not issubclass(config_class, SinkConfig):
        little, reason = "no", "and its record stays in the source"
    reason = f"the first data error fails the task, {reason}; errors.tolerance=all skips such records"
    return Part(warnings=(f"{name} has {little} effect with errors.tolerance={tolerance}: {reason}",))


def _overrides(config_class: type[Config], view: View) -> Part:
    """Client settings: the worker's policy first, then whether the client can have them (KIP-458)."""
    infos, warnings = [], list[str]()
    used = _roles(config_class, view.values)
    unfit = unfit_for_group(view.plugin, view.settings.values, view.values)
    taken = workers_own.problems(view.plugin, view.values, view.settings)
    for role in ROLES:
        prefix = f"{role}.override."
        problems, notes = client_config.checked(role, view.settings.values, view.values)
        problems += [*unfit, *taken]
        warnings += notes
        for key in (key for key in view.given if key.startswith(prefix)):
            errors = [problem.message for problem in problems if problem.key == key]
            errors += _policy(key, key.removeprefix(prefix), view.settings) if role in used else ()
            if role not in used and not errors:
                warnings.append(f"{key} has no effect: this connector has no {role}")
            infos.append(_override(key, view.given[key], tuple(errors)))
    return Part(tuple(infos), tuple(unfit), tuple(dict.fromkeys(warnings)))


def _roles(config_class: type[Config], values: Mapping[str, str]) -> set[Role]:
    if not issubclass(config_class, SinkConfig):
        return {"producer", "consumer", "admin"}
    queue = trim(values.get("errors.deadletterqueue.topic.name", ""))
    return {"consumer", "admin", "producer"} if queue else {"consumer", "admin"}


def _policy(key: str, name: str, settings: Settings) -> Iterable[str]:
    policy = settings.config.connector_client_config_override_policy
    allowed = {"All": True, "None": False, "Principal": name in PRINCIPAL}.get(
        policy, name in settings.config.connector_client_config_override_allowlist
    )
    if not allowed:
        yield f"The '{policy}' policy does not allow '{key}' to be overridden in the connector configuration."


def _override(key: str, text: str, errors: tuple[str, ...]) -> ConfigInfo:
    kind = "PASSWORD" if redaction.is_secret(key) else "STRING"
    definition = Definition(key, kind, False, None, "MEDIUM", "", None, "NONE", key, (), -1)
    return ConfigInfo(definition, config_infos.value(definition, text, errors))


def _ours(config_class: type[Config], view: View) -> Part:
    infos, problems = own_keys.infos(config_class, view.given, view.values)
    return Part(tuple(infos), tuple(problems))


def _topic_groups(config_class: type[Config], view: View) -> Part:
    """How a source creates topics (KIP-158)."""
    given = [key for key in view.values if key.startswith("topic.creation.")]
    if issubclass(config_class, SinkConfig) or not given:
        return Part()
    if not view.settings.config.topic_creation_enable:
        return Part(
            warnings=tuple(f"{key} has no effect: the worker's topic.creation.enable is false" for key in given)
        )
    problems: list[KeyProblem] = []
    try:
        topic_creation.groups(view.values)
    except ConfigError as error:
        problems = [
            KeyProblem(one.key, NULL) if one.key in view.nulls else one for one in dict.fromkeys(error.problems)
        ]
    names = [part for part in split_list(view.values.get("topic.creation.groups", "")) if part]
    infos = [info for name in dict.fromkeys(["default", *names]) for info in _topic_group(name, view, problems)]
    return Part(tuple(infos), tuple(problems), tuple(topic_creation.warnings(view.values)))


def _topic_group(name: str, view: View, problems: Iterable[KeyProblem]) -> Iterable[ConfigInfo]:
    for order, (part, kind) in enumerate(_TOPIC_KEYS.items(), 1):
        key = f"topic.creation.{name}.{part}"
        required = name == "default" and kind != "LIST"
        default = (
            None if required else "-1" if kind != "LIST" else ".*" if (name, part) == ("default", "include") else ""
        )
        text = "How the topics of this group are created, and regular expressions that say which topics are in it."
        definition = Definition(
            key, kind, required, default, "LOW", text, f"Topic Creation: {name}", "LONG", key, (), order
        )
        errors = tuple(problem.message for problem in problems if problem.key == key)
        number = kind == "LIST" or re.fullmatch(r"-?\d+", trim(view.given.get(key, "0")))
        value = config_infos.value(definition, view.given.get(key) if number else None, errors)
        yield ConfigInfo(definition, value)


def _unknown(config_class: type[Config], view: View) -> Iterable[str]:
    """Unknown keys, with what may have been meant."""
    prefixes = tuple(f"{role}.override." for role in ROLES) + tuple(f"{key}." for key in CONVERTERS)
    if not issubclass(config_class, SinkConfig):
        prefixes += ("topic.creation.",)
    prefixes += tuple(chain_infos.prefixes(view.values))
    ours = own_keys.names(config_class)
    known = {*config_class.keys(), *chain_infos.keys(view.values), *ours}
    for key in config_class.strangers(view.values):
        if not key.startswith(prefixes) and key not in ours:
            hint = misplaced_keys.meant(key, prefixes, view.values) or spelling.meant(key, known, prefixes)
            yield f"{key} is not a setting of {view.values['connector.class']} and has no effect{hint}"
