"""Batches of one poll whose records have come to share all that a batch shares, put together again."""

from collections.abc import Hashable, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, cast

from ferryman.data import Columns, Data, Maps, Rows, all_null
from ferryman.record import Batch, Headers, Polled
from ferryman.repeated import Late, Repeated, places_of

if TYPE_CHECKING:
    import polars as pl


def joined(given: Sequence[Batch]) -> list[Batch]:
    """One batch for all that share origin, topic, partition, schemas and form; nulls of a schema stay by themselves.

    The records of each are in the order of their positions, the batches in the order in which one is met first.
    """
    if len(given) < 2:
        return list(given)
    return [as_one([given[place] for place in places]) for places in places_of(map(_shared, given)).values()]


def _shared(batch: Batch) -> Hashable:
    # What is told of replayed letters is told by the partition that they lay in.
    is_replayed = isinstance(batch.origin, Polled) and batch.origin.originals is not None
    lay_in = batch.original_source if is_replayed else None
    is_null = isinstance(batch.value, Rows) and all_null(batch.value.values)
    return id(batch.origin), lay_in, batch.topic, batch.partition, _form(batch.key), _form(batch.value), is_null


def _form(data: Data) -> Hashable:
    dtypes = () if isinstance(data, Rows) else tuple(data.frame.schema.items())
    return type(data), data.schema, dtypes


def as_one(parts: Sequence[Batch]) -> Batch:
    """Batches that share all that ``joined`` asks for as one, in the order of their positions."""
    if len(parts) == 1:
        return parts[0]
    positions = list(chain.from_iterable(each.positions for each in parts))
    order = sorted(range(len(positions)), key=positions.__getitem__)
    times = list(chain.from_iterable(each.timestamps for each in parts))
    return replace(
        parts[0],
        key=_data([each.key for each in parts], order),
        value=_data([each.value for each in parts], order),
        timestamps=[times[at] for at in order],
        headers=_headers(parts, order),
        positions=[positions[at] for at in order],
    )


def _data(parts: Sequence[Data], order: Sequence[int]) -> Data:
    whole = _in_sequence(parts)
    return whole if all(one < other for one, other in pairwise(order)) else whole.take(order)


def _in_sequence(parts: Sequence[Data]) -> Data:
    first = parts[0]
    if isinstance(first, Rows):
        return Rows(first.schema, list(chain.from_iterable(each.values for each in cast(Sequence[Rows], parts))))
    frame = _frame([each.frame for each in cast(Sequence[Columns | Maps], parts)])
    return Columns(first.schema, frame) if isinstance(first, Columns) else Maps(frame)


def _frame(parts: "Sequence[pl.DataFrame]") -> "pl.DataFrame":
    import polars as pl

    return pl.concat(parts, rechunk=True)


def _headers(parts: Sequence[Batch], order: Sequence[int]) -> Sequence[Headers] | None:
    if all(each.headers is None for each in parts):
        return None
    late = [each.headers for each in parts if isinstance(each.headers, Late)]
    if len(late) == len(parts):
        return Late(list(chain.from_iterable(each.given for each in late)), late[0].make).take(order)
    distinct, numbers = list[Any](), list[int]()
    for part in parts:
        own = Repeated([()], [0] * len(part)) if part.headers is None else Repeated.of(part.headers)
        numbers += [len(distinct) + number for number in own.numbers]
        distinct += own.distinct
    return Repeated(distinct, numbers).take(order)
