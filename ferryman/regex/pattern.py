"""A Java pattern out of a config, ready to be matched. Only this file knows which engine does it.

RE2 does it in this process, in time that grows with the text only, wherever it answers exactly as Java. What is left
(look-around, back references, possessive repeats, …) goes to Python's engine in a child that is killed after a second.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice

import re2

from ferryman.errors import ConfigError, DataError
from ferryman.java.regex.code_points import TERMINATORS
from ferryman.java.regex.parser import parsed
from ferryman.java.regex.replacement import Found
from ferryman.java.regex.targets import ForRe2, for_python, for_re2
from ferryman.regex.killable import CHILD, Method, OutOfTime, Spans, Uncompilable

CPU_SECONDS = 1.0
"""Seconds of CPU for a thousand texts."""
LONGEST_NAME = 100_000
"""Characters of a text that becomes a topic's name; Kafka takes 249."""
_AT_ONCE = 1000
_PATIENT_FOR = 3
"""After this many texts that took too long, each further one gets a tenth of the time."""
_MOST_STEPS = 20_000_000
"""Size of RE2's program times the length of a text, beyond which it too could take a second."""
_MOST_REMEMBERED = 10_000
_LONGEST_REMEMBERED = 249
_LINE_ENDS = frozenset(chr(point) for first, last in TERMINATORS for point in range(first, last + 1))


class TooSlow(DataError):
    """A text for which a pattern backtracks too long."""


@lru_cache(maxsize=1000)
def compiled(pattern: str, key: str = "regex") -> "Pattern":
    """The pattern; ``key`` is where the config has it. Raises ConfigError in words: what Java refuses, and what is not
    supported here."""
    return Pattern(pattern, key)


class Pattern:
    """A compiled pattern. Its methods raise TooSlow for a text that takes more than a second, which names the key."""

    def __init__(self, text: str, key: str) -> None:
        self.text, self.key = text, key
        tree = parsed(text)
        self._names = tree.names
        self._backtracking = for_python(tree)
        self.linear = _linear(for_re2(tree))
        self._slow: dict[str, None] = {}
        self._matches = lru_cache(_MOST_REMEMBERED)(lambda name: self._spans("fullmatch", [name])[0] is not None)
        if self.linear is None:
            self._try()

    def _try(self) -> None:
        try:
            self._ask("fullmatch", [""])
        except TooSlow:
            raise ConfigError.for_key(self.key, "Invalid regex: it takes too long to compile") from None

    def matches(self, text: str) -> bool:
        """Whether a whole text matches."""
        if len(text) > _LONGEST_REMEMBERED:
            return self._spans("fullmatch", [text])[0] is not None
        return self._matches(text)

    def matching(self, texts: Sequence[str]) -> list[str]:
        """The texts, of many, that match as a whole, in their order."""
        rest, found = iter(texts), list[str]()
        while some := list(islice(rest, _AT_ONCE)):
            spans = self._spans("fullmatch", some)
            found += [text for text, span in zip(some, spans, strict=True) if span is not None]
        return found

    def search(self, text: str) -> Found | None:
        """The first match in a text."""
        spans = self._spans("search", [text])[0]
        return None if spans is None else Found(text, spans, self._names)

    def renamed(self, name: str, replacement: str) -> str:
        """A name whose whole matches with the first match replaced; any other name as it is."""
        if len(name) > LONGEST_NAME:
            raise DataError(f"{self.key}: a text of {len(name):,} characters cannot become the name of a topic")
        # Java replaces the first match that it finds from the left, which may be shorter than the whole name.
        found = self.search(name) if self.matches(name) else None
        return name if found is None else found.replaced(replacement)

    def _spans(self, method: Method, texts: Sequence[str]) -> Sequence[Spans | None]:
        linear = [self.linear is not None and self.linear.answers(method, text) for text in texts]
        rest = iter(self._ask(method, [text for text, known in zip(texts, linear, strict=True) if not known]))
        return [
            self.linear.spans(method, text) if known and self.linear else next(rest)
            for text, known in zip(texts, linear, strict=True)
        ]

    def _ask(self, method: Method, texts: Sequence[str]) -> Sequence[Spans | None]:
        """The spans, as the child process answers."""
        if not texts:
            return []
        if slow := next((text for text in texts if text in self._slow), None):
            raise self._too_slow(slow)
        seconds = CPU_SECONDS if len(self._slow) < _PATIENT_FOR else CPU_SECONDS / 10
        try:
            return CHILD.found(self._backtracking, method, texts, seconds)
        except Uncompilable as error:
            raise ConfigError.for_key(self.key, f"Invalid regex: {error}") from None
        except OutOfTime:
            if len(texts) > 1:
                return list(self._one_by_one(method, texts))
            self._slow[texts[0]] = None
            if len(self._slow) > _AT_ONCE:
                self._slow.pop(next(iter(self._slow)))
            raise self._too_slow(texts[0]) from None

    def _one_by_one(self, method: Method, texts: Sequence[str]) -> Iterator[Spans | None]:
        """Many texts took too long together; each alone has the whole time, and the guilty one is named."""
        for text in texts:
            yield from self._ask(method, [text])

    def _too_slow(self, text: str) -> TooSlow:
        shown = text if len(text) <= 100 else f"{text[:100]}…"
        return TooSlow(
            f"{self.key}: matching the pattern {self.text[:200]} takes too long for the text {shown!r} "
            f"({len(text):,} characters); write it without look-around, back references and possessive or very many "
            f"repeats, and it is matched in one pass"
        )


class _Linear:
    """A pattern that RE2 matches, in a time linear in the text's length."""

    def __init__(self, source: ForRe2, regexp: "re2._Regexp") -> None:
        self.source, self.regexp = source, regexp
        self.longest = _MOST_STEPS // max(1, regexp.programsize)

    def answers(self, method: Method, text: str) -> bool:
        """Whether RE2 gives Java's answer, and soon."""
        if (method == "search" and not self.source.finds) or len(text) > self.longest:
            return False
        if self.source.one_line and not _LINE_ENDS.isdisjoint(text):
            return False
        # RE2 reads UTF-8, which has no lone surrogates.
        return text.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in text)

    def spans(self, method: Method, text: str) -> Spans | None:
        """The spans of the match."""
        found = getattr(self.regexp, method)(text)
        return None if found is None else tuple(found.span(group) for group in range(self.regexp.groups + 1))


def _linear(source: ForRe2 | None) -> _Linear | None:
    """The pattern in RE2, unless that cannot express it or finds it too large."""
    if source is None:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return _Linear(source, re2.compile(source.text, options))
    except re2.error:
        return None
