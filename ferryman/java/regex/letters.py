"""Sets of code points as sorted ranges: what a class, a dot or a character of a pattern matches."""

from collections.abc import Iterable, Mapping

Letters = tuple[tuple[int, int], ...]
"""Ranges with both ends included, sorted and apart from each other."""

_LAST = 0x10FFFF


def union(*sets: Iterable[tuple[int, int]]) -> Letters:
    """The code points that are in any of these."""
    found: list[tuple[int, int]] = []
    for first, last in sorted(one for each in sets for one in each):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def others(letters: Letters) -> Letters:
    """All code points but these."""
    found, start = [], 0
    for first, last in letters:
        if start < first:
            found.append((start, first - 1))
        start = last + 1
    return (*found, (start, _LAST)) if start <= _LAST else tuple(found)


def letter_set(*parts: str) -> Letters:
    """A set of single characters (``"_"``) and ranges (``"a-z"``)."""
    return union([(ord(part[0]), ord(part[-1])) for part in parts])


def either_case(letters: Letters) -> Letters:
    """The same with ASCII letters in both cases, as Java's CASE_INSENSITIVE without UNICODE_CASE."""
    found = list(letters)
    for start, end, shift in ((65, 90, 32), (97, 122, -32)):
        for first, last in letters:
            low, high = max(first, start), min(last, end)
            if low <= high:
                found.append((low + shift, high + shift))
    return union(found)


TERMINATORS = letter_set("\n", "\r", "\x85", "\u2028-\u2029")
"""What a dot does not match."""
ANY = others(())
DOT = others(TERMINATORS)
_DIGIT = letter_set("0-9")
_BLANK = letter_set(" ", "\t-\r")
_WORD = letter_set("a-z", "A-Z", "0-9", "_")
_HORIZONTAL = letter_set(" ", "\t", "\xa0", "\u1680", "\u180e", "\u2000-\u200a", "\u202f", "\u205f", "\u3000")
_VERTICAL = letter_set("\n-\r", "\x85", "\u2028-\u2029")
CLASSES: Mapping[str, Letters] = {
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
POSIX: Mapping[str, Letters] = {
    "Lower": letter_set("a-z"),
    "Upper": letter_set("A-Z"),
    "ASCII": letter_set("\x00-\x7f"),
    "Alpha": letter_set("a-z", "A-Z"),
    "Digit": _DIGIT,
    "Alnum": letter_set("a-z", "A-Z", "0-9"),
    "Punct": letter_set("!-/", ":-@", "[-`", "{-~"),
    "Graph": letter_set("!-~"),
    "Print": letter_set(" -~"),
    "Blank": letter_set(" ", "\t"),
    "Cntrl": letter_set("\x00-\x1f", "\x7f"),
    "XDigit": letter_set("0-9", "a-f", "A-F"),
    "Space": _BLANK,
}
"""The classes of ``\\p{…}``."""
