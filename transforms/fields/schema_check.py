"""Values under a schema that was not made for them."""

from typing import Any

from ferryman.errors import DataError
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from ferryman.transforms.fields.structs import class_name


def refuse_misfit(value: Any, given: Schema, wanted: Schema, where: str) -> None:
    """Raises DataError, as ConnectSchema.validateValue, if a value of one schema does not fit another."""
    if value is None:
        if not wanted.optional:
            raise DataError(f"Invalid value: null used for required {where}, schema type: {wanted.type}")
        return
    if _kept_as(given) != _kept_as(wanted):
        named = f' "{wanted.name}"' if wanted.name else ""
        found = class_name(value, given)
        raise DataError(f"Invalid Java object for schema{named} with type {wanted.type}: class {found} for {where}")
    if wanted.type is Type.STRUCT and given != wanted:
        raise DataError("Struct schemas do not match.")
    if given.values and wanted.values and wanted.type is Type.ARRAY:
        for item in value:
            refuse_misfit(item, given.values, wanted.values, f"element of array {where}")
    if given.keys and given.values and wanted.keys and wanted.values:
        for key, item in value.items():
            refuse_misfit(key, given.keys, wanted.keys, f"key of map {where}")
            refuse_misfit(item, given.values, wanted.values, f"value of map {where}")


def _kept_as(schema: Schema) -> str:
    """What tells apart the Java classes that hold values of different schemas."""
    if schema.name in (DATE, TIME, TIMESTAMP):
        return "java.util.Date"
    return DECIMAL if schema.name == DECIMAL else schema.type
