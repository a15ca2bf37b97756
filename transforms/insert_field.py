"""InsertField: adds fields from the record's metadata or from the config."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import polars as pl

from ferryman.config import Bool, Config, Str, key
from ferryman.errors import DataError, KeyProblem
from ferryman.formats import eager
from ferryman.record import Batch, Columns, Data, Maps, Polled, Rows
from ferryman.schema import INT32, INT64, STRING, TIMESTAMP_SCHEMA, Schema
from ferryman.transforms.fields.epoch_times import FIRST_MILLIS, LAST_MILLIS, instant
from ferryman.transforms.fields.map_columns import of, put, same
from ferryman.transforms.fields.sides import Sided
from ferryman.transforms.fields.structs import (
    copy_with_defaults,
    defaults,
    fields,
    maps,
    refuse_nulls,
    structs,
    with_defaults,
)

PURPOSE = "field insertion"


class InsertFieldConfig(Config):
    """Keys of InsertField. A name may end in ``!`` (the field is required) or ``?`` (optional, the default)."""

    topic_field: Str | None = key(None)
    """The field for the record's topic."""
    partition_field: Str | None = key(None)
    """The field for the record's partition; nothing is added to a map while the partition is unknown."""
    offset_field: Str | None = key(None)
    """The field for the record's offset. Sinks only."""
    timestamp_field: Str | None = key(None)
    """The field for the record's timestamp: a Timestamp with a schema, else milliseconds since the epoch."""
    static_field: Str | None = key(None)
    """The field for static.value."""
    static_value: Str | None = key(None)
    """The text that static.field gets."""
    replace_null_with_default: Bool = key(True)
    """Whether null fields with a default are copied as that default."""

    def problems(self) -> Iterable[KeyProblem]:
        """Nothing to insert, or a static field without its value."""
        if not self.targets():
            yield KeyProblem("topic.field", "No field insertion configured")
        if self.static_field is not None and self.static_value is None:
            name = self.static_field
            reason = f"No value specified for static field: {name}"
            yield KeyProblem("static.value", f"Invalid value null for configuration static.value: {reason}")

    def targets(self) -> "list[InsertedField]":
        """What is inserted, in the order in which Kafka appends it."""
        wanted = [
            ("topic", self.topic_field, STRING),
            ("partition", self.partition_field, INT32),
            ("offset", self.offset_field, INT64),
            ("timestamp", self.timestamp_field, TIMESTAMP_SCHEMA),
            ("static", self.static_field, STRING),
        ]
        return [
            InsertedField(source, *_optionality(name, schema)) for source, name, schema in wanted if name is not None
        ]


class InsertedField(NamedTuple):
    """A field to insert."""

    source: str
    """Where its value comes from: topic, partition, offset, timestamp or static."""
    name: str
    schema: Schema


def _optionality(name: str, schema: Schema) -> tuple[str, Schema]:
    if name.endswith("!"):
        return name[:-1], schema
    return name.removesuffix("?"), schema.as_optional()


class InsertField(Sided[InsertFieldConfig]):
    """Adds topic, partition, offset, timestamp or a fixed text as fields of a map or struct."""

    config_class = InsertFieldConfig
    classes = ("org.apache.kafka.connect.transforms.InsertField",)
    takes_maps = True

    def __init__(self, config: InsertFieldConfig, side: Any = "value") -> None:
        super().__init__(config, side)
        self.targets = config.targets()
        self._schema = lru_cache(maxsize=16)(self._with_targets)

    def apply_batch(self, batch: Batch) -> Sequence[Batch]:
        """Null passes unchanged."""
        return self.past_nulls(batch, self._change)

    def _with_targets(self, schema: Schema) -> Schema:
        return schema.with_fields(
            fields(
                [(each.name, each.schema) for each in schema.fields]
                + [(target.name, target.schema) for target in self.targets]
            )
        )

    def _change(self, batch: Batch) -> Data:
        data = self.data(batch)
        if isinstance(data, Columns):
            return self._columns(batch, data) or self._structs(batch, data.rows())
        if isinstance(data, Maps):
            return self._map_columns(batch, data) or self._maps(batch, data.rows())
        return self._maps(batch, data) if data.schema is None else self._structs(batch, data)

    def _map_columns(self, batch: Batch, data: Maps) -> Maps | None:
        """None where some records would get a key that others do not get."""
        fixed, varying = self._values(batch, schemaless=True)
        if any(None in values for _, values in varying):
            return None
        inserted = [
            *(same(name, value, len(data)) for name, value in fixed.items()),
            *(of(name, values[0].__class__, values) for name, values in varying),
        ]
        return put(data, inserted)

    def _maps(self, batch: Batch, data: Rows) -> Rows:
        fixed, varying = self._values(batch, schemaless=True)
        new = [value | fixed for value in maps(data.values, PURPOSE)]
        for name, values in varying:
            for value, item in zip(new, values, strict=True):
                if item is not None:
                    value[name] = item
        return Rows(None, new)

    def _structs(self, batch: Batch, data: Rows) -> Rows:
        assert data.schema is not None
        values = structs(data, PURPOSE)
        schema = self._schema(data.schema)
        if not self.config.replace_null_with_default:
            refuse_nulls(values, data.schema, *data.schema.by_name)
        fill = defaults(data.schema, self.config.replace_null_with_default)
        fixed, varying = self._values(batch, schemaless=False)
        new = [copy_with_defaults(value, fill) | fixed for value in values]
        for name, items in varying:
            for value, item in zip(new, items, strict=True):
                value[name] = item
        return Rows(schema, new)

    def _values(self, batch: Batch, schemaless: bool) -> tuple[dict[str, Any], list[tuple[str, Sequence[Any]]]]:
        """What is the same for the whole batch, and what has a value for each record."""
        fixed: dict[str, Any] = {}
        varying: list[tuple[str, Sequence[Any]]] = []
        for source, name, _ in self.targets:
            if source == "offset":
                varying.append((name, offsets(batch)))
            elif source == "timestamp":
                times = batch.timestamps
                varying.append((name, times if schemaless else [None if at is None else instant(at) for at in times]))
            else:
                value = self._constant(batch, source)
                if any(name == before for before, _ in varying):
                    # Of two targets with one name the later wins.
                    varying.append((name, [value] * len(batch)))
                elif value is not None or not schemaless:
                    fixed[name] = value
        return fixed, varying

    def _constant(self, batch: Batch, source: str) -> Any:
        return {"topic": batch.topic, "partition": batch.partition, "static": self.config.static_value}[source]

    def _columns(self, batch: Batch, data: Columns) -> Columns | None:
        schema = self._schema(data.schema)
        frame = with_defaults(data, self.config.replace_null_with_default)
        if frame is None or not all(at is None or FIRST_MILLIS <= at <= LAST_MILLIS for at in batch.timestamps):
            return None
        return Columns(schema, eager.put(frame, [self._column(batch, target) for target in self.targets]))

    def _column(self, batch: Batch, target: InsertedField) -> pl.Series:
        if target.source == "offset":
            return pl.Series(target.name, offsets(batch), dtype=pl.Int64)
        if target.source == "timestamp":
            times = pl.Series(target.name, batch.timestamps, dtype=pl.Int64)
            return times.cast(pl.Datetime("ms", "UTC"))
        dtype = pl.Int32() if target.source == "partition" else pl.String()
        return eager.same(target.name, self._constant(batch, target.source), dtype, len(batch))


def offsets(batch: Batch) -> Sequence[int]:
    """The records' offsets. Raises DataError for records of a source, which have none yet."""
    if isinstance(batch.origin, Polled):
        return batch.original_offsets
    found = [batch.origin[position].offset for position in batch.positions]
    if any(offset is None for offset in found):
        raise DataError(
            f"Only SinkRecord supported for [{PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
        )
    return [offset for offset in found if offset is not None]
