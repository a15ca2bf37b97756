"""schema.compatibility: when a record's schema ends a file, and records read by the schema of the file they go into.

As Confluent's StorageSchemaCompatibility and Kafka Connect's SchemaProjector.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import polars as pl

from ferryman.errors import DataError
from ferryman.formats.polars_types import dtype
from ferryman.java.decimals import rescaled
from ferryman.record import Batch, Columns, Rows
from ferryman.schema import DECIMAL, FLOATS, INTEGERS, Field, RecursiveSchema, Schema, Type

Compatibility = Literal["NONE", "BACKWARD", "FORWARD", "FULL"]
Convert = Callable[[Any], Any]

_NUMBERS = INTEGERS | FLOATS
_SCALARS = _NUMBERS | {Type.BOOLEAN, Type.STRING}
_NESTED = frozenset({Type.STRUCT, Type.ARRAY, Type.MAP})
_NOTES = (
    "connect.record.",
    "io.confluent.connect.avro.record.doc",
    "io.confluent.connect.avro.field.doc.",
    "io.confluent.connect.avro.field.default",
    "io.confluent.connect.avro.enum.doc.",
    "io.confluent.connect.avro.enum.default.",
)
"""What parameters begin with that change no value: docs, and marks of defaults."""
_ENUMS = frozenset(
    {"org.apache.kafka.connect.data.Enum", "io.confluent.connect.avro.Enum", "io.confluent.connect.protobuf.Enum"}
)
"""Parameters of an enum."""
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
    if not _fits(record, file):
        return True
    return record.version < file.version if compatibility == "FORWARD" else record.version > file.version


@lru_cache(maxsize=1000)
def _fits(record: Schema, file: Schema) -> bool:
    """Whether every value of a record's schema can be read by the file's; versions apart."""
    if record is file:
        return True
    if isinstance(record, RecursiveSchema) or isinstance(file, RecursiveSchema):
        return False  # what is in them has no end
    if record.type is not file.type and not _promotes(record.type, file.type):
        return False
    if record.name != file.name or not _same_parameters(dict(record.parameters), dict(file.parameters)):
        return False
    if record.optional and not file.optional and file.default is None:
        return False
    if any(field.name not in record.by_name and not _may_lack(field.schema) for field in file.fields):
        return False
    pairs = [(own.schema, file.by_name[own.name].schema) for own in record.fields if own.name in file.by_name]
    pairs += [(own, other) for own, other in ((record.keys, file.keys), (record.values, file.values)) if own and other]
    return all(_fits(own, other) for own, other in pairs)


def _promotes(source: Type, target: Type) -> bool:
    return {source, target} <= _NUMBERS and _WIDTHS.index(source) <= _WIDTHS.index(target)


def _may_lack(schema: Schema) -> bool:
    return schema.optional or schema.default is not None


def _same_parameters(record: Mapping[str, str], file: Mapping[str, str]) -> bool:
    """Whether the parameters that matter are the same; an enum may have fewer symbols than that of the file."""
    own, other = (
        {name: value for name, value in each.items() if not name.startswith(_NOTES)} for each in (record, file)
    )
    if _ENUMS.isdisjoint(own) or _ENUMS.isdisjoint(other):
        return own == other
    return own.items() <= other.items()


def projected(batch: Batch, schema: Schema | None) -> Batch:
    """The batch's values by another schema. Raises DataError if that cannot be."""
    own = batch.value.schema
    if own is schema or own == schema or own is None or schema is None:
        return batch
    convert = _projection(own, schema)
    if isinstance(batch.value, Columns) and (expressions := _columns(own, schema)) is not None:
        return replace(batch, value=Columns(schema, batch.value.frame.select(expressions)))
    return replace(batch, value=Rows(schema, [convert(value) for value in batch.value.rows().values]))


@lru_cache(maxsize=1000)
def _columns(source: Schema, target: Schema) -> tuple[pl.Expr, ...] | None:
    """The target's columns made from the source's, where rows and columns come to the same; None where rows must be."""
    found = [_column(source.by_name.get(field.name), field, pl.col(field.name)) for field in target.fields]
    known = tuple(each for each in found if each is not None)
    return known if known and len(known) == len(found) else None


def _column(own: Field | None, field: Field, value: pl.Expr) -> pl.Expr | None:
    """A field's values; ``value`` gives those of the source, if it has the field."""
    schema = field.schema
    if own is None:
        found = pl.lit(None, dtype(schema)) if schema.type in _SCALARS else None
    elif schema.type in _NESTED:
        found = value if own.schema == schema and _is_plain(schema) else _struct_column(own.schema, schema, value)
    elif own.schema.type is schema.type and dtype(own.schema) == dtype(schema):
        found = value
    elif own.schema.name is None and schema.name is None and schema.type in _NUMBERS:
        # Python widens by way of 64 bits.
        found = (value.cast(pl.Float64) if schema.type in FLOATS else value).cast(dtype(schema))
    else:
        return None
    defaults = [schema] if own is None else [own.schema, schema]
    for each in defaults:
        if found is None or each.default is None:
            continue
        plain = each.type in _SCALARS and each.name is None
        found = found.fill_null(pl.lit(each.default, dtype(schema))) if plain else None
    return None if found is None else found.alias(field.name)


def _struct_column(source: Schema, target: Schema, value: pl.Expr) -> pl.Expr | None:
    """A struct's values, null where it is; None where rows must be."""
    if source.type is not Type.STRUCT or target.type is not Type.STRUCT or source.name != target.name:
        return None
    found = [_column(source.by_name.get(field.name), field, value.struct.field(field.name)) for field in target.fields]
    known = [each for each in found if each is not None]
    if not known or len(known) < len(found):
        return None
    return pl.when(value.is_not_null()).then(pl.struct(known))


def _is_plain(schema: Schema) -> bool:
    """Whether nothing in it has a default, which would take the place of a null."""
    inner = [each for each in (schema.keys, schema.values) if each is not None]
    inner += [field.schema for field in schema.fields]
    return schema.default is None and all(map(_is_plain, inner))


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
    if _promotes(source.type, target.type) and source.name == target.name:
        return float if target.type in FLOATS else lambda value: value
    raise DataError(f"Schema type mismatch. source type: {source.type} and target type: {target.type}")


def _member(source: Schema, target: Schema) -> Convert:
    convert = _projection(source, target)
    return lambda value: convert(source.read(value))


def _struct(source: Schema, target: Schema) -> Convert:
    members: list[tuple[str, Convert]] = []
    for field in target.fields:
        own = source.by_name.get(field.name)
        if own is not None:
            members.append((field.name, _member(own.schema, field.schema)))
        elif _may_lack(field.schema):
            members.append((field.name, lambda value, default=field.schema.default: default))  # type: ignore[misc]
        else:
            raise DataError(f"Required field `{field.name}` is missing from source schema: {source.name}")
    return lambda value: {name: convert(value.get(name)) for name, convert in members}
