"""Values as every database takes them: the clock on the wall in a zone, and JSON."""

import base64
from decimal import Decimal
from math import isfinite
from typing import Any, Literal, NamedTuple

import orjson
import polars as pl

from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

Form = Literal["plain", "text", "bytes", "date", "time", "timestamp", "zoned", "milliseconds", "array", "json"]
"""How values are written: ``text`` is text that the column reads, whatever the values were, ``zoned`` an instant,
``timestamp`` the wall clock of db.timezone, ``milliseconds`` a date or time as a number."""

TEMPORAL: dict[str, Form] = {DATE: "date", TIME: "time", TIMESTAMP: "timestamp"}
"""The form of a logical type in a column without a zone."""

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S%.3f"
_FORMATS = {"date": "%Y-%m-%d", "time": "%H:%M:%S%.3f"}


class Zones(NamedTuple):
    """The zones in which columns without a zone hold what has none."""

    timestamps: str
    """The zone of columns of timestamps and times."""
    dates: str
    """The zone of columns of dates."""


def scalar_form(schema: Schema) -> Form:
    """The form of a value that is no struct, map or array, in a column without a zone."""
    if schema.name in TEMPORAL:
        return TEMPORAL[schema.name]
    return "bytes" if schema.type is Type.BYTES and schema.name != DECIMAL else "plain"


def wall(values: pl.Expr, form: Form, zones: Zones) -> pl.Expr:
    """A date, time or timestamp as the clock on the wall showed it in its zone; other forms as they are."""
    match form:
        case "timestamp":
            return values.dt.convert_time_zone(zones.timestamps).dt.replace_time_zone(None)
        case "zoned":
            return values.dt.replace_time_zone(None)
        case "date" if zones.dates != "UTC":
            # Confluent's sink hands a date over as midnight UTC, to be read in the zone; so does this.
            return _local(values.cast(pl.Datetime("ms")), zones.dates).dt.date()
        case "time" if zones.timestamps != "UTC":
            day = (values.cast(pl.Int64) // 1_000_000).cast(pl.Datetime("ms"))
            return _local(day, zones.timestamps).dt.time()
        case _:
            return values


def _local(instants: pl.Expr, zone: str) -> pl.Expr:
    return instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def iso_text(values: pl.Expr, form: Form, zones: Zones) -> pl.Expr:
    """A date, time or timestamp as text: ``2024-02-29 23:59:58.123``, as far as it has these parts."""
    return wall(values, form, zones).dt.to_string(_FORMATS.get(form, TIMESTAMP_FORMAT))


def json_text(value: Any) -> str:
    """A struct, map or array as JSON: decimals as numbers, bytes as base64, dates and times in ISO 8601.

    Raises ValueError for what JSON has not, such as NaN.
    """
    if not _is_finite(value):
        raise ValueError("not JSON")
    try:
        return orjson.dumps(value, default=_json_default, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError:
        raise ValueError("not JSON") from None


def _is_finite(value: Any) -> bool:
    """Whether no number in it is NaN or infinite: orjson writes null for these."""
    match value:
        case float():
            return isfinite(value)
        case dict():
            return all(map(_is_finite, value.values())) and all(map(_is_finite, value))
        case list():
            return all(map(_is_finite, value))
        case _:
            return True


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)
