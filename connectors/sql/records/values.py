"""Values as the database takes them: text for PostgreSQL's COPY, Python's types for SQLite."""

import base64
import datetime as dt
from decimal import Decimal
from typing import Any, NamedTuple

import orjson
import polars as pl

from ferryman.connectors.sql.records.frame import of
from ferryman.connectors.sql.records.types import TEMPORAL, Form, Storage
from ferryman.errors import DataError
from ferryman.schema import DECIMAL, Schema, Type

TIMESTAMP_FORMAT = "%Y-%m-%d %H:%M:%S%.3f"
_TIME_FORMAT = "%H:%M:%S%.3f"


class Zones(NamedTuple):
    """The zones in which columns without a zone hold timestamps and times, and dates."""

    timestamps: str
    dates: str


def wall(series: pl.Expr, form: Form, zones: Zones) -> pl.Expr:
    """A date, time or timestamp as the clock on the wall showed it in its zone; other forms as they are."""
    match form:
        case "timestamp":
            return series.dt.convert_time_zone(zones.timestamps).dt.replace_time_zone(None)
        case "zoned":
            return series.dt.replace_time_zone(None)
        case "date" if zones.dates != "UTC":
            # Confluent's sink hands a date over as midnight UTC, to be read in the zone; so does this.
            return _local(series.cast(pl.Datetime("ms")), zones.dates).dt.date()
        case "time" if zones.timestamps != "UTC":
            day = (series.cast(pl.Int64) // 1_000_000).cast(pl.Datetime("ms"))
            return _local(day, zones.timestamps).dt.time()
        case _:
            return series


def _local(instants: pl.Expr, zone: str) -> pl.Expr:
    return instants.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


def postgres(series: pl.Expr, schema: Schema, form: Form, zones: Zones) -> pl.Expr:
    """A column for a CSV of ``COPY``: of a type that polars writes as PostgreSQL reads it."""
    match form:
        case "bytes":
            return pl.lit("\\x") + series.bin.encode("hex")
        case "array":
            return _array(series, schema, zones)
        case _:
            return wall(series, form, zones)


def _array(series: pl.Expr, schema: Schema, zones: Zones) -> pl.Expr:
    assert schema.values is not None
    items = series.list.eval(_element(pl.element(), schema.values, zones).fill_null("NULL"))
    return pl.lit("{") + items.list.join(",") + pl.lit("}")


def _element(item: pl.Expr, schema: Schema, zones: Zones) -> pl.Expr:
    if schema.type is Type.ARRAY:
        return _array(item, schema, zones)
    if schema.name in TEMPORAL:
        return pl.lit('"') + _written(item, TEMPORAL[schema.name], zones) + pl.lit('"')
    if schema.type is Type.BYTES and schema.name != DECIMAL:
        return pl.lit('"\\\\x') + item.bin.encode("hex") + pl.lit('"')
    if schema.type is Type.STRING:
        return pl.lit('"') + item.str.replace_all(r'(["\\])', r"\${1}") + pl.lit('"')
    return item.cast(pl.String)


def _written(series: pl.Expr, form: Form, zones: Zones) -> pl.Expr:
    formats = {"date": "%Y-%m-%d", "time": _TIME_FORMAT}
    return wall(series, form, zones).dt.to_string(formats.get(form, TIMESTAMP_FORMAT))


def sqlite(series: pl.Expr, schema: Schema, form: Form, storage: Storage, zones: Zones) -> pl.Expr:
    """A column for SQLite: dates and times as text, or as the numbers that its JDBC driver stores (milliseconds)."""
    if schema.name == DECIMAL:
        return series.cast(pl.String)
    if form in ("date", "time", "timestamp", "zoned") and storage == "text":
        return _written(series, form, zones)
    match form:
        case "timestamp" | "zoned":
            return series.dt.epoch("ms")
        case "date":
            return series.cast(pl.Datetime("ms")).dt.epoch("ms")
        case "time":
            return series.cast(pl.Int64) // 1_000_000
        case _:
            return series


def json_text(value: Any) -> str:
    """A struct, map or array as JSON: decimals as numbers, bytes as base64, dates and times in ISO 8601."""
    try:
        return orjson.dumps(value, default=_json_default, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z).decode()
    except orjson.JSONEncodeError:
        raise ValueError("not JSON") from None


def _json_default(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(type(value).__name__)


def default_text(schema: Schema, zones: Zones, is_postgres: bool) -> str | None:
    """A field's default as the text between the quotes of a DEFAULT clause; None if it has none."""
    if schema.default is None or schema.type in (Type.STRUCT, Type.MAP):
        return None
    form: Form = TEMPORAL.get(schema.name or "", "plain")
    if schema.type is Type.ARRAY:
        form = "array"
    elif schema.type is Type.BYTES and schema.name != DECIMAL:
        form = "bytes"
    frame = of(schema, [schema.default]).alias("d").to_frame()
    if is_postgres:
        value = frame.select(postgres(pl.col("d"), schema, form, zones)).item()
    elif form in ("bytes", "array"):
        return None
    else:
        value = frame.select(sqlite(pl.col("d"), schema, form, "number", zones)).item()
    return _literal(value, is_postgres)


def _literal(value: Any, is_postgres: bool) -> str:
    match value:
        case bool():
            return str(value).lower() if is_postgres else str(int(value))
        case dt.datetime():
            return value.isoformat(" ")
        case dt.date() | dt.time():
            return value.isoformat()
        case _:
            return str(value)


def reject_nan(frame: pl.DataFrame) -> None:
    """Raises DataError if a float is not a number: SQLite would store null in its place."""
    floats = [name for name, dtype in frame.schema.items() if dtype.is_float()]
    if floats and frame.select(pl.any_horizontal(pl.col(floats).is_nan().any())).item():
        raise DataError("SQLite cannot hold a float that is not a number (NaN)")
