"""How far a run is, from what it has committed. Pure, but for the clock that is handed in."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferryman.record import TopicPartition
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.runs.tallies import Tally

RATE_SECONDS = 60.0
"""Seconds over which the rate is taken."""
REFUSED = 3
"""The exit code of a command that waited for a run in which records were refused: all else is done."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. Records of a sink are counted as offsets; markers, and what was compacted away, count too."""

    of: str
    """The live connector; empty for a source that comes to an end without being a run."""
    begins: str
    """The time bounds, as they were given."""
    ends: str
    records_done: int
    records_total: int | None
    """None where the source cannot tell."""
    rate: float | None
    """Records a second, lately; None while that is not known."""
    left: float | None
    """Seconds until it is complete, at that rate."""
    complete: bool
    partitions_done: int | None = None
    """A sink's."""
    partitions_total: int | None = None
    tasks_done: int | None = None
    """A source's; the other one while there are tasks."""
    tasks_total: int | None = None
    pace: float = 1.0
    """The part of its time in which it works; less than 1 where it gives way to the live connector."""
    refused: int | None = None
    """How many of the records errors.tolerance has passed over. Each has a dead letter where these have a topic."""


@dataclass
class Rate:
    """How fast something goes."""

    _seen: deque[tuple[float, int]] = field(default_factory=deque)
    """When how much was done."""

    def seen(self, now: float, done: int) -> float | None:
        """So much is done now; records a second, or None while that is not known."""
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()  # its offsets were moved back
        self._seen.append((now, done))
        while len(self._seen) > 2 and self._seen[1][0] <= now - RATE_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        return (done - before) / (now - began) if now > began else None


@dataclass
class Watch:
    """Follows one run of a sink. ``look`` is called now and then with what its group has committed."""

    keys: RunKeys
    latest: Progress | None = None
    """What was seen last."""
    _rate: Rate = field(default_factory=Rate)

    def look(
        self, committed: Mapping[TopicPartition, int], now: float, pace: float = 1.0, refused: int = 0
    ) -> Progress:
        """The progress now; ``now`` in seconds of any clock that only goes forward, ``pace`` and ``refused`` as they
        were noted with these offsets."""
        ranges = self.keys.ranges
        done = sum(each.done(committed.get(source)) for source, each in ranges.of.items())
        over = sum(each.is_over(committed.get(source)) for source, each in ranges.of.items())
        complete = ranges.are_over(committed)
        rate = self._rate.seen(now, done)
        self.latest = Progress(
            of=self.keys.ferryman_run_of,
            begins=self.keys.ferryman_run_from,
            ends=self.keys.ferryman_run_to,
            records_done=done,
            records_total=ranges.size,
            partitions_done=over,
            partitions_total=len(ranges.of),
            rate=rate,
            left=None if complete or not rate else (ranges.size - done) / rate,
            complete=complete,
            pace=1.0 if complete else pace,
            refused=refused,
        )
        return self.latest


@dataclass
class SourceWatch:
    """Follows a source that comes to an end, a run or not, by the tallies of its tasks."""

    keys: SourceRunKeys | None
    """None of what is no run."""
    ends: bool = False
    """Whether it is known to come to an end."""
    most: int | None = None
    """How many tasks its config allows; None for any number."""
    latest: Progress | None = None
    """What was seen last."""
    _rate: Rate = field(default_factory=Rate)

    def look(self, tallies: Mapping[int, Tally], tasks: int, now: float) -> Progress:
        """The progress now; ``tasks`` is how many there are, 0 while the connector is stopped: then those that have
        left a tally count, but for those that there were before the config allowed less."""
        there = range(tasks) if tasks else [each for each in sorted(tallies) if self.most is None or each < self.most]
        over = sum(number in tallies and tallies[number].complete for number in there)
        done = sum(each.records for each in tallies.values())
        complete = over == len(there) > 0
        rate = self._rate.seen(now, done)
        total = None if self.keys is None else self.keys.span.records
        self.latest = Progress(
            of="" if self.keys is None else self.keys.ferryman_run_of,
            begins="" if self.keys is None else self.keys.ferryman_run_from,
            ends="" if self.keys is None else self.keys.ferryman_run_to,
            records_done=done,
            records_total=total,
            tasks_done=over,
            tasks_total=len(there),
            rate=rate,
            left=None if complete or not rate or total is None else max(0, total - done) / rate,
            complete=complete,
            refused=sum(each.refused for each in tallies.values()),
        )
        return self.latest
