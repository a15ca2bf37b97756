"""Default values between Avro schemas' JSON (bytes as ISO 8859-1 text, dates and times as numbers) and Connect."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from ferryman.decimals import from_unscaled, twos_complement, unscaled
from ferryman.errors import DataError
from ferryman.json_payload import day, time_of_day
from ferryman.json_text import time_millis
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from ferryman.values import millis, moment

UNION = "io.confluent.connect.avro.Union"
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
        case name if name == UNION and schema.fields:
            # A union's default is of its first type.
            return {schema.fields[0].name: default_value(schema.fields[0].schema, node)}
    return _plain(schema, node)


def _plain(schema: Schema, node: Any) -> Any:
    match schema.type:
        case Type.BYTES:
            return node.encode("latin-1")
        case Type.FLOAT32 | Type.FLOAT64:
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
        case Type.STRUCT if schema.name == UNION:
            return next((default_node(field.schema, value.get(field.name)) for field in schema.fields), None)
        case Type.STRUCT:
            return {field.name: default_node(field.schema, value.get(field.name)) for field in schema.fields}
        case Type.ARRAY:
            return [default_node(known(schema.values), item) for item in value]
        case Type.MAP if known(schema.keys).type is Type.STRING and not known(schema.keys).optional:
            return {name: default_node(known(schema.values), item) for name, item in value.items()}
        case Type.MAP:
            keys, values = known(schema.keys), known(schema.values)
            return [[default_node(keys, key), default_node(values, item)] for key, item in value.items()]
        case _:
            return value


def known(schema: Schema | None) -> Schema:
    """The schema of an array's or map's parts. Raises DataError if there is none."""
    if schema is None:
        raise DataError("An array or map whose elements have no schema cannot be written as Avro")
    return schema
