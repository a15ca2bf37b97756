"""Columns of what is parsed from JSON, at any depth: structs, lists and maps of others, down to plain values.

Each column is made of the values that are not null, and spread over the places of all; a list or map is one column of
all elements, cut into lists. So whatever is nested costs a few columns, not a few objects for each record.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import replace
from functools import lru_cache
from itertools import accumulate, chain, count, islice
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import orjson
import polars as pl

from ferryman.formats import eager
from ferryman.formats.json import typed_objects
from ferryman.formats.json.exact_numbers import printed
from ferryman.formats.json.payload import writer
from ferryman.formats.json.plain_columns import DOUBTS, LOGICAL, plain
from ferryman.formats.polars_types import dtype
from ferryman.schema import Schema, Type

Odd = Set[int]
"""The places of values that leave a doubt, or hold one that does. What their columns have there means nothing."""
_NONE: Odd = frozenset()


class How(NamedTuple):
    """How values are read."""

    replace: bool
    """Whether a null is read as its field's default."""
    checked: bool
    """Whether plain values are known to be of their field's type, and what is nested too."""


class Read(NamedTuple):
    """A column of values."""

    column: pl.Series
    odd: Odd


def members(schema: Schema, objects: Sequence[Any], how: How) -> tuple[pl.DataFrame, Odd]:
    """The members of structs, of which there is at least one and none is null. Raises one of DOUBTS if no column can
    be made of them."""
    found, odd = list[pl.Series](), set[int]()
    for place, field in enumerate(schema.fields):
        column, guilty = _column(field.schema, _values(objects, place, field.name), how)
        found.append(column.alias(field.name))
        odd |= guilty
    return pl.DataFrame(found), odd


def _values(objects: Sequence[Any], place: int, name: str) -> list[Any]:
    if isinstance(objects[0], msgspec.Struct):
        return typed_objects.values(objects, place)
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [each.get(name) for each in objects]


def _column(schema: Schema, values: Sequence[Any], how: How) -> Read:
    if schema.name not in LOGICAL and schema.type in _NESTED:
        return _nested(schema, values, how)
    found = Read(*plain(schema, values, how.checked))
    if not found.column.null_count():
        return found
    if schema.default is not None and how.replace:
        return Read(eager.filled(found.column, schema.default), found.odd)
    if not schema.optional:
        return Read(found.column, found.odd | set(found.column.is_null().arg_true()))
    return found


def _nested(schema: Schema, values: Sequence[Any], how: How) -> Read:
    """Structs, lists or maps."""
    if how.checked:
        there = [value for value in values if value is not None]
        odd = _NONE
    else:
        fits = _FITS[schema.type](schema)
        odd = {at for at, value in enumerate(values) if value is not None and not fits(value)}
        values = [None if at in odd else value for at, value in enumerate(values)] if odd else values
        there = [value for value in values if value is not None]
    if len(there) == len(values) and there:
        return _NESTED[schema.type](schema, there, how)
    is_filled = schema.default is not None and how.replace
    absent = _default(schema) if is_filled else _null(schema)
    if absent is None or not (is_filled or schema.optional):
        odd = odd | {at for at, value in enumerate(values) if value is None}
        absent = _null(schema)
    if not there:
        return Read(absent.new_from_index(0, len(values)), odd)
    inner, guilty = _NESTED[schema.type](schema, there, how)
    if guilty:
        places = [at for at, value in enumerate(values) if value is not None]
        odd = odd | {places[at] for at in guilty}
    return Read(spread(inner, values, absent if is_filled else None), odd)


def spread(there: pl.Series, values: Sequence[Any], absent: pl.Series | None = None) -> pl.Series:
    """What is there at its places among all values, and at the others null, or else the value of ``absent``."""
    number, place = count(), None if absent is None else len(there)
    places = pl.Series([place if value is None else next(number) for value in values], dtype=pl.UInt32)
    return (there if absent is None else pl.concat([there, absent], rechunk=True))[places]


@lru_cache(maxsize=1000)
def _null(schema: Schema) -> pl.Series:
    return pl.Series([None], dtype=dtype(schema))


@lru_cache(maxsize=1000)
def _default(schema: Schema) -> pl.Series | None:
    """A column of the default alone; None if the rows must put it in, such as one with a null where none may be."""
    try:
        written = printed(writer(schema, replace_null_with_default=False)(schema.default))
        found, odd = _column(replace(schema, default=None), [orjson.loads(written)], How(replace=False, checked=False))
    except (*DOUBTS, orjson.JSONEncodeError):
        return None
    return None if odd else found


def _structs(schema: Schema, objects: Sequence[Any], how: How) -> Read:
    frame, odd = members(schema, objects, how)
    return Read(frame.to_struct(), odd)


def _arrays(schema: Schema, lists: Sequence[Sequence[Any]], how: How) -> Read:
    assert schema.values is not None
    items, guilty = _column(schema.values, list(chain.from_iterable(lists)), how)
    sizes = list(map(len, lists))
    return Read(cut(items, pl.Series(sizes, dtype=pl.Int64)), owners(sizes, guilty))


def _maps(schema: Schema, found: Sequence[Any], how: How) -> Read:
    assert schema.keys is not None
    assert schema.values is not None
    sizes = list(map(len, found))
    odd = _NONE
    if schema.keys.type is Type.STRING:
        # A member's name is the key, whatever the schema says of null.
        names = pl.Series(list(chain.from_iterable(found)), dtype=pl.String)
        values = list(chain.from_iterable([each.values() for each in found]))
    else:
        pairs = list(chain.from_iterable(found))
        names, guilty = _column(schema.keys, [pair[0] for pair in pairs], how)
        values = [pair[1] for pair in pairs]
        odd = {*owners(sizes, guilty), *_with_a_key_twice(names, sizes)}
    items, guilty = _column(schema.values, values, how)
    entries = pl.DataFrame([names.alias("key"), items.alias("value")]).to_struct()
    return Read(cut(entries, pl.Series(sizes, dtype=pl.Int64)), odd | owners(sizes, guilty))


def _with_a_key_twice(names: pl.Series, sizes: Sequence[int]) -> Iterator[int]:
    """The places of maps with two pairs of one key, of which the last is the map's. Two spellings may be one key."""
    keys = iter(names.to_list())
    for at, size in enumerate(sizes):
        if len(set(islice(keys, size))) < size:
            yield at


def cut(items: pl.Series, sizes: pl.Series) -> pl.Series:
    """Lists of so many items each, one after the other.

    The lists are made of numbers, in the place of which the items are put, all at once.
    """
    if not len(items):
        return pl.Series([[]], dtype=pl.List(items.dtype)).new_from_index(0, len(sizes))
    numbers = pl.int_ranges(0, sizes.cast(pl.Int64), eager=True).alias("x").to_frame()
    put = pl.element().map_batches(lambda _: items, return_dtype=items.dtype, is_elementwise=True)
    return numbers.select(pl.col("x").list.eval(put)).to_series()


def owners(sizes: Sequence[int], items: Odd) -> Odd:
    """The places of the lists that hold these items."""
    if not items:
        return _NONE
    found, stops = set[int](), list(accumulate(sizes))
    at = 0
    for item in sorted(items):
        while stops[at] <= item:
            at += 1
        found.add(at)
    return found


def _is_object(schema: Schema) -> Callable[[Any], bool]:
    return lambda value: value.__class__ is dict


def _is_list(schema: Schema) -> Callable[[Any], bool]:
    return lambda value: value.__class__ is list


def _is_map(schema: Schema) -> Callable[[Any], bool]:
    assert schema.keys is not None
    return _is_object(schema) if schema.keys.type is Type.STRING else _is_pairs


def _is_pairs(value: Any) -> bool:
    return value.__class__ is list and all(
        pair.__class__ is list and len(pair) == 2 and pair[0].__class__ not in (list, dict) for pair in value
    )


_NESTED: Mapping[Type, Callable[[Schema, Sequence[Any], How], Read]] = {
    Type.STRUCT: _structs,
    Type.ARRAY: _arrays,
    Type.MAP: _maps,
}
_FITS: Mapping[Type, Callable[[Schema], Callable[[Any], bool]]] = {
    Type.STRUCT: _is_object,
    Type.ARRAY: _is_list,
    Type.MAP: _is_map,
}
