"""The payload half of JsonConverter's envelope: JSON values to Connect's and back, compiled once per schema.

Where JSON's type is not the schema's (a string in an INT32 field, a number out of range), reading raises DataError;
Jackson's accessors turn such values silently into 0, false or null, so the JVM's converter loses them.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import date, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from ferryman.errors import DataError
from ferryman.formats.json import field_paths
from ferryman.formats.json.field_paths import Convert
from ferryman.formats.json.text import ready, ready_float, time_millis
from ferryman.java.decimals import as_float, from_unscaled, rescaled, twos_complement, unscaled
from ferryman.java.texts import float_text, java_class, millis, moment, to_float32
from ferryman.schema import DATE, DECIMAL, TIME, TIMESTAMP, RecursiveSchema, Schema, Type

_EPOCH_DAY = date(1970, 1, 1)
_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
INTEGER_RANGES = {
    kind: (-(1 << bits - 1), (1 << bits - 1) - 1)
    for kind, bits in {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}.items()
}


@lru_cache(maxsize=4000)
def has_decimals(schema: Schema) -> bool:
    """Whether a Decimal is anywhere in it, or might be: in what contains itself."""
    if schema.name == DECIMAL or isinstance(schema, RecursiveSchema):
        return True
    inner = [schema.keys, schema.values, *(field.schema for field in schema.fields)]
    return any(has_decimals(each) for each in inner if each is not None)


@lru_cache(maxsize=4000)
def reader(schema: Schema, replace_null_with_default: bool = True) -> Convert:
    """What turns a payload of that schema into Connect's value. It raises DataError for what does not fit."""
    convert = _reader(schema, replace_null_with_default)
    default = schema.default if replace_null_with_default else None

    def read(value: Any) -> Any:
        if value is not None:
            return convert(value)
        if default is None and not schema.optional:
            raise DataError(f"Invalid null value for required {schema.type} field")
        return default

    return read


def _reader(schema: Schema, replace: bool) -> Convert:
    if schema.name in _LOGICAL_READERS:
        return _LOGICAL_READERS[schema.name](schema)
    match schema.type:
        case Type.STRUCT:
            return _struct_reader(schema, replace)
        case Type.ARRAY:
            return _array_reader(schema, replace)
        case Type.MAP:
            return _map_reader(schema, replace)
        case kind if kind in INTEGER_RANGES:
            return _integer_reader(schema)
        case Type.FLOAT32:
            return lambda value: to_float32(_number(value, schema))
        case Type.FLOAT64:
            return lambda value: _number(value, schema)
        case Type.BOOLEAN:
            return lambda value: value if value.__class__ is bool else _misfit(value, schema)
        case Type.STRING:
            return lambda value: value if value.__class__ is str else _misfit(value, schema)
        case _:
            return lambda value: _bytes(value, schema)


def _misfit(value: Any, schema: Schema) -> NoReturn:
    raise DataError(f"Invalid value for {schema.name or schema.type} field: found {_node(value)}")


def _node(value: Any) -> str:
    """Jackson's name for a kind of JSON value."""
    names = {str: "STRING", bool: "BOOLEAN", dict: "OBJECT", list: "ARRAY", type(None): "NULL"}
    return names.get(type(value), "NUMBER")


def _integer_reader(schema: Schema) -> Convert:
    low, high = INTEGER_RANGES[schema.type]

    def read(value: Any) -> int:
        if not isinstance(value, int) or value.__class__ is bool:
            _misfit(value, schema)
        if not low <= value <= high:
            raise DataError(f"{value} is out of range for {schema.type}")
        return value

    return read


def _number(value: Any, schema: Schema) -> float:
    if isinstance(value, float):
        return value
    if value.__class__ is int or value.__class__ is Decimal:
        return as_float(value)
    if value.__class__ is str and value in _SPECIAL:
        return _SPECIAL[value]
    _misfit(value, schema)


def _bytes(value: Any, schema: Schema) -> bytes:
    if value.__class__ is not str:
        _misfit(value, schema)
    try:
        return b64decode(value, validate=True)
    except ValueError as error:
        raise DataError(f"Invalid bytes field: {error}") from error


def _decimal_reader(schema: Schema) -> Convert:
    scale = schema.scale

    def read(value: Any) -> Decimal:
        if value.__class__ is str:
            return from_unscaled(int.from_bytes(_bytes(value, schema), "big", signed=True), scale)
        if value.__class__ is int or value.__class__ is Decimal:
            return rescaled(Decimal(value), scale)
        _misfit(value, schema)

    return read


def _logical_integer(schema: Schema, convert: Callable[[int], Any]) -> Convert:
    if schema.type not in INTEGER_RANGES:
        raise DataError(f"Invalid type for {schema.name}: its values should be integers, but are {schema.type}")
    integer = _integer_reader(schema)

    def read(value: Any) -> Any:
        try:
            return convert(integer(value))
        except (OverflowError, ValueError) as error:
            raise DataError(f"{value} is out of range for {schema.name}") from error

    return read


def day(days: int) -> date:
    """The date so many days after the epoch."""
    return _EPOCH_DAY + timedelta(days=days)


def time_of_day(milliseconds: int) -> time:
    """The time of day so many milliseconds after midnight."""
    if not 0 <= milliseconds < 86_400_000:
        raise ValueError("not a time of day")
    return moment(milliseconds).time()


_LOGICAL_READERS: dict[str | None, Callable[[Schema], Convert]] = {
    DECIMAL: _decimal_reader,
    DATE: lambda schema: _logical_integer(schema, day),
    TIME: lambda schema: _logical_integer(schema, time_of_day),
    TIMESTAMP: lambda schema: _logical_integer(schema, moment),
}


def _struct_reader(schema: Schema, replace: bool) -> Convert:
    members = [(field.name, field.name, reader(field.schema, replace)) for field in schema.fields]

    def read(value: Any) -> dict[str, Any]:
        if value.__class__ is not dict:
            raise DataError(f"Structs should be encoded as JSON objects, but found {_node(value)}")
        return field_paths.members(members, value.get)

    return read


def _array_reader(schema: Schema, replace: bool) -> Convert:
    assert schema.values is not None
    item = reader(schema.values, replace)

    def read(value: Any) -> list[Any]:
        if value.__class__ is not list:
            raise DataError(f"Arrays should be encoded as JSON arrays, but found {_node(value)}")
        return field_paths.elements(item, value)

    return read


def _map_reader(schema: Schema, replace: bool) -> Convert:
    assert schema.keys is not None
    assert schema.values is not None
    key, item = reader(schema.keys, replace), reader(schema.values, replace)

    def read_object(value: Any) -> dict[Any, Any]:
        if value.__class__ is not dict:
            raise DataError(f"Maps with string fields should be encoded as JSON objects, but found {_node(value)}")
        return field_paths.entries(item, value)

    def read_pairs(value: Any) -> dict[Any, Any]:
        if value.__class__ is not list:
            raise DataError(
                f"Maps with non-string fields should be encoded as JSON array of tuples, but found {_node(value)}"
            )
        if any(pair.__class__ is not list or len(pair) != 2 for pair in value):
            raise DataError("Found invalid map entry, expected length 2 array")
        try:
            return dict(field_paths.pairs(key, item, value))
        except TypeError as error:
            raise DataError(f"Map keys must be plain values: {error}") from error

    return read_object if schema.keys.type is Type.STRING else read_pairs


@lru_cache(maxsize=4000)
def writer(schema: Schema, numeric_decimals: bool = False, replace_null_with_default: bool = True) -> Convert:
    """What turns Connect's values of that schema into what orjson prints as JsonConverter does."""
    options = (numeric_decimals, replace_null_with_default)
    convert = _writer(schema, options)
    default = schema.default if replace_null_with_default else None

    def write(value: Any) -> Any:
        if value is not None:
            return convert(value)
        if default is not None:
            return convert(default)
        if not schema.optional:
            raise DataError("Conversion error: null value for field that is required and has no default value")
        return None

    return write


def _writer(schema: Schema, options: tuple[bool, bool]) -> Convert:
    if schema.name in _LOGICAL_WRITERS:
        return _checked(_LOGICAL_WRITERS[schema.name], schema)
    match schema.type:
        case Type.STRUCT if isinstance(schema, RecursiveSchema):
            return _late_writer(schema, options)
        case Type.STRUCT:
            return _struct_writer(schema, options)
        case Type.ARRAY:
            item = ready if schema.values is None else writer(schema.values, *options)
            return lambda value: field_paths.elements(item, _instance(value, list, schema))
        case Type.MAP:
            return _map_writer(schema, options)
        case Type.FLOAT32:
            return lambda value: _special(float_text(_instance(value, (float, int), schema)))
        case Type.FLOAT64:
            return lambda value: ready_float(float(_instance(value, (float, int), schema)))
        case Type.BYTES if schema.name == DECIMAL:
            return lambda value: _write_decimal(_instance(value, Decimal, schema), schema.scale, options[0])
        case Type.BYTES:
            return lambda value: b64encode(_instance(value, bytes, schema)).decode()
        case Type.STRING:
            return lambda value: _instance(value, str, schema)
        case Type.BOOLEAN:
            return lambda value: _instance(value, bool, schema)
        case _:
            return lambda value: _instance(value, int, schema)


def _instance(value: Any, kind: type | tuple[type, ...], schema: Schema) -> Any:
    if not isinstance(value, kind) or (value.__class__ is bool and kind is not bool):
        raise DataError(f"Invalid type for {schema.name or schema.type}: class {java_class(value)}")
    return value


def _checked(convert: Convert, schema: Schema) -> Convert:
    def write(value: Any) -> Any:
        try:
            return convert(value)
        except (AttributeError, TypeError) as error:
            raise DataError(f"Invalid type for {schema.name}: class {java_class(value)}") from error

    return write


_LOGICAL_WRITERS: dict[str | None, Convert] = {
    DATE: lambda value: (value - _EPOCH_DAY).days,
    TIME: time_millis,
    TIMESTAMP: millis,
}


def _special(text: str) -> Any:
    return text if text[-1] in "Ny" else orjson.Fragment(text)


def _write_decimal(value: Decimal, scale: int, numeric: bool) -> Any:
    if numeric:
        return orjson.Fragment(format(rescaled(value, scale), "f"))
    return b64encode(twos_complement(unscaled(value, scale))).decode()


def _struct_writer(schema: Schema, options: tuple[bool, bool]) -> Convert:
    members = [(field.name, field.name, writer(field.schema, *options)) for field in schema.fields]
    return lambda value: field_paths.members(members, _instance(value, dict, schema).get)


def _late_writer(schema: Schema, options: tuple[bool, bool]) -> Convert:
    """A struct inside itself: what writes it is made when there is one."""
    made: list[Convert] = []

    def write(value: Any) -> Any:
        if not made:
            made.append(_struct_writer(schema, options))
        return made[0](value)

    return write


def _map_writer(schema: Schema, options: tuple[bool, bool]) -> Convert:
    key = ready if schema.keys is None else writer(schema.keys, *options)
    item = ready if schema.values is None else writer(schema.values, *options)
    as_object = schema.keys is not None and schema.keys.type is Type.STRING

    def write(value: Any) -> Any:
        pairs = field_paths.pairs(key, item, _instance(value, dict, schema).items())
        if as_object:
            return {"null" if name is None else name: content for name, content in pairs}
        return [list(pair) for pair in pairs]

    return write
