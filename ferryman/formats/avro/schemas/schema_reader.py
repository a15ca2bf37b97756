"""Avro schemas read as Connect's: the mapping of Confluent's AvroConverter, from an Avro schema to a Reading.

A Reading holds the Connect schema and two spellings of the Avro schema with the same bytes behind them: one for
fastavro, one for polars. Both have every named type written out under a name of its own, so references and namespaces
no longer matter; in the rows' spelling decimals are plain bytes (fastavro would round them to the precision), and each
branch of a true union is wrapped in a record, so that the branch taken is known.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas import value_conversions
from ferryman.formats.avro.schemas.connect_properties import (
    DEFAULT_ENTRY,
    DEFAULT_PRECISION,
    FIXED_SIZE,
    PLAIN,
    PRECISION,
    Options,
    enum_parameters,
    record_parameters,
    with_field_default,
    with_properties,
)
from ferryman.formats.avro.schemas.connect_properties import symbols as symbols
from ferryman.formats.avro.schemas.defaults import UNION as UNION
from ferryman.formats.avro.schemas.defaults import default_value as default_value
from ferryman.formats.avro.schemas.value_conversions import Convert
from ferryman.formats.json.payload import time_of_day
from ferryman.java.decimals import from_unscaled
from ferryman.schema import DATE, DECIMAL, INTEGERS, TIME, TIMESTAMP, Field, RecursiveSchema, Schema, Type

MOST_PARTS = 20_000
"""A schema written out larger than this is refused: references to references can grow without bound."""
MAX_DEPTH = 100
"""How deep types may be nested, as in Avro's own readers."""

PRIMITIVES: Mapping[str, Type] = {
    "boolean": Type.BOOLEAN,
    "int": Type.INT32,
    "long": Type.INT64,
    "float": Type.FLOAT32,
    "double": Type.FLOAT64,
    "bytes": Type.BYTES,
    "string": Type.STRING,
}
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_NARROW = {"int8": Type.INT8, "int16": Type.INT16}
_LOGICAL = {
    ("int", "date"): (DATE, "date"),
    ("int", "time-millis"): (TIME, "time-millis"),
    ("long", "timestamp-millis"): (TIMESTAMP, "timestamp-millis"),
}
_BY_CONNECT_NAME = {
    ("int", DATE): "date",
    ("int", TIME): "time-millis",
    ("long", TIMESTAMP): "timestamp-millis",
    ("bytes", DECIMAL): "decimal",
    ("fixed", DECIMAL): "decimal",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """How data of one Avro schema is read."""

    schema: Schema
    """The Connect schema that it becomes."""
    rows: Any
    """The Avro schema by which fastavro reads single values."""
    columns: Any
    """The Avro schema by which polars reads whole batches."""
    convert: Convert | None = None
    """Makes fastavro's values Connect's; None where they are already."""
    reason: str | None = None
    """Why the data cannot become columns; None if it can."""
    empty: bool = False
    """Whether a value may have no bytes at all."""
    recursive: bool = False
    """Whether a record contains itself, so that the data has no depth of its own."""


def reading(avro: Any, references: Sequence[Any] = (), options: Options = PLAIN) -> Reading:
    """The Reading of a parsed Avro schema; ``references`` are the parsed schemas that it refers to, each after those
    that it needs itself. Raises DataError for one that cannot be read."""
    try:
        walk = _Walk(options)
        for reference in references:
            walk.read(reference, "")
        part = walk.read(avro, "")
        part = replace(part, recursive=bool(walk.converts))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(f"The Avro schema is not valid: {error!r}") from error
    if part.schema.type is not Type.STRUCT or part.schema.name == UNION or not part.schema.fields:
        return replace(part, reason=part.reason or "the schema is not a record with fields")
    return replace(part, reason=part.reason or ("the record is optional" if part.schema.optional else None))


class _Walk:
    """One pass over a schema."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.known: dict[str, tuple[dict[str, Any], str]] = {}
        self.open: dict[str, str] = {}
        """The records being read, with the names of their own."""
        self.cycles: dict[str, list[RecursiveSchema]] = {}
        self.converts: dict[str, Convert | None] = {}
        """How records that contain themselves are converted, by those names."""
        self.names = (f"t{number}" for number in count())
        self.parts = 0
        self.depth = 0

    def read(self, node: Any, space: str) -> Reading:
        self.parts += 1
        if self.parts > MOST_PARTS:
            raise DataError(f"The Avro schema has more than {MOST_PARTS} parts when written out")
        if self.depth >= MAX_DEPTH:
            raise DataError(f"The Avro schema is nested more than {MAX_DEPTH} levels deep")
        self.depth += 1
        try:
            return self._read(node, space)
        finally:
            self.depth -= 1

    def _read(self, node: Any, space: str) -> Reading:
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
            case "enum":
                return self._enum(node, space)
            case "fixed":
                return self._fixed(node, space)
            case "array":
                return self._array(node, space)
            case "map":
                return self._map(node, space)
            case _:
                return self._reference(kind, space)

    def _definition(self, name: str, space: str) -> tuple[dict[str, Any], str]:
        full = self._full(name, space)
        if full not in self.known:
            raise DataError(f"The Avro schema refers to an unknown type: {name}")
        return self.known[full]

    def _full(self, name: str, space: str) -> str:
        return name if "." in name or not space or f"{space}.{name}" not in self.known else f"{space}.{name}"

    def _reference(self, name: str, space: str) -> Reading:
        if name == "null":
            raise DataError("Standalone null schemas are not supported by this converter")
        full = self._full(name, space)
        return self._cycle(self.open[full]) if full in self.open else self.read(*self._definition(name, space))

    def _cycle(self, own: str) -> Reading:
        """A record inside itself."""
        self.converts.setdefault(own, None)
        schema = RecursiveSchema.unfilled(self.cycles.setdefault(own, []))

        def convert(value: Any) -> Any:
            found = self.converts[own]
            return value if found is None else found(value)

        return Reading(schema, own, own, convert, "a record that contains itself")

    def _primitive(self, node: dict[str, Any]) -> Reading:
        kind = node["type"]
        logical = _logical(node)
        if kind == "bytes" and logical == "decimal":
            return self._decimal(node, {"type": "bytes"}, {"type": "bytes", "precision": 38})
        if (kind, logical) in _LOGICAL:
            name, spelling = _LOGICAL[kind, logical]
            version = 1 if "logicalType" in node else None
            schema = with_properties(node, self.options, Schema(PRIMITIVES[kind], name=name, version=version))
            if name == TIME:
                # Out of a day's range, one decoder makes a null of it and the other a time.
                return Reading(schema, "long", "long", time_of_day)
            plain = {"type": kind, "logicalType": spelling}
            return Reading(schema, plain, plain)
        narrow = node.get("connect.type") if kind == "int" and "logicalType" not in node else None
        if narrow is not None and narrow not in _NARROW:
            raise DataError(f"Connect type annotation for Avro int field is not int8 or int16: {narrow}")
        schema = with_properties(node, self.options, Schema(PRIMITIVES[kind] if narrow is None else _NARROW[narrow]))
        # Neither decoder minds an int of more than 32 bits; read as a long, its range can be checked.
        if kind == "int":
            return Reading(schema, "long", "long", value_conversions.in_range(schema.type))
        if kind == "boolean":
            # One decoder takes any byte but 0 for true, the other only 1, as Java does.
            byte = {"type": "fixed", "name": next(self.names), "size": 1}
            return Reading(schema, byte, kind, value_conversions.is_one)
        return Reading(schema, kind, kind)

    def _decimal(self, node: dict[str, Any], rows: Any, columns: dict[str, Any]) -> Reading:
        legacy = (node.get("connect.parameters") or {}).get("scale", 0)
        scale, precision = int(node.get("scale", legacy)), node.get("precision", DEFAULT_PRECISION)
        parameters = [("scale", str(scale))]
        if precision != DEFAULT_PRECISION:
            parameters.append((PRECISION, str(precision)))
        if "size" in columns:
            parameters.append((FIXED_SIZE, str(columns["size"])))
        version = 1 if "logicalType" in node else None
        schema = Schema(Type.BYTES, name=DECIMAL, version=version, parameters=tuple(parameters))
        most = columns["precision"]
        return Reading(
            with_properties(node, self.options, schema),
            rows,
            {**columns, "logicalType": "decimal", "scale": scale},
            lambda value: from_unscaled(int.from_bytes(value, "big", signed=True), scale),
            None if 0 <= scale <= most else f"a decimal of scale {scale}",
        )

    def _enum(self, node: dict[str, Any], space: str) -> Reading:
        full, _ = self._define(node, space)
        schema = Schema(Type.STRING, parameters=enum_parameters(node, full, self.options))
        # An enum's bytes are those of an int. polars panics on an enum that is not a required field, and fastavro takes
        # a negative number for a place counted from the end.
        convert = value_conversions.symbol(tuple(node["symbols"]))
        return Reading(with_properties(node, self.options, schema, full), "long", "long", convert)

    def _fixed(self, node: dict[str, Any], space: str) -> Reading:
        full, _ = self._define(node, space)
        size = node["size"]
        plain = {"type": "fixed", "name": next(self.names), "size": size}
        if _logical(node) == "decimal":
            digits = min(38, len(str((1 << 8 * min(size, 16) - 1) - 1)) - 1) if size else 0
            part = self._decimal(node, plain, {**plain, "precision": digits})
            part = replace(part, empty=size == 0)
            return part if size <= 16 else replace(part, reason="a fixed decimal of more than 16 bytes")
        schema = Schema(Type.BYTES, parameters=((FIXED_SIZE, str(size)),))
        return Reading(with_properties(node, self.options, schema, full), plain, plain, empty=size == 0)

    def _define(self, node: dict[str, Any], space: str) -> tuple[str, str]:
        full = _full_name(node, space)
        inner = full.rpartition(".")[0]
        self.known[full] = (node, inner)
        return full, inner

    def _record(self, node: dict[str, Any], space: str) -> Reading:
        full, inner = self._define(node, space)
        own = self.open[full] = next(self.names)
        parts = [(member["name"], self.read(member["type"], inner), member) for member in node["fields"]]
        del self.open[full]
        fields = tuple(
            Field(name, with_field_default(part.schema, member["type"], member, self.options))
            for name, part, member in parts
        )
        bare = Schema(Type.STRUCT, fields=fields, parameters=record_parameters(node, self.options))
        schema = with_properties(node, self.options, bare, full)
        convert = value_conversions.in_members(
            [(name, part.convert) for name, part, _ in parts if part.convert is not None]
        )
        for cyclic in self.cycles.pop(own, []):
            cyclic.fill(schema)
            self.converts[own] = convert
        return Reading(
            schema,
            {"type": "record", "name": own, "fields": [{"name": n, "type": part.rows} for n, part, _ in parts]},
            {"type": "record", "name": own, "fields": [{"name": n, "type": part.columns} for n, part, _ in parts]},
            convert,
            next((f"field {name}: {part.reason}" for name, part, _ in parts if part.reason), None)
            or (None if parts else "a record without fields"),
            all(part.empty for _, part, _ in parts),
        )

    def _array(self, node: dict[str, Any], space: str) -> Reading:
        item = self.read(node["items"], space)
        if item.empty:
            # A few bytes could claim any number of them.
            raise DataError("The Avro schema has an array whose elements take no bytes, which is not supported")
        rows = {"type": "array", "items": item.rows}
        columns = {"type": "array", "items": item.columns}
        if self._is_entry(node["items"], space):
            entry = {field.name: field.schema for field in item.schema.fields}
            if entry.keys() != {"key", "value"}:
                raise DataError("A map encoded as an array of key-value pairs has elements of the wrong form")
            schema = with_properties(node, self.options, Schema(Type.MAP, keys=entry["key"], values=entry["value"]))
            reason = item.reason or (None if _is_plain_key(entry["key"]) else "a map with keys of another kind")
            return Reading(schema, rows, columns, value_conversions.entries(item.convert), reason)
        schema = with_properties(node, self.options, Schema(Type.ARRAY, values=item.schema))
        return Reading(schema, rows, columns, value_conversions.in_list(item.convert), item.reason)

    def _is_entry(self, items: Any, space: str) -> bool:
        if isinstance(items, str) and items not in PRIMITIVES:
            items, space = self._definition(items, space)
        if not isinstance(items, dict) or items.get("type") != "record":
            return False
        return _full_name(items, space) == DEFAULT_ENTRY or items.get("connect.internal.type") == "MapEntry"

    def _map(self, node: dict[str, Any], space: str) -> Reading:
        item = self.read(node["values"], space)
        schema = with_properties(node, self.options, Schema(Type.MAP, keys=Schema(Type.STRING), values=item.schema))
        rows = {"type": "map", "values": item.rows}
        # A map's bytes are those of an array of its entries.
        members = [{"name": "key", "type": "string"}, {"name": "value", "type": item.columns}]
        columns = {"type": "array", "items": {"type": "record", "name": next(self.names), "fields": members}}
        return Reading(schema, rows, columns, value_conversions.in_map(item.convert), item.reason)

    def _union(self, nodes: list[Any], space: str) -> Reading:
        empty = ["null" in (node, isinstance(node, dict) and node.get("type")) for node in nodes]
        branches = [node for node, is_null in zip(nodes, empty, strict=True) if not is_null]
        if not branches:
            raise DataError("Standalone null schemas are not supported by this converter")
        if len(branches) > 1 or (len(nodes) == 1 and not self.options.flatten):
            return self._true_union(nodes, empty, space)
        part = self.read(branches[0], space)
        rows = ["null" if is_null else part.rows for is_null in empty]
        columns = ["null" if is_null else part.columns for is_null in empty]
        if not any(empty):
            # polars has no union of one type. A null that comes in by the second one is found, and left to the rows.
            columns.append("null")
        schema = part.schema.as_optional(any(empty))
        return Reading(schema, rows, columns, value_conversions.optional(part.convert), part.reason)

    def _true_union(self, nodes: list[Any], empty: list[bool], space: str) -> Reading:
        spelled: list[Any] = []
        branches: dict[str, tuple[str, Convert | None]] = {}
        fields: list[Field] = []
        for node, is_null in zip(nodes, empty, strict=True):
            if is_null:
                spelled.append("null")
                continue
            part, own = self.read(node, space), next(self.names)
            name = _branch_name(node, space, self.known, self.options.enhanced)
            spelled.append({"type": "record", "name": own, "fields": [{"name": "v", "type": part.rows}]})
            branches[own] = (name, part.convert)
            if any(field.name == name for field in fields):
                raise DataError(f"Multiple union schemas map to the Connect union field name {name}")
            fields.append(Field(name, part.schema.as_optional()))
        schema = Schema(Type.STRUCT, optional=any(empty), name=UNION, fields=tuple(fields))
        return Reading(schema, spelled, spelled, value_conversions.branch(branches), "a union of several types")


def _branch_name(node: Any, space: str, known: Container[str], enhanced: bool) -> str:
    """A union branch's field: the type's name, or a named type's simple name (the full one if enhanced)."""
    kind = node if isinstance(node, str) else str(node["type"])
    if kind in PRIMITIVES or kind in ("array", "map"):
        return kind
    name = str(node["name"]) if kind in _NAMED else kind
    own = node.get("namespace", space) if kind in _NAMED else space
    full = name if "." in name or f"{own}.{name}" not in known else f"{own}.{name}"
    return full if enhanced else full.rpartition(".")[2]


def _is_plain_key(schema: Schema) -> bool:
    """Whether equal keys are equal in a column too: neither fractions, nor what is no key of a dict."""
    return schema.type in (*INTEGERS, Type.BOOLEAN, Type.STRING)


def _full_name(node: dict[str, Any], space: str) -> str:
    name, own = str(node["name"]), node.get("namespace", space)
    return name if "." in name or not own else f"{own}.{name}"


def _logical(node: dict[str, Any]) -> str:
    """The logical type that a node names, or that its Connect name stands for."""
    found = node.get("logicalType") or _BY_CONNECT_NAME.get((node["type"], node.get("connect.name", "")))
    return str(found).lower()
