"""What was polled together, as few batches as the files allow, in order.

A poll comes as one batch for each pair of schemas, whose records lie between one another. Files hold records in the
order of their offsets, and a change of the value's schema may end a file, so batches are cut along these. But where no
file holds keys, their schemas do not matter, and null values that are left out cut nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

from ferryman.joining import as_one
from ferryman.record import Batch, Data, Maps, Rows
from ferryman.schema import Schema

_MOST_MAPS_PER_ROW = 100
"""So many times as many maps as rows: to cut them where the rows lie costs less than to make rows of them."""


def merged_batches(batches: Sequence[Batch]) -> list[Batch]:
    """Batches of one partition, those that only differ in their keys put together, without the keys. Their records may
    lie between one another (``in_order`` cuts them).

    Maps that interleave with others become rows, unless these are few.
    """
    groups: dict[tuple[str, Schema | None, type[Data]], list[Batch]] = {}
    apart = _maps_apart([batch.value for batch in batches if batch.value.schema is None])
    for batch in batches:
        form = Rows if isinstance(batch.value, Maps) and not apart else type(batch.value)
        groups.setdefault((batch.topic, batch.value.schema, form), []).append(batch)
    return [concatenated(same) for same in groups.values()]


def _maps_apart(values: Sequence[Data]) -> bool:
    """Whether maps among values without a schema stay what they are: they have one shape, and the others are few."""
    maps = [each for each in values if isinstance(each, Maps)]
    others = sum(len(each) for each in values if isinstance(each, Rows))
    return others * _MOST_MAPS_PER_ROW < sum(map(len, maps)) and _are_alike(maps)


def _are_alike(maps: Sequence[Maps]) -> bool:
    return all(each.frame.schema == maps[0].frame.schema for each in maps)


def without_nulls(batches: Sequence[Batch]) -> list[Batch]:
    """The batches but those of null values alone."""
    return [batch for batch in batches if not isinstance(batch.value, Rows) or any(map(_there, batch.value.values))]


def _there(value: object) -> bool:
    return value is not None


def concatenated(batches: Sequence[Batch]) -> Batch:
    """Batches of one partition and of one schema and form as one, in order, without keys. Maps of several shapes become
    rows."""
    if len(batches) == 1:
        return batches[0]
    maps = [batch.value for batch in batches if isinstance(batch.value, Maps)]
    as_rows = bool(maps) and (len(maps) < len(batches) or not _are_alike(maps))
    return as_one([_keyless(batch, batch.value.rows() if as_rows else batch.value) for batch in batches])


def _keyless(batch: Batch, value: Data) -> Batch:
    return replace(batch, key=Rows(None, [None] * len(batch)), value=value)
