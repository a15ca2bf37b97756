"""The findings of checks that are made before anything runs against a system: one line for each check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Level = Literal["ok", "warning", "mend", "left out"]
"""As it should be; works, but somebody should know; will not work until somebody mends it; not checked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has come to. Its texts hold no secret."""

    level: Level
    subject: str
    """What was checked, such as ``bucket archive``."""
    said: str
    """What was found."""
    mend: str = ""
    """What to do: the key, the statement, the command. Empty where nothing is to be done."""


def ok(subject: str, said: str) -> Finding:
    """It is as it should be."""
    return Finding("ok", subject, said)


def warning(subject: str, said: str, mend: str = "") -> Finding:
    """It works, but perhaps not as intended, or not for long."""
    return Finding("warning", subject, said, mend)


def mend(subject: str, said: str, what: str) -> Finding:
    """It does not work until somebody does ``what``."""
    return Finding("mend", subject, said, what)


def left_out(subject: str, why: str) -> Finding:
    """A check that was not made."""
    return Finding("left out", subject, why)


@dataclass(frozen=True, slots=True)
class Examination:
    """What a plugin is given for checking its system."""

    connector: str
    raw: Mapping[str, str] = field(repr=False)
    """The connector's config as strings, references resolved."""
    topics: Sequence[str]
    """The topics that a sink reads, as far as they are known; none for a source."""
    read_only: bool
    """Whether nothing may be written, not even what is taken away again."""
    seconds: float
    """How long one check may take."""
