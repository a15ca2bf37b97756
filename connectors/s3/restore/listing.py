"""Which objects of the archive there are: listed, and those together that belong together."""

import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from ferryman.connectors.s3.bucket.bucket import Bucket, ListedObject
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.config.source_names import HEADERS, KEYS, Names, Place, names
from ferryman.connectors.s3.restore.contents import Archived
from ferryman.regex.pattern import TooSlow

log = logging.getLogger(__name__)

NAMED_OBJECTS = 5
"""How many skipped objects are named; the others are only counted."""
_ADDITION = "~"
"""Begins what the sink adds to a name that is taken."""


class Lane(NamedTuple):
    """Objects of which each follows on the one before: those of one folder, topic and partition."""

    folder: str
    topic: str
    partition: int | None


@dataclass(frozen=True)
class Share:
    """What of the archive one task reads: whole partitions, so that their order stays; without partitions, folders."""

    config: S3SourceConfig
    task: int = 0

    @cached_property
    def _topics(self) -> frozenset[str]:
        return frozenset(self.config.restore_topics)

    @cached_property
    def _partitions(self) -> frozenset[int]:
        return frozenset(map(int, self.config.restore_partitions))

    def has(self, place: Place) -> bool:
        """Whether an object is wanted, and this task's."""
        if self._topics and place.topic not in self._topics:
            return False
        if self._partitions and place.partition not in self._partitions:
            return False
        text = place.topic if place.partition is not None else place.folder + "\0" + place.topic
        return (zlib.crc32(text.encode()) + (place.partition or 0)) % self.config.task_count == self.task


@dataclass
class PassedOver:
    """Objects below the archive's prefixes that are none of it, by their names."""

    count: int = 0
    names: list[str] = field(default_factory=list)
    """The first few."""

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.names) < NAMED_OBJECTS:
            self.names.append(name)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.names):,} more" if self.count > len(self.names) else ""
        return f"{', '.join(self.names)}{more}"


def visible(bucket: Bucket, config: S3SourceConfig, prefix: str) -> Iterator[ListedObject]:
    """The objects below a prefix, but for what the sink has for itself."""
    for listed in bucket.listed(prefix, config.start_key):
        if not listed.key.startswith(config.of_the_sink):
            yield listed


@dataclass
class _Found:
    """What one listing has shown of the wanted lanes."""

    values: dict[Lane, list[Archived]] = field(default_factory=dict)
    sides: dict[tuple[Lane, int | None], list[tuple[Place, ListedObject]]] = field(default_factory=dict)
    digits: dict[Lane, int | None] = field(default_factory=dict)
    uneven: set[Lane] = field(default_factory=set)
    """Lanes whose names may stand in another order than their offsets."""

    def note(self, lane: Lane, place: Place) -> None:
        """How the name of any object of a lane is made, a wanted one or not."""
        if place.start is not None and (
            place.digits is None or self.digits.setdefault(lane, place.digits) != place.digits
        ):
            self.uneven.add(lane)

    def add(self, lane: Lane, place: Place, listed: ListedObject) -> None:
        """One more object of a lane, where it was listed."""
        if place.side and not (place.tombstones and place.side == KEYS):
            self.sides.setdefault((lane, place.start), []).append((place, listed))
        else:
            self.values.setdefault(lane, []).append(Archived(listed, place))

    def whole(self) -> "_Found":
        """The same, when all was added: lanes in their order; keys and headers that came before their values stand out
        of the order of offsets too."""
        there = {(lane, each.place.start) for lane, found in self.values.items() for each in found}
        self.uneven |= {lane for lane, start in self.sides if (lane, start) not in there}
        for found in self.values.values():
            found.sort(key=lambda each: each.order)
        return self

    def ends(self) -> dict[Lane, tuple[int, str]]:
        """The last object of each lane."""
        return {lane: found[-1].order for lane, found in self.values.items()}


@dataclass
class Listing:
    """The objects of a share of an archive.

    Of two objects of a lane, the one that begins first was there first. A listing is made page by page in the order of
    names, while a sink goes on. Where that is another order than that of offsets, as offsets in names have no fixed
    width, it may show a later object without the one before:

        the listing                                  the sink
        page 1: ..., orders-0-198, orders-0-2
                                                     makes orders-0-199, then orders-0-200
        page 2: orders-0-20, orders-0-200, ...

    199 would be passed over for ever, as 200 is behind it. So of such a lane nothing is taken behind the last object
    that an earlier listing had shown: what begins before that one was there when this listing began, whatever its page.
    Where there is more, the listing is made once more at once, and that is the earlier one.
    """

    bucket: Bucket
    share: Share
    stopping: Callable[[float], bool]
    names: Names = field(init=False)
    passed_over: PassedOver = field(default_factory=PassedOver)
    """What the last listing has passed over."""
    cut: bool = False
    """Whether a stop has cut the last one short; then it gives nothing."""
    _strange: set[str] = field(default_factory=set)
    _ends: dict[Lane, tuple[int, str]] = field(default_factory=dict)
    """The last object of each lane in the last listing."""

    def __post_init__(self) -> None:
        self.names = names(self.share.config)

    def lanes(self) -> Iterator[tuple[Lane, list[Archived]]]:
        """All wanted objects, lane by lane, in their order. Raises RetriableError while the server is away; gives
        nothing when the task is to stop."""
        found = self._found()
        ends = found.ends()
        if any(lane in ends and ends[lane] > self._ends.get(lane, (-1, "")) for lane in found.uneven):
            self._ends = ends
            found = self._found()
        before, self._ends = self._ends, found.ends()
        if self.cut:
            return
        for lane in sorted(found.values, key=str):
            objects = found.values.pop(lane)
            if lane in found.uneven:
                objects = [each for each in objects if each.order <= before.get(lane, (-1, ""))]
            if objects:
                yield lane, [_with_sides(each, found.sides.get((lane, each.place.start), [])) for each in objects]

    def _found(self) -> _Found:
        self.passed_over, self.cut, found = PassedOver(), False, _Found()
        config = self.share.config
        for listed in self._listed():
            place = self._place(listed.key)
            if place is None and not listed.key.endswith(config.directory_delim):
                self.passed_over.add(listed.key)
            if place is None or not self.share.has(place):
                continue
            lane = Lane(place.folder, place.topic, place.partition)
            found.note(lane, place)
            if listed.modified >= config.discover_from:
                found.add(lane, place, listed)
        return found.whole()

    def _listed(self) -> Iterator[ListedObject]:
        for prefix in self.names.prefixes:
            for number, listed in enumerate(visible(self.bucket, self.share.config, prefix)):
                if number % 1000 == 0 and self.stopping(0):
                    self.cut = True
                    return
                yield listed

    def _place(self, name: str) -> Place | None:
        try:
            return self.names.place(name)
        except TooSlow as error:
            if name not in self._strange:
                self._strange.add(name)
                log.warning("%s is skipped: %s", name, error)
            return None


def _with_sides(found: Archived, beside: list[tuple[Place, ListedObject]]) -> Archived:
    """An object with its keys and headers. Where a name was taken, there may be two of each: those with the same
    addition belong together, else the first."""
    if not beside:
        return found
    sides: dict[str, ListedObject] = {}
    for place, listed in sorted(beside, key=lambda each: _added(each[1].key) != _added(found.listed.key)):
        if place.side in (KEYS, HEADERS) and place.side != found.place.side:
            sides.setdefault(place.side, listed)
    return replace(found, sides=sides)


def _added(name: str) -> str:
    """What a name has behind the offset because it was taken."""
    file = name.rpartition("/")[2]
    return file.partition(_ADDITION)[2].partition(".")[0]
