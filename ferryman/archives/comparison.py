"""Compares an archive with its topic, offset by offset. Pure.

If records contain their offsets, these are compared one by one. If not, an object's name gives its first offset, and
the next one of its folder, or the sink's note, how far it may reach: in such a span, what the topic has is counted.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any, Protocol


class Object(Protocol):
    """One object of the archive, see ``ferryman.connectors.s3.archive.Examined``."""

    @property
    def name(self) -> str: ...
    @property
    def partition(self) -> int | None: ...
    @property
    def start(self) -> int | None: ...
    @property
    def last(self) -> int | None: ...
    @property
    def count(self) -> int: ...
    @property
    def offsets(self) -> Sequence[int] | None: ...
    @property
    def damage(self) -> Sequence[str]: ...
    @property
    def misplaced(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Partition:
    """What a partition of the topic holds."""

    beginning: int
    """The offset of the oldest record."""
    offsets: Sequence[int]
    """The offsets of all its records, ascending."""
    end: int
    """The offset behind the last, which may be behind what compaction or the end of a transaction has left there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong with the archive."""

    kind: str
    """``gap``: records of the topic that are in no object; ``double``: records that are in it twice; ``damaged``: an
    object that cannot be read; ``stray``: one that is of no partition, or in the folder of another topic."""
    partition: int | None
    first: int | None
    """The first offset that it is about."""
    last: int | None
    """The last one, or the end of the span in which it is."""
    count: int
    """How many records."""
    objects: tuple[str, ...] = ()
    reason: str = ""

    @property
    def line(self) -> str:
        """What it is and where, in a line for people."""
        where = "" if self.partition is None else f" partition {self.partition}"
        span = "" if self.first is None else f" offsets {self.first} to {'…' if self.last is None else self.last}"
        names = f" ({', '.join(self.objects[:3])}{', …' if len(self.objects) > 3 else ''})" if self.objects else ""
        text = f": {self.reason}" if self.reason else f": {self.count} record{'' if self.count == 1 else 's'}"
        return f"{self.kind}{where}{span}{text}{names}"


@dataclass
class Report:
    """What a comparison has found."""

    topic: str
    objects: int = 0
    archived: int = 0
    """Records in the archive."""
    compared: int = 0
    """Records of the topic up to the archive's end."""
    only_archived: int = 0
    """Records of the archive that the topic no longer has: retention, compaction."""
    behind: int = 0
    """Records of the topic behind the archive's end, which the sink has not written yet."""
    passed_over: int = 0
    """Objects below the archive's prefix that do not belong to it."""
    passed_over_names: list[str] = field(default_factory=list)
    """The first few of them."""
    findings: list[Finding] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The comparison as JSON, for programs."""
        return {**asdict(self), "findings": [asdict(each) for each in self.findings]}


def compare(topic: str, objects: Sequence[Object], partitions: Mapping[int, Partition]) -> Report:
    """The report of a topic. Objects may come in any order."""
    report = Report(topic)
    report.findings += [
        Finding("stray", each.partition, each.start, None, each.count, (each.name,), each.misplaced)
        for each in objects
        if each.misplaced
    ]
    objects = [each for each in objects if not each.misplaced]
    report.objects, report.archived = len(objects), sum(each.count for each in objects)
    strays = [each for each in objects if each.partition not in partitions]
    report.findings += [
        Finding("stray", each.partition, each.start, None, each.count, (each.name,), "the topic has no such partition")
        for each in strays
    ]
    for each in objects:
        report.findings += [
            Finding("damaged", each.partition, each.start, each.last, each.count, (each.name,), reason)
            for reason in each.damage
        ]
    for number, there in sorted(partitions.items()):
        own = [each for each in objects if each.partition == number]
        if not own:
            report.behind += len(there.offsets)
        elif all(each.offsets is not None or not each.count for each in own):
            _by_offset(report, number, own, there)
        else:
            _by_span(report, number, own, there)
    return report


def _by_offset(report: Report, number: int, objects: Sequence[Object], there: Partition) -> None:
    found = Counter(offset for each in objects for offset in each.offsets or ())
    if not found:
        report.behind += len(there.offsets)
        return
    twice = sorted(offset for offset, count in found.items() if count > 1)
    holders = _holders(objects, twice)
    for first, last, count in _runs(twice):
        at = bisect_left(twice, first)
        names = sorted({name for each in twice[at : at + count] for name in holders[each]})
        report.findings.append(Finding("double", number, first, last, count, tuple(names)))
    end = bisect_left(there.offsets, max(found) + 1)
    missing = [offset for offset in there.offsets[:end] if offset not in found]
    for first, last, count in _runs(missing, there.offsets):
        report.findings.append(Finding("gap", number, first, last, count))
    present = set(there.offsets[:end])
    report.only_archived += sum(offset not in present for offset in found)
    report.compared += end
    report.behind += len(there.offsets) - end


def _holders(objects: Sequence[Object], offsets: Sequence[int]) -> Mapping[int, Sequence[str]]:
    """Which objects hold each of these offsets."""
    found: dict[int, list[str]] = {offset: [] for offset in offsets}
    for each in objects if found else ():
        for offset in each.offsets or ():
            if offset in found:
                found[offset].append(each.name)
    return found


def _runs(offsets: Sequence[int], among: Sequence[int] | None = None) -> Iterator[tuple[int, int, int]]:
    """First, last and number of those that follow one another: by one, or among others that there are."""
    places = {offset: at for at, offset in enumerate(among)} if among is not None else None
    ranked = [(offset - at if places is None else places[offset] - at, offset) for at, offset in enumerate(offsets)]
    for _, group in groupby(ranked, lambda each: each[0]):
        run = [offset for _, offset in group]
        yield run[0], run[-1], len(run)


@dataclass
class _Span:
    """Objects that may hold records of the same offsets."""

    start: int
    last: int | None
    objects: list[Object]

    @property
    def count(self) -> int:
        return sum(each.count for each in self.objects)

    @property
    def damaged(self) -> bool:
        return any(each.damage for each in self.objects)


def _spans(objects: Sequence[Object]) -> list[_Span]:
    found: list[_Span] = []
    for each in sorted(objects, key=lambda one: (one.start or 0, one.name)):
        start, last = each.start or 0, each.last
        if found and (found[-1].last is None or start <= (found[-1].last or 0)):
            span = found[-1]
            span.objects.append(each)
            span.last = None if last is None or span.last is None else max(span.last, last)
        else:
            found.append(_Span(start, last, [each]))
    return found


def _by_span(report: Report, number: int, objects: Sequence[Object], there: Partition) -> None:
    before = there.beginning
    for span in _spans(_once(report, number, objects)):
        skipped = _between(there.offsets, before, span.start)
        if skipped:
            names = (f"before {span.objects[0].name}",)
            report.findings.append(Finding("gap", number, skipped[0], skipped[-1], len(skipped), names))
        report.compared += len(skipped)
        close = _open_span if span.last is None else _span
        before = max(before, close(report, number, span, there))
    report.behind += len(there.offsets) - bisect_left(there.offsets, before)


def _once(report: Report, number: int, objects: Sequence[Object]) -> list[Object]:
    """The objects without those that begin with the same record as another one, which are doubles."""
    found: dict[int, list[Object]] = {}
    for each in objects:
        if each.count or each.damage:
            found.setdefault(each.start or 0, []).append(each)
    for start, same in found.items():
        same.sort(key=lambda each: -each.count)
        if len(same) > 1:
            count = sum(each.count for each in same[1:])
            names = tuple(each.name for each in same)
            report.findings.append(Finding("double", number, start, start + same[1].count - 1, count, names))
    return [same[0] for same in found.values()]


def _between(offsets: Sequence[int], start: int, stop: int) -> Sequence[int]:
    return offsets[bisect_left(offsets, start) : bisect_left(offsets, stop)] if start < stop else []


def _span(report: Report, number: int, span: _Span, there: Partition) -> int:
    """Compares a span that ends where objects say; the offset behind it."""
    stop = (span.last or 0) + 1
    found, names = _between(there.offsets, span.start, stop), tuple(each.name for each in span.objects)
    report.compared += len(found)
    doubles = max(0, span.count - (stop - span.start))
    if doubles:
        report.findings.append(Finding("double", number, span.start, stop - 1, doubles, names))
    if span.start >= there.beginning and len(found) > span.count and not span.damaged:
        report.findings.append(Finding("gap", number, span.start, stop - 1, len(found) - span.count, names))
    report.only_archived += max(0, span.count - doubles - len(found))
    return stop


def _open_span(report: Report, number: int, span: _Span, there: Partition) -> int:
    """Compares a span whose end is unknown; the offset after as many records as it has.

    A record is in an object that begins at it or before. So those that begin before an offset have at least as many
    records as the topic has there; where they have fewer, some are missing.
    """
    archived = lacking = 0
    first, damaged = bisect_left(there.offsets, span.start), False
    previous = span.start
    for each in span.objects:
        start = each.start or 0
        due = bisect_left(there.offsets, start) - first - archived
        if due > lacking and span.start >= there.beginning:
            if not damaged:
                found = due - lacking, (f"before {each.name}",)
                report.findings.append(Finding("gap", number, previous, start - 1, *found))
            lacking = due
        archived, damaged, previous = archived + each.count, bool(each.damage), start
    found_offsets = there.offsets[first : first + archived + lacking]
    report.compared += len(found_offsets)
    if not len(found_offsets):
        report.only_archived += archived
        return span.start
    # Compaction takes records away, but not their offsets: what is more than these is there twice.
    doubles = max(0, archived - (there.end - span.start))
    if doubles:
        names = tuple(each.name for each in span.objects)
        report.findings.append(Finding("double", number, span.start, there.end - 1, doubles, names))
    report.only_archived += max(0, archived + lacking - len(found_offsets) - doubles)
    return found_offsets[-1] + 1
