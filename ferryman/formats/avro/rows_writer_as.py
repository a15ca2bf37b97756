"""Values written with an Avro schema that somebody else made: the latest of a subject, or one chosen by its id.

Fields are matched by name or alias; what a value lacks is the field's default, and what the schema lacks is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from io import BytesIO
from typing import Any

import fastavro
from fastavro.schema import SchemaParseException
from fastavro.validation import ValidationError, validate

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.connect_properties import Options
from ferryman.formats.avro.schemas.names import bare, is_bytes
from ferryman.formats.avro.schemas.schema_writer import writing
from ferryman.schema import Schema

Encode = Callable[[Any], bytes]
Convert = Callable[[Any], Any]


def encoder_as(schema: Schema, avro: Any, references: Sequence[Any], options: Options) -> Encode:
    """What writes a Connect schema's values with a parsed Avro schema; ``references`` are what that refers to, parsed,
    each after those that it needs itself. Raises DataError, for the schema or for a value that it cannot have."""
    parsed, named = _parsed(avro, references)
    renamed = _renaming(parsed, named, {})
    convert = writing(schema, options=replace(options, enhanced=False, generic=True)).convert

    raw = is_bytes(avro)

    def encode(value: Any) -> bytes:
        stream = BytesIO()
        found = renamed(convert(value))
        try:
            validate(found, parsed, raise_errors=True)
            if raw:
                return bytes(found)
            fastavro.schemaless_writer(stream, parsed, found, disable_tuple_notation=True)
        except (
            ValidationError,
            ValueError,
            TypeError,
            KeyError,
            OverflowError,
            AttributeError,
            RecursionError,
        ) as error:
            raise DataError(f"The value does not fit the schema to write it with: {error}") from error
        return stream.getvalue()

    return encode


def _parsed(avro: Any, references: Sequence[Any]) -> tuple[Any, dict[str, Any]]:
    named: dict[str, Any] = {}
    try:
        for reference in references:
            fastavro.parse_schema(bare(reference), named)
        parsed = fastavro.parse_schema(bare(avro), named)
        for record in named.values():
            for field in record.get("fields", ()):
                if "default" in field:
                    field["default"] = _default(field["type"], field["default"], named)
    except (SchemaParseException, TypeError, KeyError, ValueError, RecursionError) as error:
        raise DataError(f"The Avro schema is not valid: {error}") from error
    return parsed, named


def _default(node: Any, value: Any, named: dict[str, Any]) -> Any:
    """A field's default as fastavro writes it: JSON spells bytes as text, a character for each."""
    if isinstance(node, list):
        return _default(node[0], value, named)  # a union's default is of its first branch
    if isinstance(node, str):
        node = named.get(node, node)
    kind = node if isinstance(node, str) else node["type"]
    if kind in ("bytes", "fixed") and isinstance(value, str):
        return value.encode("latin-1")
    if kind == "array":
        return [_default(node["items"], each, named) for each in value]
    if kind == "map":
        return {key: _default(node["values"], each, named) for key, each in value.items()}
    if kind in ("record", "error"):
        types = {field["name"]: field["type"] for field in node["fields"]}
        return {name: _default(types[name], each, named) if name in types else each for name, each in value.items()}
    return value


def _renaming(node: Any, named: dict[str, Any], done: dict[str, Convert]) -> Convert:
    """What gives a value's fields the names that they have in a parsed schema, where they have its aliases."""
    if isinstance(node, str) and node in named:
        return lambda value: _renaming(named[node], named, done)(value)
    if isinstance(node, list):
        others = [each for each in node if each != "null"]
        inner = _renaming(others[0], named, done) if len(others) == 1 else _same
        return inner if inner is _same else lambda value: None if value is None else inner(value)
    if not isinstance(node, dict):
        return _same
    match node["type"]:
        case "record" | "error":
            return _renamed_record(node, named, done)
        case "array":
            item = _renaming(node["items"], named, done)
            return lambda value: [item(each) for each in value] if isinstance(value, list) else value
        case "map":
            inner = _renaming(node["values"], named, done)
            return lambda value: {k: inner(v) for k, v in value.items()} if isinstance(value, dict) else value
        case _:
            return _same


def _renamed_record(node: dict[str, Any], named: dict[str, Any], done: dict[str, Convert]) -> Convert:
    if node["name"] not in done:
        fields: list[tuple[str, Sequence[str], Convert]] = []

        def convert(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            found = dict(value)
            for name, aliases, inner in fields:
                given = next((each for each in (name, *aliases) if each in value), None)
                if given is not None:
                    found[name] = inner(value[given])
            return found

        done[node["name"]] = convert
        for field in node["fields"]:
            fields.append((field["name"], field.get("aliases", ()), _renaming(field["type"], named, done)))
    return done[node["name"]]


def _same(value: Any) -> Any:
    return value
