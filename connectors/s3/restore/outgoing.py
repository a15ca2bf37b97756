"""Records of the archive as batches for Kafka."""

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, groupby

from ferryman.connectors.s3.config.bucket_keys import keeps_bytes
from ferryman.connectors.s3.config.source_config import S3SourceConfig
from ferryman.connectors.s3.restore.partition_reader import TakenRecords
from ferryman.connectors.s3.restore.records import Piece
from ferryman.record import Batch, Data, Header, Headers, LazyRecords, Record, Rows
from ferryman.schema import OPTIONAL_BYTES, STRING, Schema

log = logging.getLogger(__name__)

ORIGINAL = "ferryman.original."
"""Begins the headers that say where a record was: topic, partition, offset, and the range of the object's offsets."""


class Outgoing:
    """Makes batches as a config wants them."""

    def __init__(self, config: S3SourceConfig) -> None:
        self._config = config
        self._first, self._stop = config.times
        self._of_bytes = keeps_bytes(config.header_converter)
        self._told = False

    def batches(self, taken: Sequence[TakenRecords]) -> Iterator[Batch]:
        """The wanted records. What of one partition was taken together is together here, schema by schema."""
        for (topic, number), together in groupby(taken, lambda each: (each.lane.topic, each.lane.partition)):
            pieces = [self._piece(each) for each in together]
            partition = number if self._config.restore_keep_partitions else None
            yield from _batches(topic, partition, [piece for piece in pieces if len(piece)])

    def _piece(self, taken: TakenRecords) -> Piece:
        piece = self._wanted(taken.piece)
        if self._of_bytes and not self._told and _has_text(piece):
            self._told = True
            log.warning(
                "%s: headers in %s are texts; they are written in UTF-8, so that bytes that were archived in base64 "
                "stay base64",
                *(self._config.name, taken.key),
            )
        if self._config.restore_original_headers and len(piece):
            piece = replace(piece, headers=_with_original(piece, taken))
        if piece.headers is None or not self._of_bytes:
            return piece
        return replace(piece, headers=[tuple(map(_as_bytes, each)) for each in piece.headers])

    def _wanted(self, piece: Piece) -> Piece:
        if piece.timestamps is None or (self._first is None and self._stop is None):
            return piece
        first, stop = self._first, self._stop
        return piece.take(
            [
                at
                for at, time in enumerate(piece.timestamps)
                if time is not None and (first is None or time >= first) and (stop is None or time < stop)
            ]
        )


@dataclass(slots=True)
class _Gathered:
    """Records of one pair of schemas, out of several pieces."""

    parts: list[Piece]
    positions: list[int]

    def batch(self, topic: str, partition: int | None, origin: Sequence[Record]) -> Batch:
        piece = self.parts[0] if len(self.parts) == 1 else _joined(self.parts)
        return Batch(
            topic=topic,
            partition=partition,
            key=piece.key,
            value=piece.value,
            timestamps=[None] * len(piece) if piece.timestamps is None else piece.timestamps,
            headers=piece.headers,
            origin=origin,
            positions=self.positions,
        )


def _batches(topic: str, partition: int | None, pieces: Sequence[Piece]) -> Iterator[Batch]:
    starts = list(accumulate(map(len, pieces), initial=0))

    def record(position: int) -> Record:
        number = bisect_right(starts, position) - 1
        return _record(topic, partition, pieces[number], position - starts[number])

    origin = LazyRecords(starts[-1], record)
    found: dict[tuple[Schema | None, Schema | None, bool, bool], _Gathered] = {}
    for start, piece in zip(starts, pieces, strict=False):
        for places, part in _alike(piece):
            kind = part.key.schema, part.value.schema, piece.headers is None, piece.timestamps is None
            gathered = found.setdefault(kind, _Gathered([], []))
            gathered.parts.append(part)
            gathered.positions += [start + at for at in places]
    for gathered in found.values():
        yield gathered.batch(topic, partition, origin)


def _joined(parts: Sequence[Piece]) -> Piece:
    def side(chosen: Callable[[Piece], Data]) -> Rows:
        rows = [chosen(part).rows() for part in parts]
        return Rows(rows[0].schema, [value for each in rows for value in each.values])

    return Piece(
        range(sum(map(len, parts))),
        side(lambda part: part.value),
        side(lambda part: part.key),
        None if parts[0].headers is None else [each for part in parts for each in part.headers or ()],
        None if parts[0].timestamps is None else [each for part in parts for each in part.timestamps or ()],
    )


def _alike(piece: Piece) -> Iterator[tuple[Sequence[int], Piece]]:
    """The records of one pair of schemas together, with their places, which ascend; null has no schema."""
    keyed, valued = piece.key.schema is not None, piece.value.schema is not None
    rows = piece.value.values if valued and isinstance(piece.value, Rows) else ()
    if None not in rows and not (keyed and None in piece.key.values):
        yield range(len(piece)), piece
        return
    places: dict[tuple[bool, bool], list[int]] = {}
    for at, key in enumerate(piece.key.values):
        places.setdefault((keyed and key is None, bool(rows) and rows[at] is None), []).append(at)
    for (no_key, no_value), members in places.items():
        part = piece if len(members) == len(piece) else piece.take(members)
        if no_key:
            part = replace(part, key=Rows(None, part.key.values))
        if no_value:
            part = replace(part, value=Rows(None, part.value.rows().values))
        yield members, part


def _record(topic: str, partition: int | None, piece: Piece, at: int) -> Record:
    key, value = piece.key.values[at], piece.value.slice(at, at + 1).rows().values[0]
    return Record(
        topic=topic,
        partition=partition,
        key=key,
        key_schema=None if key is None else piece.key.schema,
        value=value,
        value_schema=None if value is None else piece.value.schema,
        timestamp=None if piece.timestamps is None else piece.timestamps[at],
        headers=() if piece.headers is None else piece.headers[at],
    )


def _with_original(piece: Piece, taken: TakenRecords) -> list[Headers]:
    lane = taken.lane
    fixed = [("topic", lane.topic)]
    if lane.partition is not None:
        fixed.append(("partition", str(lane.partition)))
    if piece.offsets is None and taken.first is not None:
        last = "" if taken.last is None else str(taken.last)
        fixed.append(("range", f"{taken.first}-{last}"))
    shared = tuple(Header(ORIGINAL + name, text, STRING) for name, text in fixed)
    own: Sequence[Headers] = piece.headers or [()] * len(piece)
    return [
        (*headers, *shared, *(() if offset is None else (Header(f"{ORIGINAL}offset", str(offset), STRING),)))
        for headers, offset in zip(own, _offsets(piece, taken.first), strict=True)
    ]


def _has_text(piece: Piece) -> bool:
    """Whether a header is a text."""
    return any(isinstance(header.value, str) for headers in piece.headers or () for header in headers)


def _as_bytes(header: Header) -> Header:
    """A text as ByteArrayConverter takes it; other headers as they are."""
    if not isinstance(header.value, str):
        return header
    return Header(header.key, header.value.encode("utf-8", "replace"), OPTIONAL_BYTES)


def _offsets(piece: Piece, first: int | None) -> Sequence[int | None]:
    if piece.offsets is not None:
        return piece.offsets
    return [None if first is None else first + index for index in piece.indices]
