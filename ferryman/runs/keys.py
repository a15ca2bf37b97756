"""The keys by which a connector is a run. ``ferryman backfill`` sets them; people need not."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, ClassVar, Self

from pydantic import AfterValidator

from ferryman.config import Bool, Config, Double, Shown, Str, key
from ferryman.errors import KeyProblem
from ferryman.runs import ranges
from ferryman.runs.period import Period
from ferryman.runs.ranges import Ranges
from ferryman.runs.span import Span, milliseconds

PREFIX = "ferryman.run."
GROUP = "Runs"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = 253_402_300_799_999
"""The last millisecond of the year 9999: later ones cannot be written as times. Nor can Kafka be asked for those that
are before the epoch."""


def _ranges(value: str) -> str:
    if value:
        ranges.parse(value)
    return value


def _span(value: str) -> str:
    if value:
        Span.parse(value)
    return value


def _instant(value: str) -> str:
    if value:
        instant(value)
    return value


def _rate(value: float) -> float:
    if not 0 <= value < 1e12:
        raise ValueError("Value must be at least 0")
    return value


def instant(text: str) -> int:
    """A time as milliseconds since the epoch: ISO 8601 with its zone, or those milliseconds, of eleven digits or more.
    Raises ValueError."""
    told = milliseconds(text)
    found = _milliseconds(text) if told is None else told
    if not 0 <= found <= _LAST:
        raise ValueError("must be a time of the years from 1970 to 9999, in UTC")
    return found


def _milliseconds(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("must be a time such as 2026-11-01T00:00:00Z") from None
    if found.tzinfo is None:
        raise ValueError("must name its zone, as in 2026-11-01T00:00:00Z or 2026-11-01T00:00:00+01:00")
    return round((found - EPOCH).total_seconds() * 1000)


class Bounded(Config):
    """What runs of sinks and of sources have in common."""

    bound: ClassVar[str]
    """The key without which there is no run."""

    ferryman_run_of: Str = key("", importance="LOW", shown=Shown(GROUP, 1, "MEDIUM", "Run of"))
    """The live connector whose history is run again."""
    ferryman_run_from: Annotated[Str, AfterValidator(_instant)] = key(
        "", importance="LOW", shown=Shown(GROUP, 3, "MEDIUM", "From")
    )
    """Records whose timestamp is earlier are passed over: ISO 8601 with a zone, or milliseconds since the epoch, of
    eleven digits or more."""
    ferryman_run_to: Annotated[Str, AfterValidator(_instant)] = key(
        "", importance="LOW", shown=Shown(GROUP, 4, "MEDIUM", "To")
    )
    """Records whose timestamp is this or later are passed over."""
    ferryman_run_rate: Annotated[Double, AfterValidator(_rate)] = key(
        0.0, importance="LOW", shown=Shown(GROUP, 5, "SHORT", "Rate")
    )
    """Records a second at most, over all tasks; 0 is without limit."""
    ferryman_run_created: Annotated[Str, AfterValidator(_instant)] = key(
        "", importance="LOW", shown=Shown(GROUP, 7, "MEDIUM", "Created")
    )
    """When the run was made."""

    def problems(self) -> Iterable[KeyProblem]:
        """Bounds of what is no run."""
        others = (self.ferryman_run_of, self.ferryman_run_from, self.ferryman_run_to, self.ferryman_run_rate)
        if not self.is_run and any(others):
            yield self._missing()

    def _missing(self) -> KeyProblem:
        return KeyProblem(
            self.bound,
            f"{self.bound} is missing: without it a connector is not a run. Make a run with ferryman backfill",
        )

    @property
    def is_run(self) -> bool:
        """Whether that is given."""
        return bool(getattr(self, self.bound.replace(".", "_")))

    @classmethod
    def of(cls, raw: Mapping[str, str]) -> Self | None:
        """The keys of a run in a connector's config, references resolved; None if it is no run. ConfigError for bad
        values."""
        given = {name: value for name, value in raw.items() if name.startswith(PREFIX)}
        found = cls.parse(given) if given else None
        return found if found is not None and found.is_run else None


class RunKeys(Bounded):
    """What makes a sink connector a run."""

    bound = "ferryman.run.ranges"

    ferryman_run_ranges: Annotated[Str, AfterValidator(_ranges)] = key(
        "", importance="LOW", shown=Shown(GROUP, 2, "LONG", "Ranges")
    )
    """The offsets to read, as {topic: {"id": its id, "partitions": {number: [first, behind the last]}}}. With it a sink
    is a run: it reads these and nothing else, and is STOPPED when it has."""
    ferryman_run_fold: Bool = key(False, importance="LOW", shown=Shown(GROUP, 6, "SHORT", "Fold"))
    """Whether it writes where the live connector does, and so leaves out what was overtaken by later records."""
    ferryman_run_version_field: Str = key("", importance="LOW", shown=Shown(GROUP, 11, "MEDIUM", "Version field"))
    """The field of the value by which it tells, where it writes in the live connector's target, whether a record is
    newer than what is there; older ones change nothing."""
    ferryman_run_live_group: Str = key("", importance="LOW", shown=Shown(GROUP, 8, "MEDIUM", "Live group"))
    """The group of the live connector, if it is not the usual one. There the run sees how far that one is, to give way
    to it."""
    ferryman_run_letters: Str = key("", importance="LOW", shown=Shown(GROUP, 9, "MEDIUM", "Marks of letters"))
    """With it the ranges are those of a topic of dead letters, and the run replays those that it is given in this topic
    of marks. ``topics`` are those of the records in them."""
    ferryman_run_edit: Str = key("", importance="LOW", shown=Shown(GROUP, 10, "LONG", "Edit of values"))
    """A jq expression by which the values of those letters are edited before they go to the sink."""

    def problems(self) -> Iterable[KeyProblem]:
        """Bounds without ranges."""
        found = [*super().problems()]
        yield from found
        others = (
            self.ferryman_run_fold
            or self.ferryman_run_letters
            or self.ferryman_run_live_group
            or self.ferryman_run_edit
            or self.ferryman_run_version_field
        )
        if others and not self.is_run and not found:
            yield self._missing()
        if self.ferryman_run_fold and self.ferryman_run_version_field:
            yield KeyProblem(
                "ferryman.run.version.field",
                "ferryman.run.version.field and ferryman.run.fold are two ways to keep rows from going back in time: "
                "leave one out",
            )
        if self.ferryman_run_edit and not self.ferryman_run_letters:
            yield KeyProblem(
                "ferryman.run.edit", "ferryman.run.edit is for the letters of a replay, and this is not one"
            )

    @cached_property
    def ranges(self) -> Ranges:
        """What to read."""
        return ranges.parse(self.ferryman_run_ranges)

    @property
    def period(self) -> Period:
        """The timestamps that are meant."""
        begins, ends = (instant(text) if text else None for text in (self.ferryman_run_from, self.ferryman_run_to))
        return Period(begins, ends)


class SourceRunKeys(Bounded):
    """What makes a source connector a run."""

    bound = "ferryman.run.span"

    ferryman_run_span: Annotated[Str, AfterValidator(_span)] = key(
        "", importance="LOW", shown=Shown(GROUP, 2, "LONG", "Span")
    )
    """What to hand over, as a JSON object: begins and ends (times in milliseconds), first and behind (positions),
    records (how many there are), each only where it is known. With it a source is a run: it hands this over and nothing
    else, and is STOPPED when it has."""

    @cached_property
    def span(self) -> Span:
        """What to hand over."""
        return Span.parse(self.ferryman_run_span)
