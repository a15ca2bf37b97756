"""Values without a schema in Avro: the record that Confluent's AvroConverter makes of them, a field for each type."""

from collections.abc import Callable
from typing import Any

from ferryman.errors import DataError
from ferryman.formats.avro.schemas.connect_properties import NAMESPACE
from ferryman.java.texts import java_class

_DEEPEST = 100
_SIMPLE = ("boolean", "bytes", "double", "float", "int", "long", "string")
_ENTRY = {
    "type": "record",
    "name": "MapEntry",
    "fields": [{"name": "key", "type": "Anything"}, {"name": "value", "type": "Anything"}],
}
_TYPES = {
    **{name: name for name in _SIMPLE},
    "array": {"type": "array", "items": "Anything"},
    "map": {"type": "array", "items": _ENTRY},
}
SCHEMA: dict[str, Any] = {
    "type": "record",
    "name": "Anything",
    "namespace": NAMESPACE,
    "fields": [{"name": name, "type": ["null", kind], "default": None} for name, kind in _TYPES.items()],
}
"""The schema as it is registered."""
_CLASSES: dict[type, tuple[str, Callable[[Any, int], Any]]] = {
    bool: ("boolean", lambda value, depth: value),
    int: ("long", lambda value, depth: value),
    float: ("double", lambda value, depth: value),
    str: ("string", lambda value, depth: value),
    list: ("array", lambda value, depth: [wrapped(item, depth) for item in value]),
    dict: (
        "map",
        lambda value, depth: [
            {"key": wrapped(key, depth), "value": wrapped(item, depth)} for key, item in value.items()
        ],
    ),
}


def wrapped(value: Any, depth: int = 0) -> dict[str, Any]:
    """A value as that record. Raises DataError for a class that values without a schema do not have."""
    if value is None:
        return {}
    if depth == _DEEPEST:
        raise DataError(f"The value is nested more than {_DEEPEST} levels deep")
    found = _CLASSES.get(value.__class__)
    if found is None:
        raise DataError(f"Unknown Java type for schemaless data: class {java_class(value)}")
    name, convert = found
    return {name: convert(value, depth + 1)}


def unwrapped(record: dict[str, Any]) -> Any:
    """The value that the record stands for."""
    for name in _SIMPLE:
        if record[name] is not None:
            return record[name]
    if record["array"] is not None:
        return [unwrapped(item) for item in record["array"]]
    if record["map"] is not None:
        pairs = [(unwrapped(entry["key"]), unwrapped(entry["value"])) for entry in record["map"]]
        try:
            return dict(pairs)
        except TypeError as error:
            raise DataError(f"Map keys must be plain values: {error}") from error
    return None
