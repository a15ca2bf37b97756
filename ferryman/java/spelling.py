"""Keys that were nearly written: the one of those known that differs by a letter, or by little."""

import difflib
from collections.abc import Iterable

_ALIKE = 0.85
_SHORTEST = 3
"""Words of fewer letters are all a letter apart."""


def meant(key: str, known: Iterable[str], prefixes: Iterable[str] = ()) -> str:
    """`; did you mean …?` for a key that is not known, or nothing; a key that is known was meant. ``prefixes`` end in a
    dot and begin keys that are known whatever follows."""
    names = sorted(known)
    if key in names:
        return ""
    found = next((name for name in names if one_letter(key, name)), None) or _behind_prefix(key, prefixes)
    close = [found] if found else difflib.get_close_matches(key, names, 1, _ALIKE)
    return f"; did you mean {close[0]}?" if close else ""


def nearly(key: str, known: Iterable[str]) -> str:
    """As ``meant``, but only for a single letter: for keys that may well be right as they are."""
    found = next((name for name in sorted(known) if name != key and one_letter(key, name)), None)
    return f"; did you mean {found}?" if found else ""


def one_letter(a: str, b: str) -> bool:
    """Whether two words differ by one letter too many, too few, wrong, in capitals or by two that have changed places;
    or by dots, dashes and underscores alone."""
    if a == b or abs(len(a) - len(b)) > 1:
        return a != b and _plain(a) == _plain(b)
    start = next((at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    x, y = a[start:], b[start:]
    swapped = x[:2] == y[1::-1] and x[2:] == y[2:] and len(x) > 1
    return swapped or x[1:] == y[1:] or x[1:] == y or x == y[1:] or _plain(a) == _plain(b)


def _plain(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter not in "._-")


def _behind_prefix(key: str, prefixes: Iterable[str]) -> str | None:
    parts = key.split(".")
    for prefix in prefixes:
        wanted = prefix.split(".")[:-1]
        others = [(a, b) for a, b in zip(parts, wanted, strict=False) if a != b]
        if len(parts) > len(wanted) and len(others) == 1 and _alike(*others[0]):
            return prefix + ".".join(parts[len(wanted) :])
    return None


def _alike(a: str, b: str) -> bool:
    return a.lower() == b.lower() or (len(a) >= _SHORTEST and one_letter(a, b))
