"""java.util.regex patterns as users write them, on Python's engine.

The two agree on nearly all that configs use. What differs is translated (named groups, \\Q…\\E, \\h, \\z) or refused by
name: nothing is silently matched in another way.
"""

import re
from functools import cache

from ferryman.errors import ConfigError

_REFUSED = {
    r"\p{": r"\p{…} classes",
    r"\P{": r"\P{…} classes",
    r"\X": r"\X",
    r"\G": r"\G",
    r"\R": r"\R",
    "&&": "intersections (&&) of character classes",
}
_ESCAPES = {
    r"\z": r"\Z",
    r"\Z": r"(?=\n?\Z)",
    r"\h": r"[ \t\xA0\u1680\u180e\u2000-\u200a\u202f\u205f\u3000]",
    r"\e": r"\x1b",
}
_TOKEN = re.compile(r"\\Q(.*?)(?:\\E|$)|\\k<(\w+)>|\(\?<(?![=!])(\w+)>|\\[pP]\{|\\.|&&|.", re.DOTALL)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern, ready for ``fullmatch`` or ``search``. Raises ConfigError (key ``regex``) in words."""
    try:
        return re.compile(translated(pattern), re.ASCII)
    except re.error as error:
        raise ConfigError.of("regex", f"Invalid regex: {error}") from None


def translated(pattern: str) -> str:
    """The pattern in Python's syntax."""
    return _TOKEN.sub(_token, pattern)


def _token(found: re.Match[str]) -> str:
    text = found[0]
    if text.startswith(r"\Q"):
        return re.escape(found[1])
    if found[2]:
        return f"(?P={found[2]})"
    if found[3]:
        return f"(?P<{found[3]}>"
    if text in _REFUSED:
        raise ConfigError.of("regex", f"Invalid regex: {_REFUSED[text]} are not supported here")
    return _ESCAPES.get(text, text)
