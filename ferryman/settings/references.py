"""Where a text refers to config providers, ``${provider:path:key}`` or ``${provider:key}``, as Kafka's
ConfigTransformer has it. A text is gone through once, whatever is opened in it and never closed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ferryman.errors import ConfigError

MAX_REFERENCES = 1000
"""References that one text may have; each may mean a file to be read."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference in a text."""

    start: int
    """Where its ``$`` stands."""
    end: int
    """The index after its closing brace."""
    text: str
    """All of it, braces included."""
    provider: str
    path: str
    """Empty where the reference has none."""
    key: str


def references(text: str) -> Iterator[Reference]:
    """The references in a text, from the left. Raises ConfigError if there are too many."""
    start, count = text.find("${"), 0
    while start >= 0 and (end := text.find("}", start)) >= 0:
        provider, colon, rest = text[start + 2 : end].partition(":")
        # Without a colon it is none, and neither is what may be opened before the same brace.
        if colon:
            count += 1
            if count > MAX_REFERENCES:
                raise ConfigError.for_key("", f"it has more than {MAX_REFERENCES:,} references to config providers")
            path, second, key = rest.partition(":")
            yield Reference(
                start, end + 1, text[start : end + 1], provider, path if second else "", key if second else path
            )
        start = text.find("${", end)


def replaced(text: str, value: Callable[[Reference], str]) -> str:
    """The text with each reference replaced."""
    parts, done = list[str](), 0
    for found in references(text):
        parts += [text[done : found.start], value(found)]
        done = found.end
    return "".join([*parts, text[done:]])
