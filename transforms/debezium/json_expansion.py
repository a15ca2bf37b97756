"""JSON texts as structs: the schema is inferred, every part of it optional, as Debezium's outbox router does it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

from ferryman.config import trim
from ferryman.errors import DataError
from ferryman.schema import BOOLEAN, BYTES, FLOAT64, INT32, INT64, STRING, Field, Schema, Type, array

_KINDS = {dict: "OBJECT", list: "ARRAY", str: "STRING", bool: "BOOLEAN", int: "NUMBER", float: "NUMBER"}


class NotExpandable(DataError):
    """A text that is no JSON object or array, or one to which no schema fits."""


def parse_json(text: str) -> Any:
    """The object or array that a text begins with; what stands behind it is not looked at. Raises NotExpandable."""
    if not text.startswith(("{", "[")):
        raise NotExpandable(f"The payload is no JSON object or array: it begins with {text[:1]!r}")
    try:
        return json.JSONDecoder(parse_constant=_refused).raw_decode(text)[0]
    except (ValueError, RecursionError) as error:
        raise NotExpandable(f"The payload is no JSON: {error}") from error


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class Inference:
    """Infers schemas; ``null_as_bytes`` keeps fields that are null, as optional bytes, instead of leaving them out."""

    def __init__(self, null_as_bytes: bool) -> None:
        self.null = BYTES.as_optional() if null_as_bytes else None

    def schema(self, name: str | None, data: Any) -> Schema | None:
        """The schema of some JSON; None for an empty array, and for null if that is left out. Raises NotExpandable."""
        match data:
            case None:
                return self.null
            case bool():
                return BOOLEAN.as_optional()
            case str():
                return STRING.as_optional()
            case int() if -(1 << 63) <= data < 1 << 63:
                return (INT32 if -(1 << 31) <= data < 1 << 31 else INT64).as_optional()
            case list():
                return array(self._element(name, data), optional=True) if data else None
            case dict():
                return self._struct(name, data)
            case _:
                return FLOAT64.as_optional()

    def _struct(self, name: str | None, data: dict[str, Any]) -> Schema:
        members = []
        for field, item in data.items():
            found = self.schema(f"{name}.{field}" if name and trim(name) else field, item)
            if found is not None:
                members.append(Field(field, found))
        return Schema(Type.STRUCT, optional=True, name=name, fields=tuple(members))

    def _element(self, name: str | None, data: Sequence[Any]) -> Schema:
        sample = self._sample(data)
        if isinstance(sample, dict):
            return _merged([self._struct(name, item) for item in data if isinstance(item, dict)])
        found = self.schema(None, sample)
        if found is None:
            raise NotExpandable(f"Array '{name}' has unrecognized member schema.")
        return found

    def _sample(self, data: Sequence[Any]) -> Any:
        """The first element that is not null. Raises NotExpandable unless all are of its kind, numbers of its type."""
        present = [item for item in data if item is not None]
        for item in present:
            if _KINDS[type(item)] != _KINDS[type(present[0])]:
                raise NotExpandable(f"An array of {_KINDS[type(present[0])]} holds {_KINDS[type(item)]} too")
            if _KINDS[type(item)] == "NUMBER" and self.schema(None, item) != self.schema(None, present[0]):
                raise NotExpandable("An array holds numbers of different types")
        return present[0] if present else None


def _merged(schemas: Sequence[Schema]) -> Schema:
    """One schema for the objects of an array; where they differ it is not optional, as Debezium has it."""
    distinct = list(dict.fromkeys(schemas))
    if len(distinct) == 1:
        return distinct[0]
    members: dict[str, Field] = {}
    for schema in distinct:
        for field in schema.fields:
            known = members.get(field.name)
            if known is None or (known.schema.type is Type.BYTES and field.schema.type is not Type.BYTES):
                members[field.name] = field
    return replace(distinct[0], optional=False, fields=tuple(members.values()))


def fit_to_schema(data: Any, schema: Schema | None) -> Any:
    """JSON as a value of that schema. Raises NotExpandable for what does not fit; a whole must be an object."""
    if schema is None or schema.type is not Type.STRUCT or not isinstance(data, dict):
        raise NotExpandable("Only a JSON object can be expanded")
    return {field.name: _fitted(data[field.name], field.schema) for field in schema.fields if field.name in data}


def _fitted(data: Any, schema: Schema) -> Any:
    if data is None:
        return None
    if isinstance(data, dict):
        return fit_to_schema(data, schema)
    if isinstance(data, list):
        if schema.type is not Type.ARRAY or schema.values is None:
            raise NotExpandable(f"An array where other objects have {schema.type}")
        items = [_fitted(item, schema.values) for item in data]
        if None in items and not schema.values.optional:
            raise NotExpandable("null among objects that differ")
        return items
    if _TYPES[schema.type] is not type(data) or (type(data) is int and Inference(False).schema(None, data) != schema):
        raise NotExpandable(f"{_KINDS[type(data)]} where other objects have {schema.type}")
    return data


_TYPES: dict[Type, type | None] = {
    Type.STRING: str,
    Type.BOOLEAN: bool,
    Type.INT32: int,
    Type.INT64: int,
    Type.FLOAT64: float,
    Type.BYTES: None,
    Type.STRUCT: None,
    Type.ARRAY: None,
}
