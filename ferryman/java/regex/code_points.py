"""Sets of code points as sorted ranges: what a class, a dot or a character of a pattern matches."""

from collections.abc import Iterable, Mapping

CodePoints = tuple[tuple[int, int], ...]
"""Ranges with both ends included, sorted and apart from each other."""

_LAST = 0x10FFFF


def union(*sets: Iterable[tuple[int, int]]) -> CodePoints:
    """The code points that are in any of these."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(one for each in sets for one in each):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def others(code_points: CodePoints) -> CodePoints:
    """All code points but these."""
    found, start = [], 0
    for first, last in code_points:
        if start < first:
            found.append((start, first - 1))
        start = last + 1
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)


def code_point_set(*parts: str) -> CodePoints:
    """A set of single code points (``"_"``) and ranges (``"a-z"``)."""
    return union([(ord(part[0]), ord(part[-1])) for part in parts])


def either_case(code_points: CodePoints) -> CodePoints:
    """The same with ASCII code points in both cases, as Java's CASE_INSENSITIVE without UNICODE_CASE."""
    found = list(code_points)
    for start, end, shift in ((65, 90, 32), (97, 122, -32)):
        for first, last in code_points:
            low, high = max(first, start), min(last, end)
            if low <= high:
                found.append((low + shift, high + shift))
    return union(found)


TERMINATORS = code_point_set("\n", "\r", "\x85", "\u2028-\u2029")
"""What a dot does not match."""
ANY = others(())
DOT = others(TERMINATORS)
_DIGIT = code_point_set("0-9")
_BLANK = code_point_set(" ", "\t-\r")
_WORD = code_point_set("a-z", "A-Z", "0-9", "_")
_HORIZONTAL = code_point_set(" ", "\t", "\xa0", "\u1680", "\u180e", "\u2000-\u200a", "\u202f", "\u205f", "\u3000")
_VERTICAL = code_point_set("\n-\r", "\x85", "\u2028-\u2029")
CLASSES: Mapping[str, CodePoints] = {
    "d": _DIGIT,
    "D": others(_DIGIT),
    "s": _BLANK,
    "S": others(_BLANK),
    "w": _WORD,
    "W": others(_WORD),
    "h": _HORIZONTAL,
    "H": others(_HORIZONTAL),
    "v": _VERTICAL,
    "V": others(_VERTICAL),
}
"""The classes with a letter of their own."""
POSIX: Mapping[str, CodePoints] = {
    "Lower": code_point_set("a-z"),
    "Upper": code_point_set("A-Z"),
    "ASCII": code_point_set("\x00-\x7f"),
    "Alpha": code_point_set("a-z", "A-Z"),
    "Digit": _DIGIT,
    "Alnum": code_point_set("a-z", "A-Z", "0-9"),
    "Punct": code_point_set("!-/", ":-@", "[-`", "{-~"),
    "Graph": code_point_set("!-~"),
    "Print": code_point_set(" -~"),
    "Blank": code_point_set(" ", "\t"),
    "Cntrl": code_point_set("\x00-\x1f", "\x7f"),
    "XDigit": code_point_set("0-9", "a-f", "A-F"),
    "Space": _BLANK,
}
"""The classes of ``\\p{…}``."""
