"""Records that follow one another and go into files that no rule and no schema closes meanwhile: how far they reach,
and what is encoded of them for these files.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import Any

import polars as pl

from ferryman.connectors.s3.commit.interleaved import Interleaved
from ferryman.connectors.s3.commit.open_file import File
from ferryman.connectors.s3.commit.partition_files import PartitionFiles
from ferryman.connectors.s3.commit.ready_group import ReadyGroup
from ferryman.connectors.s3.commit.schema_change import Compatibility, ends_file
from ferryman.connectors.s3.config.object_names import Destination
from ferryman.connectors.s3.formats.format import Format, select
from ferryman.connectors.s3.layout.keys_and_headers import is_of_nulls
from ferryman.connectors.s3.layout.partitioners import Paths
from ferryman.connectors.s3.layout.rotation import FillLevel, Rotation
from ferryman.formats import eager
from ferryman.schema import Schema

Part = tuple[ReadyGroup, Sequence[int], Sequence[int]]
"""A group, which of its records are meant, and their places in the poll."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Records of a poll from one place up to another."""

    start: int
    stop: int
    targets: Mapping[Destination, Schema | None]
    """The files that they go into, and the schema by which each takes its records."""
    closes: bool
    """Whether the files that are open are closed before."""


def stretch_from(
    start: int, poll: Interleaved, partition: PartitionFiles, rotation: Rotation, compatibility: Compatibility
) -> Stretch:
    """The records from a place on that the open files take, or else those that new ones do. Raises DataError if the
    first record's schema cannot be compared with that of its file."""
    for level, files in ((partition.level, partition.open), (FillLevel(), {})):
        cut = rotation.cut(level, poll.paths, poll.times, start, len(poll))
        targets = dict[Destination, Schema | None]()
        ends = partial(_ends_file, files, targets, compatibility)
        stop = start if cut.before else poll.first(start, cut.stop, ends)
        if stop > start:
            return Stretch(start, stop, targets, closes=level is not partition.level)
    raise AssertionError("files that are not there take no record")


def _ends_file(
    files: Mapping[Destination, File],
    targets: dict[Destination, Schema | None],
    compatibility: Compatibility,
    group: ReadyGroup,
    path: str,
) -> bool:
    """Whether records of a group end a file of this path. Adds to targets by which schema each file takes records: an
    open one by its own, any other by that of its first record."""
    for side, own in group.schemas.items():
        destination = Destination(group.topic, path, side)
        if destination not in targets:
            targets[destination] = files[destination].schema if destination in files else own
        target = targets[destination]
        # Keys and headers of another schema always end a file.
        rule = "NONE" if side or is_of_nulls(target) else compatibility
        if ends_file(rule, target, group.schema(side, target)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Share:
    """Records of one topic for files of the same sides and, on each side, of one schema, in order."""

    topic: str
    """The topic as transforms left it."""
    paths: Paths
    """The encoded partition of each record, or of all."""
    offsets: Sequence[int]
    """The offset of each."""
    encoded: Mapping[str, tuple[Format, Schema | None, Any]]
    """By side: how its files are written, by which schema, and what is encoded of the records."""


def shares(poll: Interleaved, stretch: Stretch) -> list[Share]:
    """The records of a stretch, encoded. Raises DataError."""
    alike: dict[tuple[str, tuple[str, ...]], list[Part]] = {}
    for part in poll.parts(stretch.start, stretch.stop):
        alike.setdefault((part[0].topic, tuple(part[0].schemas)), []).append(part)
    return [
        _share(topic, sides, schemas, same)
        for (topic, sides), parts in alike.items()
        for schemas, same in _by_schemas(topic, sides, parts, stretch.targets)
    ]


def _by_schemas(
    topic: str, sides: Sequence[str], parts: Sequence[Part], targets: Mapping[Destination, Schema | None]
) -> Iterator[tuple[Sequence[Schema | None], Sequence[Part]]]:
    """The parts for files of the same schemas, one a side."""
    files = {path: [targets[Destination(topic, path, side)] for side in sides] for path in _paths(parts)}
    # By identity: files mostly share their schemas, and to compare these costs more.
    kinds = {tuple(map(id, schemas)): schemas for schemas in files.values()}
    if len(kinds) == 1:
        yield next(iter(kinds.values())), parts
        return
    for kind, schemas in kinds.items():
        paths = {path for path, each in files.items() if tuple(map(id, each)) == kind}
        chosen = []
        for group, indices, places in parts:
            kept = [at for at, index in enumerate(indices) if group.path(index) in paths]
            if kept:
                chosen.append((group, [indices[at] for at in kept], [places[at] for at in kept]))
        yield schemas, chosen


def _paths(parts: Sequence[Part]) -> set[str]:
    found = set[str]()
    for group, indices, _ in parts:
        found |= {group.paths} if isinstance(group.paths, str) else set(select(group.paths, indices))
    return found


def _share(
    topic: str,
    sides: Sequence[str],
    schemas: Sequence[Schema | None],
    parts: Sequence[Part],
) -> Share:
    order = _order([places for _, _, places in parts])
    offsets = list(chain.from_iterable(select(group.offsets, indices) for group, indices, _ in parts))
    encoded = {
        side: (
            parts[0][0].formats[side],
            schema,
            _joined([group.encoded(side, schema, indices) for group, indices, _ in parts], order),
        )
        for side, schema in zip(sides, schemas, strict=True)
    }
    paths = _each_path(parts)
    if order is not None:
        offsets = select(offsets, order)
        paths = paths if isinstance(paths, str) else select(paths, order)
    return Share(topic, paths, offsets, encoded)


def _each_path(parts: Sequence[Part]) -> Paths:
    found = _paths(parts)
    if len(found) == 1:
        return found.pop()
    return [group.path(index) for group, indices, _ in parts for index in indices]


def _order(places: Sequence[Sequence[int]]) -> list[int] | None:
    """How to sort the records of several parts; None if they are in order."""
    if all(one[-1] < other[0] for one, other in pairwise(places)):
        return None
    flat = list(chain.from_iterable(places))
    return sorted(range(len(flat)), key=flat.__getitem__)


def _joined(chunks: Sequence[Any], order: Sequence[int] | None) -> Any:
    if len(chunks) == 1:
        return chunks[0]
    whole: Any = eager.stacked(chunks) if isinstance(chunks[0], pl.DataFrame) else list(chain.from_iterable(chunks))
    return whole if order is None else select(whole, order)
