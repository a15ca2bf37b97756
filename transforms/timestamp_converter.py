"""TimestampConverter: turns a time in one form (text, Unix number, Date, Time, Timestamp) into another."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any, Literal

import polars as pl

from ferryman.config import Bool, Config, Str, key, trim
from ferryman.errors import ConfigError, DataError, KeyProblem, MissingValue
from ferryman.formats import eager
from ferryman.java import date_patterns
from ferryman.java.instants import DAY
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.java.simple_date_format.parser import parser
from ferryman.java.texts import java_class, schema_text
from ferryman.record import Batch, Columns, Data, Maps, Rows
from ferryman.schema import (
    DATE,
    DATE_SCHEMA,
    INT64,
    STRING,
    TIME,
    TIME_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_SCHEMA,
    Field,
    Schema,
    Type,
)
from ferryman.transforms.fields.each_value import among, each
from ferryman.transforms.fields.epoch_times import FIRST_MILLIS, LAST_MILLIS, clock_of, day_of, instant, millis_of
from ferryman.transforms.fields.map_columns import class_of, column, put
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import converted, maps, refuse_nulls, structs, with_defaults

log = logging.getLogger(__name__)

PURPOSE = "converting timestamp formats"
Convert = Callable[[Any], Any]

_TARGETS: Mapping[str, Schema] = {
    "string": STRING,
    "unix": INT64,
    "Date": DATE_SCHEMA,
    "Time": TIME_SCHEMA,
    "Timestamp": TIMESTAMP_SCHEMA,
}
_LOGICAL = {TIMESTAMP: "Timestamp", DATE: "Date", TIME: "Time"}
_PER_SECOND = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_LONG = (1 << 63) - 1
_ILLEGAL = "Invalid value java.lang.IllegalArgumentException"
_NO_PATTERN = "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps"
_NO_FORMAT = "TimestampConverter requires format option to be specified when using string timestamps"


class UnknownTimestampType(DataError):
    """A schema that is none of those that hold a time."""

    java = "org.apache.kafka.connect.errors.ConnectException"


class TimestampConverterConfig(Config):
    field: Str = key("", importance="HIGH")
    """The field with the time; empty for the whole key or value."""
    target_type: Literal["string", "unix", "Date", "Time", "Timestamp"] = key(importance="HIGH")
    """What the time becomes."""
    format: Str = key("")
    """The pattern of times in text, as java.text.SimpleDateFormat takes it, in UTC."""
    unix_precision: Literal["nanoseconds", "microseconds", "milliseconds", "seconds"] = key(
        "milliseconds", importance="LOW"
    )
    """The unit of Unix numbers."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """A missing or unusable pattern."""
        if self.target_type == "string" and not trim(self.format):
            yield KeyProblem("format", _NO_FORMAT)
        try:
            formatter(self.format)
        except ConfigError as error:
            yield KeyProblem("format", f"{_ILLEGAL}: {error} for configuration {_NO_PATTERN}: {self.format}")


class TimestampConverter(Sided[TimestampConverterConfig]):
    """Converts a time in a field or in the whole key or value; by way of milliseconds since the epoch."""

    config_class = TimestampConverterConfig
    classes = ("org.apache.kafka.connect.transforms.TimestampConverter",)
    takes_maps = True

    def __init__(self, config: TimestampConverterConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.target = _TARGETS[config.target_type]
        self.to_target = self._writer()
        self.readers: Mapping[str, Convert] = {
            "Timestamp": millis_of,
            "Date": millis_of,
            "Time": millis_of,
            "unix": _from_unix(_PER_SECOND[config.unix_precision]),
            "string": parser(config.format) if trim(config.format) else _no_format,
        }
        for warning in date_patterns.warnings(config.format):
            log.warning("format=%s: %s", config.format, warning)
        moments = self._convert("Timestamp")
        self.by_class: Mapping[type, Convert] = {
            type(None): lambda value: None,
            int: self._convert("unix"),
            str: self._convert("string"),
            **dict.fromkeys((datetime, date, time), moments),
        }
        self._schema = lru_cache(maxsize=16)(self._converted_schema)

    def _writer(self) -> Convert:
        match self.config.target_type:
            case "string":
                return formatter(self.config.format)
            case "unix":
                return _to_unix(_PER_SECOND[self.config.unix_precision])
            case "Date":
                return day_of
            case "Time":
                return clock_of
            case _:
                return instant

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null stays null, with its schema converted."""
        return [self.changed(batch, self._change(self.data(batch)))]

    def _change(self, data: Data) -> Data:
        name = self.config.field
        if isinstance(data, (Columns, Maps)):
            try:
                found = self._columns(data) if isinstance(data, Columns) else self._map_columns(data)
            except DataError:
                found = None  # the rows say the same, and which field it is
            return found or self._change(data.rows())
        if data.schema is None:
            return Rows(None, self._maps(data.values, name) if name else each(data.values, self._schemaless))
        return self._structs(data) if name else self._whole(data)

    def _schemaless(self, value: Any) -> Any:
        return self.by_class.get(value.__class__, _refuse_class)(value)

    def _maps(self, values: Sequence[Any], name: str) -> list[Any]:
        maps([value for value in values if value is not None], PURPOSE)
        new = [None if value is None else value.copy() for value in values]
        try:
            items = each([None if value is None else value.get(name) for value in new], self._schemaless)
        except DataError as error:
            raise error.in_field(name) from error.__cause__
        for value, item in zip(new, items, strict=True):
            if value is not None:
                # The key is set even where it was missing, as Kafka does.
                value[name] = item
        return new

    def _map_columns(self, data: Maps) -> Maps | None:
        """None where the rows must do it: what becomes a Date, Time or Timestamp is none of JSON's kinds."""
        name, kinds = self.config.field, {int: "unix", str: "string"}
        if not name or self.config.target_type not in ("string", "unix"):
            return None
        found = column(data, name)
        kind = class_of(found)
        if kind is type(None):
            return put(data, [found])
        new = self._column(found, kinds[kind]) if kind in kinds else None
        return None if new is None else put(data, [new.alias(name)])

    def _whole(self, data: Rows) -> Rows:
        assert data.schema is not None
        read, write = self.readers[_kind(data.schema)], self.to_target
        return Rows(self.target.as_optional(data.schema.optional), each(data.values, lambda value: write(read(value))))

    def _converted_schema(self, schema: Schema) -> Schema:
        if schema.type is not Type.STRUCT:
            raise DataError("Cannot list fields on non-struct type")
        fields = tuple(
            Field(field.name, self.target.as_optional(field.schema.optional))
            if field.name == self.config.field
            else field
            for field in schema.fields
        )
        new = replace(schema, fields=fields, default=None)
        if schema.default is None:
            return new
        given = Rows(schema, [schema.default])
        (default,) = converted(given, new, self.config.replace_null_with_default, self._member(schema))
        return replace(new, default=default)

    def _member(self, schema: Schema) -> dict[str, Convert]:
        name = self.config.field
        return {name: self._convert(_kind(schema.by_name[name].schema))} if name in schema.by_name else {}

    def _convert(self, kind: str) -> Convert:
        """From one form to the target, without a detour where milliseconds are what both have."""
        read, write = self.readers[kind], self.to_target
        if read is _itself:
            return write
        return read if write is _itself else lambda value: write(read(value))

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        values = structs(data, PURPOSE, null=True)
        schema, switch = self._schema(data.schema), self.config.replace_null_with_default
        present = [value for value in values if value is not None]
        if not present:
            return Rows(schema, values)
        if not switch and self.config.field in data.schema.by_name:
            names = list(data.schema.by_name)
            refuse_nulls(present, data.schema, *names[: names.index(self.config.field)])
        with among([at for at, value in enumerate(values) if value is not None]):
            new = converted(Rows(data.schema, present), schema, switch, self._member(data.schema))
        if len(new) == len(values):
            return Rows(schema, new)
        rest = iter(new)
        return Rows(schema, [None if value is None else next(rest) for value in values])

    def _columns(self, data: Columns) -> Columns | None:
        """The columns converted; None where the rows must do it."""
        if not (name := self.config.field):
            return None
        frame = with_defaults(data, self.config.replace_null_with_default)
        if frame is None or name not in data.schema.by_name:
            return None if frame is None else Columns(self._schema(data.schema), frame)
        kind = _kind(data.schema.by_name[name].schema)
        found = self._column(frame.get_column(name), kind)
        return None if found is None else Columns(self._schema(data.schema), eager.put(frame, [found.alias(name)]))

    def _column(self, column: pl.Series, kind: str) -> pl.Series | None:
        at = self._millis(column, kind)
        if at is None or not at.is_between(FIRST_MILLIS, LAST_MILLIS).all():
            return None
        match self.config.target_type:
            case "string":
                write = self.to_target
                return pl.Series([None if one is None else write(one) for one in at.to_list()], dtype=pl.String())
            case "unix":
                return _scaled(at, 1000, _PER_SECOND[self.config.unix_precision])
            case "Date":
                return (at // DAY).cast(pl.Int32()).cast(pl.Date())
            case "Time":
                return (at % DAY * 1_000_000).cast(pl.Time())
            case _:
                return at.cast(pl.Datetime("ms", "UTC"))

    def _millis(self, column: pl.Series, kind: str) -> pl.Series | None:
        match kind:
            case "Timestamp":
                return column.to_physical()
            case "Date":
                return column.to_physical().cast(pl.Int64()) * DAY
            case "Time":
                return column.to_physical() // 1_000_000
            case "unix":
                return _scaled(column, _PER_SECOND[self.config.unix_precision], 1000)
            case _:
                found = each(column.to_list(), self.readers["string"])
                return pl.Series(found, dtype=pl.Int64()) if _fit(found) else None


def _fit(found: Sequence[int | None]) -> bool:
    return all(at is None or FIRST_MILLIS <= at <= LAST_MILLIS for at in found)


def _scaled(column: pl.Series, given: int, wanted: int) -> pl.Series | None:
    """Numbers of one unit in another, cut towards zero; None where they could overflow."""
    if wanted >= given:
        factor = wanted // given
        return column * factor if column.is_between(-_LONG // factor + 1, _LONG // factor).all() else None
    if not column.is_between(-_LONG, _LONG).all():
        return None
    return column.abs() // (given // wanted) * column.sign()


def _kind(schema: Schema) -> str:
    if schema.name in _LOGICAL:
        return _LOGICAL[schema.name]
    if schema.type is Type.INT64:
        return "unix"
    if schema.type is Type.STRING:
        return "string"
    raise UnknownTimestampType(f"Schema {schema_text(schema)} does not correspond to a known timestamp type format")


def _refuse_class(value: Any) -> Any:
    raise DataError(f"TimestampConverter does not support class {java_class(value)} objects as timestamps")


def _no_format(value: Any) -> int:
    raise MissingValue(f"The text {value!r} cannot be read as a time: set format")


def _itself(value: int) -> int:
    return value


def _from_unix(per_second: int) -> Convert:
    return _itself if per_second == 1000 else _scale(per_second, 1000)


def _to_unix(per_second: int) -> Convert:
    return _itself if per_second == 1000 else _scale(1000, per_second)


def _scale(given: int, wanted: int) -> Convert:
    """As java.util.concurrent.TimeUnit converts: cut towards zero, held within 64 bits."""
    if wanted >= given:
        factor = wanted // given
        return lambda value: max(-_LONG - 1, min(_LONG, value * factor))
    divisor = given // wanted
    return lambda value: value // divisor if value >= 0 else -(-value // divisor)
