"""JSON objects to columns, for struct schemas that polars can hold.

Every value's class is checked before polars sees it, so nothing is coerced: mostly as it is parsed, or else afterwards
in plain dicts. Objects with a value that leaves a doubt are told apart, and the caller reads them by rows, whose
results and errors are the right ones.
"""

from base64 import b64decode
from binascii import a2b_base64
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import msgspec
import orjson
import polars as pl

from ferryman.errors import SchemaMismatch
from ferryman.formats.halving import unfit
from ferryman.formats.json import typed_objects
from ferryman.java.decimals import from_unscaled
from ferryman.record import Columns
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

Column = Callable[[Sequence[Any]], pl.Series]

PLAIN: Mapping[Type, tuple[pl.DataType, frozenset[type]]] = {
    Type.INT8: (pl.Int8(), frozenset({int})),
    Type.INT16: (pl.Int16(), frozenset({int})),
    Type.INT32: (pl.Int32(), frozenset({int})),
    Type.INT64: (pl.Int64(), frozenset({int})),
    Type.FLOAT32: (pl.Float32(), frozenset({float, int})),
    Type.FLOAT64: (pl.Float64(), frozenset({float, int})),
    Type.BOOLEAN: (pl.Boolean(), frozenset({bool})),
    Type.STRING: (pl.String(), frozenset({str})),
}
_DAY = 86_400_000
_MOST_DIGITS = 38
_MOST_BYTES = 15
"""Any number of so many bytes has no more digits than that."""
_LONG_SCALE = 18
"""Up to here a 64-bit number times ten to the scale has no more digits either, so polars can shift it."""
_TRIES, _PER_TRY = 50, 5
"""How often a column is tried to find what does not fit: a try costs about what five rows cost."""
_PLACE = "\0place"
# The rows' datetimes end with these years; a frame could hold more, and then the two forms would differ.
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999


class _How(NamedTuple):
    """How values are read."""

    replace: bool
    """Whether a null is read as its field's default."""
    checked: bool
    """Whether plain values are known to be of their field's type."""


class _Doubt(Exception):
    """A value that columns might read otherwise than rows; it is left to the rows."""


_DOUBTS = (_Doubt, KeyError, OverflowError, TypeError, ValueError, pl.exceptions.PolarsError)


def reason(schema: Schema | None) -> str | None:
    """Why payloads of a schema cannot become columns; None if they can."""
    if schema is None or schema.type is not Type.STRUCT:
        return "the value is not a struct"
    if not schema.fields:
        return "the struct has no fields"
    return next((why for field in schema.fields if (why := _field_reason(field.schema, field.name))), None)


def _field_reason(schema: Schema, name: str) -> str | None:
    if schema.type is Type.STRUCT:
        return f"field {name} is an optional struct" if schema.optional else reason(schema)
    if schema.type is Type.ARRAY:
        items = schema.values
        simple = items is not None and items.type in PLAIN and items.name is None and items.default is None
        return None if simple else f"field {name} is an array of other than plain values"
    if schema.type is Type.MAP:
        return f"field {name} is a map"
    return _decimal_reason(schema, name) if schema.name == DECIMAL else None


def _decimal_reason(schema: Schema, name: str) -> str | None:
    try:
        return None if 0 <= schema.scale <= 38 else f"field {name} is a Decimal of scale {schema.scale}"
    except SchemaMismatch:
        return f"field {name} is a Decimal without a scale"


def columns(
    schema: Schema, bodies: Sequence[bytes], replace_null_with_default: bool = True
) -> tuple[Columns | None, Sequence[int]]:
    """JSON objects as columns of a schema without ``reason``, and the places of those that are not plainly of it.

    The columns are of all others; None if there are none.
    """
    objects, others = typed_objects.typed(typed_objects.of_schema(schema), bodies)
    found, odd = _frame(schema, objects, replace_null_with_default)
    if not others:
        return _columns(schema, found), odd
    left_out = set(others)
    places = [at for at in range(len(bodies)) if at not in left_out] if objects else []
    rest, rest_odd = _plain(schema, [bodies[at] for at in others], replace_null_with_default)
    odd = sorted([*(places[at] for at in odd), *(others[at] for at in rest_odd)])
    if found is None or rest is None:
        return _columns(schema, rest if found is None else found), odd
    odd_ones = set(odd)
    order = [at for at in (*places, *others) if at not in odd_ones]
    merged = pl.concat([found, rest]).with_columns(pl.Series(_PLACE, order, dtype=pl.UInt32))
    return _columns(schema, merged.sort(_PLACE).drop(_PLACE)), odd


def _columns(schema: Schema, frame: pl.DataFrame | None) -> Columns | None:
    return None if frame is None else Columns(schema, frame)


def _plain(schema: Schema, bodies: Sequence[bytes], replace: bool) -> tuple[pl.DataFrame | None, Sequence[int]]:
    """The frame of bodies that are parsed into dicts, and the places of those that have a doubt."""
    objects, places = list[dict[str, Any]](), list[int]()
    for at, body in enumerate(bodies):
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            continue
        if value.__class__ is dict:
            objects.append(value)
            places.append(at)
    found, odd = _frame(schema, objects, replace)
    return found, sorted({*range(len(bodies))} - {*places} | {places[at] for at in odd})


def _frame(schema: Schema, objects: Sequence[Any], replace: bool) -> tuple[pl.DataFrame | None, Sequence[int]]:
    """The frame of all objects but the odd ones, None if it has no rows; and where these stand."""
    if not objects:
        return None, ()
    try:
        found, odd = _fields(schema, objects, _How(replace, isinstance(objects[0], msgspec.Struct)))
    except _DOUBTS:
        return None, range(len(objects))
    return (None if len(odd) == len(objects) else pl.DataFrame(found)), sorted(odd)


def _fields(schema: Schema, objects: Sequence[Any], how: _How) -> tuple[list[pl.Series], set[int]]:
    """The columns of all objects but the odd ones, and where these stand."""
    columns: list[pl.Series | Sequence[Any]] = []
    odd: set[int] = set()
    for place, field in enumerate(schema.fields):
        values = _values(objects, place, field.name)
        try:
            columns.append(_filled(field.schema, values, how).alias(field.name))
        except _DOUBTS:
            odd.update(_guilty(field.schema, values, how))
            columns.append(values)
    if not odd:
        return [column for column in columns if isinstance(column, pl.Series)], odd
    good = [at for at in range(len(objects)) if at not in odd]
    mask = pl.Series(good, dtype=pl.UInt32)
    return [
        column.gather(mask)
        if isinstance(column, pl.Series)
        else _filled(field.schema, [column[at] for at in good], how).alias(field.name)
        for field, column in zip(schema.fields, columns, strict=True)
        if good
    ], odd


def _guilty(schema: Schema, values: Sequence[Any], how: _How) -> Iterator[int]:
    """What does not fit: by its class, which is seen at once, or else by halving, as long as that is faster than to
    read all by rows."""
    classes = _classes(schema)
    places = [at for at, value in enumerate(values) if classes is None or value.__class__ in classes]
    yield from set(range(len(values))) - set(places)

    def fits(start: int, stop: int) -> bool:
        try:
            _filled(schema, [values[at] for at in places[start:stop]], how)
        except _DOUBTS:
            return False
        return True

    if not fits(0, len(places)):
        yield from (places[at] for at in unfit(len(places), fits, tries=len(places) // _PER_TRY + _TRIES))


def _classes(schema: Schema) -> Container[type] | None:
    """What the values of a plain or logical type are in JSON; None for other types."""
    if schema.name == DECIMAL or (schema.type is Type.BYTES and schema.name is None):
        return (str, type(None))
    if schema.type in PLAIN:
        return PLAIN[schema.type][1] | {type(None)}
    return None


def _structs(schema: Schema, objects: Sequence[Any], how: _How) -> pl.Series:
    if len(set(map(type, objects))) != 1 or not isinstance(objects[0], dict | msgspec.Struct):
        raise _Doubt
    return pl.DataFrame(
        [
            _filled(field.schema, _values(objects, place, field.name), how).alias(field.name)
            for place, field in enumerate(schema.fields)
        ]
    ).to_struct()


def _values(objects: Sequence[Any], place: int, name: str) -> list[Any]:
    if isinstance(objects[0], msgspec.Struct):
        return typed_objects.values(objects, place)
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [each.get(name) for each in objects]


def _filled(schema: Schema, values: Sequence[Any], how: _How) -> pl.Series:
    if schema.type is Type.STRUCT:
        return _structs(schema, values, how)
    found = _column(schema, how.checked)(values)
    if not found.null_count():
        return found
    if schema.default is not None and how.replace:
        return _with_default(found, schema.default)
    if not schema.optional:
        raise _Doubt
    return found


def _with_default(found: pl.Series, default: Any) -> pl.Series:
    filled = found.to_frame("x").select(pl.col("x").fill_null(pl.lit(default, dtype=found.dtype)))
    return filled.to_series()


@lru_cache(maxsize=4000)
def _column(schema: Schema, checked: bool) -> Column:
    if schema.name in _LOGICAL:
        return _LOGICAL[schema.name](schema)
    if schema.type is Type.ARRAY:
        return _array(schema)
    if schema.type is Type.BYTES:
        return _bytes
    dtype, classes = PLAIN[schema.type]
    return _scalar(dtype) if checked else _checked(dtype, classes | {type(None)})


def _scalar(dtype: pl.DataType) -> Column:
    wide = pl.Float64() if dtype.is_float() else dtype

    def column(values: Sequence[Any]) -> pl.Series:
        series = pl.Series(values, dtype=wide)
        return series if dtype == wide else series.cast(dtype)

    return column


def _checked(dtype: pl.DataType, allowed: frozenset[type]) -> Column:
    scalar = _scalar(dtype)

    def column(values: Sequence[Any]) -> pl.Series:
        found = set(map(type, values))
        if not found <= allowed:
            raise _Doubt
        if float in found and int in found:
            return scalar([None if value is None else float(value) for value in values])
        return scalar(values)

    return column


def _bytes(values: Sequence[Any]) -> pl.Series:
    decoded = [None if value is None else b64decode(value, validate=True) for value in values]
    return pl.Series(decoded, dtype=pl.Binary())


def _decimal(schema: Schema) -> Column:
    dtype = pl.Decimal(_MOST_DIGITS, schema.scale)
    unit = pl.Series([Decimal(1).scaleb(-schema.scale)], dtype=dtype)

    def column(values: Sequence[Any]) -> pl.Series:
        if schema.scale <= _LONG_SCALE and (small := _numbers(values)) is not None:
            return small.cast(dtype) * unit
        raw = [None if value is None else a2b_base64(value, strict_mode=True) for value in values]
        longest = max((len(item) for item in raw if item is not None), default=0)
        if longest > _MOST_BYTES:
            raise _Doubt
        numbers = [None if item is None else int.from_bytes(item, "big", signed=True) for item in raw]
        if longest <= 8 and schema.scale <= _LONG_SCALE:
            return pl.Series(numbers, dtype=pl.Int64()).cast(dtype) * unit
        return pl.Series(
            [None if number is None else from_unscaled(number, schema.scale) for number in numbers], dtype=dtype
        )

    return column


_FULL = pl.Series([1 << 8 * size for size in range(8)], dtype=pl.Int64())


def _numbers(texts: Sequence[Any]) -> pl.Series | None:
    """Numbers of one to seven bytes in base64; None where there is anything else."""
    try:
        raw = pl.Series(texts, dtype=pl.String()).str.decode("base64")
        sizes = raw.bin.size()
        if not sizes.is_between(1, 7).all():
            return None
        found = raw.bin.encode("hex").str.to_integer(base=16)
    except (TypeError, pl.exceptions.PolarsError):
        return None
    full = _FULL.gather(sizes)
    return found - full.set(found < full // 2, 0)


def _integers(dtype: pl.DataType, low: int, high: int, cast: Callable[[pl.Series], pl.Series]) -> Column:
    scalar = _checked(dtype, frozenset({int, type(None)}))

    def column(values: Sequence[Any]) -> pl.Series:
        series = scalar(values)
        if not series.is_between(low, high).all():
            raise _Doubt
        return cast(series)

    return column


_LOGICAL: Mapping[str | None, Callable[[Schema], Column]] = {
    DECIMAL: _decimal,
    DATE: lambda schema: _integers(pl.Int32(), _FIRST // _DAY, _LAST // _DAY, lambda days: days.cast(pl.Date())),
    TIME: lambda schema: _integers(
        pl.Int32(), 0, _DAY - 1, lambda ms: (ms.cast(pl.Int64()) * 1_000_000).cast(pl.Time())
    ),
    TIMESTAMP: lambda schema: _integers(pl.Int64(), _FIRST, _LAST, lambda ms: ms.cast(pl.Datetime("ms", "UTC"))),
}


def _array(schema: Schema) -> Column:
    assert schema.values is not None
    dtype, classes = PLAIN[schema.values.type]
    allowed = classes | {type(None)} if schema.values.optional else classes
    wide = pl.Float64() if dtype.is_float() else dtype

    def column(values: Sequence[Any]) -> pl.Series:
        if not set(map(type, values)) <= {list, type(None)}:
            raise _Doubt
        found = {type(item) for value in values if value is not None for item in value}
        if not found <= allowed or (float in found and int in found):
            raise _Doubt
        return pl.Series(values, dtype=pl.List(wide)).cast(pl.List(dtype))

    return column
