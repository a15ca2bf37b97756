"""Templates over a record, in a sandbox: templates come from the config alone, and data is never one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from jinja2 import Template, TemplateSyntaxError
from jinja2.exceptions import UndefinedError

from ferryman.connectors.email.mail.sandbox import MOST_CHARACTERS, Sandbox, TooMuch, bounded
from ferryman.errors import DataError
from ferryman.record import Record

_PLAIN, _HTML = Sandbox(False), Sandbox(True)


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
        except TooMuch as error:
            raise DataError(f"{self.key}: {error}") from None
        except Exception as error:
            raise DataError(f"{self.key}: the template does not fit this record: {error}") from error

    def _bounded(self, facts: Mapping[str, Any]) -> str:
        pieces, size = [], 0
        with bounded():
            for piece in self.template.generate(facts):
                pieces.append(piece)
                size += len(piece)
                if size > MOST_CHARACTERS:
                    raise TooMuch(f"the text is longer than {MOST_CHARACTERS:,} characters")
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
    lay = record.original_coordinates
    return {
        "value": record.value,
        "key": record.key,
        "headers": {header.key: header.value for header in record.headers},
        "topic": record.topic,
        "partition": record.partition if lay is None else lay.partition,
        "offset": None if lay is None else lay.offset,
        "timestamp": moment(record.timestamp),
    }


_MARK = re.compile(r'\{\{|\{%|\{#|"[^"{}]*+"|,')
_ENDS = {"{{": "}}", "{%": "%}", "{#": "#}"}


def entries(text: str) -> Sequence[str]:
    """A list whose commas separate, except inside of templates and of quoted names."""
    found, start, at = list[str](), 0, 0
    open_for_good = set[str]()
    while mark := _MARK.search(text, at):
        at = mark.end()
        if mark[0] == ",":
            found.append(text[start : mark.start()])
            start = at
        elif (end := _ENDS.get(mark[0])) and end not in open_for_good:
            closed = text.find(end, at)
            at = closed + 2 if closed >= 0 else at
            # What is not closed here is not closed further on either, and need not be looked for again.
            open_for_good |= {end} if closed < 0 else set()
    return [entry.strip() for entry in [*found, text[start:]] if entry.strip()]
