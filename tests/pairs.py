"""Values as columns have them: lists of pairs in place of maps."""

from typing import Any

from ferryman.schema import Schema, Type


def in_pairs(value: Any, schema: Schema) -> Any:
    """A value with the pairs of its maps in place of the maps, at any depth."""
    if value is None:
        return None
    match schema.type:
        case Type.STRUCT:
            return {field.name: in_pairs(value.get(field.name), field.schema) for field in schema.fields}
        case Type.ARRAY if schema.values is not None:
            return [in_pairs(item, schema.values) for item in value]
        case Type.MAP if schema.values is not None:
            return [{"key": key, "value": in_pairs(item, schema.values)} for key, item in value.items()]
        case _:
            return value
