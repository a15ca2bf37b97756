"""The schema half of JsonConverter's envelope: Connect schemas as JSON and back."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ferryman.errors import DataError, SchemaMismatch
from ferryman.formats.json.payload import reader, writer
from ferryman.java.numbers import wrapped
from ferryman.schema import Field, RecursiveSchema, Schema, Type

MAX_DEPTH = 100
"""How deep a schema may be nested, as in Avro; what follows goes through it by recursion."""

_NAMES: Mapping[Type, str] = {
    **{kind: kind.lower() for kind in Type},
    Type.FLOAT32: "float",
    Type.FLOAT64: "double",
}
_TYPES: Mapping[str, Type] = {name: kind for kind, name in _NAMES.items()}


def to_json(schema: Schema, numeric: bool = False, field: str | None = None) -> dict[str, Any]:
    """A schema as JsonConverter writes it, members in its order: with decimal defaults as numbers, or in base64.

    ``field`` is its name in a struct.
    """
    node: dict[str, Any] = {"type": _NAMES[schema.type], **_members(schema, numeric), "optional": schema.optional}
    if schema.name is not None:
        node["name"] = schema.name
    if schema.version is not None:
        node["version"] = schema.version
    if schema.doc is not None:
        node["doc"] = schema.doc
    if schema.parameters:
        node["parameters"] = dict(schema.parameters)
    if schema.default is not None:
        node["default"] = writer(schema, numeric)(schema.default)
    if field is not None:
        node["field"] = field
    return node


def _members(schema: Schema, numeric: bool) -> dict[str, Any]:
    match schema.type:
        case Type.STRUCT if isinstance(schema, RecursiveSchema):
            raise DataError(f"A struct that contains itself ({schema.name}) cannot be written with schemas.enable=true")
        case Type.ARRAY:
            return {"items": to_json(_known(schema.values), numeric)}
        case Type.MAP:
            return {"keys": to_json(_known(schema.keys), numeric), "values": to_json(_known(schema.values), numeric)}
        case Type.STRUCT:
            return {"fields": [to_json(field.schema, numeric, field.name) for field in schema.fields]}
        case _:
            return {}


def _known(schema: Schema | None) -> Schema:
    if schema is None:
        raise DataError("An array or map whose elements have no schema cannot be written with schemas.enable=true")
    return schema


def from_json(node: Any) -> Schema:
    """The schema that an envelope declares. Raises DataError where JsonConverter does, and beyond MAX_DEPTH."""
    return _read(node, 0)


def _read(node: Any, depth: int) -> Schema:
    if depth >= MAX_DEPTH:
        raise DataError(f"The schema is nested more than {MAX_DEPTH} levels deep")
    if not isinstance(node, dict) or not isinstance(node.get("type"), str):
        raise DataError("Schema must contain 'type' field")
    kind = _TYPES.get(node["type"])
    if kind is None:
        raise DataError(f"Unknown schema type: {node['type']}")
    version = node.get("version")
    schema = Schema(
        type=kind,
        optional=node.get("optional") is True,
        name=_text(node.get("name")),
        version=wrapped(version, 32) if type(version) is int else None,
        doc=_text(node.get("doc")),
        parameters=_parameters(node.get("parameters")),
        **_read_members(kind, node, depth + 1),
    )
    if node.get("default") is None:
        return schema
    return replace(schema, default=reader(schema)(node["default"]))


def _read_members(kind: Type, node: dict[str, Any], depth: int) -> dict[str, Any]:
    match kind:
        case Type.ARRAY:
            return {"values": _element(node, "items", "Array schema did not specify the element type", depth)}
        case Type.MAP:
            return {
                "keys": _element(node, "keys", "Map schema did not specify the key type", depth),
                "values": _element(node, "values", "Map schema did not specify the value type", depth),
            }
        case Type.STRUCT:
            return {"fields": _fields(node.get("fields"), depth)}
        case _:
            return {}


def _element(node: dict[str, Any], name: str, missing: str, depth: int) -> Schema:
    if not isinstance(node.get(name), dict):
        raise DataError(missing)
    return _read(node[name], depth)


def _fields(nodes: Any, depth: int) -> tuple[Field, ...]:
    if not isinstance(nodes, list):
        raise DataError('Struct schema\'s "fields" argument is not an array.')
    for node in nodes:
        if not isinstance(node, dict) or not isinstance(node.get("field"), str):
            raise DataError("Struct schema's field name not specified properly")
        if not node["field"]:
            raise SchemaMismatch("fieldName cannot be null.")
    return tuple(Field(node["field"], _read(node, depth)) for node in nodes)


def _text(value: Any) -> str | None:
    """What is no text is passed over, as in JsonConverter."""
    return value if isinstance(value, str) else None


def _parameters(node: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(node, dict):
        return ()
    if not all(isinstance(value, str) for value in node.values()):
        raise DataError("Schema parameters must have string values.")
    return tuple(node.items())
