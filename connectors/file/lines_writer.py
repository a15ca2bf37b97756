"""The lines of a batch: each value's text in Java's form. Columns, and maps that have the same keys, are written column
by column."""

from collections.abc import Sequence
from itertools import chain, groupby, pairwise
from operator import itemgetter
from typing import Any

import orjson
import polars as pl

from ferryman.data import values_of
from ferryman.formats.json.nested_columns import cut
from ferryman.formats.json.text import plain
from ferryman.java.texts import renderer, text
from ferryman.record import Batch, Columns, Data, Maps
from ferryman.schema import Schema, Type

_END = "\n"
_JSON_IS_JAVA = frozenset({int, bool, type(None)})
"""Classes whose text is the same in JSON."""
_MOST_PLACES = 6
"""Digits behind the point of a decimal that is never written with an exponent."""


def lines_in_order(batches: Sequence[Batch]) -> bytes:
    """The lines of what was polled together, each partition's in the order of its offsets."""
    if len(batches) == 1:
        return lines(batches[0].value)
    same_origin = (list(same) for _, same in groupby(batches, lambda batch: id(batch.origin)))
    return b"".join(_in_order(same) for same in same_origin)


def _in_order(batches: Sequence[Batch]) -> bytes:
    if all(one.positions[-1] < other.positions[0] for one, other in pairwise(batches)):
        return b"".join(lines(batch.value) for batch in batches)
    found = [each for batch in batches for each in zip(batch.positions, _texts(batch.value), strict=True)]
    found.sort(key=itemgetter(0))
    return "".join(f"{line}\n" for _, line in found).encode("utf-8", "replace")


def lines(data: Data) -> bytes:
    """A line for each value. A null is ``null``; what UTF-8 cannot encode is ``?``, as in Java."""
    if isinstance(data, Maps | Columns):
        return f"{_column_wise(data).str.join(_END).item()}\n".encode()
    rows = data.rows()
    found = _maps(rows.values) if rows.schema is None else None
    if found is None:
        found = _END.join(_texts(rows)) + "\n"
    return found.encode("utf-8", "replace")


def _column_wise(data: Maps | Columns) -> pl.Series:
    return frame_texts(data.frame) if isinstance(data, Maps) else struct_texts(data.frame, data.schema)


def struct_texts(frame: pl.DataFrame, schema: Schema) -> pl.Series:
    """The text of each struct: its fields that are not null."""
    fields = [
        pl.lit(f"{field.name}=") + _field_texts(frame.get_column(field.name), field.schema)
        for field in schema.fields
        if frame.get_column(field.name).null_count() < frame.height
    ]
    inside = pl.concat_str(fields, separator=",", ignore_nulls=True) if fields else pl.lit("")
    every = frame.select(pl.concat_str(pl.lit("Struct{"), inside, pl.lit("}")).alias("text")).to_series()
    return every if fields else every.new_from_index(0, frame.height)


def _field_texts(column: pl.Series, schema: Schema) -> pl.Series:
    """The texts of a field's values; null where that is null."""
    match column.dtype:
        case pl.Struct() if schema.type is Type.STRUCT:
            found = struct_texts(column.struct.unnest(), schema)
            nulls = column.is_null()
            return found.set(nulls, None) if nulls.any() else found
        case pl.Datetime():
            return column.dt.replace_time_zone(None).dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        case pl.Decimal() if 0 <= schema.scale <= _MOST_PLACES:
            return column.cast(pl.String)
        case pl.Float64() if _is_plain(column):
            return column.cast(pl.String)
        case dtype if dtype.is_integer() or dtype in (pl.String, pl.Boolean, pl.Date):
            return column.cast(pl.String)
    render = renderer(schema)
    texts = [None if value is None else render(value) for value in values_of(column, schema)]
    return pl.Series(texts, dtype=pl.String)


def frame_texts(frame: pl.DataFrame) -> pl.Series:
    """The text of each map."""
    parts: list[pl.Series | pl.Expr] = []
    for place, column in enumerate(frame.iter_columns()):
        parts += [pl.lit(f"{', ' if place else '{'}{column.name}="), _column_texts(column)]
    return frame.select(pl.concat_str([*parts, pl.lit("}")]).alias("text")).to_series()


def _column_texts(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Struct):
        found = frame_texts(column.struct.unnest())
        return found.set(column.is_null(), "null") if column.null_count() else found
    if isinstance(column.dtype, pl.List):
        return _list_texts(column)
    if column.dtype == pl.Float64 and not _is_plain(column):
        return pl.Series(list(map(text, column.to_list())), dtype=pl.String)
    found = column.cast(pl.String)
    return found.fill_null("null") if found.null_count() else found


def _list_texts(column: pl.Series) -> pl.Series:
    sizes = column.list.len()
    items = cut(_column_texts(column.filter(sizes > 0).explode()), sizes.fill_null(0))
    texts = items.list.join(", ").alias("items").to_frame()
    found = texts.select(pl.concat_str(pl.lit("["), "items", pl.lit("]"))).to_series()
    return found.set(column.is_null(), "null") if column.null_count() else found


def _is_plain(floats: pl.Series) -> bool:
    """Whether polars writes them as Java does."""
    size = floats.abs()
    return bool(((size >= 1e-3) & (size < 1e7) | (size == 0)).all())


def _texts(data: Data) -> Sequence[str]:
    if isinstance(data, Maps | Columns):
        return _column_wise(data).to_list()
    rows = data.rows()
    if set(map(type, rows.values)) == {str}:
        return rows.values
    return list(map(renderer(rows.schema), rows.values))


def _maps(values: Sequence[Any]) -> str | None:
    """The lines of maps with the same texts as keys in the same order; None for any others."""
    if set(map(type, values)) != {dict}:
        return None
    shapes = set(map(tuple, values))
    keys = shapes.pop()
    if shapes or set(map(type, keys)) != {str}:
        return None
    count, width = len(values), len(keys)
    items = list(chain.from_iterable(map(dict.values, values)))
    pieces = [""] * (2 * width * count)
    for place, key in enumerate(keys):
        before = "}\n{" if place == 0 else ", "
        pieces[2 * place :: 2 * width] = [f"{before}{key}="] * count
        pieces[2 * place + 1 :: 2 * width] = _column(items[place::width])
    pieces[0] = pieces[0].removeprefix("}\n")
    return "".join(pieces) + "}\n"


def _column(values: list[Any]) -> Sequence[str]:
    """The texts of one key's values."""
    found = set(map(type, values))
    if found == {str}:
        return values
    if found <= _JSON_IS_JAVA or (found == {float} and all(map(plain, values))):
        try:
            return orjson.dumps(values).decode()[1:-1].split(",")
        except orjson.JSONEncodeError:
            pass  # An integer beyond 64 bits.
    return [value if value.__class__ is str else text(value) for value in values]
