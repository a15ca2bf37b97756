"""The answer of ``/config/validate``: each key's declaration, its value as text, and what is wrong with it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ferryman.config import NUMBER, Config, Definition, split_list, trim
from ferryman.config_fields import NULL, is_listed, spellings
from ferryman.errors import KeyProblem
from ferryman.telemetry import redaction

HIDDEN = redaction.HIDDEN
_UNREADABLE = ("Not a number of type", "Expected value to be either", "could not be found.", NULL)


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """A key's value, and what is wrong with it."""

    name: str
    value: str | None
    """As it would be used; None where there is none or it cannot be read."""
    recommended_values: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    visible: bool = True


@dataclass(frozen=True, slots=True)
class ConfigInfo:
    """A key of a config."""

    definition: Definition | None
    """None for a key that is not declared."""
    value: ConfigValue

    def under(self, prefix: str) -> "ConfigInfo":
        """The same key as part of a larger config."""
        definition, value = self.definition, self.value
        name = prefix + value.name
        errors = tuple(KeyProblem(value.name, text).under(prefix).message for text in value.errors)
        definition = definition and replace(definition, name=name)
        return ConfigInfo(definition, replace(value, name=name, errors=errors))

    def told(self, errors: Iterable[str]) -> "ConfigInfo":
        """The same key with more errors."""
        return replace(self, value=replace(self.value, errors=(*self.value.errors, *errors)))

    def refusing(self, nulls: Container[str]) -> "ConfigInfo":
        """The same key, with an error if it is among those whose value is null."""
        value = self.value
        if value.name not in nulls or NULL in value.errors:
            return self
        return replace(self, value=replace(value, value=None, errors=(*value.errors, NULL)))


@dataclass(frozen=True, slots=True)
class ConfigInfos:
    """All keys of a config."""

    name: str
    """The connector class as it was given."""
    configs: Sequence[ConfigInfo]

    @property
    def problems(self) -> list[KeyProblem]:
        """What is wrong, in the order of the keys."""
        return [KeyProblem(info.value.name, text) for info in self.configs for text in info.value.errors]

    @property
    def groups(self) -> list[str]:
        """The groups of keys, in their order."""
        found = (info.definition.group for info in self.configs if info.definition is not None)
        return list(dict.fromkeys(group for group in found if group is not None))

    def as_json(self) -> dict[str, Any]:
        """The body of the answer."""
        return {
            "name": self.name,
            "error_count": len(self.problems),
            "groups": self.groups,
            "configs": [{"definition": _plain(info.definition), "value": _plain(info.value)} for info in self.configs],
        }


def _plain(told: Definition | ConfigValue | None) -> dict[str, Any] | None:
    """By field; ``asdict`` would look into each value, which costs more than all the rest of a validation."""
    return None if told is None else {name: getattr(told, name) for name in type(told).__slots__}


def field_infos(
    config_class: type[Config], fields: Iterable[str], raw: Mapping[str, str], problems: Iterable[KeyProblem]
) -> list[ConfigInfo]:
    """The named fields of a config class, with those of the problems that are about them; of those that are not listed
    only what was given."""
    wanted = set(fields)
    found = []
    declared = zip(config_class.model_fields.items(), config_class.definitions(), strict=True)
    for (field, info), definition in declared:
        if field in wanted:
            names = spellings(field, info)
            text = next((raw[name] for name in names if name in raw), None)
            errors = tuple(dict.fromkeys(problem.message for problem in problems if problem.key in names))
            if text is None and not errors and not is_listed(info):
                continue
            found.append(ConfigInfo(definition, value(definition, text, errors)))
    return found


def undeclared(problems: Iterable[KeyProblem], declared: Iterable[ConfigInfo], known: set[str]) -> list[ConfigInfo]:
    """Entries for problems about keys that are not declared."""
    names = known | {info.value.name for info in declared}
    by_key: dict[str, list[str]] = {}
    for problem in problems:
        if problem.key not in names:
            by_key.setdefault(problem.key, []).append(problem.message)
    return [ConfigInfo(None, ConfigValue(key, None, errors=tuple(texts))) for key, texts in by_key.items()]


def with_problems(infos: Iterable[ConfigInfo], problems: Iterable[KeyProblem]) -> list[ConfigInfo]:
    """The entries, where each problem that none of them tells is told by the first one of its key."""
    entries = list(infos)
    known = {text for entry in entries for text in entry.value.errors}
    untold: dict[str, list[str]] = {}
    for problem in problems:
        text = redaction.redact(problem.message)
        if text not in known:
            untold.setdefault(problem.key, []).append(text)
    return [entry.told(untold.pop(entry.value.name, ())) for entry in entries]


def value(definition: Definition, text: str | None, errors: tuple[str, ...] = ()) -> ConfigValue:
    """A declared key's value as Kafka's ConfigDef prints it; secrets hidden, references to providers unresolved."""
    clean = tuple(redaction.redact(error) for error in errors)
    return ConfigValue(definition.name, _printed(definition, text, errors), errors=clean)


def _printed(definition: Definition, text: str | None, errors: tuple[str, ...]) -> str | None:
    if any(sign in error for error in errors for sign in _UNREADABLE):
        return None
    if text is None:
        return definition.default_value
    if "${" in text:
        return text
    if definition.type == "PASSWORD":
        return HIDDEN
    match definition.type:
        case "BOOLEAN":
            text = trim(text).lower()
        case "INT" | "LONG" | "SHORT":
            text = trim(text)
            text = str(int(text)) if NUMBER.fullmatch(text) else text
        case "LIST":
            text = ",".join(split_list(text))
        case _:
            text = trim(text)
    return redaction.redact(text)
