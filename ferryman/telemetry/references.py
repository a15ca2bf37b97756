"""What references to config providers resolved to, and the way back: a reference stands where its value would."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from ferryman.errors import ConfigError, KeyProblem
from ferryman.telemetry import free_text, redaction

LONG_CHARACTERS = 8
"""From this length on a value is hidden in every text, not only in those about its own key."""
OURS = "ferryman"
"""The name of this program is in every log line, whatever else has that name."""
_PIECE = 4
"""Shorter pieces of a value are left in texts about its key: they are ordinary words and reveal nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """One reference in a config, and what it stands for."""

    key: str
    """The key whose value it is in."""
    reference: str
    """As it stands there."""
    value: str = field(repr=False)
    """What a provider gave for it."""
    plain: bool = False
    """Whether the same config says it in plain words too, such as a bucket that is called as its topics are: to hide it
    in every text would hide the names of topics and connectors, and nothing that is not written beside it."""

    @property
    def certain(self) -> bool:
        """Whether its key or its name says that it is a secret."""
        name = self.reference.removesuffix("}").rpartition(":")[2]
        return redaction.is_secret(self.key) or redaction.is_secret(name)

    @property
    def secret(self) -> bool:
        """Whether it must be found in every text: it is a secret for certain, or it is long, and not said in plain
        words."""
        return self.certain or (len(self.value.strip()) >= LONG_CHARACTERS and not self.plain)


@dataclass(frozen=True, slots=True)
class References:
    """All that the references of a config, and of its worker, resolved to."""

    found: Sequence[Found] = field(default=(), repr=False)

    @classmethod
    def parse(cls, rows: Sequence[Sequence[str]]) -> "References":
        """The inverse of ``rows``."""
        return cls(tuple(Found(key, reference, value, bool(plain)) for key, reference, value, plain in rows))

    def rows(self) -> list[list[str]]:
        """As plain lists, for the pipe to a task's process. Never printed."""
        return [[each.key, each.reference, each.value, "plain" if each.plain else ""] for each in self.found]

    def __add__(self, other: "References") -> "References":
        return References((*self.found, *other.found))

    def protect(self) -> None:
        """From now on this process writes the references instead of the values: everywhere if they are long or secrets,
        and in any case where an error says that they are invalid."""
        for each in self.found:
            if each.secret:
                for spelling in {each.value, each.value.lower(), each.value.upper()}:
                    redaction.protect(spelling, each.reference, doubtful=not each.certain)
            redaction.protect_refusals(each.value, each.reference)

    def restored(self, text: str, key: str = "") -> str:
        """A text about ``key`` with references where the values stood: those of the key itself whatever their length,
        and pieces of them too, since errors quote what they could read; so those that the text says are invalid, as it
        may name a key by another of its names; those of other keys if they are secret."""
        instead: dict[str, str] = {}
        invalid = {value.lower() for value in redaction.invalid_values(text)}
        for each in self.found:
            spellings = _spellings(each.value)
            if each.key == key or each.secret or not invalid.isdisjoint(spellings):
                instead |= dict.fromkeys(spellings, each.reference)
        for each in self.found:
            if each.key == key:
                instead = dict.fromkeys(_pieces(each.value), redaction.HIDDEN) | instead
        return _replaced(text, instead)

    def problem(self, problem: KeyProblem) -> KeyProblem:
        """A problem that shows no value."""
        return KeyProblem(problem.key, self.restored(problem.message, problem.key))

    @contextmanager
    def in_errors(self) -> Iterator[None]:
        """Puts the references back into a ConfigError that is raised inside."""
        try:
            yield
        except ConfigError as error:
            raise ConfigError(*map(self.problem, error.problems)) from None

    def unresolved(self, config: Mapping[str, str]) -> dict[str, str]:
        """A config that a plugin made of resolved values, with the references again where whole values stand, with the
        blanks around them or, as a plugin gets most, without."""
        by_value = {spelt: each.reference for each in self.found for spelt in (each.value, each.value.strip()) if spelt}
        return {key: by_value.get(value, value) for key, value in config.items()}


def in_plain_words(
    found: Sequence[Found], raw: Mapping[str, str], references: Callable[[str], str]
) -> tuple[Found, ...]:
    """The same, with those marked that the config ``raw`` says in plain words too; ``references`` cuts them out."""
    words = "\n".join([OURS, *map(references, raw.values())]).lower()
    return tuple(replace(each, plain=each.value.strip().lower() in words) for each in found)


def _spellings(value: str) -> set[str]:
    """A value as errors write it, whole, or as the entries of a list."""
    bare = value.strip()
    entries = [part.strip() for part in bare.split(",")]
    whole = {bare, ", ".join(entries), repr(bare)[1:-1], json.dumps(bare)[1:-1]}
    return {each.lower() for each in whole | {entry for entry in entries if len(entry) > 1}}


def _pieces(value: str) -> set[str]:
    return {piece.lower() for piece in re.split(r"[^\w.-]+", value) if len(piece) >= _PIECE}


def _replaced(text: str, instead: Mapping[str, str]) -> str:
    """All at once, so that nothing is replaced in what was put in; short values not in the middle of other words."""
    small = text.lower()
    if len(small) != len(text):  # a few letters have no lower case of their own
        small = text
    return free_text.replaced(text, (span for each in instead.items() if each[0] for span in _spans(small, *each)))


def _spans(text: str, value: str, instead: str) -> Iterator[free_text.Span]:
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        if len(value) >= LONG_CHARACTERS or not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()):
            yield start, end, instead
        start = text.find(value, end)
