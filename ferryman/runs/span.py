"""A part of a source's history: what its run hands over. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

from ferryman.java.instants import utc_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """By times, or by positions in what the source itself counts: bytes, records. None is no bound."""

    begins: int | None = None
    """The first time, in milliseconds since the epoch."""
    ends: int | None = None
    """The time behind the last."""
    first: int | None = None
    """The first position, counted from 0."""
    behind: int | None = None
    """The position behind the last."""
    records: int | None = None
    """How many records that is, over all tasks; None where the source cannot tell before."""

    def dump(self) -> str:
        """As the value of ``ferryman.run.span``: a JSON object of the bounds that there are."""
        return json.dumps({name: value for name, value in asdict(self).items() if value is not None})

    @classmethod
    def parse(cls, text: str) -> Self:
        """The inverse of ``dump``. Raises ValueError with what is wrong."""
        try:
            given = json.loads(text)
        except (ValueError, RecursionError):
            raise ValueError("this is not JSON") from None
        if not isinstance(given, dict) or given.keys() - set(cls.__slots__):
            raise ValueError(f"this must be an object with any of {', '.join(cls.__slots__)}")
        for name, value in given.items():
            if type(value) is not int or not 0 <= value < 1 << 63:
                raise ValueError(f"{name} must be a whole number from 0")
        return cls(**given)

    def __str__(self) -> str:
        times = [text for text in (_said("from", self.begins), _said("up to", self.ends)) if text]
        places = [] if self.first is None else [f"positions from {self.first}"]
        places += [] if self.behind is None else [f"up to {self.behind}"]
        return " ".join([*times, *places]) or "everything there is"


def _said(word: str, time: int | None) -> str:
    return "" if time is None else f"{word} {iso(time)}"


def milliseconds(text: str) -> int | None:
    """The milliseconds since the epoch that a text is; None where it is none. Fewer than eleven digits are none: people
    mean a year or a day by them (2026, 20261101), or seconds, and would get the year 1970."""
    return int(text) if re.fullmatch(r"[0-9]{11,18}", text) else None


def iso(time: int) -> str:
    """Milliseconds since the epoch in ISO 8601."""
    try:
        found = EPOCH + timedelta(milliseconds=time)
    except OverflowError:
        return str(time)
    return utc_text(found, "milliseconds" if time % 1000 else "seconds")


@dataclass(frozen=True, slots=True)
class Part:
    """What a source says of a part of its history that was asked for."""

    span: Span
    """The part, with bounds that do not move any more."""
    sets: Mapping[str, str] = field(default_factory=dict)
    """Keys of its own by which the source is bounded."""
    warnings: Sequence[str] = ()
    """What may be missing."""


@dataclass(frozen=True, slots=True)
class SourceRun:
    """What a source's task is told when it is a run."""

    span: Span
    rate: float = 0.0
    """Records a second at most of this task; 0 is without limit."""

    def most(self, records: int) -> int:
        """How many records a poll should hand over at most, where it would be so many without a run: the rate's, so
        that they come evenly."""
        return max(1, min(records, int(self.rate))) if self.rate else records
