"""What java.util.regex.Matcher makes of a match and a replacement: ``$1``, ``${name}``, ``\\$``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ferryman.errors import DataError

_GROUP_NAME = re.compile("[A-Za-z][A-Za-z0-9]*")
_LETTERS_AND_DIGITS = re.compile("[A-Za-z0-9]*")


class BadReplacement(DataError):
    """A replacement that Java cannot read."""

    java = "java.lang.IllegalArgumentException"


class UnknownGroup(DataError):
    """A replacement that names a group by a number too high."""

    java = "java.lang.IndexOutOfBoundsException"


@dataclass(frozen=True, slots=True)
class Found:
    """Where a pattern matches a text."""

    text: str
    spans: tuple[tuple[int, int], ...]
    """Start and end of the match and then of each group; (-1, -1) for a group without a part in it."""
    names: Mapping[str, int]
    """Numbers of the groups that have names."""

    def group(self, number: int) -> str:
        """A group's text, the match's for 0; empty for a group without a part in the match."""
        start, end = self.spans[number]
        return self.text[start:end] if start >= 0 else ""

    def named(self, name: str) -> str:
        """The text of a group that has a name. Raises KeyError for another one."""
        return self.group(self.names[name])

    def replaced(self, replacement: str) -> str:
        """The text with the match replaced. Raises BadReplacement or UnknownGroup, in Java's words."""
        start, end = self.spans[0]
        return self.text[:start] + expanded(self, replacement) + self.text[end:]


def expanded(found: Found, replacement: str) -> str:
    r"""What Java's Matcher.appendReplacement makes of a replacement: ``$1``, ``${name}``, ``\$``.

    Raises BadReplacement or UnknownGroup, in Java's words.
    """
    parts: list[str] = []
    at = 0
    while at < len(replacement):
        sign = replacement[at]
        if sign == "\\":
            if at + 1 == len(replacement):
                raise BadReplacement("character to be escaped is missing")
            parts.append(replacement[at + 1])
            at += 2
        elif sign == "$":
            text, at = _group(found, replacement, at + 1)
            parts.append(text)
        else:
            parts.append(sign)
            at += 1
    return "".join(parts)


def _group(found: Found, replacement: str, at: int) -> tuple[str, int]:
    """The text of the group that is named from a place on, and where the name ends."""
    if at == len(replacement):
        raise BadReplacement("Illegal group reference: group index is missing")
    if replacement[at] == "{":
        return _named_group(found, replacement, at + 1)
    if replacement[at] not in "0123456789":
        raise BadReplacement("Illegal group reference")
    number, at = int(replacement[at]), at + 1
    if number > len(found.spans) - 1:
        raise UnknownGroup(f"No group {number}")
    # Further digits belong to the number as long as there is such a group.
    while at < len(replacement) and replacement[at] in "0123456789":
        longer = number * 10 + int(replacement[at])
        if longer > len(found.spans) - 1:
            break
        number, at = longer, at + 1
    return found.group(number), at


def _named_group(found: Found, replacement: str, at: int) -> tuple[str, int]:
    match = _GROUP_NAME.match(replacement, at)
    name = match[0] if match else ""
    end = at + len(name)
    if not name and replacement[at : at + 1].isdigit():
        digits = _LETTERS_AND_DIGITS.match(replacement, at)
        name = digits[0] if digits else ""
        end = at + len(name)
    if not name:
        raise BadReplacement("named capturing group has 0 length name")
    if replacement[end : end + 1] != "}":
        raise BadReplacement("named capturing group is missing trailing '}'")
    if name[0].isdigit():
        raise BadReplacement(f"capturing group name {{{name}}} starts with digit character")
    if name not in found.names:
        raise BadReplacement(f"No group with name {{{name}}}")
    return found.group(found.names[name]), end + 1
