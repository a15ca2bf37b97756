"""Ranges of versions as Maven writes them, ``[1.0,2.0)`` or ``(,1.0],[1.2,)``: how configs ask for a plugin's version
(KIP-891, PluginUtils.connectorVersionRequirement)."""

import re
from dataclasses import dataclass
from itertools import zip_longest

from ferryman.config import trim

LATEST = "latest"
_PART = re.compile(r"[0-9]+|[a-z]+")
_BEFORE = {"alpha": -5, "a": -5, "beta": -4, "b": -4, "milestone": -3, "m": -3, "rc": -2, "cr": -2, "snapshot": -1}
"""What comes before a release, in its order; ``final``, ``ga`` and ``release`` are the release itself."""
_RELEASE = frozenset({"final", "ga", "release"})

Key = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Range:
    """Versions between two bounds."""

    lower: str
    """Empty for none."""
    upper: str
    with_lower: bool
    """Whether the bound itself belongs to them."""
    with_upper: bool
    single: bool = False
    """Whether it was written as one version, ``[1.0]``."""

    def __str__(self) -> str:
        return f"{'[' if self.with_lower else '('}{self.lower},{self.upper}{']' if self.with_upper else ')'}"

    def __contains__(self, version: str) -> bool:
        if self.single and not self.lower:
            return False  # "[]", or nothing at all, is the version without a name
        above = not self.lower or _compared(version, self.lower) >= (0 if self.with_lower else 1)
        return above and (not self.upper or _compared(version, self.upper) <= (0 if self.with_upper else -1))


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions that a config asks for."""

    ranges: tuple[Range, ...]

    def __str__(self) -> str:
        return ",".join(map(str, self.ranges))

    def __contains__(self, version: str) -> bool:
        return any(version in each for each in self.ranges)


def parse(text: str) -> Versions | None:
    """The versions that a text asks for; a bare version is that one only, ``latest`` is whatever there is (None).

    Raises ValueError in Maven's words.
    """
    if text == LATEST:
        return None
    text = trim(text)
    if not text.startswith(("[", "(")):
        text = f"[{text}]"
    found, rest = list[Range](), text
    while rest.startswith(("[", "(")):
        end = min((at for at in (rest.find(")"), rest.find("]")) if at >= 0), default=-1)
        if end < 0:
            raise ValueError(f"Unbounded range: {text}")
        one = _range(rest[: end + 1])
        if found and (not found[-1].upper or not one.lower or _compared(one.lower, found[-1].upper) < 0):
            raise ValueError(f"Ranges overlap: {text}")
        found.append(one)
        rest = trim(trim(rest[end + 1 :]).removeprefix(","))
        if len(found) > 100:
            raise ValueError("More than 100 ranges of versions")
    if rest:
        raise ValueError(f"Only fully-qualified sets allowed in multiple set scenario: {text}")
    return Versions(tuple(found))


def _range(text: str) -> Range:
    lower, comma, upper = (trim(part) for part in text[1:-1].partition(","))
    with_lower, with_upper = text.startswith("["), text.endswith("]")
    if not comma:
        if not (with_lower and with_upper):
            raise ValueError(f"Single version must be surrounded by []: {text}")
        upper = lower
    if lower and upper and _compared(upper, lower) < 0:
        raise ValueError(f"Range defies version ordering: {text}")
    return Range(lower, upper, with_lower, with_upper, single=not comma)


def _compared(one: str, other: str) -> int:
    """Below, at or above zero, as Maven's ComparableVersion says of ordinary versions."""
    pairs = zip_longest(_keys(one), _keys(other), fillvalue=(0, 0, ""))
    return next((-1 if a < b else 1 for a, b in pairs if a != b), 0)


def _keys(version: str) -> list[Key]:
    """A version's parts so that they compare. What a version lacks counts as 0: ``(0, 0, "")``."""
    return [_key(part) for part in _PART.findall(version.lower()) if part not in _RELEASE]


def _key(part: str) -> Key:
    if part.isdigit():
        number = int(part[:400])
        return (2, number, "") if number else (0, 0, "")
    return (_BEFORE[part], 0, "") if part in _BEFORE else (1, 0, part)
