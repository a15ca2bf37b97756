"""Default values between Avro schemas' JSON (bytes as ISO 8859-1 text, dates and times as numbers) and Connect."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.schema_text import Single
from ferryman.formats.json.payload import INTEGER_RANGES, day, time_of_day
from ferryman.formats.json.text import time_millis
from ferryman.java.decimals import from_unscaled, twos_complement, unscaled
from ferryman.java.texts import millis, moment, to_float32
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type

UNION = "io.confluent.connect.avro.Union"
ENUM = "io.confluent.connect.avro.Enum"
FIXED_SIZE = "connect.fixed.size"
_EPOCH_DAY = date(1970, 1, 1)
NUMBERS: Mapping[str | None, tuple[str, Callable[[Any], int]]] = {
    DATE: ("date", lambda value: (value - _EPOCH_DAY).days),
    TIME: ("time-millis", time_millis),
    TIMESTAMP: ("timestamp-millis", millis),
}
"""Connect's logical types that are numbers in Avro: their names there, and the numbers."""


def default_value(schema: Schema, node: Any) -> Any:
    """A default as the Avro schema's JSON spells it, as Connect's value. Raises a Python error for what is none."""
    if node is None:
        return None
    match schema.name:
        case name if name == DECIMAL:
            return from_unscaled(int.from_bytes(node.encode("latin-1"), "big", signed=True), schema.scale)
        case name if name == DATE:
            return day(node)
        case name if name == TIME:
            return time_of_day(node)
        case name if name == TIMESTAMP:
            return moment(node)
        case name if name == UNION:
            return _of_union(schema, node)
    return _plain(schema, _checked(schema, node))


def _of_union(schema: Schema, node: Any) -> Any:
    """The default of a union is of the first type that it fits. As AvroData, which goes by Java's classes, this leaves
    out that of a record and of a narrow integer, and takes an enum's for a text's."""
    found = next((field.schema for field in schema.fields if fits(field.schema, node)), None)
    if found is None or found.type in (Type.STRUCT, Type.INT8, Type.INT16):
        raise TypeError(f"{node!r} is not a default of the union")
    field = next(each for each in schema.fields if each.schema.type is found.type and _is_known(each.schema, node))
    return {field.name: default_value(field.schema, node)}


def _is_known(schema: Schema, node: Any) -> bool:
    size = schema.parameter(FIXED_SIZE)
    return schema.parameter(ENUM) is None and (size is None or int(size) == len(node))


def fits(schema: Schema, node: Any) -> bool:
    """Whether a default as JSON is of that type."""
    if node is not None and schema.name == UNION:
        return any(fits(field.schema, node) for field in schema.fields)
    if schema.type in INTEGER_RANGES and isinstance(node, int):
        low, high = INTEGER_RANGES[Type.INT64 if schema.type is Type.INT64 else Type.INT32]
        return low <= node <= high and not isinstance(node, bool)
    try:
        _checked(schema, node)
    except TypeError:
        return False
    return True


_NODES: Mapping[Type, type | tuple[type, ...]] = {
    **dict.fromkeys((Type.INT8, Type.INT16, Type.INT32, Type.INT64), int),
    **dict.fromkeys((Type.FLOAT32, Type.FLOAT64), (float, int)),
    Type.BOOLEAN: bool,
    Type.STRING: str,
    Type.BYTES: str,
    Type.ARRAY: list,
    Type.MAP: (dict, list),
    Type.STRUCT: dict,
}


def _checked(schema: Schema, node: Any) -> Any:
    kind = _NODES.get(schema.type, object)
    if not isinstance(node, kind) or (isinstance(node, bool) and kind is not bool):
        raise TypeError(f"{node!r} is not a default of {schema.type}")
    return node


def _plain(schema: Schema, node: Any) -> Any:
    match schema.type:
        case Type.BYTES:
            return node.encode("latin-1")
        case Type.FLOAT32:
            return to_float32(float(node))
        case Type.FLOAT64:
            return float(node)
        case Type.STRUCT:
            return {field.name: default_value(field.schema, node.get(field.name)) for field in schema.fields}
        case Type.ARRAY if schema.values is not None:
            return [default_value(schema.values, item) for item in node]
        case Type.MAP if schema.values is not None and isinstance(node, dict):
            return {name: default_value(schema.values, item) for name, item in node.items()}
        case Type.MAP if schema.keys is not None and schema.values is not None:
            return {default_value(schema.keys, key): default_value(schema.values, item) for key, item in node}
        case _:
            return node


def default_node(schema: Schema, value: Any) -> Any:
    """A Connect value as an Avro schema's JSON spells it. Raises DataError for one that Avro cannot have."""
    if value is None:
        return None
    if schema.name == DECIMAL:
        return twos_complement(unscaled(value, schema.scale)).decode("latin-1")
    if schema.name in NUMBERS:
        return NUMBERS[schema.name][1](value)
    match schema.type:
        case Type.BYTES:
            return value.decode("latin-1")
        case Type.FLOAT32:
            return Single(value)
        case Type.STRUCT if schema.name == UNION:
            return next((default_node(field.schema, value.get(field.name)) for field in schema.fields), None)
        case Type.STRUCT:
            members = [(field.name, field.schema, value.get(field.name)) for field in schema.fields]
            return {name: default_node(inner, inner.read(item)) for name, inner, item in members}
        case Type.ARRAY:
            return [default_node(known(schema.values), item) for item in value]
        case Type.MAP if known(schema.keys).type is Type.STRING and not known(schema.keys).optional:
            return {name: default_node(known(schema.values), item) for name, item in value.items()}
        case Type.MAP:
            keys, values = known(schema.keys), known(schema.values)
            return [[default_node(keys, key), default_node(values, item)] for key, item in value.items()]
        case _:
            return value


def is_sound(schema: Schema, node: Any) -> bool:
    """Whether what ``default_node`` made is a default to Avro: null only where that is allowed, and no entries."""
    if node is None:
        return schema.optional
    match schema.type:
        case Type.STRUCT if schema.name == UNION:
            return is_sound(schema.fields[0].schema, node)
        case Type.STRUCT:
            return all(is_sound(field.schema, node[field.name]) for field in schema.fields)
        case Type.ARRAY:
            return all(is_sound(known(schema.values), item) for item in node)
        case Type.MAP if isinstance(node, dict):
            return all(is_sound(known(schema.values), item) for item in node.values())
        case Type.MAP:
            return not node
        case _:
            return True


def known(schema: Schema | None) -> Schema:
    """The schema of an array's or map's parts. Raises DataError if there is none."""
    if schema is None:
        raise DataError("An array or map whose elements have no schema cannot be written as Avro")
    return schema
