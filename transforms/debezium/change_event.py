"""Change events as Debezium writes them: envelopes, the metadata in them, and structs read as Connect's Struct does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import polars as pl

from ferryman.errors import DataError, MissingValue
from ferryman.formats import eager
from ferryman.record import Columns, Data, values_of
from ferryman.schema import INTEGERS, Schema, Type
from ferryman.transforms.fields.name_lists import parts

_SUFFIX = ".Envelope"
_OF_TRANSACTION = frozenset({"id", "data_collection_order", "total_order"})
_OF_EVENT = frozenset({"op", "ts_ms", "ts_us", "ts_ns"})


class BadReference(ValueError):
    """A reference to metadata that cannot be read."""


class ConnectError(DataError):
    """What Debezium reports with Connect's general exception."""

    java = "org.apache.kafka.connect.errors.ConnectException"


class WrongClass(DataError):
    """A value of another class than the transform takes it for."""

    java = "java.lang.ClassCastException"


def is_envelope(schema: Schema | None) -> bool:
    """Whether a value's schema is that of a change event, by its name."""
    return schema is not None and (schema.name or "").endswith(_SUFFIX)


def member(schema: Schema, name: str) -> Schema:
    """The schema of a struct's field. Raises DataError, as Connect's Struct, if there is none."""
    if name not in schema.by_name:
        raise DataError(f"{name} is not a valid field name")
    return schema.by_name[name].schema


def field_of_type(value: Mapping[str, Any], schema: Schema, name: str, wanted: Type) -> Any:
    """A field that must be of a type, as Struct.getString and its siblings read it: no default stands in for null."""
    if member(schema, name).type is not wanted:
        raise DataError(f"Field '{name}' is not of type {wanted}")
    found = value.get(name)
    if wanted in INTEGERS and found is not None and not isinstance(found, int):
        raise WrongClass(f"The field {name} holds a time where a number is needed")
    return found


class Reference(NamedTuple):
    """Metadata of an event that becomes a field or header."""

    struct: str | None
    """The struct that holds it; None: the event itself."""
    field: str
    """Its name there."""
    name: str
    """The name it gets."""

    def schema(self, envelope: Schema) -> Schema | None:
        """The schema of the new field; None if the event has no such metadata."""
        found = self._found(envelope)
        if found is None:
            return None
        # Kafka's SchemaUtil, which copies the schema, leaves out what is in a struct or map.
        items = found.values if found.type is Type.ARRAY else None
        return replace(found, optional=True, default=None, fields=(), keys=None, values=items)

    def _found(self, envelope: Schema) -> Schema | None:
        found = self._holder(envelope).by_name.get(self.field) or envelope.by_name.get(self.field)
        return None if found is None else found.schema

    def _holder(self, envelope: Schema) -> Schema:
        if self.struct is None:
            return envelope
        if self.struct not in envelope.by_name:
            raise MissingValue(f"A change event without the field {self.struct}, which should hold {self.field}")
        holder = envelope.by_name[self.struct].schema
        if holder.type is not Type.STRUCT:
            raise DataError("Cannot look up fields on non-struct type")
        return holder

    def values(self, data: Data) -> Sequence[Any]:
        """The metadata of each event."""
        assert data.schema is not None
        if isinstance(data, Columns):
            schema = self._found(data.schema)
            assert schema is not None
            return values_of(self.column(data), schema)
        name, struct = self.field, self.struct
        if struct is None:
            return [value.get(name) for value in data.values]
        inside = name in data.schema.by_name[struct].schema.by_name
        pairs = [(value, value.get(struct)) for value in data.values]
        return [None if held is None else held.get(name) if inside else value.get(name) for value, held in pairs]

    def column(self, data: Columns) -> pl.Series:
        """The same as a column under the new name."""
        if self.struct is None:
            return data.frame.get_column(self.field).alias(self.name)
        holder = data.frame.get_column(self.struct)
        if self.field in data.schema.by_name[self.struct].schema.by_name:
            return eager.member(holder, self.field).alias(self.name)
        column = data.frame.get_column(self.field)
        return column.zip_with(~eager.nulls(holder), pl.Series([None], dtype=column.dtype)).alias(self.name)


def reference(text: str, prefix: str) -> Reference:
    """A reference as configs have it: ``field``, ``struct.field`` or either with ``:name``. Raises BadReference."""
    found = parts(text)
    path = parts(found[0], ".") if found else []
    if len(found) not in (1, 2) or not path:
        raise BadReference(f"Unexpected field name: {text}")
    field = path[0] if len(path) == 1 else path[1]
    struct = _holder_of(field) if len(path) == 1 else path[0]
    if len(found) == 2:
        return Reference(struct, field, prefix + found[1])
    return Reference(struct, field, prefix + (field if len(path) == 1 else f"{struct}_{field}"))


def _holder_of(field: str) -> str | None:
    if field in _OF_TRANSACTION:
        return "transaction"
    if field in _OF_EVENT:
        return None
    return "updateDescription" if field == "updateDescription" else "source"
