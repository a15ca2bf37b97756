"""schema.compatibility: when a record's schema ends a file, and records read by the schema of the file they go into.

As Confluent's StorageSchemaCompatibility and Kafka Connect's SchemaProjector.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

from ferryman.errors import DataError
from ferryman.java.decimals import rescaled
from ferryman.record import Batch, Rows
from ferryman.schema import DECIMAL, FLOATS, INTEGERS, Schema, Type

Compatibility = Literal["NONE", "BACKWARD", "FORWARD", "FULL"]
Convert = Callable[[Any], Any]

_WIDTHS = [Type.INT8, Type.INT16, Type.INT32, Type.INT64, Type.FLOAT32, Type.FLOAT64]


def ends_file(compatibility: Compatibility, file: Schema | None, record: Schema | None) -> bool:
    """Whether a record's schema ends the file whose schema is given. Raises DataError if they cannot be compared."""
    if file is record or file == record:
        return False
    if compatibility == "NONE":
        return True
    if file is None or record is None:
        raise DataError("Switch between schema-based and schema-less data is not supported")
    if file.version is None or record.version is None:
        raise DataError(f"Schema version required for {compatibility} compatibility")
    return record.version < file.version if compatibility == "FORWARD" else record.version > file.version


def projected(batch: Batch, schema: Schema | None) -> Batch:
    """The batch's values by another schema. Raises DataError if that cannot be."""
    own = batch.value.schema
    if own is schema or own == schema or own is None or schema is None:
        return batch
    convert = _projection(own, schema)
    return replace(batch, value=Rows(schema, [convert(value) for value in batch.value.rows().values]))


@lru_cache(maxsize=1000)
def _projection(source: Schema, target: Schema) -> Convert:
    if source.optional and not target.optional and target.default is None:
        raise DataError("Writer schema is optional, however, target schema does not provide a default value.")
    convert = _same(source, target)

    def project(value: Any) -> Any:
        if value is None:
            return target.default
        return convert(value)

    return project


def _same(source: Schema, target: Schema) -> Convert:
    if source.type is not target.type:
        return _promotion(source, target)
    if source.name != target.name:
        raise DataError(f"Schema name mismatch. source name: {source.name} and target name: {target.name}")
    match source.type:
        case Type.STRUCT:
            return _struct(source, target)
        case Type.ARRAY if source.values is not None and target.values is not None:
            item = _projection(source.values, target.values)
            return lambda value: [item(each) for each in value]
        case Type.MAP if source.keys and source.values and target.keys and target.values:
            key, item = _projection(source.keys, target.keys), _projection(source.values, target.values)
            return lambda value: {key(name): item(each) for name, each in value.items()}
        case Type.BYTES if source.name == DECIMAL:
            return lambda value: rescaled(value, target.scale)
    return lambda value: value


def _promotion(source: Schema, target: Schema) -> Convert:
    numbers = INTEGERS | FLOATS
    if (
        {source.type, target.type} <= numbers
        and _WIDTHS.index(source.type) <= _WIDTHS.index(target.type)
        and source.name == target.name
    ):
        return float if target.type in FLOATS else lambda value: value
    raise DataError(f"Schema type mismatch. source type: {source.type} and target type: {target.type}")


def _struct(source: Schema, target: Schema) -> Convert:
    members: list[tuple[str, Convert]] = []
    for field in target.fields:
        own = source.by_name.get(field.name)
        if own is not None:
            members.append((field.name, _projection(own.schema, field.schema)))
        elif field.schema.optional or field.schema.default is not None:
            members.append((field.name, lambda value, default=field.schema.default: default))  # type: ignore[misc]
        else:
            raise DataError(f"Required field `{field.name}` is missing from source schema: {source.name}")
    return lambda value: {name: convert(value.get(name)) for name, convert in members}
