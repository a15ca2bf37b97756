"""The conversions of Cast: from a value, by its schema or (schemaless) its class, to a plain type."""

from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import date, time
from decimal import Decimal
from typing import Any

from ferryman.errors import DataError
from ferryman.java.instants import DAY
from ferryman.java.numbers import parsed_double, parsed_integer, parsed_single, single, truncated, wrapped
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.java.texts import double_text, float_text, java_class, to_float32
from ferryman.schema import DATE, FLOATS, INTEGERS, TIME, TIMESTAMP, Schema, Type
from ferryman.transforms.fields.epoch_times import millis_of

Convert = Callable[[Any], Any]

BITS: Mapping[Type, int] = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
TARGETS = [*BITS, Type.FLOAT32, Type.FLOAT64, Type.BOOLEAN, Type.STRING]
SOURCES = [*TARGETS, Type.BYTES]
_CLASS_TYPES = {int: Type.INT64, float: Type.FLOAT64, bool: Type.BOOLEAN, str: Type.STRING, bytes: Type.BYTES}
_MOMENTS = frozenset({DATE, TIME, TIMESTAMP})


class WrongClass(DataError):
    """A value that is none of its schema's logical type."""

    java = "java.lang.ClassCastException"


def caster(schema: Schema, target: Type) -> Convert:
    """What converts values of a schema, other than null. The function raises DataError for what has no conversion."""
    if schema.type not in SOURCES:
        supported = _type_names(SOURCES)
        text = f"Cast transformation does not support casting from {schema.type}; supported types are {supported}"
        return lambda value: _refuse(text)
    if schema.name in _MOMENTS:
        if target is Type.STRING:
            return lambda value: _moment_text(value) if isinstance(value, (date, time)) else _plain_text(value)
        convert = _numbers(target)
        return lambda value: convert(_encoded(schema, value))
    return _caster(schema.type, target)


def schemaless(target: Type) -> Convert:
    """The same for schemaless values, by their class. Where a float is to have 32 bits it is one that prints so."""
    table = {kind: _caster(type_, target) for kind, type_ in _CLASS_TYPES.items()}
    # JSON's numbers beyond Java's are an int of more bits or a Decimal here.
    table[Decimal] = str if target is Type.STRING else _numbers(target)
    if target in BITS or target is Type.BOOLEAN:
        table |= {kind: _within_long(table[kind], target) for kind in (int, Decimal)}
    elif target in FLOATS:
        table[int] = _within_long(table[int], target)
    if target is Type.FLOAT32:
        table = {kind: _printing_so(convert) for kind, convert in table.items()}
    return lambda value: table.get(value.__class__, _refuse_class)(value)


def _within_long(convert: Convert, target: Type) -> Convert:
    """Refuses what Java's long could not hold in the first place; there is nothing to narrow as Java does."""

    def within(value: Any) -> Any:
        if not -(1 << 63) <= value < 1 << 63:
            raise DataError(f"{value} has more than 64 bits and cannot be cast to {target}; it can be cast to STRING")
        return convert(value)

    return within


def _caster(source: Type, target: Type) -> Convert:
    if target is Type.STRING:
        return _text(source)
    if source is Type.STRING:
        return _parsed(target)
    if source is Type.BYTES:
        numbers = _numbers(target)
        return lambda value: numbers(value) if value.__class__ is Decimal else _refuse_bytes(value)
    return _numbers(target)


def _numbers(target: Type) -> Convert:
    """From int, float, bool and Decimal, as java.lang.Number converts them."""
    if target in BITS:
        bits = BITS[target]
        return lambda value: truncated(value, bits) if value.__class__ is float else wrapped(int(value), bits)
    if target is Type.BOOLEAN:
        return lambda value: bool(truncated(value, 64) if value.__class__ is float else wrapped(int(value), 64))
    if target is Type.FLOAT64:
        return float
    return lambda value: to_float32(value) if value.__class__ is float else single(float(value), value)


def _parsed(target: Type) -> Convert:
    if target is Type.BOOLEAN:
        return lambda text: text.lower() == "true"
    if target in BITS:
        bits = BITS[target]
        return _or_refused(lambda text: parsed_integer(text, bits))
    return _or_refused(parsed_double if target is Type.FLOAT64 else parsed_single)


def _or_refused(parse: Convert) -> Convert:
    def convert(text: str) -> Any:
        try:
            return parse(text)
        except ValueError as error:
            raise DataError(f"Value ({text}) was out of range for requested data type") from error

    return convert


def _text(source: Type) -> Convert:
    if source in FLOATS:
        return float_text if source is Type.FLOAT32 else double_text
    if source in INTEGERS:
        return str
    return _plain_text


def _plain_text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case bytes():
            return b64encode(value).decode()
        case _:
            return str(value)


def _moment_text(value: date | time) -> str:
    """As Values.dateFormatFor chooses: a time up to the first day's end, a date at midnight, else both."""
    at = millis_of(value)
    if at < DAY:
        return formatter("HH:mm:ss.SSS'Z'")(at)
    return formatter("yyyy-MM-dd" if at % DAY == 0 else "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'")(at)


def _encoded(schema: Schema, value: Any) -> int:
    if not isinstance(value, (date, time)):
        raise WrongClass(f"class {java_class(value)} cannot be cast to class java.util.Date")
    return millis_of(value) // DAY if schema.name == DATE else millis_of(value)


def _printing_so(convert: Convert) -> Convert:
    return lambda value: float(float_text(convert(value)).replace("Infinity", "inf"))


def _type_names(types: list[Type]) -> str:
    return f"[{', '.join(types)}]"


def _refuse(text: str) -> Any:
    raise DataError(text)


def _refuse_bytes(value: Any) -> Any:
    raise DataError(f"Unexpected type in Cast transformation: class {java_class(value)}")


def _refuse_class(value: Any) -> Any:
    if isinstance(value, (list, dict)):
        kind = "ARRAY" if isinstance(value, list) else "MAP"
        raise DataError(
            f"Cast transformation does not support casting from {kind}; supported types are {_type_names(SOURCES)}"
        )
    raise DataError(
        f"Cast transformation was passed a value of type class {java_class(value)} which is not supported by "
        "Connect's data API"
    )
