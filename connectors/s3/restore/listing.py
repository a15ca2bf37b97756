"""Which objects of the archive there are: listed, and those together that belong together."""

import logging
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

from ferryman.connectors.s3.bucket.bucket import Bucket, Listed
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.config.source_names import HEADERS, KEYS, Names, Place, names
from ferryman.connectors.s3.restore.contents import Archived
from ferryman.regex.pattern import TooSlow

log = logging.getLogger(__name__)

NAMED = 5
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
        if len(self.names) < NAMED:
            self.names.append(name)

    def __str__(self) -> str:
        more = f" and {self.count - len(self.names):,} more" if self.count > len(self.names) else ""
        return f"{', '.join(self.names)}{more}"


@dataclass
class Listing:
    """The objects of a share of an archive."""

    bucket: Bucket
    share: Share
    stopping: Callable[[float], bool]
    names: Names = field(init=False)
    passed_over: PassedOver = field(default_factory=PassedOver)
    """Of the last listing."""
    _strange: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.names = names(self.share.config)

    def lanes(self) -> Iterator[tuple[Lane, list[Archived]]]:
        """All wanted objects, lane by lane, in their order. Raises RetriableError while the server is away; ends early
        when the task is to stop."""
        self.passed_over = PassedOver()
        values: dict[Lane, list[Archived]] = {}
        sides: dict[tuple[Lane, int | None], list[tuple[Place, Listed]]] = {}
        for listed in self._listed():
            if listed.key.endswith(self.share.config.directory_delim):
                continue
            place = self._place(listed.key)
            if place is None:
                self.passed_over.add(listed.key)
            if place is None or not self.share.has(place):
                continue
            lane = Lane(place.folder, place.topic, place.partition)
            if place.side and not (place.tombstones and place.side == KEYS):
                sides.setdefault((lane, place.start), []).append((place, listed))
            else:
                values.setdefault(lane, []).append(Archived(listed, place))
        for lane in sorted(values, key=str):
            found = sorted(values.pop(lane), key=lambda each: each.order)
            yield lane, [_with_sides(each, sides.get((lane, each.place.start), [])) for each in found]

    def _listed(self) -> Iterator[Listed]:
        config = self.share.config
        manifests = config.manifest_prefix.strip("/") + "/"
        for prefix in self.names.prefixes:
            for number, listed in enumerate(self.bucket.listed(prefix, config.start_key)):
                if number % 1000 == 0 and self.stopping(0):
                    return
                if listed.key.startswith(manifests) or listed.modified < config.discover_from:
                    continue
                yield listed

    def _place(self, name: str) -> Place | None:
        try:
            return self.names.place(name)
        except TooSlow as error:
            if name not in self._strange:
                self._strange.add(name)
                log.warning("%s is skipped: %s", name, error)
            return None


def _with_sides(found: Archived, beside: list[tuple[Place, Listed]]) -> Archived:
    """An object with its keys and headers. Where a name was taken, there may be two of each: those with the same
    addition belong together, else the first."""
    if not beside:
        return found
    sides: dict[str, Listed] = {}
    for place, listed in sorted(beside, key=lambda each: _added(each[1].key) != _added(found.listed.key)):
        if place.side in (KEYS, HEADERS) and place.side != found.place.side:
            sides.setdefault(place.side, listed)
    return replace(found, sides=sides)


def _added(name: str) -> str:
    """What a name has behind the offset because it was taken."""
    file = name.rpartition("/")[2]
    return file.partition(_ADDITION)[2].partition(".")[0]
