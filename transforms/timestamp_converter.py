"""TimestampConverter: turns a time in one form (text, Unix number, Date, Time, Timestamp) into another."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Any, Literal

import polars as pl

from ferryman.config import Bool, Config, Str, Text, key
from ferryman.errors import ConfigError, DataError, KeyProblem, MissingValue
from ferryman.java_time import DAY, formatter, parser
from ferryman.json_payload import day, time_of_day
from ferryman.json_text import time_millis
from ferryman.record import Batch, Columns, Data, Rows
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
from ferryman.transforms._sided import Sided, copied, defaults, maps, structs, with_defaults
from ferryman.values import java_class, millis, moment, schema_text

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
_FIRST, _LAST = -62_135_596_800_000, 253_402_300_799_999
_NO_FORMAT = "TimestampConverter requires format option to be specified when using string timestamps"


class UnknownTimestampType(DataError):
    """A schema that is none of those that hold a time."""

    java = "org.apache.kafka.connect.errors.ConnectException"


class TimestampConverterConfig(Config):
    """Keys of TimestampConverter."""

    field: Str = key("", importance="HIGH")
    """The field with the time; empty for the whole key or value."""
    target_type: Literal["string", "unix", "Date", "Time", "Timestamp"] = key(importance="HIGH")
    """What the time becomes."""
    format: Text = key("")
    """The pattern of times in text, as java.text.SimpleDateFormat takes it, in UTC."""
    unix_precision: Literal["nanoseconds", "microseconds", "milliseconds", "seconds"] = key(
        "milliseconds", importance="LOW"
    )
    """The unit of Unix numbers."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """A missing or unusable pattern."""
        if self.target_type == "string" and not self.format.strip():
            yield KeyProblem("format", _NO_FORMAT)
        try:
            formatter(self.format)
        except ConfigError as error:
            text = "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps"
            yield KeyProblem("format", f"{text}: {error}")


class TimestampConverter(Sided[TimestampConverterConfig]):
    """Converts a time in a field or in the whole key or value; by way of milliseconds since the epoch."""

    config_class = TimestampConverterConfig
    classes = ("org.apache.kafka.connect.transforms.TimestampConverter",)

    def __init__(self, config: TimestampConverterConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.target = _TARGETS[config.target_type]
        self.to_target = self._writer()
        self.readers: Mapping[str, Convert] = {
            "Timestamp": _date_millis,
            "Date": _date_millis,
            "Time": _date_millis,
            "unix": _from_unix(_PER_SECOND[config.unix_precision]),
            "string": parser(config.format) if config.format.strip() else _no_format,
        }
        self._schema = lru_cache(maxsize=16)(self._converted_schema)

    def _writer(self) -> Convert:
        match self.config.target_type:
            case "string":
                return formatter(self.config.format)
            case "unix":
                return _to_unix(_PER_SECOND[self.config.unix_precision])
            case "Date":
                return lambda at: _within(day, at // DAY)
            case "Time":
                return lambda at: time_of_day(at % DAY)
            case _:
                return lambda at: _within(moment, at)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null stays null, with its schema converted."""
        return [self.changed(batch, self._change(self.data(batch)))]

    def _change(self, data: Data) -> Data:
        name = self.config.field
        if isinstance(data, Columns):
            found = self._columns(data) if name else None
            return found or self._change(data.rows())
        if data.schema is None:
            values = self._maps(data.values, name) if name else [self._schemaless(value) for value in data.values]
            return Rows(None, values)
        return self._structs(data) if name else self._whole(data)

    def _schemaless(self, value: Any) -> Any:
        if value.__class__ is int:
            return self.to_target(self.readers["unix"](value))
        if value is None:
            return None
        return self.to_target(self.readers[_kind_of(value)](value))

    def _maps(self, values: Sequence[Any], name: str) -> list[Any]:
        maps([value for value in values if value is not None], PURPOSE)
        convert, write = self._schemaless, self.to_target
        direct = self.config.unix_precision == "milliseconds"
        new: list[Any] = []
        for value in values:
            if value is None:
                new.append(None)
                continue
            item = value.get(name)
            value = value.copy()
            # The key is set even where it was missing, as Kafka does.
            value[name] = write(item) if direct and item.__class__ is int else convert(item)
            new.append(value)
        return new

    def _whole(self, data: Rows) -> Rows:
        assert data.schema is not None
        read, write = self.readers[_kind(data.schema)], self.to_target
        values = [None if value is None else write(read(value)) for value in data.values]
        return Rows(self.target.as_optional(data.schema.optional), values)

    def _converted_schema(self, schema: Schema) -> Schema:
        fields = tuple(
            Field(field.name, self.target.as_optional(field.schema.optional))
            if field.name == self.config.field
            else field
            for field in schema.fields
        )
        default = None if schema.default is None else self._struct(schema)(schema.default)
        return replace(schema, fields=fields, default=default)

    def _struct(self, schema: Schema) -> Convert:
        name, write = self.config.field, self.to_target
        fill = defaults(schema, self.config.replace_null_with_default)
        if name not in schema.by_name:
            return lambda value: None if value is None else copied(value, fill)
        read = self.readers[_kind(schema.by_name[name].schema)]

        def convert(value: Any) -> Any:
            if value is None:
                return None
            new = copied(value, fill)
            item = new.get(name)
            new[name] = None if item is None else write(read(item))
            return new

        return convert

    def _structs(self, data: Rows) -> Rows:
        assert data.schema is not None
        values = structs(data, PURPOSE, null=True)
        schema = self._schema(data.schema)
        if all(value is None for value in values):
            return Rows(schema, values)
        convert = self._struct(data.schema)
        return Rows(schema, [convert(value) for value in values])

    def _columns(self, data: Columns) -> Columns | None:
        """The columns converted; None where the rows must do it."""
        name = self.config.field
        frame = with_defaults(data, self.config.replace_null_with_default)
        if frame is None or name not in data.schema.by_name:
            return None if frame is None else Columns(self._schema(data.schema), frame)
        kind = _kind(data.schema.by_name[name].schema)
        found = self._column(frame.get_column(name), kind)
        return None if found is None else Columns(self._schema(data.schema), frame.with_columns(found.alias(name)))

    def _column(self, column: pl.Series, kind: str) -> pl.Series | None:
        at = self._millis(column, kind)
        if at is None or not at.is_between(_FIRST, _LAST).all():
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
                read = self.readers["string"]
                found = [None if text is None else read(text) for text in column.to_list()]
                return pl.Series(found, dtype=pl.Int64()) if _fit(found) else None


def _fit(found: Sequence[int | None]) -> bool:
    return all(at is None or _FIRST <= at <= _LAST for at in found)


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


def _kind_of(value: Any) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, (date, time)):
        return "Timestamp"
    raise DataError(f"TimestampConverter does not support class {java_class(value)} objects as timestamps")


def _date_millis(value: Any) -> int:
    if isinstance(value, datetime):
        return millis(value)
    if isinstance(value, time):
        return time_millis(value)
    return millis(datetime(value.year, value.month, value.day, tzinfo=UTC))


def _no_format(value: Any) -> int:
    raise MissingValue(f"The text {value!r} cannot be read as a time: set format")


def _from_unix(per_second: int) -> Convert:
    if per_second == 1000:
        return lambda value: value
    return _scale(per_second, 1000)


def _to_unix(per_second: int) -> Convert:
    return (lambda at: at) if per_second == 1000 else _scale(1000, per_second)


def _scale(given: int, wanted: int) -> Convert:
    """As java.util.concurrent.TimeUnit converts: cut towards zero, held within 64 bits."""
    if wanted >= given:
        factor = wanted // given
        return lambda value: max(-_LONG - 1, min(_LONG, value * factor))
    divisor = given // wanted
    return lambda value: value // divisor if value >= 0 else -(-value // divisor)


def _within(convert: Convert, value: int) -> Any:
    try:
        return convert(value)
    except OverflowError as error:
        raise DataError(f"The time {value} is outside the years 1 to 9999") from error
