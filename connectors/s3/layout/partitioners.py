"""Partitioners: which encoded partition (path) a record belongs to, and which time it has."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any, Protocol

import polars as pl

from ferryman.connectors.s3.config.object_names import partition_value, segment
from ferryman.errors import DataError
from ferryman.java import joda_iso
from ferryman.java.joda_time import Format
from ferryman.java.texts import iso, java_class, millis
from ferryman.record import Batch, Columns, Maps

Times = Callable[[Batch], Sequence[int]]
"""The time of each record, in milliseconds since the epoch. Raises DataError for a record without one."""
Paths = str | Sequence[str]
"""One path for all records of a batch, or one for each."""

MINUTE = 60_000
FIELDS, TIME = "partition.field.name", "timestamp.field"
"""The keys that name fields."""
_DIGITS = re.compile(r"-?\d{1,19}", re.ASCII)
_MOST_CACHED = 100_000
_SIMPLE = frozenset({str, int, bool})


class Partitioner(Protocol):
    """Encodes partitions; a path begins with the topic."""

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """The path of each record. Raises DataError for a record that has none."""


@dataclass(frozen=True, slots=True)
class ByKafkaPartition:
    """Confluent's DefaultPartitioner: ``<topic>/partition=<number>``."""

    delim: str

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """One path."""
        return f"{segment(batch.topic)}{self.delim}partition={batch.source.partition}"


class ByFields:
    """Confluent's FieldPartitioner: ``<topic>/<field>=<value>/…``, or only the values if not ``named``."""

    def __init__(self, fields: Sequence[str], delim: str, named: bool = True) -> None:
        self._fields = [field.split(".") for field in fields]
        self._delim = delim
        self._named = named
        self._known: dict[tuple[Any, ...], str] = {}

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """A path for each record."""
        topic = segment(batch.topic) + self._delim
        columns = [values_at(batch, field, FIELDS) for field in self._fields]
        if len(columns) == 1 and (batch.value.schema is not None or _is_simple(columns[0])):
            # Under one schema equal values are the same value, so each needs to be looked at only once.
            try:
                known = {value: topic + self._path((value,)) for value in set(columns[0])}
            except TypeError:
                raise DataError(f"The field {'.'.join(self._fields[0])} is a list or map (see {FIELDS})") from None
            return [known[value] for value in columns[0]]
        return [topic + self._path(values) for values in zip(*columns, strict=True)]

    def _path(self, values: tuple[Any, ...]) -> str:
        key = tuple((value.__class__, value) for value in values)
        try:
            found = self._known.get(key)
        except TypeError:
            found = None
        if found is None:
            parts = [self._part(".".join(f), v) for f, v in zip(self._fields, values, strict=True)]
            found = self._delim.join(parts)
            if len(self._known) > _MOST_CACHED:
                self._known.clear()
            self._known[key] = found
        return found

    def _part(self, field: str, value: Any) -> str:
        try:
            text = text_of(value)
        except DataError as error:
            raise error.in_field(field) from None
        if self._named:
            return f"{segment(field)}={partition_value(text)}"
        return partition_value(text) if text is None or text else segment("")


def _is_simple(column: Sequence[Any]) -> bool:
    """Whether all values are of one class, of which equal ones have equal texts."""
    classes = set(map(type, column))
    return len(classes) == 1 and classes <= _SIMPLE


class ByTime:
    """Confluent's TimeBasedPartitioner: ``<topic>/<path.format of the time, rounded down to a duration>``."""

    def __init__(self, form: Format, duration: int, zone: tzinfo, delim: str) -> None:
        self._bucket = _Buckets(form, duration, zone)
        self._delim = delim

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """A path for each record."""
        topic = segment(batch.topic) + self._delim
        buckets = self._bucket
        return [topic + buckets[at] for at in times or ()]


class ByFieldsAndTime:
    """Ours: ``<topic>/<field>=<value>/…/<time>``."""

    def __init__(self, fields: ByFields, form: Format, duration: int, zone: tzinfo, delim: str) -> None:
        self._fields = fields
        self._bucket = _Buckets(form, duration, zone)
        self._delim = delim

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """A path for each record."""
        buckets = self._bucket
        by_fields = self._fields.paths(batch, None)
        return [path + self._delim + buckets[at] for path, at in zip(by_fields, times or (), strict=True)]


@dataclass(frozen=True, slots=True)
class BySchema:
    """Confluent's schema affix: ``schema_name=<name>`` before or behind another partitioner's directories."""

    inner: Partitioner
    delim: str
    before: bool

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """The other's paths with the name of the values' schema; without one it is Hive's null."""
        schema = batch.value.schema
        name = f"schema_name={partition_value(None if schema is None else schema.name)}"
        topic, found = segment(batch.topic) + self.delim, self.inner.paths(batch, times)

        def affixed(path: str) -> str:
            if self.before:
                return topic + name + self.delim + path.removeprefix(topic)
            return path + self.delim + name

        if isinstance(found, str):
            return affixed(found)
        known = {path: affixed(path) for path in set(found)}
        return [known[path] for path in found]


@dataclass(frozen=True, slots=True)
class ByTemplate:
    """Aiven's aws.s3.prefix and file.name.template: grouped by their dates and times, if they have some."""

    template: str
    timed: Callable[[int], str] | None

    def paths(self, batch: Batch, times: Sequence[int] | None) -> Paths:
        """The template, dates and times filled in, of which none is smaller than a minute."""
        if self.timed is None or times is None:
            return self.template
        minutes = [at // MINUTE for at in times]
        known = {minute: self.timed(minute * MINUTE) for minute in set(minutes)}
        return [known[minute] for minute in minutes]


class _Buckets(dict[int, str]):
    """The time's path by milliseconds; what lies in one minute is formatted once, where the duration is of minutes."""

    def __init__(self, form: Format, duration: int, zone: tzinfo) -> None:
        super().__init__()
        self._form, self._duration, self._zone = form, duration, zone
        self._minutes: dict[int, str] = {}

    def __missing__(self, at: int) -> str:
        if self._duration % MINUTE:
            return self._made(at)
        minute = at // MINUTE
        found = self._minutes.get(minute)
        if found is None:
            if len(self._minutes) > _MOST_CACHED:
                self._minutes.clear()
            found = self._minutes[minute] = self._made(at)
        return found

    def _made(self, at: int) -> str:
        return self._form(rounded(at, self._duration, self._zone))


def rounded(at: int, duration: int, zone: tzinfo) -> int:
    """An instant rounded down to a multiple of the duration in the zone's local time, as TimeBasedPartitioner does."""
    offset = _offset(at, zone)
    local = (at + offset) // duration * duration
    return local - _offset(local - offset, zone)


def _offset(at: int, zone: tzinfo) -> int:
    if zone is UTC:
        return 0
    try:
        delta = datetime.fromtimestamp(at // 1000, zone).utcoffset()
    except (OverflowError, ValueError, OSError):
        raise DataError(f"The timestamp {at} lies outside the years 1 to 9999") from None
    return 0 if delta is None else int(delta.total_seconds() * 1000)


def wallclock(batch: Batch) -> Sequence[int]:
    """The present."""
    return [int(time.time() * 1000)] * len(batch)


def record_time(batch: Batch) -> Sequence[int]:
    """The timestamps of the Kafka records."""
    if None in batch.timestamps:
        raise DataError(
            "A record has no timestamp, which timestamp.extractor=Record needs; Wallclock or RecordField do without"
        )
    return batch.timestamps  # type: ignore[return-value]


def field_time(name: str) -> Times:
    """The times in a field: milliseconds, also as text, Timestamps or ISO 8601 (UTC where it names no zone)."""
    path = name.split(".")

    def extracted(batch: Batch) -> Sequence[int]:
        fractions = batch.value.schema is None
        return [instant(value, name, fractions) for value in values_at(batch, path, TIME, epoch=True)]

    return extracted


def instant(value: Any, name: str, fractions: bool) -> int:
    """Milliseconds since the epoch of one value of a timestamp field; ``fractions`` of one are cut off, or refused."""
    if value.__class__ is int:
        return int(value)
    try:
        match value:
            case datetime():
                return millis(value)
            case date():
                return millis(datetime(value.year, value.month, value.day, tzinfo=UTC))
            case str():
                return int(value) if _is_long(value) else joda_iso.instant(value)
            case float() | Decimal() if fractions:
                return int(value)
    except (ValueError, OverflowError):
        pass
    what = f"the text {value[:40]!r}" if isinstance(value, str) else f"a {java_class(value)}"
    raise DataError(
        f"The field {name} is no timestamp: neither milliseconds, a Timestamp nor ISO 8601 but {what} (see {TIME})"
    )


def _is_long(text: str) -> bool:
    return _DIGITS.fullmatch(text) is not None and -(2**63) <= int(text) < 2**63


def values_at(batch: Batch, path: Sequence[str], key: str, epoch: bool = False) -> Sequence[Any]:
    """A field of each value, nested by the path; ``epoch`` lets timestamps be milliseconds. DataError without it, which
    names the config's ``key``."""
    data = batch.value
    if isinstance(data, Columns):
        return _column(data.frame, path, key, epoch)
    if isinstance(data, Maps) and len(path) == 1 and path[0] in data.frame.columns:
        return data.frame.get_column(path[0]).to_list()
    values: Sequence[Any] = data.values
    schema = data.schema
    for name in path:
        if schema is not None and name not in schema.by_name:
            raise _missing(path, schema.type, key)
        schema = None if schema is None else schema.by_name[name].schema
        try:
            values = [value[name] if schema is None else _member(value, name) for value in values]
        except (KeyError, TypeError, AttributeError):
            others = [java_class(value) for value in values if not isinstance(value, Mapping)]
            raise _missing(path, others[0] if others else "STRUCT", key) from None
        if schema is not None and schema.default is not None:
            values = [schema.default if value is None else value for value in values]
    return values


def _member(value: Mapping[str, Any] | None, name: str) -> Any:
    return None if value is None else value.get(name)


def _missing(path: Sequence[str], kind: str, key: str) -> DataError:
    what = "" if kind == "STRUCT" else f": what should hold it is {kind}"
    return DataError(f"The value has no field {'.'.join(path)}{what} (see {key})")


def _column(frame: pl.DataFrame, path: Sequence[str], key: str, epoch: bool) -> Sequence[Any]:
    try:
        series = frame.get_column(path[0])
        for name in path[1:]:
            series = series.struct.field(name)
    except pl.exceptions.PolarsError:
        raise _missing(path, "STRUCT", key) from None
    if epoch and isinstance(series.dtype, pl.Datetime):
        series = series.dt.epoch("ms")
    return series.to_list()


def text_of(value: Any) -> str | None:
    """A partition value's text; None is null. Raises DataError for what cannot be one."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal():
            return format(value, "f")
        case date():
            return iso(value)
    raise DataError(
        f"A value of {java_class(value)} cannot be a partition's; text, whole numbers, decimals, booleans and dates can"
    )
