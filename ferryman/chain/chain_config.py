"""The grammar of ``transforms``, ``predicates``, ``predicate`` and ``negate`` in a connector's config. Pure.

Every problem is reported at once, in Kafka Connect's words (ConnectorConfig.enrich, KIP-66, KIP-585).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ferryman.api import Predicate
from ferryman.chain.chain import Step
from ferryman.config import Config, split_list, trim
from ferryman.config_fields import NULL
from ferryman.errors import ConfigError, KeyProblem
from ferryman.java import spelling
from ferryman.plugins import catalog

OF_THE_GRAMMAR = frozenset({"type", "predicate", "negate", "plugin.version"})


@dataclass(slots=True)
class Parsed:
    """What a config says about transforms and predicates."""

    steps: list[Step] = field(default_factory=list)
    """In their order; they count only if there are no problems."""
    problems: list[KeyProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """Keys without effect, by name."""
    nulls: Mapping[str, None] = field(default_factory=dict)
    """The keys whose value is null, of the whole config."""

    def said_of_missing(self, key: str) -> str:
        """What is wrong with a required key that has no value."""
        return NULL if key in self.nulls else f'Missing required configuration "{key}" which has no default value.'


def parse(raw: Mapping[str, str], nulls: Mapping[str, None] = MappingProxyType({})) -> Parsed:
    """The chain in a connector's config; its steps count only if there are no problems. ``nulls`` are further keys,
    whose value is null."""
    parsed = Parsed(nulls=nulls)
    predicates = {alias: _predicate(raw, alias, parsed) for alias in aliases(raw, "predicates")}
    for alias in aliases(raw, "transforms"):
        step = _step(raw, alias, predicates, parsed)
        if step is not None:
            parsed.steps.append(step)
    return parsed


def aliases(raw: Mapping[str, str], name: str) -> Sequence[str]:
    """The aliases listed under ``transforms`` or ``predicates``, each once (doubles are reported elsewhere)."""
    return list(dict.fromkeys(split_list(raw.get(name, ""))))


def _predicate(raw: Mapping[str, str], alias: str, parsed: Parsed) -> Predicate[Any] | None:
    prefix = f"predicates.{alias}."
    plugin = _plugin("predicate", raw, prefix, parsed)
    config = None if plugin is None else _config(plugin.config_class, raw, prefix, parsed)
    return None if plugin is None or config is None else plugin(config)


def _step(
    raw: Mapping[str, str], alias: str, predicates: Mapping[str, Predicate[Any] | None], parsed: Parsed
) -> Step | None:
    prefix = f"transforms.{alias}."
    plugin = _plugin("transformation", raw, prefix, parsed)
    predicate, negate = _switch(raw, prefix, predicates, parsed)
    if plugin is None:
        return None
    config = _config(plugin.config_class, raw, prefix, parsed)
    if config is None:
        return None
    try:
        side = "key" if trim(raw[prefix + "type"]).endswith("$Key") else "value"
        return Step(alias, plugin(config, side), predicate, negate)
    except ConfigError as error:
        parsed.problems += [each.under(prefix) for each in error.problems]
        return None


def _plugin(kind: catalog.Kind, raw: Mapping[str, str], prefix: str, parsed: Parsed) -> type[Any] | None:
    key = prefix + "type"
    name = trim(raw.get(key, ""))
    if key not in raw:
        parsed.problems.append(KeyProblem(key, parsed.said_of_missing(key)))
        return None
    plugin = catalog.find(kind, name)
    if plugin is None:
        text = f"Invalid value {name} for configuration {key}: {catalog.absence([kind], name, kind.capitalize())}"
        parsed.problems.append(KeyProblem(key, text))
        return None
    if getattr(plugin, "sided", False) and name == catalog.without_side(name):
        text = (
            f"Invalid value {name} for configuration {key}: This class is abstract and cannot be created. Did you "
            f"mean {name}$Key, {name}$Value?"
        )
        parsed.problems.append(KeyProblem(key, text))
        return None
    return plugin


def _switch(
    raw: Mapping[str, str], prefix: str, predicates: Mapping[str, Predicate[Any] | None], parsed: Parsed
) -> tuple[Predicate[Any] | None, bool]:
    name, given = trim(raw.get(prefix + "predicate", "")), raw.get(prefix + "negate", "false")
    negate = trim(given).lower()
    if negate not in ("true", "false"):
        text = f"Invalid value {given} for configuration {prefix}negate: Expected value to be either true or false"
        parsed.problems.append(KeyProblem(prefix + "negate", text))
    if not name and (prefix + "negate" in raw or prefix + "negate" in parsed.nulls):
        text = (
            f"Config '{prefix}negate' was provided but there is no config '{prefix}predicate' "
            "defining a predicate to be negated."
        )
        parsed.problems.append(KeyProblem(prefix + "type", text))  # where Kafka Connect finds it
    if name and name not in predicates:
        text = f"Invalid value {name} for configuration {prefix}predicate: Predicate alias '{name}' is not defined."
        parsed.problems.append(KeyProblem(prefix + "predicate", text))
    return predicates.get(name), negate == "true"


def _config(config_class: type[Config], raw: Mapping[str, str], prefix: str, parsed: Parsed) -> Config | None:
    own = {key.removeprefix(prefix): value for key, value in raw.items() if key.startswith(prefix)}
    own = {key: value for key, value in own.items() if key not in OF_THE_GRAMMAR}
    known = config_class.keys()
    names = [prefix + key for key in (*known, *OF_THE_GRAMMAR)]
    parsed.warnings += [
        f"{prefix}{key} is not a setting of this plugin{spelling.meant(prefix + key, names)}"
        for key in own
        if key not in known
    ]
    nulls = {key.removeprefix(prefix): None for key in parsed.nulls if key.startswith(prefix)}
    config, problems = config_class.read({**own, **{key: None for key in nulls if key not in OF_THE_GRAMMAR}})
    parsed.problems += [each.under(prefix) for each in problems]
    return None if problems else config
