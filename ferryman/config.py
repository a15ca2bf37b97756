"""A config is one class: fields are keys with defaults and checks, the docstring under a field is its documentation.

Parsing follows Kafka's ConfigDef: values are strings, all problems are reported at once, in Kafka's words. The same
declaration gives the answers of ``/config/validate`` and the reference page.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    create_model,
)
from pydantic.fields import FieldInfo

from ferryman.config_fields import NULL, AnyCase, Kind, checked_as_null, is_choice, kind_of, one_of, spellings
from ferryman.errors import ConfigError, KeyProblem

Importance = Literal["HIGH", "MEDIUM", "LOW"]
Width = Literal["NONE", "SHORT", "MEDIUM", "LONG"]


_BLANKS = "".join(map(chr, range(ord(" ") + 1)))
_BESIDE_COMMAS = " \t\n\v\f\r"
"""As ConfigDef has it, whose ``\\s`` is of ASCII."""


def trim(text: str) -> str:
    """A key, a name or a value without what Java's ``String.trim`` takes off: what is at the ends up to U+0020. Other
    blanks, as a no-break space, are part of it."""
    return text.strip(_BLANKS)


_READ = frozenset({"BOOLEAN", "SHORT", "INT", "LONG", "DOUBLE"})
"""The types whose values are more than a text."""
NUMBER = re.compile(r"[+-]?\d{1,4000}")
"""An integer, in digits of any script as Java reads them."""


def _integer(kind: str, bits: int) -> BeforeValidator:
    def parse(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        text = trim(value)
        if not NUMBER.fullmatch(text) or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
            raise ValueError(f"Not a number of type {kind}")
        return int(text)

    return BeforeValidator(parse)


def _double(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return float(_no_more_than_java_reads(trim(value)))
    except ValueError:
        raise ValueError("Not a number of type DOUBLE") from None


def _no_more_than_java_reads(text: str) -> str:
    if "_" in text or not text.isascii():
        raise ValueError(text)
    return text


def _boolean(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return {"true": True, "false": False}[trim(value).lower()]
    except KeyError:
        raise ValueError("Expected value to be either true or false") from None


def _list(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return split_list(value)


def split_list(text: str) -> list[str]:
    """The parts of a list whose commas may have blanks around them; none of a blank text."""
    whole = trim(text)
    return [part.strip(_BESIDE_COMMAS) for part in whole.split(",")] if whole else []


def _trimmed(value: Any) -> Any:
    return trim(value) if isinstance(value, str) else value


def _non_empty(value: str | None) -> str | None:
    if value == "":
        raise ValueError("String must be non-empty")
    return value


NonEmpty = AfterValidator(_non_empty)
"""Refuses a string that is empty, though not one that is null."""
Str = Annotated[str, Kind("STRING"), BeforeValidator(_trimmed)]
Text = Annotated[str, Kind("STRING")]
"""A string whose surrounding blanks count."""
Int = Annotated[int, Kind("INT"), _integer("INT", 32)]
Long = Annotated[int, Kind("LONG"), _integer("LONG", 64)]
Short = Annotated[int, Kind("SHORT"), _integer("SHORT", 16)]
Double = Annotated[float, Kind("DOUBLE"), BeforeValidator(_double)]
Bool = Annotated[bool, Kind("BOOLEAN"), BeforeValidator(_boolean)]
Strings = Annotated[list[str], Kind("LIST"), BeforeValidator(_list)]
Password = Annotated[SecretStr, Kind("PASSWORD"), BeforeValidator(_trimmed)]
"""A secret. A file that holds one ends with a line end as a rule, which is no part of it."""
Plugin = Annotated[str, Kind("CLASS"), BeforeValidator(_trimmed)]
"""The name of a plugin: a Java class name, its alias or ours. Looked up in the catalog, never imported as it stands."""


def any_case(*values: str) -> AnyCase:
    """Lets a Literal of these values be written in any case."""
    by_fold = {value.lower(): value for value in values}

    def parse(value: Any) -> Any:
        return by_fold.get(trim(value).lower(), value) if isinstance(value, str) else value

    return AnyCase(parse)


@dataclass(frozen=True, slots=True)
class Shown:
    """How forms show a key."""

    group: str | None = None
    """The heading that it stands under."""
    order: int = -1
    """Its place under the heading, from 1; -1 for none."""
    width: Width = "NONE"
    display: str | None = None
    """Its label; None is its name."""
    default_text: str | None = None
    """What is shown as its default, where that is not the default itself."""


def key(
    default: Any = ...,
    *,
    names: tuple[str, ...] = (),
    importance: Importance = "MEDIUM",
    at_least: int | None = None,
    listed: bool = True,
    shown: Shown = Shown(),
) -> Any:
    """Declares a key. Without a default it is required.

    ``names`` are the spellings accepted, the first being the canonical one; without it the key is the field's name with
    dots for underscores. ``at_least`` bounds a number. The rest feeds ``/config/validate``, which shows a key that is
    not ``listed`` only where it is given: one that Kafka Connect does not have there.
    """
    extra: dict[str, Any] = {"names": list(names), "importance": importance, "listed": listed, **asdict(shown)}
    return Field(default, ge=at_least, json_schema_extra=extra)


@dataclass(frozen=True, slots=True)
class Definition:
    """A key's declaration as Kafka's REST API describes it."""

    name: str
    type: str
    required: bool
    default_value: str | None
    importance: str
    documentation: str
    group: str | None
    width: str
    display_name: str
    dependents: tuple[str, ...]
    order: int


class Config(BaseModel):
    """The root of every declared config."""

    model_config = ConfigDict(
        use_attribute_docstrings=True, extra="ignore", frozen=True, validate_default=True, hide_input_in_errors=True
    )

    refused: ClassVar[Mapping[str, str]] = {}
    """Keys that others understand and we do not, although they change what is written, where to or how it is protected:
    key or prefix ending in a dot, and why or what to use instead."""
    ignored: ClassVar[tuple[str, ...]] = ()
    """Keys (or prefixes ending in a dot) without any effect here that need no warning."""
    # Worked out when the class is made: forked processes share what was there before the fork, and only that.
    _spelled: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """By field, its spellings, the canonical one last."""
    _secret: ClassVar[frozenset[str]] = frozenset()
    _choices: ClassVar[frozenset[str]] = frozenset()
    """The fields with a few values to choose from, which are strings to Kafka and trimmed as such."""

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        cls._spelled = {field: spellings(field, info)[::-1] for field, info in cls.model_fields.items()}
        passwords = (field for field, info in cls.model_fields.items() if kind_of(info) == "PASSWORD")
        cls._secret = frozenset(name for field in passwords for name in cls._spelled[field])
        cls._choices = frozenset(field for field, info in cls.model_fields.items() if is_choice(info.annotation))

    @classmethod
    def parse(cls, raw: Mapping[str, str | None]) -> Self:
        """The config from Kafka's strings. Raises ConfigError with every problem."""
        config, problems = cls.read(raw)
        if config is None or problems:
            raise ConfigError(*problems)
        return config

    @classmethod
    def read(cls, raw: Mapping[str, str | None]) -> tuple[Self | None, list[KeyProblem]]:
        """The config, unless a key does not parse, and every problem found. None stands for null, which is wrong."""
        found = {field: raw[name] for field, names in cls._spelled.items() for name in names if name in raw}
        by_field = {field: text for field, text in found.items() if text is not None}
        by_field |= {field: trim(by_field[field]) for field in cls._choices & by_field.keys()}
        nulls = found.keys() - by_field.keys()
        given = {name: text for name, text in raw.items() if text is not None}
        problems = [*cls._refusals(given), *_of_nulls(cls, nulls)]
        try:
            config = cls.model_validate(by_field, by_name=True)
        except ValidationError as error:
            bad = {str(item["loc"][0]) for item in error.errors()}
            among = _among_the_rest(cls, by_field, bad)
            return None, [*problems, *_problems(cls, error, by_field, nulls), *among]
        return config, [*problems, *config.problems()]

    @classmethod
    def _refusals(cls, raw: Mapping[str, str]) -> list[KeyProblem]:
        return [
            KeyProblem(name, f"{name} is not supported: {reason}")
            for name in raw
            for refused, reason in cls.refused.items()
            if name == refused or (refused.endswith(".") and name.startswith(refused))
        ]

    def problems(self) -> Iterable[KeyProblem]:
        """What is wrong across keys that parse one by one. If some do not, it goes on until it looks at one of them."""
        return ()

    @classmethod
    def keys(cls) -> set[str]:
        """Every spelling of every key."""
        return {name for names in cls._spelled.values() for name in names}

    @classmethod
    def strangers(cls, names: Iterable[str]) -> list[str]:
        """The keys among these that are not read, and need a warning."""
        known = {*cls.keys(), *cls.ignored, *cls.refused}
        prefixes = tuple(name for name in (*cls.ignored, *cls.refused) if name.endswith("."))
        return [name for name in names if name not in known and not name.startswith(prefixes)]

    @classmethod
    def warnings(cls, raw: Mapping[str, str]) -> Iterable[str]:
        """Warnings about known keys that have no effect, and about keys below prefixes that the class passes on; each
        begins with the key. ``raw`` is the whole config, with the worker's header.converter where it names none."""
        return ()

    @classmethod
    def secrets(cls) -> frozenset[str]:
        """The keys (all spellings) whose values must never be shown."""
        return cls._secret

    @classmethod
    def definitions(cls) -> list[Definition]:
        """The declarations, in their order."""
        return [_definition(field, info) for field, info in cls.model_fields.items()]


def shown(value: Any) -> str | None:
    """A value as Kafka's ConfigDef prints it."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case list():
            return ",".join(value)
        case SecretStr():
            return "[hidden]"
        case _:
            return str(value)


def _definition(field: str, info: FieldInfo) -> Definition:
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    name = spellings(field, info)[0]
    required = info.is_required()
    default = None if required else extra.get("default_text") or shown(info.get_default(call_default_factory=True))
    return Definition(
        name=name,
        type=kind_of(info),
        required=required,
        default_value=None if default is None else str(default),
        importance=str(extra.get("importance") or "MEDIUM"),
        documentation=info.description or "",
        group=None if extra.get("group") is None else str(extra["group"]),
        width=str(extra.get("width") or "NONE"),
        display_name=str(extra.get("display") or name),
        dependents=(),
        order=int(str(extra.get("order", -1))),
    )


def _problems(
    cls: type[Config], error: ValidationError, given: Mapping[str, str], nulls: Collection[str]
) -> Iterable[KeyProblem]:
    for item in error.errors():
        field = str(item["loc"][0])
        info = cls.model_fields[field]
        name = next(iter(spellings(field, info)))
        if item["type"] == "missing" and field in nulls:
            continue
        if item["type"] == "missing":
            yield KeyProblem(name, f'Missing required configuration "{name}" which has no default value.')
            yield from checked_as_null(name, info)
            continue
        value = _as_given(kind_of(info), given.get(field), item)
        yield KeyProblem(name, f"Invalid value {value} for configuration {name}: {_reason(item, info)}")
        if str(item.get("ctx", {}).get("error", "")).startswith("Not a number"):
            yield from checked_as_null(name, info)


def _of_nulls(cls: type[Config], nulls: Collection[str]) -> Iterable[KeyProblem]:
    """What is wrong with the fields that are null, in the order of all."""
    for field, info in cls.model_fields.items():
        if field in nulls:
            name = spellings(field, info)[0]
            yield from checked_as_null(name, info)
            yield KeyProblem(name, NULL)


def _among_the_rest(cls: type[Config], given: Mapping[str, str], bad: Collection[str]) -> Iterable[KeyProblem]:
    """What is wrong across the keys that do parse when others do not."""
    good = {field: text for field, text in given.items() if field not in bad}
    try:
        config = _all_optional(cls).model_validate(good, by_name=True)
    except ValidationError:  # a field whose own default is none of its values
        return
    for field in bad:
        config.__dict__.pop(field, None)
    try:
        yield from config.problems()
    except AttributeError as error:
        if error.name not in bad:
            raise


@cache
def _all_optional(cls: type[Config]) -> type[Config]:
    """The same class with no key required."""
    optional: dict[str, Any] = {
        field: (
            Annotated[(info.annotation, *info.metadata, None)],
            Field(None, validate_default=False, json_schema_extra=info.json_schema_extra),
        )
        for field, info in cls.model_fields.items()
        if info.is_required()
    }
    return create_model(cls.__name__, __base__=cls, **optional)


def _as_given(kind: str, value: str | None, item: Any) -> str | None:
    """What Kafka's ConfigDef shows of a value: its text where that is of another type, else what was read of it."""
    if value is None or kind == "PASSWORD":
        return value and "[hidden]"
    if kind in _READ and item["type"] == "value_error":
        return value
    return f"[{', '.join(_list(value))}]" if kind == "LIST" else trim(value)


def _reason(item: Any, info: FieldInfo) -> str:
    context = item.get("ctx", {})
    match item["type"]:
        case "value_error":
            return str(context["error"])
        case "greater_than_equal":
            return f"Value must be at least {context['ge']}"
        case "literal_error":
            return one_of(info)
        case _:
            return str(item["msg"])
