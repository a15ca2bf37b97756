"""The keys of transforms and predicates as ``/config/validate`` shows them, a group for each alias."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ferryman.chain import chain_config
from ferryman.config import Config, Definition
from ferryman.errors import KeyProblem
from ferryman.plugins import catalog
from ferryman.validation import config_infos
from ferryman.validation.config_infos import ConfigInfo

_TITLES: Mapping[str, tuple[str, catalog.Kind]] = {
    "transforms": ("Transforms", "transformation"),
    "predicates": ("Predicates", "predicate"),
}
_GRAMMAR: Mapping[str, tuple[tuple[str, str, str | None, str], ...]] = {
    "transforms": (
        ("type", "CLASS", None, "The transform: its class, with $Key or $Value at the end where it has sides."),
        (
            "predicate",
            "STRING",
            None,
            "The alias of the predicate that decides for which records the transform applies.",
        ),
        ("negate", "BOOLEAN", "false", "Whether it applies where the predicate does not hold."),
    ),
    "predicates": (("type", "CLASS", None, "The predicate: its class."),),
}


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


def full(problem: KeyProblem) -> KeyProblem:
    """The problem with the whole key in its text."""
    _, _, own = problem.key.partition(".")
    return KeyProblem(problem.key, config_infos.with_full_name(problem.message, own.partition(".")[2], problem.key))


def _alias(name: str, alias: str, given: Mapping[str, str], problems: list[KeyProblem]) -> Iterable[ConfigInfo]:
    title, kind = _TITLES[name]
    prefix, group = f"{name}.{alias}.", f"{title}: {alias}"
    definitions = [_grammar(prefix, group, order, row) for order, row in enumerate(_GRAMMAR[name])]
    plugin = catalog.find(kind, given.get(f"{prefix}type", ""))
    config_class: type[Config] = Config if plugin is None else plugin.config_class
    for definition in config_class.definitions():
        display = f"{prefix}{definition.display_name}" if definition.display_name == definition.name else None
        definitions.append(
            replace(
                definition,
                name=prefix + definition.name,
                display_name=display or definition.display_name,
                group=group,
                order=len(definitions),
            )
        )
    for definition in definitions:
        errors = tuple(problem.message for problem in problems if problem.key == definition.name)
        yield ConfigInfo(definition, config_infos.value(definition, given.get(definition.name), errors))


def _grammar(prefix: str, group: str, order: int, row: tuple[str, str, str | None, str]) -> Definition:
    key, kind, default, documentation = row
    name = prefix + key
    return Definition(name, kind, key == "type", default, "MEDIUM", documentation, group, "LONG", name, (), order)
