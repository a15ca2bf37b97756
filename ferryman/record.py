"""What flows: a Record is one, a Batch is many that share topic, partition and schemas, as rows or as columns.

The Batch is the unit of every step. Metadata (offset, timestamp, headers) lies beside the data. A record's identity is
(topic, partition, offset) as it was consumed, whatever transforms do to its coordinates afterwards (KIP-793).
"""

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any, NamedTuple, overload

from ferryman.data import Columns as Columns
from ferryman.data import Data as Data
from ferryman.data import Maps as Maps
from ferryman.data import Rows as Rows
from ferryman.data import values_of as values_of
from ferryman.polled import Coordinates as Coordinates
from ferryman.polled import Original as Original
from ferryman.polled import Payload as Payload
from ferryman.polled import Polled as Polled
from ferryman.polled import TopicPartition as TopicPartition
from ferryman.repeated import H, Late, Repeated, places_of
from ferryman.schema import Schema

Partition = Mapping[str, Any]
"""A source's own partition: names to null, bool, int, float, str or bytes."""
Offset = Mapping[str, Any]
"""How far a source has got in one of its partitions, in the same types."""


class Header(NamedTuple):
    """One header; a key may occur several times."""

    key: str
    value: Any
    schema: Schema | None = None


Headers = tuple[Header, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record, as plugins see it. Change it with ``dataclasses.replace``."""

    topic: str
    value: Any
    key: Any = None
    value_schema: Schema | None = None
    """None for a schemaless value."""
    key_schema: Schema | None = None
    """None for a schemaless key."""
    partition: int | None = None
    """None leaves the choice to the producer."""
    timestamp: int | None = None
    """In milliseconds since the epoch."""
    timestamp_type: str = "CreateTime"
    headers: Headers = ()
    offset: int | None = None
    """On the sink side, the record's offset in its topic."""
    origin: Coordinates | None = None
    """On the sink side, the topic, partition and offset it was read from, whatever transforms have changed. Of a
    replayed dead letter, where the letter lies."""
    original_coordinates: Coordinates | None = None
    """On the sink side, the same, but of a replayed dead letter where its record lay."""
    source_partition: Mapping[str, Any] | None = None
    """On the source side, the part of the source that it comes from: a map of string to null, bool, int, float, str or
    bytes."""
    source_offset: Mapping[str, Any] | None = None
    """On the source side, where the source has got to with this record: a map of the same kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Records that share topic, partition, key schema and value schema, in order; never empty.

    What was polled together is one batch for each pair of schemas, whatever their order: between two of its records
    there may be others, in other batches, and ``positions`` say where each of them stands.
    """

    topic: str
    partition: int | None
    key: Data
    value: Data
    timestamps: Sequence[int | None]
    headers: Sequence[Headers] | None = None
    """Mostly ``Late`` or ``Repeated``; None when no record has any."""
    origin: "Polled | Sequence[Record]" = field(repr=False)
    """The raw records they were decoded from, or the records that the source handed over."""
    positions: Sequence[int]
    """The records' places in ``origin``, one each, ascending."""

    def __len__(self) -> int:
        return len(self.positions)

    def slice(self, start: int, stop: int) -> "Batch":
        """The records from start up to stop."""
        return replace(
            self,
            key=self.key.slice(start, stop),
            value=self.value.slice(start, stop),
            timestamps=self.timestamps[start:stop],
            headers=None if self.headers is None else self.headers[start:stop],
            positions=self.positions[start:stop],
        )

    def take(self, indices: Sequence[int]) -> "Batch":
        """The records at these places, which ascend."""
        if len(indices) == len(self):
            return self
        if indices[-1] - indices[0] == len(indices) - 1:
            return self.slice(indices[0], indices[-1] + 1)
        return replace(
            self,
            key=self.key.take(indices),
            value=self.value.take(indices),
            timestamps=[self.timestamps[index] for index in indices],
            headers=_taken(self.headers, indices),
            positions=[self.positions[index] for index in indices],
        )

    def without(self, positions: Collection[int]) -> "Batch | None":
        """The records but those at these positions; None if there are none."""
        if not positions:
            return self
        left = [index for index, position in enumerate(self.positions) if position not in positions]
        return self.take(left) if left else None

    def split(self, keys: Sequence[H]) -> "list[tuple[H, Batch]]":
        """The records of each key, of which each has one, as one batch; the keys in the order in which they come."""
        if keys.count(keys[0]) == len(keys):
            return [(keys[0], self)]
        return [(key, self.take(indices)) for key, indices in places_of(keys).items()]

    def before(self, position: int) -> int:
        """How many of the records stand before a position."""
        return bisect_left(self.positions, position)

    def rows(self) -> "Batch":
        """The same batch with both sides as rows."""
        return replace(self, key=self.key.rows(), value=self.value.rows())

    @property
    def polled(self) -> Polled:
        """The raw records behind a batch on the sink side."""
        assert isinstance(self.origin, Polled)
        return self.origin

    @property
    def source(self) -> TopicPartition:
        """On the sink side: the partition that the records were consumed from."""
        return self.polled.source

    @property
    def offsets(self) -> Sequence[int]:
        """On the sink side: the offsets as consumed, one a record, ascending."""
        offsets = self.polled.offsets
        if isinstance(self.positions, range) and self.positions.step == 1:
            return offsets[self.positions.start : self.positions.stop]
        return [offsets[position] for position in self.positions]

    @property
    def original_source(self) -> TopicPartition:
        """On the sink side: where the records lay, for whoever tells of it. Of all but replayed letters the source."""
        topic, partition, _ = self.polled.original_coordinates(self.positions[0])
        return TopicPartition(topic, partition)

    @property
    def original_offsets(self) -> Sequence[int]:
        """Their offsets there, one a record."""
        polled = self.polled
        if polled.originals is None:
            return self.offsets
        return [polled.original_coordinates(position).offset for position in self.positions]

    def records(self) -> Iterator[Record]:
        """The batch as single records."""
        keys, values = self.key.rows(), self.value.rows()
        for index in range(len(self)):
            origin, lay, source = self._origin(index)
            yield Record(
                topic=self.topic,
                partition=self.partition,
                key=keys.values[index],
                key_schema=keys.schema,
                value=values.values[index],
                value_schema=values.schema,
                timestamp=self.timestamps[index],
                timestamp_type=self.origin.timestamp_type if isinstance(self.origin, Polled) else "CreateTime",
                headers=() if self.headers is None else self.headers[index],
                offset=None if lay is None else lay.offset,
                origin=origin,
                original_coordinates=lay,
                source_partition=None if source is None else source.source_partition,
                source_offset=None if source is None else source.source_offset,
            )

    def _origin(self, index: int) -> tuple[Coordinates | None, Coordinates | None, Record | None]:
        position = self.positions[index]
        if isinstance(self.origin, Polled):
            read = Coordinates(self.origin.topic, self.origin.partition, self.origin.offsets[position])
            return read, self.origin.original_coordinates(position), None
        return None, None, self.origin[position]


class LazyRecords(Sequence[Record]):
    """``count`` records that are built only when somebody looks at one: ``build`` makes the record at an index.

    A source that hands over whole batches gives these as the records they came from.
    """

    def __init__(self, count: int, build: Callable[[int], Record]) -> None:
        self._indices = range(count)
        self._build = build

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | Sequence[Record]:
        found = self._indices[index]
        return self._build(found) if isinstance(found, int) else [self._build(each) for each in found]

    def __iter__(self) -> Iterator[Record]:
        return map(self._build, self._indices)


def _taken(headers: Sequence[Headers] | None, indices: Sequence[int]) -> Sequence[Headers] | None:
    if headers is None:
        return None
    return headers.take(indices) if isinstance(headers, Late) else Repeated.of(headers).take(indices)


def batches(records: Sequence[Record], origin: "Polled | Sequence[Record]", positions: Sequence[int]) -> list[Batch]:
    """Single records gathered into batches: one for each topic, partition and pair of schemas, in order of appearance.

    ``positions`` are the records' places in ``origin``, one a record.
    """
    found: list[tuple[Record, list[int]]] = []
    by_identity: dict[tuple[str, int | None, int, int], list[int]] = {}
    by_schemas: dict[tuple[str, int | None, Schema | None, Schema | None], list[int]] = {}
    for index, record in enumerate(records):
        # Schemas are compared in full only when an object is met first: records mostly share theirs.
        identity = record.topic, record.partition, id(record.key_schema), id(record.value_schema)
        members = by_identity.get(identity)
        if members is None:
            same = record.topic, record.partition, record.key_schema, record.value_schema
            members = by_schemas.get(same)
            if members is None:
                members = by_schemas[same] = []
                found.append((record, members))
            by_identity[identity] = members
        members.append(index)
    return [
        _batch([records[index] for index in members], origin, [positions[index] for index in members])
        for _, members in found
    ]


def in_order(given: Sequence[Batch]) -> list[Batch]:
    """Batches cut so that records of one origin follow one another by position, each piece as long as can be."""
    if len(given) < 2:
        return list(given)
    return [piece for _, same in groupby(given, lambda batch: id(batch.origin)) for piece in _by_position(list(same))]


def _by_position(given: Sequence[Batch]) -> Sequence[Batch]:
    if all(one.positions[-1] < other.positions[0] for one, other in pairwise(given)):
        return given
    return [given[number].slice(start, stop) for number, start, stop in interleaved([each.positions for each in given])]


def interleaved(given: Sequence[Sequence[int]]) -> Iterator[tuple[int, int, int]]:
    """Lists of ascending positions, cut so that the pieces make one: the number of the list, start and stop in it."""
    places = sorted((position, number, at) for number, each in enumerate(given) for at, position in enumerate(each))
    for number, run in groupby(places, itemgetter(1)):
        members = list(run)
        yield number, members[0][2], members[-1][2] + 1


def _batch(records: Sequence[Record], origin: "Polled | Sequence[Record]", positions: Sequence[int]) -> Batch:
    first = records[0]
    return Batch(
        topic=first.topic,
        partition=first.partition,
        key=Rows(first.key_schema, [record.key for record in records]),
        value=Rows(first.value_schema, [record.value for record in records]),
        timestamps=[record.timestamp for record in records],
        headers=[record.headers for record in records] if any(record.headers for record in records) else None,
        origin=origin,
        positions=positions,
    )
