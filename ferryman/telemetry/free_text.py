"""Finds what must not be shown in texts of any origin and length. Each text is scanned once, so that somebody who can
get a text into a log or an error cannot make it more costly than any other."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import chain

_USER = re.compile(r"[^\s/@:]*:")
_RUN = re.compile(r"[^\s/]*")
_PORT = re.compile(r"\d{1,5}")
_MANY = 300
"""Values, of a text of any length, from which on to look for all at once takes less time than for one by one; of short
texts sooner."""
_HEAD = 4
"""Characters by which values are told from each other first."""
_LONGEST = 1000
"""Characters of a password with a slash in it, which can be told from a path only by the @ behind it."""
_PARAMETER = re.compile(r"[?&;][\w.-]*(?:password|pwd|secret|token)=(?P<value>[^&;\s]+)", re.IGNORECASE)

Span = tuple[int, int, str]
"""Where something is to be hidden, and what is written instead."""
Left = Callable[[str, int, str], bool]
"""Whether a value in a text, where it begins, is to be left there."""


class Values:
    """Values that are to be found in texts, and what is written instead of each. They are kept by how they begin, so
    that a line takes no longer to be gone through where there are thousands of them. One thread at a time may change
    them, while others read."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._instead: dict[str, str] = {}
        self._sizes: dict[str, Counter[int]] = {}
        """By how they begin, how many values there are of each length."""
        self.lengths: dict[str, tuple[int, ...]] = {}
        """The lengths alone."""
        self._of_heads: Counter[int] = Counter()
        self.heads: tuple[int, ...] = ()
        """How long beginnings are: ``_HEAD``, or less for what is shorter."""
        for value, instead in (values or {}).items():
            self.add(value, instead)

    def __len__(self) -> int:
        return len(self._instead)

    def add(self, value: str, instead: str) -> None:
        """One more, unless it is there already. It is not empty."""
        if value not in self._instead:
            self._instead[value] = instead
            self._count(value, 1)

    def remove(self, value: str) -> None:
        """Takes a value out, if it is there."""
        if self._instead.pop(value, None) is not None:
            self._count(value, -1)

    def _count(self, value: str, more: int) -> None:
        head = value[:_HEAD]
        sizes = self._sizes.setdefault(head, Counter())
        sizes[len(value)] += more
        self._of_heads[len(head)] += more
        self.lengths[head] = tuple(+sizes)
        self.heads = tuple(sorted(+self._of_heads))
        if not self.lengths[head]:
            del self._sizes[head], self.lengths[head]

    def instead(self, value: str) -> str | None:
        """The replacement; None if it is none of them."""
        return self._instead.get(value)

    def items(self) -> list[tuple[str, str]]:
        """All of them as they are now."""
        return list(self._instead.copy().items())


def without_values(text: str, values: Values, left: Left | None = None) -> str:
    """The text with each value replaced by what is to stand there, except where it is to be left; what overlaps is
    replaced as one."""
    if len(values) * (len(text) + _MANY) > _MANY * len(text):
        return replaced(text, _places_of_many(text, values, left))
    return replaced(text, chain.from_iterable(_places(text, *each, left) for each in values.items()))


def without_passwords(text: str, instead: str) -> str:
    """The text without passwords in URLs and in parameters that sound secret. References to a provider stay."""
    if "://" in text:
        text = replaced(text, ((*span, instead) for span in url_passwords(text)))
    return replaced(text, ((*span, instead) for span in parameters(text)))


def parameters(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the values of parameters that sound secret."""
    return (found.span("value") for found in _PARAMETER.finditer(text))


def url_passwords(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of the passwords in a text's URLs, an unescaped @ or slash included."""
    mark = text.find("://")
    while mark >= 0:
        # What a run may hold ends before the next "://", so no character is read for two of them.
        user = _USER.match(text, mark + 3) if mark and text[mark - 1].isalnum() else None
        end = _end(text, user.end()) if user else -1
        if user and end > user.end():
            yield user.end(), end
        mark = text.find("://", max(mark + 3, end))


def _end(text: str, start: int) -> int:
    """Where the @ after a password is; -1 if there is none."""
    run = _RUN.match(text, start)
    stop = run.end() if run else start
    at = text.rfind("@", start, stop)
    if at >= 0 or text[stop : stop + 1] != "/" or _PORT.fullmatch(text, start, stop):
        return at
    at = text.find("@", stop, start + _LONGEST)
    return -1 if any(letter.isspace() for letter in text[stop : max(stop, at)]) else at


def _places(text: str, value: str, instead: str, left: Left | None) -> Iterator[Span]:
    start = text.find(value)
    while start >= 0:
        if left is None or not left(text, start, value):
            yield start, start + len(value), instead
        start = text.find(value, start + len(value))


def _places_of_many(text: str, values: Values, left: Left | None) -> Iterator[Span]:
    """The same for all values at once, in one pass: so that thousands of values do not need thousands of passes."""
    ends = dict[str, int]()
    """Where the last place of each value ends, since those of one value do not overlap."""
    for size in values.heads:
        begun = [start for start in range(len(text)) if text[start : start + size] in values.lengths]
        for start in begun:
            for length in values.lengths.get(text[start : start + size], ()):
                value = text[start : start + length]
                instead = values.instead(value)
                if instead is not None and ends.get(value, 0) <= start:
                    ends[value] = start + length
                    if left is None or not left(text, start, value):
                        yield start, start + length, instead


def replaced(text: str, spans: Iterator[Span]) -> str:
    """The text with other texts in these places; of places that overlap the first counts, for all of them.

    Text inside a reference is kept: it was put there in place of a value, or names where one is kept.
    """
    parts: list[str] = []
    done = 0
    inside = _inside_references(text)
    # Of those that begin together the longest counts.
    for start, end, instead in sorted(spans, key=lambda span: (span[0], -span[1])):
        if inside and inside[start] and inside[end - 1]:
            continue
        if start >= done:
            parts += (text[done:start], text[start:end] if _is_reference(text, start, end) else instead)
        done = max(done, end)
    return "".join(parts) + text[done:] if parts else text


def _inside_references(text: str) -> bytearray | None:
    """For each character whether it is inside ``${provider:…}``; None where there is no reference."""
    start = text.find("${")
    if start < 0:
        return None
    inside = bytearray(len(text))
    while start >= 0:
        end, again = text.find("}", start), text.find("${", start + 2)
        if end < 0:
            break
        if (again < 0 or end < again) and ":" in text[start:end]:  # else something that only begins like one
            inside[start : end + 1] = b"\1" * (end + 1 - start)
        start = again
    return inside


def _is_reference(text: str, start: int, end: int) -> bool:
    return text.startswith("${", start) and text.endswith("}", start, end)
