"""Connect schemas written as Avro's: the mapping of Confluent's AvroConverter, from a Connect schema to a Writing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.connect_properties import (
    DEFAULT_ENTRY,
    DEFAULT_NAME,
    DEFAULT_PRECISION,
    ENUM,
    ENUM_DEFAULT,
    ENUM_DOC,
    FIELD_DEFAULT,
    FIELD_DOC,
    FIXED_SIZE,
    PRECISION,
    RECORD_DOC,
    Options,
    symbols,
)
from ferryman.formats.avro.schemas.defaults import NUMBERS, UNION, default_node, is_sound, known
from ferryman.formats.avro.schemas.names import Full, checked_name, full_name, scrubbed, spelled, split
from ferryman.formats.avro.schemas.schema_text import widened
from ferryman.formats.json import field_paths
from ferryman.formats.json.field_paths import Convert, Member
from ferryman.formats.json.payload import INTEGER_RANGES
from ferryman.java.decimals import twos_complement, unscaled
from ferryman.java.texts import java_class
from ferryman.schema import DECIMAL, Field, RecursiveSchema, Schema, Type

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


@dataclass(frozen=True, slots=True)
class Writing:
    """How data of one Connect schema is written."""

    registered: Any
    """The schema for the registry."""
    plain: Any
    """The same without logical types, for the values that ``convert`` has made."""
    convert: Convert
    """Makes a value numbers and bytes where Avro has a logical type. Raises DataError."""


def writing(schema: Schema, connect_meta_data: bool = True, options: Options | None = None) -> Writing:
    """The Writing of a schema; without ``options`` enums stay enums. Raises DataError for one that Avro cannot have."""
    chosen = options or Options(meta_data=connect_meta_data, enhanced=True)
    try:
        found = _Walk(chosen).write(schema)
    except RecursionError as error:
        raise DataError("The schema is nested too deeply, or contains itself, to be written as Avro") from error
    return replace(found, registered=spelled(found.registered))


class _Walk:
    """One pass over a schema; a named type met again is referred to by name."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.known: dict[str, tuple[dict[str, Any], Writing]] = {}
        self.done: dict[Schema, Writing] = {}
        self.open: dict[str, str] = {}
        """The records being written, with their names in the plain spelling."""
        self.converts: dict[str, Convert] = {}
        self.plain_names = (f"r{number}" for number in count())
        self.unnamed = (DEFAULT_NAME if number == 1 else f"{DEFAULT_NAME}{number}" for number in count(1))

    def write(self, schema: Schema) -> Writing:
        if schema.name == UNION:
            return self._union(schema)
        base = self._base(schema)
        convert = _null_checked(schema, base.convert)
        if not schema.optional:
            return Writing(base.registered, base.plain, convert)
        null_last = schema.default is not None and schema.type is not Type.STRUCT
        both = (["null", base.registered], ["null", base.plain])
        registered, plain = (pair[::-1] if null_last else pair for pair in both)
        return Writing(registered, plain, convert)

    def _base(self, schema: Schema) -> Writing:
        match schema.type:
            case Type.STRUCT:
                return self._record(schema)
            case Type.ARRAY:
                return self._array(schema)
            case Type.MAP:
                return self._map(schema)
            case Type.STRING if symbols(schema) is not None and self.options.enhanced:
                return self._enum(schema)
            case Type.BYTES if schema.parameter(FIXED_SIZE) and schema.name is not None:
                return self._fixed(schema)
            case _:
                return self._primitive(schema)

    def _primitive(self, schema: Schema) -> Writing:
        kind = _TYPES[schema.type]
        node: dict[str, Any] = {"type": kind}
        convert = _plain(schema)
        if schema.name == DECIMAL:
            node |= self._digits(schema)
            convert = _guarded(lambda value: twos_complement(unscaled(value, schema.scale)), schema)
        elif schema.name in NUMBERS:
            logical, number = NUMBERS[schema.name]
            node |= {**self._properties(schema), "logicalType": logical}
            convert = _guarded(number, schema)
        else:
            node |= self._properties(schema)
        node |= _avro_parameters(schema)
        return Writing(node if len(node) > 1 else kind, kind, convert)

    def _union(self, schema: Schema) -> Writing:
        parts = [
            (field.name, self.write(field.schema.as_optional(False)), next(self.plain_names)) for field in schema.fields
        ]
        null = ["null"] if schema.optional else []
        kinds = [_kind(part.registered) for _, part, _ in parts]
        if len(set(kinds)) < len(kinds):
            raise DataError(f"A union has two types that become the same type in Avro: {', '.join(kinds)}")
        plain = [
            {"type": "record", "name": own, "fields": [{"name": "v", "type": part.plain}]} for _, part, own in parts
        ]

        def convert(value: Any) -> Any:
            if value is not None:
                get = _instance(value, dict, schema).get
                for name, part, own in parts:
                    if get(name) is not None:
                        found = part.convert(get(name))
                        return found if self.options.generic else (own, {"v": found})
            if schema.optional:
                return None
            raise DataError("Found null value for non-optional schema: a union with none of its types set")

        return Writing([*null, *(part.registered for _, part, _ in parts)], [*null, *plain], convert)

    def _enum(self, schema: Schema) -> Writing:
        names = tuple(map(checked_name, symbols(schema) or ()))
        simple = (schema.name or next(self.unnamed)).rpartition(".")[2]
        doc, default = schema.parameter(ENUM_DOC + simple), schema.parameter(ENUM_DEFAULT + simple)
        node: dict[str, Any] = {"type": "enum", **split(schema.parameter(ENUM) or "Enum")}
        node |= ({} if doc is None else {"doc": doc}) | {"symbols": list(names)}
        node |= ({} if default is None else {"default": default}) | self._properties(schema) | _avro_parameters(schema)
        numbers = {name: number for number, name in enumerate(names)}

        def convert(value: Any) -> int:
            if value.__class__ is not str or value not in numbers:
                raise DataError(f"{value!r} is not a symbol of the enum {schema.parameter(ENUM)}")
            return numbers[value]

        return self._once(node, "int", convert)

    def _fixed(self, schema: Schema) -> Writing:
        size = int(schema.parameter(FIXED_SIZE) or 0)
        node = {"type": "fixed", **split(self._scrub_full(schema.name or "")), "size": size}
        plain = {"type": "fixed", "name": next(self.plain_names), "size": size}
        if schema.name == DECIMAL:
            node |= self._digits(schema) | _avro_parameters(schema)
            return self._once(node, plain, _guarded(lambda value: _sized(unscaled(value, schema.scale), size), schema))

        def convert(value: Any) -> bytes:
            if len(_instance(value, bytes, schema)) != size:
                raise DataError(f"Fixed size {size} does not fit a value of {len(value)} bytes")
            return bytes(value)

        return self._once(node | self._properties(schema) | _avro_parameters(schema), plain, convert)

    def _digits(self, schema: Schema) -> dict[str, Any]:
        """A decimal's properties."""
        precision = int(schema.parameter(PRECISION) or DEFAULT_PRECISION)
        return {"scale": schema.scale, "precision": precision, **self._properties(schema), "logicalType": "decimal"}

    def _once(self, node: dict[str, Any], plain: Any, convert: Convert) -> Writing:
        full = full_name(node)
        checked_name(node["name"])
        known_as = self.known.get(full)
        if known_as is None:
            again = Writing(Full(full), plain["name"] if isinstance(plain, dict) else plain, convert)
            self.known[full] = (node, again)
            return Writing(node, plain, convert)
        if known_as[0] != node:
            raise DataError(f"Two different schemas have the name {full}")
        return known_as[1]

    def _record(self, schema: Schema) -> Writing:
        bare = schema.as_optional(False)
        if bare in self.done:
            return self.done[bare]
        full = self._scrub_full(schema.name) if schema.name else next(self.unnamed)
        if isinstance(schema, RecursiveSchema) and full in self.open:
            own = self.open[full]
            return Writing(Full(full), own, lambda value: self.converts[own](value))
        if full in self.open:
            raise DataError(f"Two different schemas have the name {full}")
        own = self.open[full] = next(self.plain_names)
        members = [(field.name, field.schema, self.write(field.schema)) for field in schema.fields]
        names = {name: checked_name(self._scrub(name)) for name, _, _ in members}
        if len(set(names.values())) < len(names):
            raise DataError(f"Two fields of {full} have the same name in Avro: {', '.join(sorted(names.values()))}")
        del self.open[full]
        plain = {
            "type": "record",
            "name": own,
            "fields": [{"name": names[name], "type": part.plain} for name, _, part in members],
        }
        doc = schema.parameter(RECORD_DOC)
        node: dict[str, Any] = {"type": "record", **split(full), **({} if doc is None else {"doc": doc})}
        docs = {name: schema.parameter(FIELD_DOC + name) for name in names}
        node["fields"] = [_field(names[name], inner, part, docs[name]) for name, inner, part in members]
        node |= {**self._properties(schema), **_avro_parameters(schema)}
        converts = [(n, names[n], _or_default(inner, part.convert, self.options)) for n, inner, part in members]
        convert = self.converts[own] = _members(schema, converts)
        found = self._once(node, plain, convert)
        self.done[bare] = self.known[full][1]
        return found

    def _array(self, schema: Schema) -> Writing:
        item = self.write(known(schema.values))
        convert = item.convert
        return Writing(
            {"type": "array", "items": item.registered, **self._properties(schema), **_avro_parameters(schema)},
            {"type": "array", "items": item.plain},
            lambda value: field_paths.elements(convert, _instance(value, list, schema)),
        )

    def _map(self, schema: Schema) -> Writing:
        keys, values = known(schema.keys), known(schema.values)
        described = {**self._properties(schema), **_avro_parameters(schema)}
        if keys.type is Type.STRING and (not keys.optional or self.options.optional_map_keys):
            item = self.write(values)
            node = {"type": "map", "values": item.registered, **described}
            return Writing(node, {"type": "map", "values": item.plain}, _map_values(schema, item.convert))
        item = self._entry(schema, keys, values)
        convert = item.convert
        return Writing(
            {"type": "array", "items": item.registered, **described},
            {"type": "array", "items": item.plain},
            lambda value: field_paths.elements(
                convert, [{"key": k, "value": v} for k, v in _instance(value, dict, schema).items()]
            ),
        )

    def _entry(self, schema: Schema, keys: Schema, values: Schema) -> Writing:
        """A map's entries as records; those of a map with a name have that name, and are marked."""
        entry = Schema(Type.STRUCT, fields=(Field("key", keys), Field("value", values)))
        members = [(field.name, field.schema, self.write(field.schema)) for field in entry.fields]
        node: dict[str, Any] = {"type": "record", **split(self._scrub_full(schema.name or DEFAULT_ENTRY))}
        node["fields"] = [_field(name, inner, part, None) for name, inner, part in members]
        if schema.name is not None:
            node["connect.internal.type"] = "MapEntry"
        fields = [{"name": name, "type": part.plain} for name, _, part in members]
        plain = {"type": "record", "name": next(self.plain_names), "fields": fields}
        return self._once(node, plain, _members(entry, [(name, name, part.convert) for name, _, part in members]))

    def _scrub(self, name: str) -> str:
        return scrubbed(name) if self.options.scrub else name

    def _scrub_full(self, full: str) -> str:
        return ".".join(map(scrubbed, full.split("."))) if self.options.scrub else full

    def _properties(self, schema: Schema) -> dict[str, Any]:
        if not self.options.meta_data:
            return {}
        given = dict(schema.parameters)
        parameters = {name: value for name, value in given.items() if name != FIELD_DEFAULT}
        found: dict[str, Any] = {
            "connect.doc": schema.doc,
            "connect.version": schema.version,
            "connect.parameters": parameters or None,
            "connect.default": None if FIELD_DEFAULT in given else default_node(schema, schema.default),
            "connect.name": schema.name,
            "connect.type": schema.type.lower() if schema.type in (Type.INT8, Type.INT16) else None,
        }
        return {name: value for name, value in found.items() if value is not None}


def _kind(registered: Any) -> str:
    """What a type is to a union: the full name of a named one, else the type's."""
    if not isinstance(registered, dict):
        return str(registered)
    return full_name(registered) if "name" in registered else str(registered["type"])


def _sized(number: int, size: int) -> bytes:
    """An integer in so many bytes. Raises DataError if it needs more."""
    try:
        return number.to_bytes(size, "big", signed=True)
    except OverflowError as error:
        raise DataError(
            f"A decimal of {len(twos_complement(number))} bytes does not fit a fixed size of {size}"
        ) from error


def _avro_parameters(schema: Schema) -> dict[str, str]:
    return {name: value for name, value in schema.parameters if name.startswith("avro")}


def _field(name: str, schema: Schema, part: Writing, doc: str | None) -> dict[str, Any]:
    """A record's field. A default that Avro cannot have is left out."""
    field: dict[str, Any] = {"name": name, "type": part.registered, **({} if doc is None else {"doc": doc})}
    default = default_node(schema, schema.default)
    if default is None and schema.optional:
        field["default"] = None
    elif default is not None and is_sound(schema, default):
        field["default"] = widened(default)
    return field


def _or_default(schema: Schema, convert: Convert, options: Options) -> Convert:
    """A struct's member. Only in structs does a default stand in for null."""
    default = None if options.ignore_defaults else schema.default
    return convert if default is None else lambda value: convert(default if value is None else value)


def _null_checked(schema: Schema, convert: Convert) -> Convert:
    def checked(value: Any) -> Any:
        if value is not None:
            return convert(value)
        if not schema.optional:
            raise DataError(f"Invalid value: null used for required field, schema type: {schema.type}")
        return None

    return checked


def _instance(value: Any, kind: type | tuple[type, ...], schema: Schema) -> Any:
    if not isinstance(value, kind) or (value.__class__ is bool and kind is not bool):
        raise DataError(f"Invalid type for {schema.name or schema.type}: class {java_class(value)}")
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
            raise DataError(f"Invalid type for {schema.name or schema.type}: class {java_class(value)}") from error

    return guarded


def _members(schema: Schema, members: list[Member]) -> Convert:
    return lambda value: field_paths.members(members, _instance(value, dict, schema).get)


def _map_values(schema: Schema, item: Convert) -> Convert:
    def convert(value: Any) -> dict[str, Any]:
        if any(name.__class__ is not str for name in _instance(value, dict, schema)):
            raise DataError("A map with string keys has a key that is not a string")
        return field_paths.entries(item, value)

    return convert
