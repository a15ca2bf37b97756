"""Templates over a record, in a sandbox: templates come from the config alone, and data is never one."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError
from jinja2.exceptions import UndefinedError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from ferryman.connectors.email.addresses import joined
from ferryman.errors import DataError
from ferryman.record import Record

LARGEST = 10_000_000
"""Characters that one template may make of a record."""
LONGEST = 10.0
"""Seconds that it may take."""
_METHODS = frozenset({"items", "keys", "values", "get"})
_WIDTH = re.compile(r"%[^a-zA-Z%]*(?:\d{5,}|\*)")


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, in which a struct's fields win over a dict's methods and a missing one is named."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """``value.field``."""
        if isinstance(obj, Mapping) and (attribute in obj or attribute not in _METHODS):
            return self._member(obj, attribute)
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """``value["field"]``."""
        if isinstance(obj, Mapping):
            return self._member(obj, argument)
        return super().getitem(obj, argument)

    def _member(self, obj: Mapping[Any, Any], name: Any) -> Any:
        if name in obj:
            return obj[name]
        return self.undefined(f"there is no field {name!r}", obj=obj, name=name)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuses the operators that make much out of little."""
        if operator == "%" and isinstance(left, str) and _WIDTH.search(left):
            raise OverflowError("too wide a format")
        if operator == "**" and isinstance(right, int) and abs(right) > 1000:
            raise OverflowError("too high a power")
        if operator == "*" and _repeats(left, right) > LARGEST:
            raise OverflowError("too many repetitions")
        return super().call_binop(context, operator, left, right)


def _repeats(left: Any, right: Any) -> int:
    for text, times in ((left, right), (right, left)):
        if isinstance(text, str | bytes | list | tuple) and isinstance(times, int):
            return len(text) * times
    return 0


def _finalize(value: Any) -> Any:
    return "" if value is None else value


def _environment(escaping: bool) -> Sandbox:
    made = Sandbox(autoescape=escaping, undefined=StrictUndefined, finalize=_finalize)
    made.filters["addresses"] = joined
    return made


_PLAIN, _HTML = _environment(False), _environment(True)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One template and the key that it is the value of."""

    key: str
    template: Template

    def render(self, facts: Mapping[str, Any]) -> str:
        """The text for a record. Raises DataError that names the key and, if one is missing, the field."""
        try:
            return self._bounded(facts)
        except DataError:
            raise
        except UndefinedError as error:
            raise DataError(f"{self.key}: {error.message}") from None
        except Exception as error:
            raise DataError(f"{self.key}: the template cannot take this record: {error}") from error

    def _bounded(self, facts: Mapping[str, Any]) -> str:
        pieces, size, until = [], 0, time.monotonic() + LONGEST
        for piece in self.template.generate(facts):
            pieces.append(piece)
            size += len(piece)
            if size > LARGEST:
                raise DataError(f"{self.key}: the text is longer than {LARGEST:,} characters")
            if time.monotonic() > until:
                raise DataError(f"{self.key}: the template takes longer than {LONGEST:.0f} s")
        return "".join(pieces)


def pattern(key: str, text: str, html: bool = False) -> Pattern:
    """A template. Raises ValueError that tells the line for a syntax error."""
    try:
        return Pattern(key, (_HTML if html else _PLAIN).from_string(text))
    except TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None


def moment(timestamp: int | None) -> datetime | None:
    """A record's time, in UTC. Raises DataError for one that no calendar has."""
    try:
        return None if timestamp is None else datetime.fromtimestamp(timestamp / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise DataError(f"The record's timestamp {timestamp} is out of range") from None


def facts(record: Record) -> dict[str, Any]:
    """What a template sees of a record."""
    origin = record.origin
    return {
        "value": record.value,
        "key": record.key,
        "headers": {header.key: header.value for header in record.headers},
        "topic": record.topic,
        "partition": record.partition if origin is None else origin.partition,
        "offset": None if origin is None else origin.offset,
        "timestamp": moment(record.timestamp),
    }


_MARKS = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\"[^\"{}]*\"", re.DOTALL)


def entries(text: str) -> Sequence[str]:
    """A list whose commas separate, except inside of templates and of quoted names."""
    found, start = list[str](), 0
    kept = [match.span() for match in _MARKS.finditer(text)]
    for comma in (index for index, letter in enumerate(text) if letter == ","):
        if not any(first <= comma < last for first, last in kept):
            found.append(text[start:comma])
            start = comma + 1
    return [entry.strip() for entry in [*found, text[start:]] if entry.strip()]
