"""When the files of a Kafka partition are closed; all of them together. Pure, but for the clock that is handed in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from ferryman.connectors.s3.layout.partitioners import Paths


class Cut(NamedTuple):
    """Records from ``start`` up to ``stop`` go into open files; ``before``: those open by then are closed first."""

    start: int
    stop: int
    before: bool


@dataclass
class FillLevel:
    """How much is in the open files of one Kafka partition, and since when."""

    count: int = 0
    """How many records."""
    size: int = 0
    """How many bytes, where a rule counts them."""
    base: int | None = None
    """The time of the first record, in milliseconds."""
    last: str = ""
    """The path of the last record."""
    paths: set[str] = field(default_factory=set)
    """The paths that have a file."""
    scheduled: int | None = None
    """The wall clock at which scheduled rotation is due, in milliseconds."""
    touched: int = 0
    """The wall clock when the last record came."""

    def clear(self) -> None:
        """The files were closed."""
        self.count, self.size, self.base, self.scheduled = 0, 0, None, None
        self.paths.clear()


@dataclass(frozen=True, slots=True)
class Rotation:
    """The rules, as Confluent's TopicPartitionWriter has them; 0 turns a rule off. All times are in milliseconds."""

    flush_size: int = 0
    """Records over all files."""
    interval: int = 0
    """Between the first record and the next, in the records' own time."""
    on_change: bool = True
    """With ``interval``: whether a record for another path closes the files too."""
    schedule: int = 0
    """By the wall clock, counted from each midnight in ``zone``, which ends a count too."""
    zone: tzinfo | None = None
    """The zone of ``schedule``."""
    size: int = 0
    """Bytes over all files. Ours."""
    idle: int = 0
    """Without a record. Ours."""
    most_open: int = 0
    """Files at once."""
    each_commit: bool = False
    """Whether each commit of the worker closes them, as in Aiven's sink."""
    by_wallclock: bool = False
    """Whether the records' own time is the wall clock, so that ``interval`` passes without records too."""

    def cut(self, level: FillLevel, paths: Paths, times: Sequence[int] | None, start: int, count: int) -> Cut:
        """The next records that go into the same files, from ``start`` on, of ``count`` of which paths and times are
        given."""
        if (self.interval and times) or self.most_open:
            return self._walked(level, paths, times or [0] * count, start, count)
        if not self.flush_size:
            return Cut(start, count, before=False)
        is_full = level.count >= self.flush_size
        room = self.flush_size if is_full else self.flush_size - level.count
        return Cut(start, min(count, start + room), is_full)

    def _walked(self, level: FillLevel, paths: Paths, times: Sequence[int], start: int, count: int) -> Cut:
        one = paths if isinstance(paths, str) else None
        held, base, last, before = level.count, level.base, level.last, False
        opened = set(level.paths) if self.most_open else set[str]()
        for index in range(start, count):
            path, at = one or paths[index], times[index]
            if (held and self._ends(held, at, base, path != last)) or self._too_many(path, opened):
                if index > start:
                    return Cut(start, index, before)
                held, before = 0, True
                opened.clear()
            if not held:
                base = at
            held, last = held + 1, path
            if self.most_open:
                opened.add(path)
        return Cut(start, count, before)

    def _ends(self, held: int, at: int, base: int | None, changed: bool) -> bool:
        if self.flush_size and held >= self.flush_size:
            return True
        if not self.interval:
            return False
        return (base is not None and at - base >= self.interval) or (changed and self.on_change)

    def _too_many(self, path: str, opened: set[str]) -> bool:
        return bool(self.most_open) and path not in opened and len(opened) >= self.most_open

    def full(self, level: FillLevel) -> bool:
        """Whether enough is in the open files, after records were added."""
        return bool((self.flush_size and level.count >= self.flush_size) or (self.size and level.size >= self.size))

    def due(self, level: FillLevel, now: int) -> bool:
        """Whether time alone closes the open files; ``now`` is the wall clock."""
        at = self.deadline(level)
        return level.count > 0 and at is not None and now >= at

    def deadline(self, level: FillLevel) -> int | None:
        """When time alone will close the open files."""
        if not level.count:
            return None
        times = [level.scheduled] if self.schedule and level.scheduled is not None else []
        if self.idle:
            times.append(level.touched + self.idle)
        if self.interval and self.by_wallclock and level.base is not None:
            times.append(level.base + self.interval)
        return min(times) if times else None

    def next_schedule(self, now: int) -> int | None:
        """The next scheduled rotation after an instant; each midnight is one."""
        if not self.schedule:
            return None
        day = datetime.fromtimestamp(now / 1000, self.zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
        start, end = (int(midnight.timestamp() * 1000) for midnight in (day, day + timedelta(days=1)))
        return min(start + ((now - start) // self.schedule + 1) * self.schedule, end)
