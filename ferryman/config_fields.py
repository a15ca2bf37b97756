"""What the declaration of a key says beside its type: its spellings, its choices, what its check says of null."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BeforeValidator
from pydantic.fields import FieldInfo

from ferryman.errors import KeyProblem


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of Kafka's ConfigDef, by its name there."""

    name: str


class AnyCase(BeforeValidator):
    """Marks a Literal whose values may be written in any case."""


NULL = "Null value can not be supplied as the configuration value."
"""What is said of a key whose value is null."""


@dataclass(frozen=True, slots=True)
class OfNull:
    """Marks a key whose check refuses null in Kafka: it says so where a required key is missing or any is null."""

    text: str
    """The whole message, with {} for the key."""


def of_null(reason: str) -> OfNull:
    """As most checks say it, for a reason."""
    return OfNull(f"Invalid value null for configuration {{}}: {reason}")


NAMES = OfNull("Configuration '{}' values must not be null.")
"""For a list of names."""
PATTERN = of_null("Invalid regex: there is none")
"""For a regular expression, of which Kafka shows its NullPointerException."""


def spellings(field: str, info: FieldInfo) -> tuple[str, ...]:
    """The names under which a field may be given, canonical first."""
    extra = info.json_schema_extra
    names = extra.get("names") if isinstance(extra, dict) else None
    return tuple(str(name) for name in names) if isinstance(names, list) and names else (field.replace("_", "."),)


def is_listed(info: FieldInfo) -> bool:
    """Whether a field is shown even if it is not given."""
    extra = info.json_schema_extra
    return not isinstance(extra, dict) or bool(extra.get("listed", True))


def is_choice(annotation: Any) -> bool:
    """Whether a type is a few values to choose from."""
    return get_origin(annotation) is Literal or any(map(is_choice, get_args(annotation)))


def kind_of(info: FieldInfo) -> str:
    """Its type in Kafka's ConfigDef."""
    found = [item.name for item in marks(info) if isinstance(item, Kind)]
    return found[0] if found else "STRING"


def marks(info: FieldInfo) -> list[Any]:
    """What it is annotated with, inside of an optional type too."""
    found = list(info.metadata)
    for part in get_args(info.annotation):
        if get_origin(part) is Annotated:
            found += get_args(part)[1:]
    return found


def checked_as_null(name: str, info: FieldInfo) -> Iterable[KeyProblem]:
    """What the check of a key says that has no value, as Kafka's ConfigDef asks it even then."""
    told = next((item for item in marks(info) if isinstance(item, OfNull)), None)
    if told is None and type(None) not in get_args(info.annotation):
        bounded = any(hasattr(item, "ge") for item in info.metadata)
        told = of_null("Value must be non-null") if bounded else None
        told = of_null(one_of(info)) if is_choice(info.annotation) else told
    if told is not None:
        yield KeyProblem(name, told.text.format(name))


def one_of(info: FieldInfo) -> str:
    """What is said of a value that is none of those to choose from."""
    case = next((" (case insensitive)" for each in marks(info) if isinstance(each, AnyCase)), "")
    values = ", ".join(_values(info.annotation))
    return f"String must be one of{case}: {values.upper() if case else values}"


def _values(annotation: Any) -> list[str]:
    if get_origin(annotation) is Literal:
        return [str(value) for value in get_args(annotation)]
    return [value for part in get_args(annotation) for value in _values(part)]
