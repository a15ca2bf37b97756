"""Records that are taken but not yet dealt to the files of their paths: many at once cost less than batch by batch."""

from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, pairwise
from typing import Any

import polars as pl

from ferryman.connectors.s3.config.object_names import Place
from ferryman.connectors.s3.formats.format import dealt
from ferryman.connectors.s3.formats.parquet import COLUMN
from ferryman.schema import Schema

ENOUGH = 16 * 1024 * 1024
"""Bytes of records that are dealt at once."""
Chunk = tuple[Place, Any, list[int]]
"""A file's place, encoded records for it, and their offsets."""


@dataclass(frozen=True, slots=True)
class Texts:
    """Encoded records end to end: bytes objects of their own would take up to 4 kB each, as orjson leaves them."""

    data: bytes
    ends: "array[int]"
    """Where each begins and, at last, where the last one ends."""

    @classmethod
    def of(cls, texts: Sequence[bytes]) -> "Texts":
        """Texts put together."""
        return cls(b"".join(texts), array("q", accumulate(map(len, texts), initial=0)))

    def each(self) -> Iterator[bytes]:
        """The texts."""
        data = self.data
        return (data[start:stop] for start, stop in pairwise(self.ends))


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of records of one topic: path and offset of each, and by side their schema and what is encoded of them."""

    topic: str
    paths: Sequence[str]
    offsets: "array[int]"
    encoded: Mapping[str, tuple[Schema | None, pl.DataFrame | Texts]]

    @classmethod
    def of(
        cls, topic: str, paths: Sequence[str], offsets: Sequence[int], encoded: Mapping[str, tuple[Schema | None, Any]]
    ) -> "Piece":
        """A piece of what formats encode: frames, or texts."""
        compact = {
            side: (schema, chunk if isinstance(chunk, pl.DataFrame) else Texts.of(chunk))
            for side, (schema, chunk) in encoded.items()
        }
        return cls(topic, paths, array("q", offsets), compact)

    @property
    def kind(self) -> tuple[Any, ...]:
        """What pieces that are dealt together share."""
        return self.topic, *((side, schema) for side, (schema, _) in self.encoded.items())


@dataclass(slots=True)
class Sheaf:
    """The pieces of one Kafka partition, in order."""

    pieces: list[Piece] = field(default_factory=list)
    held: int = 0
    """Bytes in memory."""

    def add(self, piece: Piece) -> None:
        """Takes a piece."""
        self.pieces.append(piece)
        self.held += sum(_held(encoded) for _, encoded in piece.encoded.values())

    def emptied(self) -> Iterator[Chunk]:
        """Gives all records up, in order for each place."""
        pieces, self.pieces, self.held = self.pieces, [], 0
        alike: dict[tuple[Any, ...], list[Piece]] = {}
        for piece in pieces:
            alike.setdefault(piece.kind, []).append(piece)
        for found in alike.values():
            yield from _dealt(found)


def _dealt(pieces: Sequence[Piece]) -> Iterator[Chunk]:
    offsets = list(chain.from_iterable(piece.offsets for piece in pieces))
    groups: dict[str, list[int]] = defaultdict(list)
    for index, path in enumerate(chain.from_iterable(piece.paths for piece in pieces)):
        groups[path].append(index)
    taken = [list(map(offsets.__getitem__, indices)) for indices in groups.values()]
    topic = pieces[0].topic
    for side in pieces[0].encoded:
        chunks = dealt(_joined([piece.encoded[side][1] for piece in pieces]), list(groups.values()))
        for path, chunk, each in zip(groups, chunks, taken, strict=True):
            yield Place(topic, path, side), chunk, each


def _joined(encoded: Sequence[pl.DataFrame | Texts]) -> pl.DataFrame | list[bytes]:
    frames = [each for each in encoded if isinstance(each, pl.DataFrame)]
    if frames:
        return pl.concat(frames)
    return [text for each in encoded if isinstance(each, Texts) for text in each.each()]


def _held(encoded: pl.DataFrame | Texts) -> int:
    if isinstance(encoded, pl.DataFrame):
        return int(encoded.estimated_size()) + COLUMN * encoded.width
    return len(encoded.data) + 8 * len(encoded.ends)
