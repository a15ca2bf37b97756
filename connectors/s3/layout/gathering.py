"""What was polled together, as few batches as the files allow, in order.

A poll comes as one batch for each pair of schemas, whose records lie between one another. Files hold records in the
order of their offsets, and a change of the value's schema may end a file, so batches are cut along these. But where no
file holds keys, their schemas do not matter, and null values that are left out cut nothing.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from ferryman.record import Batch, Columns, Data, Rows, in_order
from ferryman.schema import Schema


def gathered(batches: Sequence[Batch]) -> list[Batch]:
    """Batches of one partition, in order; those that only differ in their keys put together, without the keys."""
    groups: dict[tuple[str, Schema | None, bool], list[Batch]] = {}
    for batch in batches:
        kind = batch.topic, batch.value.schema, isinstance(batch.value, Columns)
        groups.setdefault(kind, []).append(batch)
    return in_order([_together(same) for same in groups.values()])


def without_nulls(batches: Sequence[Batch]) -> list[Batch]:
    """The batches but those of null values alone."""
    return [batch for batch in batches if isinstance(batch.value, Columns) or any(map(_there, batch.value.values))]


def _there(value: object) -> bool:
    return value is not None


def _together(batches: Sequence[Batch]) -> Batch:
    if len(batches) == 1:
        return batches[0]
    positions = [position for batch in batches for position in batch.positions]
    order = sorted(range(len(positions)), key=positions.__getitem__)
    timestamps = [at for batch in batches for at in batch.timestamps]
    headers = [each for batch in batches for each in batch.headers or [()] * len(batch)]
    return replace(
        batches[0],
        key=Rows(None, [None] * len(order)),
        value=_joined([batch.value for batch in batches]).take(order),
        timestamps=[timestamps[at] for at in order],
        headers=[headers[at] for at in order] if any(headers) else None,
        positions=[positions[at] for at in order],
    )


def _joined(values: Sequence[Data]) -> Data:
    if isinstance(values[0], Columns):
        return Columns(values[0].schema, pl.concat([value.frame for value in values if isinstance(value, Columns)]))
    return Rows(values[0].schema, [each for value in values for each in value.rows().values])
