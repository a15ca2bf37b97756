"""Java's .properties files, as java.util.Properties reads them: escapes, continued lines, three kinds of separators."""

import re
from collections.abc import Iterator

from ferryman.errors import ConfigError

_BLANKS = " \t\f"
_LINE = re.compile(r"\r\n|\r|\n")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|$)", re.DOTALL)
_KEY = re.compile(r"(?:[^\\=: \t\f]|\\.)*", re.DOTALL)
_SEPARATOR = re.compile(r"[ \t\f]*+[=:]?[ \t\f]*+")
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def load(content: bytes) -> dict[str, str]:
    """The pairs in a file's bytes: UTF-8, or ISO-8859-1 where they are not. Raises ConfigError as ``parse`` does."""
    try:
        return parse(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return parse(content.decode("iso-8859-1"))


def parse(text: str) -> dict[str, str]:
    """The pairs in a text, of equal keys the last. Raises ConfigError with the line for a ``\\uXXXX`` that is malformed
    or an unpaired surrogate."""
    return dict(_pair(number, line) for number, line in _logical_lines(text))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    start, parts = 0, list[str]()
    for number, natural in enumerate(_LINE.split(text), 1):
        line = natural.lstrip(_BLANKS)
        if not parts and (not line or line[0] in "#!"):
            continue
        start = start if parts else number
        if _continues(line):
            parts.append(line[:-1])
            continue
        if any((*parts, line)):
            yield start, "".join((*parts, line))
        parts = []
    if any(parts):
        yield start, "".join(parts)


def _continues(line: str) -> bool:
    return (len(line) - len(line.rstrip("\\"))) % 2 == 1


def _pair(number: int, line: str) -> tuple[str, str]:
    raw = _KEY.match(line)
    end = raw.end() if raw else 0
    separator = _SEPARATOR.match(line, end)
    key = _unescaped(line[:end], number, line[:end])
    return key, _unescaped(line[separator.end() if separator else end :], number, key)


def _unescaped(text: str, number: int, key: str) -> str:
    def letter(found: re.Match[str]) -> str:
        code = found[1]
        if code.startswith("u"):
            if len(code) == 1:
                raise ConfigError.for_key(
                    key, f"line {number}: \\u needs four hexadecimal digits, in the entry {key!r}"
                )
            return chr(int(code[1:], 16))
        return _LETTERS.get(code, code)

    return _joined(_ESCAPE.sub(letter, text), number) if "\\" in text else text


def _joined(text: str, number: int) -> str:
    """Pairs of surrogates, with which Java writes characters beyond U+FFFF, become those characters."""
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        shown = ascii(text)[1:-1][:60]
        raise ConfigError.for_key("", f"line {number}: {shown} holds an unpaired surrogate") from None
