"""Texts of any origin as parts of log lines: they can neither end a line, nor one of its fields, nor fill a disk."""

import re

MAX_LINE_CHARACTERS = 32_000
"""Characters of a line with its trace; the end counts most in a trace, so both ends are kept."""
_TAIL = 8_000
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_SPELLED = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_BRACKETS = re.compile(r"[\[\]()]")
_CLOSED_BY = {"[": "]", "(": ")"}


def escaped(text: str) -> str:
    """The text on one line: line ends, control characters and those that turn the direction of writing are spelled
    out, and so are brackets that lack their other half."""
    return _without_halves(_CONTROLS.sub(_code, text))


def field(text: str) -> str:
    """The text as a field within brackets."""
    return _BRACKETS.sub(_code, _CONTROLS.sub(_code, text))


def printable(text: str) -> str:
    """The text on one line of a terminal, without what could move its cursor."""
    return "".join(each if each.isprintable() else " " for each in text)


def indented(text: str) -> str:
    """A text of several lines, behind the first of which no other can pass for the beginning of a log line."""
    return "\n  ".join(_CONTROLS.sub(_code, line) for line in text.split("\n"))


def cut(text: str, longest: int = MAX_LINE_CHARACTERS) -> str:
    """The text, or both its ends and how much is left out between them."""
    if len(text) <= longest:
        return text
    tail = longest * _TAIL // MAX_LINE_CHARACTERS
    return f"{text[: longest - tail]} … {len(text) - longest:,} characters left out … {text[len(text) - tail :]}"


def _code(found: re.Match[str]) -> str:
    letter = found[0]
    point = ord(letter)
    return _SPELLED.get(letter) or (f"\\x{point:02x}" if point < 256 else f"\\u{point:04x}")


def _without_halves(text: str) -> str:
    open_: list[tuple[str, int]] = []
    alone: list[int] = []
    for found in _BRACKETS.finditer(text):
        sign = found[0]
        if sign in _CLOSED_BY:
            open_.append((_CLOSED_BY[sign], found.start()))
        elif open_ and open_[-1][0] == sign:
            open_.pop()
        else:
            alone.append(found.start())
    parts, done = [], 0
    for at in sorted([*alone, *(at for _, at in open_)]):
        parts += [text[done:at], f"\\x{ord(text[at]):02x}"]
        done = at + 1
    return "".join([*parts, text[done:]])
