"""The parts of a pattern: letters with a width, and literal text."""

import re
from dataclasses import dataclass
from functools import cache

from ferryman.errors import ConfigError

DATE_LETTERS, TIME_LETTERS = frozenset("GyYMLwWDdFEu"), frozenset("HkhKmsa")
ZONE_LETTERS = frozenset("zZX")
_KNOWN = DATE_LETTERS | TIME_LETTERS | ZONE_LETTERS | {"S"}
MAX_PATTERN_CHARACTERS = 1000
"""Characters that a pattern may have."""


@dataclass(frozen=True, slots=True)
class PatternPart:
    """A run of one pattern letter, or literal text."""

    letter: str
    """Empty for literal text."""
    width: int
    """How many letters there are."""
    text: str = ""
    """The literal text, quotes resolved."""


@cache
def pattern_parts(pattern: str) -> tuple[PatternPart, ...]:
    """The pattern cut into parts. Raises ConfigError (key ``format``) in the words of Java's exception."""
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        raise ConfigError.for_key("format", f"The pattern has more than {MAX_PATTERN_CHARACTERS:,} characters")
    found: list[PatternPart] = []
    for match in re.finditer(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+|'", pattern):
        text = match[0]
        if match[2]:
            if match[2] not in _KNOWN:
                raise ConfigError.for_key("format", f"Illegal pattern character '{match[2]}'")
            if match[2] == "X" and len(text) > 3:
                raise ConfigError.for_key("format", f"invalid ISO 8601 format: length={len(text)}")
            found.append(PatternPart(match[2], len(text)))
        elif text == "'":
            raise ConfigError.for_key("format", "Unterminated quote")
        else:
            literal = "'" if text == "''" else text if match[1] is None else match[1].replace("''", "'")
            found.append(PatternPart("", len(literal), literal))
    return tuple(found)
