"""The headers that an operator adds to every REST answer: ``response.http.headers.config`` (KIP-577)."""

import re
import time
from dataclasses import dataclass
from email.utils import formatdate

from ferryman.config import trim

_ACTIONS = {action.lower(): action for action in ("set", "add", "setDate", "addDate")}
"""By what they are whatever their case."""
_RULE = re.compile(r"(?P<action>(?:set|add)(?:Date)?)\s+(?P<name>[^\s:]+)\s*:(?P<value>.*)", re.IGNORECASE)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
"""Headers that say how long an answer is."""
_RULES = re.compile(r'\s*+(?:"([^"\\]*+(?:\\.[^"\\]*+)*)"\s*+|([^",][^,]*+))(?:,|$)')
"""One rule of several, between quotes or not; quotes in the middle of one are its own (Jetty's StringUtil.csvSplit)."""


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One header that is set or added."""

    action: str
    """set, add, setDate or addDate."""
    name: str
    value: str
    """For setDate and addDate, milliseconds from now."""

    @property
    def replaces(self) -> bool:
        """Whether it takes the place of a header of that name."""
        return self.action.startswith("set")

    @property
    def dated(self) -> bool:
        """Whether the value is a time."""
        return self.action.endswith("Date")

    def text(self) -> str:
        """The header's value, dates counted from now."""
        return formatdate(time.time() + int(self.value) / 1000, usegmt=True) if self.dated else self.value


def parse(text: str) -> list[HeaderRule]:
    """Comma-separated rules ``action name: value``, in double quotes where they hold a comma. Raises ValueError."""
    rules, at = list[HeaderRule](), 0
    text = trim(text)
    while at < len(text):
        part = _RULES.match(text, at)
        found = _RULE.fullmatch(_unquoted(part)) if part else None
        if part is None or found is None:
            wrong = trim(part[0].rstrip(",") if part else text[at:])
            actions = ", ".join(_ACTIONS.values())
            raise ValueError(
                f"Expected rules like 'set X-Frame-Options: DENY', comma-separated, with {actions}; {wrong!r} is none"
            )
        rule = HeaderRule(_ACTIONS[found["action"].lower()], found["name"], trim(found["value"]))
        if rule.dated and not re.fullmatch(r"-?\d{1,18}", rule.value):
            raise ValueError(f"{rule.action} {rule.name} needs a number of milliseconds")
        _check(rule)
        rules.append(rule)
        at = part.end()
    return rules


def _unquoted(part: re.Match[str]) -> str:
    return trim(part[2] if part[1] is None else re.sub(r"\\(.)", r"\1", part[1]))


def _check(rule: HeaderRule) -> None:
    """Refuses what no answer can have: each would fail."""
    if not _NAME.fullmatch(rule.name):
        raise ValueError(f"{rule.name} is not the name of a header")
    if rule.name.lower() in _FRAMING:
        raise ValueError(f"{rule.name} is each answer's own")
    try:
        text = rule.text()
    except (OSError, OverflowError, ValueError):
        raise ValueError(f"{rule.action} {rule.name} is a time that no calendar has") from None
    if not _VALUE.fullmatch(text):
        raise ValueError(f"{rule.name} has a character that no header can have")
