"""Records of several schemas by turns, in stretches that one file takes by one schema: each is written as one batch.

Where files take records of other schemas than their own (schema.compatibility), a poll with two schemas by turns would
else be cut at every record. All records of a schema are read by the file's at once, and put in order afterwards.
"""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from ferryman.connectors.s3.commit.schema_change import projected
from ferryman.connectors.s3.layout.gathering import concatenated
from ferryman.record import Batch, Columns
from ferryman.schema import Schema


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Batches of one partition and of several schemas, whose records lie between one another."""

    groups: Sequence[Batch]
    """One for each schema, none of whose values is null."""
    members: Sequence[int]
    """The number of the group of each record, in the order of the poll."""
    places: Sequence[Sequence[int]]
    """For each group, where its records stand among all."""
    _projected: dict[tuple[int, int], Batch] = field(default_factory=dict)
    """The groups by other schemas, by number and the schema's identity."""

    @classmethod
    def of(cls, groups: Sequence[Batch]) -> "Interleaved":
        """The records of these groups."""
        order = sorted((position, number) for number, group in enumerate(groups) for position in group.positions)
        members = [number for _, number in order]
        places: list[list[int]] = [[] for _ in groups]
        for place, number in enumerate(members):
            places[number].append(place)
        return cls(groups, members, places)

    def __len__(self) -> int:
        return len(self.members)

    def schema(self, place: int) -> Schema | None:
        """The schema of the record there."""
        return self.groups[self.members[place]].value.schema

    def until(self, start: int, others: Collection[int]) -> int:
        """Where the first record of one of these groups stands from there on; the number of all if none does."""
        firsts = ((places, bisect_left(places, start)) for places in (self.places[number] for number in others))
        return min((places[at] for places, at in firsts if at < len(places)), default=len(self))

    def batch(self, start: int, stop: int, schema: Schema | None) -> Batch:
        """The records from one place up to another, by one schema. Raises DataError if some cannot be read by it."""
        parts = []
        for number, places in enumerate(self.places):
            first, last = bisect_left(places, start), bisect_left(places, stop)
            if first < last:
                parts.append(self._by(number, schema).slice(first, last))
        if any(not isinstance(part.value, Columns) for part in parts):
            parts = [replace(part, value=part.value.rows()) for part in parts]
        return concatenated(parts)

    def _by(self, number: int, schema: Schema | None) -> Batch:
        found = self._projected.get((number, id(schema)))
        if found is None:
            found = self._projected[number, id(schema)] = projected(self.groups[number], schema)
        return found
