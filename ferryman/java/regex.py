r"""java.util.regex patterns as users write them, on Python's engine.

The two agree on nearly all that configs use. What differs is translated (named groups, \\Q…\\E, \\h, \\v, \\z) or
refused by name: nothing is silently matched in another way.
"""

import re
from functools import cache

from ferryman.errors import ConfigError, DataError

_REFUSED = {
    r"\X": r"\X",
    r"\G": r"\G",
    r"\R": r"\R",
    r"\N": r"\N{…} names",
    r"\c": r"\c… control characters",
    "&&": "intersections (&&) of character classes",
    "[": "classes within character classes",
}
_OUTSIDE = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\e": r"\x1b"}
_HORIZONTAL = r" \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000"
_VERTICAL = r"\n\x0b\f\r\x85\u2028\u2029"
_POSIX = {
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": r"\x00-\x7f",
    "Alpha": "a-zA-Z",
    "Digit": "0-9",
    "Alnum": "a-zA-Z0-9",
    "Punct": r"!-/:-@\[-`{-~",
    "Graph": "!-~",
    "Print": " -~",
    "Blank": r" \t",
    "Cntrl": r"\x00-\x1f\x7f",
    "XDigit": "0-9a-fA-F",
    "Space": r" \t\n\x0b\f\r",
}
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|\\k<(?P<back>\w+)>|\(\?<(?![=!])(?P<name>\w+)>|\\x\{(?P<hex>[\da-fA-F]+)\}"
    r"|\\[pP]\{(?P<posix>\w+)\}|\\.|&&|.",
    re.DOTALL,
)
_GROUP_NAME = re.compile("[A-Za-z][A-Za-z0-9]*")


class BadReplacement(DataError):
    """A replacement that Java cannot read."""

    java = "java.lang.IllegalArgumentException"


class UnknownGroup(DataError):
    """A replacement that names a group by a number too high."""

    java = "java.lang.IndexOutOfBoundsException"


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready for ``fullmatch`` or ``search``. Raises ConfigError (key ``regex``) in words."""
    try:
        return re.compile(translated(pattern), re.ASCII)
    except (re.error, ValueError, OverflowError) as error:
        raise ConfigError.of("regex", f"Invalid regex: {error}") from None


def translated(pattern: str) -> str:
    """The pattern in Python's syntax."""
    parts: list[str] = []
    within = False
    for found in _TOKEN.finditer(pattern):
        text = found[0]
        if text == "[" and not within:
            within = True
            parts.append(text)
        elif text == "]" and within and parts[-1] not in ("[", "^"):
            within = False
            parts.append(text)
        elif text == "^" and within and parts[-1] == "[":
            parts.append(text)
        else:
            parts.append(_in_class(text, found) if within else _outside(text, found))
    return "".join(parts)


def _refuse(text: str) -> None:
    if reason := _REFUSED.get(text[:2]):
        raise ConfigError.of("regex", f"Invalid regex: {reason} are not supported here")


def _either(text: str, found: re.Match[str]) -> str | None:
    """What is translated in the same way inside and outside of character classes."""
    if text.startswith("\\"):
        _refuse(text)
    if text.startswith(r"\Q"):
        return re.escape(found["quoted"])
    if found["hex"]:
        return rf"\U{int(found['hex'], 16):08x}"
    return None


def _posix(text: str, found: re.Match[str], within: bool = False) -> str:
    """The members of one of Java's ASCII classes."""
    members = _POSIX.get(found["posix"] or "")
    if members is None or (within and text[1] == "P"):
        raise ConfigError.of("regex", f"Invalid regex: the class {text} is not supported here")
    return members


def _in_class(text: str, found: re.Match[str]) -> str:
    _refuse(text)
    if (known := _either(text, found)) is not None:
        return known
    if text.startswith((r"\p", r"\P")):
        return _posix(text, found, within=True)
    return {r"\h": _HORIZONTAL, r"\v": _VERTICAL, r"\e": r"\x1b"}.get(text, text)


def _outside(text: str, found: re.Match[str]) -> str:
    if (known := _either(text, found)) is not None:
        return known
    if found["back"]:
        return f"(?P={found['back']})"
    if found["name"]:
        return f"(?P<{found['name']}>"
    if text.startswith((r"\p", r"\P")):
        return f"[{'^' if text[1] == 'P' else ''}{_posix(text, found)}]"
    if text.lower() in (r"\h", r"\v"):
        not_ = "^" if text[1].isupper() else ""
        return f"[{not_}{_HORIZONTAL if text[1] in 'hH' else _VERTICAL}]"
    return _OUTSIDE.get(text, text)


def renamed(name: str, regex: str, replacement: str) -> str:
    """A name whose whole a pattern matches with the pattern's first match replaced; any other name as it is."""
    pattern = compiled(regex)
    # Java replaces the first match that it finds from the left, which may be shorter than the whole name.
    found = pattern.search(name) if pattern.fullmatch(name) else None
    return name if found is None else name[: found.start()] + expanded(found, replacement) + name[found.end() :]


def expanded(found: re.Match[str], replacement: str) -> str:
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


def _group(found: re.Match[str], replacement: str, at: int) -> tuple[str, int]:
    """The text of the group that is named from a place on, and where the name ends."""
    if at == len(replacement):
        raise BadReplacement("Illegal group reference: group index is missing")
    if replacement[at] == "{":
        return _named(found, replacement, at + 1)
    if replacement[at] not in "0123456789":
        raise BadReplacement("Illegal group reference")
    number, at = int(replacement[at]), at + 1
    if number > found.re.groups:
        raise UnknownGroup(f"No group {number}")
    # Further digits belong to the number as long as there is such a group.
    while at < len(replacement) and replacement[at] in "0123456789":
        longer = number * 10 + int(replacement[at])
        if longer > found.re.groups:
            break
        number, at = longer, at + 1
    return found[number] or "", at


def _named(found: re.Match[str], replacement: str, at: int) -> tuple[str, int]:
    match = _GROUP_NAME.match(replacement, at)
    name = match[0] if match else ""
    end = at + len(name)
    if not name and replacement[at : at + 1].isdigit():
        digits = re.match("[A-Za-z0-9]*", replacement[at:])
        name = digits[0] if digits else ""
        end = at + len(name)
    if not name:
        raise BadReplacement("named capturing group has 0 length name")
    if replacement[end : end + 1] != "}":
        raise BadReplacement("named capturing group is missing trailing '}'")
    if name[0].isdigit():
        raise BadReplacement(f"capturing group name {{{name}}} starts with digit character")
    if name not in found.re.groupindex:
        raise BadReplacement(f"No group with name {{{name}}}")
    return found[name] or "", end + 1
