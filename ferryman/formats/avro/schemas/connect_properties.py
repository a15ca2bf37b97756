"""What an Avro schema says about its Connect schema beside the type: the ``connect.*`` properties, docs and defaults.

Parameters stand in the order in which Confluent's AvroData adds them, since a schema that is written again has them so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.defaults import ENUM as ENUM
from ferryman.formats.avro.schemas.defaults import FIXED_SIZE as FIXED_SIZE
from ferryman.formats.avro.schemas.defaults import UNION, default_value, fits
from ferryman.schema import Schema, Type

NAMESPACE = "io.confluent.connect.avro"
DEFAULT_NAME = f"{NAMESPACE}.ConnectDefault"
DEFAULT_ENTRY = f"{NAMESPACE}.MapEntry"
RECORD_DOC = f"{NAMESPACE}.record.doc"
FIELD_DOC = f"{NAMESPACE}.field.doc."
FIELD_DEFAULT = f"{NAMESPACE}.field.default"
"""Marks a default that an Avro field gave, and no ``connect.default``."""
ENUM_DOC = f"{NAMESPACE}.enum.doc."
ENUM_DEFAULT = f"{NAMESPACE}.enum.default."
PRECISION = "connect.decimal.precision"
DEFAULT_PRECISION = 64


@dataclass(frozen=True, slots=True)
class Options:
    """AvroConverter's keys about schemas."""

    meta_data: bool = True
    """``connect.meta.data``"""
    enhanced: bool = False
    """``enhanced.avro.schema.support``"""
    flatten: bool = True
    """``flatten.singleton.unions``"""
    optional_map_keys: bool = False
    """``allow.optional.map.keys``"""
    ignore_defaults: bool = False
    """``ignore.default.for.nullables``"""
    scrub: bool = False
    """``scrub.invalid.names``"""
    generic: bool = False
    """Whether a union's values are made without the record that tells the branch."""


PLAIN = Options()
"""The keys' defaults."""


def with_properties(node: Mapping[str, Any], options: Options, schema: Schema, full: str | None = None) -> Schema:
    """The schema of an Avro node with what its properties say. ``full`` is the full name of a named type.

    Raises DataError for a name or version that is not that of the logical type.
    """
    version = _agreed("version", schema.version, _version(node))
    name = _name(node, schema, full)
    found = replace(schema, name=name, version=version, parameters=_parameters(node, options, schema))
    if options.meta_data and node.get("connect.doc") is not None:
        found = replace(found, doc=str(node["connect.doc"]))
    return with_default(found, node.get("connect.default"))


def _version(node: Mapping[str, Any]) -> int | None:
    found = node.get("connect.version")
    if found is not None and (not isinstance(found, int) or isinstance(found, bool)):
        raise DataError(f"Invalid Connect version found: {found}")
    return found


def _name(node: Mapping[str, Any], schema: Schema, full: str | None) -> str | None:
    found = node.get("connect.name", full)
    if found is not None and not isinstance(found, str):
        raise DataError(f"Invalid schema name: {found}")
    if found is None or found.startswith(DEFAULT_NAME):
        return schema.name
    if schema.name is not None and "connect.name" not in node:
        return schema.name  # a fixed decimal, which has the name of its type and is a Decimal
    return str(_agreed("name", schema.name, found))


def _agreed(what: str, own: Any, said: Any) -> Any:
    if own is not None and said is not None and own != said:
        raise DataError(
            f"Mismatched {what}s: {what} already added to SchemaBuilder ({own}) differs from {what} in source schema "
            f"({said})"
        )
    return own if said is None else said


def _parameters(node: Mapping[str, Any], options: Options, schema: Schema) -> tuple[tuple[str, str], ...]:
    found = dict(schema.parameters)
    given = node.get("connect.parameters")
    if options.meta_data and given is not None:
        if not isinstance(given, dict):
            raise DataError(f"Expected JSON object for schema parameters but found: {given}")
        for name, value in given.items():
            if not isinstance(value, str):
                raise DataError(f"Expected schema parameter values to be strings but found: {value}")
            found[name] = value
    found |= {name: str(value) for name, value in node.items() if name.startswith("avro")}
    return tuple(found.items())


def with_default(schema: Schema, node: Any) -> Schema:
    """The schema with a default in Avro's JSON; one that does not fit it is left out, as by AvroData."""
    if node is None:
        return schema
    try:
        return replace(schema, default=default_value(schema, node))
    except (ArithmeticError, AttributeError, KeyError, StopIteration, TypeError, UnicodeError, ValueError):
        return schema


def with_field_default(schema: Schema, kind: Any, member: Mapping[str, Any], options: Options) -> Schema:
    """The schema of a record's field with the field's own default; ``kind`` is the field's Avro type.

    A union of null and one type, and one of a single type, have the default of that type only.
    """
    if "default" not in member or (isinstance(kind, list) and schema.name != UNION):
        return schema
    annotated = isinstance(kind, dict) and "connect.default" in kind
    known = member["default"] is None or fits(schema, member["default"])
    if options.meta_data and not annotated and known:
        schema = replace(schema, parameters=(*schema.parameters, (FIELD_DEFAULT, "true")))
    return with_default(schema, member["default"])


def enum_parameters(node: Mapping[str, Any], full: str, options: Options) -> tuple[tuple[str, str], ...]:
    """What is kept of an enum, whose values are strings to Connect."""
    found: dict[str, str] = {}
    simple = full.rpartition(".")[2]
    if options.meta_data and node.get("doc") is not None:
        found[f"{ENUM_DOC}{simple}"] = str(node["doc"])
    if options.meta_data and node.get("default") is not None:
        found[f"{ENUM_DEFAULT}{simple}"] = str(node["default"])
    found[ENUM] = full
    return tuple((found | {f"{ENUM}.{symbol}": str(symbol) for symbol in node["symbols"]}).items())


def record_parameters(node: Mapping[str, Any], options: Options) -> tuple[tuple[str, str], ...]:
    """The docs of a record and of its fields."""
    if not options.meta_data:
        return ()
    docs = [(FIELD_DOC + str(member["name"]), member.get("doc")) for member in node["fields"]]
    return tuple((name, str(doc)) for name, doc in [(RECORD_DOC, node.get("doc")), *docs] if doc is not None)


def symbols(schema: Schema) -> tuple[str, ...] | None:
    """The symbols of a schema that was an Avro enum, in their order; None for any other."""
    if schema.type is not Type.STRING or schema.parameter(ENUM) is None:
        return None
    return tuple(name.removeprefix(f"{ENUM}.") for name, _ in schema.parameters if name.startswith(f"{ENUM}."))
