"""Records that are taken but not yet distributed to the files of their paths: many at once cost less than few."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import Any

import polars as pl

from ferryman.connectors.s3.config.object_names import Destination
from ferryman.connectors.s3.formats.format import split
from ferryman.connectors.s3.formats.parquet import COLUMN_BYTES
from ferryman.schema import Schema

DISTRIBUTED_BYTES = 16 * 1024 * 1024
"""Bytes of records that are distributed at once."""
Chunk = tuple[Destination, Any, list[int]]
"""A file's destination, encoded records for it, and their offsets."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Encoded records end to end: bytes objects of their own would take up to 4 kB each, as orjson leaves them."""

    data: bytes
    """The texts, one behind the other."""
    ends: "array[int]"
    """Where each begins and, at last, where the last one ends."""

    @classmethod
    def joined(cls, texts: Sequence[bytes]) -> "Texts":
        """Texts put together."""
        return cls(b"".join(texts), array("q", accumulate(map(len, texts), initial=0)))

    def each(self) -> Iterator[bytes]:
        """The texts."""
        data = self.data
        return (data[start:stop] for start, stop in pairwise(self.ends))


@dataclass(frozen=True, slots=True)
class BufferedRun:
    """A run of records of one topic."""

    topic: str
    """The topic as transforms left it."""
    paths: Sequence[str]
    """The encoded partition of each."""
    offsets: "array[int]"
    """The offset of each."""
    encoded: Mapping[str, tuple[Schema | None, pl.DataFrame | Texts]]
    """By side, their schema and what is encoded of them."""

    @classmethod
    def compact(
        cls, topic: str, paths: Sequence[str], offsets: Sequence[int], encoded: Mapping[str, tuple[Schema | None, Any]]
    ) -> "BufferedRun":
        """A run of what formats encode: frames, or texts."""
        compact = {
            side: (schema, chunk if isinstance(chunk, pl.DataFrame) else Texts.joined(chunk))
            for side, (schema, chunk) in encoded.items()
        }
        return cls(topic, paths, array("q", offsets), compact)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What runs that are distributed together share."""
        return self.topic, *((side, schema) for side, (schema, _) in self.encoded.items())


@dataclass(slots=True)
class WriteBuffer:
    """The runs of one Kafka partition, in order."""

    runs: list[BufferedRun] = field(default_factory=list)
    """In the order in which they were taken."""
    held_bytes: int = 0
    """Bytes in memory."""

    def add(self, run: BufferedRun) -> None:
        """Takes a run."""
        self.runs.append(run)
        self.held_bytes += sum(_held(encoded) for _, encoded in run.encoded.values())

    def drain(self) -> Iterator[Chunk]:
        """Gives all records up, in order for each destination."""
        runs, self.runs, self.held_bytes = self.runs, [], 0
        alike: dict[tuple[Any, ...], list[BufferedRun]] = {}
        for run in runs:
            alike.setdefault(run.kind, []).append(run)
        for found in alike.values():
            yield from _by_destination(found)


def _by_destination(runs: Sequence[BufferedRun]) -> Iterator[Chunk]:
    offsets = list(chain.from_iterable(run.offsets for run in runs))
    groups: dict[str, list[int]] = defaultdict(list)
    for index, path in enumerate(chain.from_iterable(run.paths for run in runs)):
        groups[path].append(index)
    taken = [list(map(offsets.__getitem__, indices)) for indices in groups.values()]
    topic = runs[0].topic
    for side in runs[0].encoded:
        chunks = split(_joined([run.encoded[side][1] for run in runs]), list(groups.values()))
        for path, chunk, each in zip(groups, chunks, taken, strict=True):
            yield Destination(topic, path, side), chunk, each


def _joined(encoded: Sequence[pl.DataFrame | Texts]) -> pl.DataFrame | list[bytes]:
    frames = [each for each in encoded if isinstance(each, pl.DataFrame)]
    if frames:
        return pl.concat(frames)
    return [text for each in encoded if isinstance(each, Texts) for text in each.each()]


def _held(encoded: pl.DataFrame | Texts) -> int:
    if isinstance(encoded, pl.DataFrame):
        return int(encoded.estimated_size()) + COLUMN_BYTES * encoded.width
    return len(encoded.data) + 8 * len(encoded.ends)
