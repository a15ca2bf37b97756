"""Connect schemas written as Avro's: the mapping of Confluent's AvroConverter, from a Connect schema to a Writing."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from typing import Any

from ferryman.avro import DEFAULT_ENTRY, DEFAULT_NAME, DEFAULT_PRECISION, ENUM, UNION, symbols
from ferryman.decimals import twos_complement, unscaled
from ferryman.errors import DataError
from ferryman.json_payload import INTEGER_RANGES
from ferryman.json_text import time_millis
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Field, Schema, Type
from ferryman.values import millis

Convert = Callable[[Any], Any]

_TYPES = {
    Type.INT8: "int",
    Type.INT16: "int",
    Type.INT32: "int",
    Type.INT64: "long",
    Type.FLOAT32: "float",
    Type.FLOAT64: "double",
    Type.BOOLEAN: "boolean",
    Type.STRING: "string",
    Type.BYTES: "bytes",
}
_CLASSES: Mapping[Type, type | tuple[type, ...]] = {
    Type.FLOAT32: (float, int),
    Type.FLOAT64: (float, int),
    Type.BOOLEAN: bool,
    Type.STRING: str,
    Type.BYTES: bytes,
}
_EPOCH_DAY = date(1970, 1, 1)
_LOGICAL: Mapping[str | None, tuple[str, Convert]] = {
    DATE: ("date", lambda value: (value - _EPOCH_DAY).days),
    TIME: ("time-millis", time_millis),
    TIMESTAMP: ("timestamp-millis", millis),
}


@dataclass(frozen=True, slots=True)
class Writing:
    """How data of one Connect schema is written: ``registered`` is the schema for the registry, ``plain`` the same
    without logical types, for values that ``convert`` has made numbers and bytes. ``convert`` raises DataError."""

    registered: Any
    plain: Any
    convert: Convert


def writing(schema: Schema, connect_meta_data: bool = True) -> Writing:
    """The Writing of a schema. Raises DataError for one that Avro cannot have."""
    return _Walk(connect_meta_data).write(schema)


class _Walk:
    """One pass over a schema; a record met again is referred to by name."""

    def __init__(self, connect_meta_data: bool) -> None:
        self.meta = connect_meta_data
        self.known: dict[str, tuple[Schema, Writing]] = {}
        self.depth = 0
        self.plain_names = (f"r{number}" for number in count())
        self.unnamed = (DEFAULT_NAME if number == 1 else f"{DEFAULT_NAME}{number}" for number in count(1))

    def write(self, schema: Schema) -> Writing:
        base = self._base(schema)
        convert = _null_checked(schema, base.convert)
        if not schema.optional:
            return Writing(base.registered, base.plain, convert)
        order = (1, 0) if schema.default is not None else (0, 1)
        both = [("null", base.registered), ("null", base.plain)]
        registered, plain = ([pair[order[0]], pair[order[1]]] for pair in both)
        return Writing(registered, plain, convert)

    def _base(self, schema: Schema) -> Writing:
        if schema.name == UNION:
            raise DataError("Writing Avro unions of several types is not supported")
        match schema.type:
            case Type.STRUCT:
                return self._record(schema)
            case Type.ARRAY:
                return self._array(schema)
            case Type.MAP:
                return self._map(schema)
            case _ if symbols(schema) is not None:
                return self._enum(schema)
            case _:
                return self._primitive(schema)

    def _primitive(self, schema: Schema) -> Writing:
        kind = _TYPES[schema.type]
        node: dict[str, Any] = {"type": kind}
        if schema.name == DECIMAL:
            precision = int(schema.parameter("connect.decimal.precision") or DEFAULT_PRECISION)
            node |= {"scale": schema.scale, "precision": precision, **self._described(schema), "logicalType": "decimal"}
            return Writing(node, kind, _guarded(lambda value: _unscaled(value, schema.scale), schema))
        if schema.name in _LOGICAL:
            logical, convert = _LOGICAL[schema.name]
            return Writing({**node, **self._described(schema), "logicalType": logical}, kind, _guarded(convert, schema))
        if schema.type in (Type.INT8, Type.INT16):
            node["connect.type"] = schema.type.lower()
        node |= self._described(schema)
        return Writing(node if len(node) > 1 else kind, kind, _plain(schema))

    def _enum(self, schema: Schema) -> Writing:
        names = symbols(schema) or ()
        node = {"type": "enum", **_split(schema.parameter(ENUM) or "Enum"), "symbols": list(names)}
        numbers = {name: number for number, name in enumerate(names)}

        def convert(value: Any) -> int:
            if value not in numbers:
                raise DataError(f"{value!r} is not a symbol of the enum {schema.parameter(ENUM)}")
            return numbers[value]

        return self._named(node["fullname"], schema, node, "int", convert)

    def _named(self, full: str, schema: Schema, node: dict[str, Any], plain: Any, convert: Convert) -> Writing:
        node = {name: value for name, value in node.items() if name != "fullname"}
        known = self.known.get(full)
        bare = schema.as_optional(False)
        if known is None:
            self.known[full] = (bare, Writing(full, plain["name"] if isinstance(plain, dict) else plain, convert))
            return Writing({**node, **self._described(schema)}, plain, convert)
        if known[0] != bare:
            raise DataError(f"Two different schemas have the name {full}")
        return known[1]

    def _record(self, schema: Schema) -> Writing:
        full = schema.name or next(self.unnamed)
        name = _split(full)
        if self.depth and "namespace" not in name:
            name["namespace"] = ""
        self.depth += 1
        members = [(field.name, field.schema, self.write(field.schema)) for field in schema.fields]
        self.depth -= 1
        fields = [_field(field, inner, part.registered) for field, inner, part in members]
        plain = {
            "type": "record",
            "name": next(self.plain_names),
            "fields": [{"name": field, "type": part.plain} for field, _, part in members],
        }
        return self._named(full, schema, {"type": "record", **name, "fields": fields}, plain, _members(schema, members))

    def _array(self, schema: Schema) -> Writing:
        item = self.write(_known(schema.values))
        convert = item.convert
        return Writing(
            {"type": "array", "items": item.registered, **self._described(schema)},
            {"type": "array", "items": item.plain},
            _guarded(lambda value: [convert(element) for element in _instance(value, list, schema)], schema),
        )

    def _map(self, schema: Schema) -> Writing:
        keys, values = _known(schema.keys), _known(schema.values)
        if keys.type is Type.STRING and not keys.optional:
            item = self.write(values)
            node = {"type": "map", "values": item.registered, **self._described(schema)}
            return Writing(node, {"type": "map", "values": item.plain}, _map_values(schema, item.convert))
        entry = Schema(Type.STRUCT, name=DEFAULT_ENTRY, fields=_entry_fields(keys, values))
        item = self.write(entry)
        if isinstance(item.registered, dict):
            item.registered["connect.internal.type"] = "MapEntry"
        convert = item.convert
        return Writing(
            {"type": "array", "items": item.registered, **self._described(schema)},
            {"type": "array", "items": item.plain},
            lambda value: [convert({"key": k, "value": v}) for k, v in _instance(value, dict, schema).items()],
        )

    def _described(self, schema: Schema) -> dict[str, Any]:
        if not self.meta:
            return {}
        found: dict[str, Any] = {}
        if schema.doc is not None:
            found["connect.doc"] = schema.doc
        if schema.version is not None:
            found["connect.version"] = schema.version
        own = {name: value for name, value in schema.parameters if not name.startswith(_OWN)}
        if own:
            found["connect.parameters"] = own
        if schema.default is not None:
            found["connect.default"] = default_node(schema, schema.default)
        if schema.name is not None:
            found["connect.name"] = schema.name
        return found


_OWN = (ENUM, "connect.fixed.size")


def _entry_fields(keys: Schema, values: Schema) -> Any:

    return (Field("key", keys), Field("value", values))


def _split(full: str) -> dict[str, Any]:
    space, _, name = full.rpartition(".")
    return {"name": name, **({"namespace": space} if space else {}), "fullname": full}


def _field(name: str, schema: Schema, registered: Any) -> dict[str, Any]:
    field: dict[str, Any] = {"name": name, "type": registered}
    if schema.default is not None:
        field["default"] = default_node(schema, schema.default)
    elif schema.optional:
        field["default"] = None
    return field


def default_node(schema: Schema, value: Any) -> Any:
    """A default as an Avro schema's JSON spells it: bytes as ISO 8859-1 text, dates and times as numbers."""
    if value is None:
        return None
    if schema.name == DECIMAL:
        return _unscaled(value, schema.scale).decode("latin-1")
    if schema.name in _LOGICAL:
        return _LOGICAL[schema.name][1](value)
    match schema.type:
        case Type.BYTES:
            return value.decode("latin-1")
        case Type.STRUCT:
            return {field.name: default_node(field.schema, value.get(field.name)) for field in schema.fields}
        case Type.ARRAY:
            return [default_node(_known(schema.values), item) for item in value]
        case Type.MAP:
            return {name: default_node(_known(schema.values), item) for name, item in value.items()}
        case _:
            return value


def _known(schema: Schema | None) -> Schema:
    if schema is None:
        raise DataError("An array or map whose elements have no schema cannot be written as Avro")
    return schema


def _unscaled(value: Any, scale: int) -> bytes:
    return twos_complement(unscaled(value, scale))


def _null_checked(schema: Schema, convert: Convert) -> Convert:
    default = schema.default

    def checked(value: Any) -> Any:
        if value is not None:
            return convert(value)
        if default is not None:
            return convert(default)
        if not schema.optional:
            raise DataError(f"Invalid value: null used for required field, schema type: {schema.type}")
        return None

    return checked


def _instance(value: Any, kind: type | tuple[type, ...], schema: Schema) -> Any:
    if not isinstance(value, kind) or (value.__class__ is bool and kind is not bool):
        raise DataError(f"Invalid type for {schema.name or schema.type}: {type(value).__name__}")
    return value


def _plain(schema: Schema) -> Convert:
    if schema.type in INTEGER_RANGES:
        low, high = INTEGER_RANGES[schema.type]

        def integer(value: Any) -> int:
            if not low <= _instance(value, int, schema) <= high:
                raise DataError(f"{value} is out of range for {schema.type}")
            return value  # type: ignore[no-any-return]

        return integer
    kind = _CLASSES[schema.type]
    return lambda value: _instance(value, kind, schema)


def _guarded(convert: Convert, schema: Schema) -> Convert:
    def guarded(value: Any) -> Any:
        try:
            return convert(value)
        except (AttributeError, TypeError) as error:
            raise DataError(f"Invalid type for {schema.name or schema.type}: {type(value).__name__}") from error

    return guarded


def _members(schema: Schema, members: list[tuple[str, Schema, Writing]]) -> Convert:
    converts = [(name, part.convert) for name, _, part in members]

    def convert(value: Any) -> dict[str, Any]:
        get = _instance(value, dict, schema).get
        try:
            return {name: member(get(name)) for name, member in converts}
        except DataError as error:
            raise _naming(error, converts, get) from error

    return convert


def _naming(error: DataError, converts: list[tuple[str, Convert]], get: Callable[[str], Any]) -> DataError:
    for name, member in converts:
        try:
            member(get(name))
        except DataError:
            return DataError(f"Field {name}: {error}")
    return error


def _map_values(schema: Schema, item: Convert) -> Convert:
    def convert(value: Any) -> dict[str, Any]:
        if any(name.__class__ is not str for name in _instance(value, dict, schema)):
            raise DataError("A map with string keys has a key that is not a string")
        return {name: item(element) for name, element in value.items()}

    return convert
