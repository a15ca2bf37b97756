"""Avro schemas read as Connect's: the mapping of Confluent's AvroConverter, from an Avro schema to a Reading.

A Reading holds the Connect schema and two spellings of the Avro schema with the same bytes behind them: one for
fastavro, one for polars. Both have every named type written out under a name of its own, so references and namespaces
no longer matter; in the rows' spelling decimals are plain bytes (fastavro would round them to the precision), and each
branch of a true union is wrapped in a record, so that the branch taken is known.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from ferryman.decimals import from_unscaled
from ferryman.errors import DataError
from ferryman.json_payload import INTEGER_RANGES, day, time_of_day
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type
from ferryman.values import moment

Convert = Callable[[Any], Any]

UNION = "io.confluent.connect.avro.Union"
ENUM = "io.confluent.connect.avro.Enum"
DEFAULT_NAME = "io.confluent.connect.avro.ConnectDefault"
DEFAULT_PRECISION = 64
MOST_PARTS = 20_000
"""A schema written out larger than this is refused: references to references can grow without bound."""

PRIMITIVES: Mapping[str, Type] = {
    "boolean": Type.BOOLEAN,
    "int": Type.INT32,
    "long": Type.INT64,
    "float": Type.FLOAT32,
    "double": Type.FLOAT64,
    "bytes": Type.BYTES,
    "string": Type.STRING,
}
_NARROW = {"int8": Type.INT8, "int16": Type.INT16}
_LOGICAL = {
    ("int", "date"): (DATE, "date"),
    ("int", "time-millis"): (TIME, "time-millis"),
    ("long", "timestamp-millis"): (TIMESTAMP, "timestamp-millis"),
    ("long", "timestamp-micros"): (TIMESTAMP, "timestamp-micros"),
}
_BY_CONNECT_NAME = {
    ("int", DATE): "date",
    ("int", TIME): "time-millis",
    ("long", TIMESTAMP): "timestamp-millis",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How data of one Avro schema is read. ``convert`` is None where fastavro's values are Connect's already;
    ``reason`` says why the data cannot become columns."""

    schema: Schema
    rows: Any
    columns: Any
    convert: Convert | None = None
    reason: str | None = None


def reading(avro: Any) -> Reading:
    """The Reading of a parsed Avro schema. Raises DataError for one that cannot be read."""
    try:
        part = _Walk().read(avro, "")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"The Avro schema is not valid: {error!r}") from error
    if part.schema.type is not Type.STRUCT or part.schema.name == UNION or not part.schema.fields:
        return replace(part, reason=part.reason or "the schema is not a record with fields")
    return replace(part, reason=part.reason or _shape_reason(part.schema))


def _shape_reason(schema: Schema) -> str | None:
    if schema.optional:
        return "the record is optional"
    inner = (child for field in schema.fields for child in children(field.schema))
    return "an enum or a time inside another field" if any(_needs_place(child) for child in inner) else None


def symbols(schema: Schema) -> tuple[str, ...] | None:
    """The symbols of a schema that was an Avro enum, in their order; None for any other."""
    if schema.parameter(ENUM) is None:
        return None
    return tuple(value for name, value in schema.parameters if name.startswith(f"{ENUM}."))


def children(schema: Schema) -> tuple[Schema, ...]:
    """The schemas directly inside a schema."""
    parts = (*(field.schema for field in schema.fields), schema.keys, schema.values)
    return tuple(part for part in parts if part is not None)


def _needs_place(schema: Schema) -> bool:
    own = symbols(schema) is not None or schema.name == TIME
    return own or any(_needs_place(child) for child in children(schema))


class _Walk:
    """One pass over a schema."""

    def __init__(self) -> None:
        self.known: dict[str, tuple[dict[str, Any], str]] = {}
        self.open: list[str] = []
        self.names = (f"t{number}" for number in count())
        self.parts = 0

    def read(self, node: Any, space: str) -> Reading:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise DataError(f"The Avro schema has more than {MOST_PARTS} parts when written out")
        if isinstance(node, list):
            return self._union(node, space)
        if isinstance(node, str):
            return self._primitive({"type": node}) if node in PRIMITIVES else self._reference(node, space)
        kind = node["type"]
        if isinstance(kind, (dict, list)):
            return self.read(kind, space)
        if kind in PRIMITIVES:
            return self._primitive(node)
        match kind:
            case "record" | "error":
                return self._record(node, space)
            case "enum" | "fixed":
                return self._named(node, space)
            case "array":
                return self._array(node, space)
            case "map":
                return self._map(node, space)
            case _:
                return self._reference(kind, space)

    def _reference(self, name: str, space: str) -> Reading:
        if name == "null":
            raise DataError("Standalone null schemas are not supported by this converter")
        full = name if "." in name or not space or f"{space}.{name}" not in self.known else f"{space}.{name}"
        if full in self.open:
            raise DataError(f"The Avro schema is recursive: {full} contains itself, which is not supported")
        if full not in self.known:
            raise DataError(f"The Avro schema refers to an unknown type: {name}")
        definition, defined_in = self.known[full]
        return self.read(definition, defined_in)

    def _primitive(self, node: dict[str, Any]) -> Reading:
        kind = node["type"]
        logical = str(node.get("logicalType") or _BY_CONNECT_NAME.get((kind, node.get("connect.name", ""))))
        if kind == "bytes" and logical == "decimal":
            return _decimal(node, {"type": "bytes"}, {"type": "bytes", "precision": 38})
        if (kind, logical) in _LOGICAL:
            name, spelling = _LOGICAL[kind, logical]
            if name == TIME:
                # Out of a day's range, one decoder makes a null of it and the other a time.
                return Reading(_described(node, Type.INT32, name=TIME, version=1), "long", "long", time_of_day)
            plain = {"type": kind, "logicalType": spelling}
            schema = _described(node, PRIMITIVES[kind], name=name, version=1)
            reason = "timestamp-micros has digits that a column would lose" if spelling.endswith("micros") else None
            return Reading(schema, plain, plain, None, reason)
        schema = _described(node, _NARROW.get(node.get("connect.type", ""), PRIMITIVES[kind]))
        # Neither decoder minds an int of more than 32 bits; read as a long, its range can be checked.
        return Reading(schema, "long", "long", _in_range(schema.type)) if kind == "int" else Reading(schema, kind, kind)

    def _named(self, node: dict[str, Any], space: str) -> Reading:
        full, _ = self._define(node, space)
        if node["type"] == "enum":
            named = ((f"{ENUM}.{symbol}", symbol) for symbol in node["symbols"])
            schema = _described(node, Type.STRING, parameters=((ENUM, full), *named))
            # An enum's bytes are those of an int. polars panics on an enum that is not a required field, and fastavro
            # takes a negative number for a place counted from the end.
            return Reading(schema, "long", "long", _symbol(tuple(node["symbols"])))
        plain = {"type": "fixed", "name": next(self.names), "size": node["size"]}
        if node.get("logicalType") == "decimal":
            digits = min(38, len(str((1 << 8 * node["size"] - 1) - 1)) - 1)
            part = _decimal(node, plain, {**plain, "precision": digits})
            return part if node["size"] <= 16 else replace(part, reason="a fixed decimal of more than 16 bytes")
        schema = _described(node, Type.BYTES, parameters=(("connect.fixed.size", str(node["size"])),))
        return Reading(schema, plain, plain)

    def _define(self, node: dict[str, Any], space: str) -> tuple[str, str]:
        name = node["name"]
        if "." in name:
            space = name.rpartition(".")[0]
        else:
            space = node.get("namespace", space)
            name = f"{space}.{name}" if space else name
        self.known[name] = (node, space)
        return name, space

    def _record(self, node: dict[str, Any], space: str) -> Reading:
        full, inner = self._define(node, space)
        if full in self.open:
            raise DataError(f"The Avro schema is recursive: {full} contains itself, which is not supported")
        self.open.append(full)
        own = next(self.names)
        parts = [(member["name"], self.read(member["type"], inner), member) for member in node["fields"]]
        self.open.pop()
        fields = tuple(Field(name, _with_default(part.schema, member)) for name, part, member in parts)
        name = node.get("connect.name", full)
        schema = _described(
            node, Type.STRUCT, name=None if name.startswith(DEFAULT_NAME) else name, doc=node.get("doc"), fields=fields
        )
        converts = [(name, part.convert) for name, part, _ in parts if part.convert is not None]
        return Reading(
            schema,
            {"type": "record", "name": own, "fields": [{"name": n, "type": part.rows} for n, part, _ in parts]},
            {"type": "record", "name": own, "fields": [{"name": n, "type": part.columns} for n, part, _ in parts]},
            _in_members(converts) if converts else None,
            next((f"field {name}: {part.reason}" for name, part, _ in parts if part.reason), None)
            or (None if parts else "a record without fields"),
        )

    def _array(self, node: dict[str, Any], space: str) -> Reading:
        item = self.read(node["items"], space)
        rows = {"type": "array", "items": item.rows}
        columns = {"type": "array", "items": item.columns}
        entry = {field.name: field.schema for field in item.schema.fields}
        if entry.keys() == {"key", "value"} and _is_entry(node["items"]):
            schema = _described(node, Type.MAP, keys=entry["key"], values=entry["value"])
            return Reading(schema, rows, columns, _entries(item.convert), "a map has no column type")
        schema = _described(node, Type.ARRAY, values=item.schema)
        return Reading(schema, rows, columns, _in_list(item.convert), item.reason)

    def _map(self, node: dict[str, Any], space: str) -> Reading:
        item = self.read(node["values"], space)
        schema = _described(node, Type.MAP, keys=Schema(Type.STRING), values=item.schema)
        rows = {"type": "map", "values": item.rows}
        return Reading(schema, rows, rows, _in_map(item.convert), "a map has no column type")

    def _union(self, nodes: list[Any], space: str) -> Reading:
        empty = ["null" in (node, isinstance(node, dict) and node.get("type")) for node in nodes]
        branches = [node for node, is_null in zip(nodes, empty, strict=True) if not is_null]
        if len(branches) != 1:
            return self._true_union(nodes, empty, space)
        part = self.read(branches[0], space)
        rows = ["null" if is_null else part.rows for is_null in empty]
        columns = ["null" if is_null else part.columns for is_null in empty]
        reason = part.reason if any(empty) else "a union of one type"
        return Reading(part.schema.as_optional(any(empty)), rows, columns, _optional(part.convert), reason)

    def _true_union(self, nodes: list[Any], empty: list[bool], space: str) -> Reading:
        spelled: list[Any] = []
        branches: dict[str, tuple[str, Convert | None]] = {}
        fields: list[Field] = []
        for node, is_null in zip(nodes, empty, strict=True):
            if is_null:
                spelled.append("null")
                continue
            part, own = self.read(node, space), next(self.names)
            spelled.append({"type": "record", "name": own, "fields": [{"name": "v", "type": part.rows}]})
            name = _branch_name(node)
            branches[own] = (name, part.convert)
            fields.append(Field(name, part.schema.as_optional()))
        schema = Schema(Type.STRUCT, optional=any(empty), name=UNION, fields=tuple(fields))
        return Reading(schema, spelled, spelled, _branch(branches), "a union of several types")


def _is_entry(items: Any) -> bool:
    return isinstance(items, dict) and (
        items.get("connect.internal.type") == "MapEntry" or items.get("name") in ("MapEntry", DEFAULT_ENTRY)
    )


DEFAULT_ENTRY = "io.confluent.connect.avro.MapEntry"


def _branch_name(node: Any) -> str:
    """A union branch's field: the type's name, or a named type's simple name."""
    if isinstance(node, str):
        return node.rpartition(".")[2]
    name = node["name"] if node["type"] in ("record", "error", "enum", "fixed") else node["type"]
    return str(name).rpartition(".")[2]


def _described(node: dict[str, Any], kind: Type, **members: Any) -> Schema:
    """A schema with what the ``connect.*`` properties of its Avro node say."""
    parameters = dict(members.pop("parameters", ()))
    parameters |= {str(name): str(value) for name, value in (node.get("connect.parameters") or {}).items()}
    given = {
        "name": node.get("connect.name") if kind is not Type.STRUCT else None,
        "version": node.get("connect.version"),
        "doc": node.get("connect.doc"),
    }
    members |= {name: value for name, value in given.items() if value is not None}
    schema = Schema(kind, parameters=tuple(parameters.items()), **members)
    default = node.get("connect.default")
    return schema if default is None else replace(schema, default=default_value(schema, default))


def _decimal(node: dict[str, Any], rows: Any, columns: dict[str, Any]) -> Reading:
    scale, precision = node.get("scale", 0), node.get("precision", DEFAULT_PRECISION)
    parameters = [("scale", str(scale))]
    if precision != DEFAULT_PRECISION:
        parameters.append(("connect.decimal.precision", str(precision)))
    schema = _described(node, Type.BYTES, name=DECIMAL, version=1, parameters=tuple(parameters))
    most = columns["precision"]
    return Reading(
        schema,
        rows,
        {**columns, "logicalType": "decimal", "scale": scale},
        lambda value: from_unscaled(int.from_bytes(value, "big", signed=True), scale),
        None if 0 <= scale <= most else f"a decimal of scale {scale}",
    )


def _with_default(schema: Schema, member: dict[str, Any]) -> Schema:
    default = member.get("default")
    if default is None or schema.default is not None or schema.name == UNION:
        return schema
    return replace(schema, default=default_value(schema, default))


def default_value(schema: Schema, node: Any) -> Any:
    """A default as the Avro schema's JSON spells it (bytes as ISO 8859-1 text), as Connect's value."""
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
        case _:
            return node


def _in_range(kind: Type) -> Convert:
    low, high = INTEGER_RANGES[kind]

    def check(value: int) -> int:
        if not low <= value <= high:
            raise DataError(f"{value} is out of range for {kind}")
        return value

    return check


def _symbol(names: tuple[str, ...]) -> Convert:
    def symbol(number: int) -> str:
        if not 0 <= number < len(names):
            raise DataError(f"An enum of {len(names)} symbols has none of number {number}")
        return names[number]

    return symbol


def _optional(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: None if value is None else convert(value)


def _in_members(converts: list[tuple[str, Convert]]) -> Convert:
    def convert(value: dict[str, Any]) -> dict[str, Any]:
        for name, member in converts:
            value[name] = member(value[name])
        return value

    return convert


def _in_list(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: [convert(item) for item in value]


def _in_map(convert: Convert | None) -> Convert | None:
    return None if convert is None else lambda value: {name: convert(item) for name, item in value.items()}


def _entries(convert: Convert | None) -> Convert:
    def entries(value: list[dict[str, Any]]) -> dict[Any, Any]:
        pairs = value if convert is None else [convert(item) for item in value]
        return {pair["key"]: pair["value"] for pair in pairs}

    return entries


def _branch(branches: Mapping[str, tuple[str, Convert | None]]) -> Convert:
    def branch(value: Any) -> Any:
        if value is None:
            return None
        name, convert = branches[value[0]]
        return {name: value[1]["v"] if convert is None else convert(value[1]["v"])}

    return branch
