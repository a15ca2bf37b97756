"""Avro messages to columns: many bodies joined behind one in-memory container header, decoded at once by polars.

Surplus or missing bytes in one message would shift all that follow, and the decoder would invent rows without an error.
So each body is followed by a marker that nobody outside can know (a random salt plus a running number), and the frame
counts only if every row has its own.

What the decoder is given is an Avro object container file of one block. The schema in its header has one field more
than the bodies, a long for the marker::

    Obj 01 │ 2 entries: avro.schema, avro.codec │ 00 │ sync          header, the same for all batches of a schema
    count │ size in bytes │ body 0 │ salt + 0 │ body 1 │ salt + 1 │ … │ sync          the block

If body 0 is two bytes too long, the decoder takes these for the beginning of a marker, and reads all that follows out
of step: row 0 does not have its marker. Bodies of a wrong length are found by a walk over all of them, which costs a
tenth of reading rows, and left out (``extents``); what else does not fit is found by halving, and goes by rows
with the few around it.

One damage is not seen: to polars any number of a union's branch but that of null is the other one, where rows refuse a
number that the union does not have.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from secrets import randbits
from typing import Any

import polars as pl

from ferryman.formats import eager
from ferryman.formats.avro import extents
from ferryman.formats.avro.schemas.schema_reader import Reading, symbols
from ferryman.formats.halving import unfit
from ferryman.formats.json.payload import INTEGER_RANGES
from ferryman.formats.polars_types import TIMES, dtype
from ferryman.formats.varint import long
from ferryman.record import Columns
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

MARKER = "ferryman_marker"
_FEW = 64
"""If one of this many bodies is bad, reading them as rows takes no longer than another try by columns."""
_SALT = 1 << 60 | randbits(59)
_SYNC = randbits(128).to_bytes(16, "big")
# The rows' dates end with the years 1 and 9999.
_BOUNDS: dict[str | None, tuple[int, int]] = {
    DATE: (-719_162, 2_932_896),
    TIME: (0, 86_400_000 - 1),
    TIMESTAMP: (-62_135_596_800_000, 253_402_300_799_999),
}


class Markers:
    """The markers of a batch, made once for the longest batch so far."""

    def __init__(self, salt: int) -> None:
        self.salt = salt
        self.encoded: list[bytes] = []

    def first(self, count: int) -> list[bytes]:
        """The first so many, as they follow the bodies."""
        for number in range(len(self.encoded), count):
            self.encoded.append(long(self.salt + number))
        return self.encoded[:count]

    def agree(self, found: pl.Series) -> bool:
        """Whether a decoded marker column is exactly what was written."""
        expected = pl.int_range(self.salt, self.salt + len(found), dtype=pl.Int64, eager=True)
        return not found.null_count() and bool((found == expected).all())


_MARKERS = Markers(_SALT)


def decode(reading: Reading, bodies: Sequence[bytes]) -> tuple[Columns | None, Sequence[int]]:
    """The bodies as columns, and the places of those that must go by rows: something does not fit there, or next to it.

    The columns are of all others; None if there are none.
    """
    found = together(reading, bodies)
    if found is not None:
        return found, ()
    lengths = extents.whole(reading.columns, bodies)
    if lengths is not None and not all(lengths):
        found = together(reading, [body for body, is_whole in zip(bodies, lengths, strict=True) if is_whole])
        if found is not None:
            return found, [at for at, is_whole in enumerate(lengths) if not is_whole]
    # Halved until what does not decode is in pieces so small that rows are faster than another try.
    odd = sorted(unfit(len(bodies), lambda start, stop: together(reading, bodies[start:stop]) is not None, few=_FEW))
    left_out = set(odd)
    found = together(reading, [body for at, body in enumerate(bodies) if at not in left_out])
    return (None, range(len(bodies))) if found is None else (found, odd)


def together(reading: Reading, bodies: Sequence[bytes]) -> Columns | None:
    """All of the bodies as columns; None if one does not fit, or there is none."""
    # Three ways lead to None: the decoder fails, the markers are not all in their rows, or a value is none that rows
    # could have (``_check``). What is wrong, and with which message, is for the rows to find; here nothing is reported.
    try:
        frame = pl.read_avro(BytesIO(_container(json.dumps(_marked(reading.columns)), bodies)))
        if frame.height != len(bodies) or not _MARKERS.agree(frame.drop_in_place(MARKER)):
            return None
        return Columns(reading.schema, _as_declared(frame, reading.schema)) if bodies else None
    except (Exception, pl.exceptions.PanicException):
        # The decoder answers bad data with errors of many classes, and with panics.
        return None


def _marked(columns: dict[str, Any]) -> dict[str, Any]:
    return {**columns, "fields": [*columns["fields"], {"name": MARKER, "type": "long"}]}


def _container(schema: str, bodies: Sequence[bytes]) -> bytes:
    parts: list[bytes] = [b""] * (2 * len(bodies))
    parts[::2] = bodies
    parts[1::2] = _MARKERS.first(len(bodies))
    block = b"".join(parts)
    return b"".join((_header(schema), long(len(bodies)), long(len(block)), block, _SYNC))


@lru_cache(maxsize=256)
def _header(schema: str) -> bytes:
    # A map in Avro is blocks of entries, each block after its count, and a count of 0 at the end. Keys and values have
    # their length before them.
    entries = {"avro.schema": schema, "avro.codec": "null"}
    parts = [long(len(text.encode())) + text.encode() for pair in entries.items() for text in pair]
    return b"Obj\x01" + long(len(entries)) + b"".join(parts) + b"\x00" + _SYNC


def _as_declared(frame: pl.DataFrame, schema: Schema) -> pl.DataFrame:
    # First the check, while the numbers are as they were sent: what follows might wrap them round. Then what polars
    # reads as numbers but Connect has as something else (enums, times), and the casts last.
    for field in schema.fields:
        _check(frame.get_column(field.name), field.schema)
    if numbers := [field for field in schema.fields if _has_numbers(field.schema)]:
        frame = frame.with_columns(_placed(pl.col(field.name), field.schema).alias(field.name) for field in numbers)
    # Column by column: a plan for the frame costs more than small batches do.
    return pl.DataFrame([frame.get_column(field.name).cast(dtype(field.schema)) for field in schema.fields])


@lru_cache(maxsize=4000)
def _has_numbers(schema: Schema) -> bool:
    """Whether there is an enum or a time in it."""
    if symbols(schema) is not None or schema.name == TIME:
        return True
    inner = (*(field.schema for field in schema.fields), schema.keys, schema.values)
    return any(_has_numbers(each) for each in inner if each is not None)


def _placed(found: pl.Expr, schema: Schema) -> pl.Expr:
    """A column whose enums were read as their numbers, and times as milliseconds; at any depth."""
    names = symbols(schema)
    if names is not None:
        return found.replace_strict(list(range(len(names))), list(names), return_dtype=pl.String())
    if schema.name == TIME:
        return (found * 1_000_000).cast(pl.Time())
    match schema.type:
        case Type.STRUCT:
            return _members(found, {field.name: field.schema for field in schema.fields})
        case Type.ARRAY if schema.values is not None:
            return found.list.eval(_placed(pl.element(), schema.values))
        case _:
            return found.list.eval(_members(pl.element(), _entry(schema)))


def _members(found: pl.Expr, members: Mapping[str, Schema]) -> pl.Expr:
    return found.struct.with_fields(
        _placed(found.struct.field(name), schema).alias(name)
        for name, schema in members.items()
        if _has_numbers(schema)
    )


def _entry(schema: Schema) -> Mapping[str, Schema]:
    """What a map is a list of."""
    assert schema.keys is not None
    assert schema.values is not None
    return {"key": schema.keys, "value": schema.values}


def _check(found: pl.Series, schema: Schema) -> None:
    """Raises OverflowError for values that the rows' form cannot have."""
    if found.null_count() and not schema.optional:
        raise OverflowError
    if schema.type is Type.STRUCT:
        _check_members(
            found.drop_nulls() if found.null_count() else found, {field.name: field.schema for field in schema.fields}
        )
    elif schema.type is Type.ARRAY and schema.values is not None:
        _check(found.filter(found.list.len() > 0).explode(), schema.values)
    elif schema.type is Type.MAP:
        _check_map(found.filter(found.list.len() > 0), schema)
    elif schema.name == DECIMAL:
        # polars lets a decimal have any 128-bit integer, but only 38 digits are printed and compared right.
        _within(found.cast(pl.Float64()), -9.9e37 / 10.0**schema.scale, 9.9e37 / 10.0**schema.scale)
    elif schema.name in TIMES:
        _within(found.cast(pl.Int64()), *_BOUNDS[schema.name])
    elif schema.type in INTEGER_RANGES:
        _within(found, *INTEGER_RANGES[schema.type])


def _check_members(found: pl.Series, members: Mapping[str, Schema]) -> None:
    fields = found.struct.unnest()
    for name, schema in members.items():
        _check(fields.get_column(name), schema)


def _check_map(found: pl.Series, schema: Schema) -> None:
    entries = found.explode()
    keys = eager.member(entries, "key")
    if len(entries) > len(found):
        # Of two entries with one key the last is the map's.
        owners = pl.int_range(len(found), eager=True).repeat_by(found.list.len()).explode()
        if pl.DataFrame({"owner": owners, "key": keys}).n_unique() < len(entries):
            raise OverflowError
    _check_members(entries, _entry(schema))


def _within(found: pl.Series, low: float, high: float) -> None:
    least, most = found.min(), found.max()
    if least is not None and not low <= least <= most <= high:  # type: ignore[operator]
        raise OverflowError
