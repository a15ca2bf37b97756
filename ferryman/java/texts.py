"""Values as Java prints and names them: what StringConverter, the file sink and error messages show.

``toString`` of maps (``{a=1}``), lists (``[1, 2]``), structs (``Struct{a=1}``, nulls left out), floats (``1.0E10``) and
decimals is reproduced. Three things are not, because Java's text is no use to a reader: a Date, Time or Timestamp is
ISO 8601 in UTC (Java prints ``Tue Nov 14 22:13:20 UTC 2023``, in the JVM's zone and without milliseconds), bytes are
base64 (Java prints an address), and a map keeps the order of its record (Java's is that of its hash table).
"""

import struct as binary
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from ferryman.errors import DataError
from ferryman.schema import FLOATS, RecursiveSchema, Schema, Type

Text = Callable[[Any], str]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def millis(moment: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    return (moment - EPOCH) // MILLISECOND


def moment(millis: int) -> datetime:
    """The instant so many milliseconds after the epoch. Raises OverflowError outside the years 1 to 9999."""
    return EPOCH + timedelta(milliseconds=millis)


def instant(millis: int) -> datetime:
    """The same of a record. Raises DataError outside the years 1 to 9999."""
    try:
        return moment(millis)
    except OverflowError:
        raise DataError(f"The timestamp {millis} lies outside the years 1 to 9999") from None


def double_text(value: float) -> str:
    """Java's Double.toString, with the shortest digits that read back as the same number (as since JDK 19)."""
    if 1e-3 <= value < 1e7:
        return repr(value)
    text = repr(value)
    # Of the numbers with one digit Java prints the nearest with two: 4.9E-324, not 5.0E-324.
    return _java_float(value, f"{value:.1e}" if len(text.partition("e")[0].lstrip("-")) == 1 else text)


def float_text(value: float) -> str:
    """Java's Float.toString: the shortest digits that read back as the same 32-bit number."""
    value = to_float32(value)
    return _java_float(value, next(text for text in _candidates(value) if _same_float32(text, value)))


def _candidates(value: float) -> Sequence[str]:
    return [*(f"{value:.{digits}g}" for digits in range(2, 10)), repr(value)]


def _same_float32(text: str, value: float) -> bool:
    return value != value or text.endswith("inf") or to_float32(float(text)) == value


def to_float32(value: float) -> float:
    """The nearest 32-bit number; too large a one becomes infinite, as in Java."""
    try:
        return float(binary.unpack("f", binary.pack("f", value))[0])
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _java_float(value: float, digits: str) -> str:
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        return repr(float(digits))
    if value == 0:
        return "-0.0" if str(value)[0] == "-" else "0.0"
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    mantissa, _, power = digits.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    figures = (whole + fraction).lstrip("0")
    exponent = int(power or 0) + len(figures) - len(fraction) - 1
    return f"{'-' if value < 0 else ''}{figures[0]}.{figures[1:].rstrip('0') or '0'}E{exponent}"


def iso(value: date | time | datetime) -> str:
    """A Date, Time or Timestamp in ISO 8601: ``2023-11-14``, ``22:13:20.123Z``, ``2023-11-14T22:13:20.123Z``."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
    return value.isoformat(timespec="milliseconds") + "Z" if isinstance(value, time) else value.isoformat()


def text(value: Any) -> str:
    """A schemaless value's text, as Java's toString gives it."""
    return _BY_CLASS.get(value.__class__, str)(value)


def _map(value: dict[Any, Any]) -> str:
    items = [item if item.__class__ in _AS_IS else text(item) for item in value.values()]
    template = _map_template(tuple(value))
    if template is None:
        return "{" + ", ".join(f"{text(key)}={item}" for key, item in zip(value, items, strict=True)) + "}"
    return template % tuple(items)


@lru_cache(maxsize=1000)
def _map_template(keys: tuple[Any, ...]) -> str | None:
    # The maps of a topic have the same keys; putting their names together once saves a tenth of the whole text. Only
    # for strings: 1 and True are the same key to the cache, and have different texts.
    if not all(isinstance(key, str) for key in keys):
        return None
    return "{" + ", ".join(key.replace("%", "%%") + "=%s" for key in keys) + "}"


def _list(value: Sequence[Any]) -> str:
    return "[" + ", ".join([text(item) for item in value]) + "]"


def _base64(value: bytes) -> str:
    return b64encode(value).decode()


_AS_IS = frozenset({str, int})
_BY_CLASS: dict[type, Text] = {
    str: lambda value: value,
    int: int.__repr__,
    bool: lambda value: "true" if value else "false",
    type(None): lambda value: "null",
    float: double_text,
    bytes: _base64,
    dict: _map,
    list: _list,
    datetime: iso,
    date: iso,
    time: iso,
}


@lru_cache(maxsize=1000)
def renderer(schema: Schema | None) -> Text:
    """What turns values of a schema (null included) into text."""
    if schema is None:
        return text
    match schema.type:
        case Type.STRUCT if isinstance(schema, RecursiveSchema):
            return _late(schema)
        case Type.STRUCT:
            return _struct_renderer(schema)
        case Type.ARRAY:
            return _or_null(_list_renderer(renderer(schema.values)))
        case Type.MAP:
            return _or_null(_map_renderer(renderer(schema.keys), renderer(schema.values)))
        case kind if kind in FLOATS:
            return _or_null(float_text if kind is Type.FLOAT32 else double_text)
        case _:
            return text


def _late(schema: Schema) -> Text:
    """A struct inside itself: what renders it is made when there is one."""
    made: list[Text] = []

    def render(value: Any) -> str:
        if value is None:
            return "null"
        if not made:
            made.append(_struct_renderer(schema))
        return made[0](value)

    return render


def _or_null(render: Text) -> Text:
    return lambda value: "null" if value is None else render(value)


def _struct_renderer(schema: Schema) -> Text:
    members = [(field.name, renderer(field.schema)) for field in schema.fields]

    def render(value: dict[str, Any] | None) -> str:
        if value is None:
            return "null"
        get = value.get
        found = [f"{name}={member(item)}" for name, member in members if (item := get(name)) is not None]
        return "Struct{" + ",".join(found) + "}"

    return render


def _list_renderer(item: Text) -> Text:
    return lambda value: "[" + ", ".join(map(item, value)) + "]"


def _map_renderer(key: Text, item: Text) -> Text:
    return lambda value: "{" + ", ".join([f"{key(name)}={item(member)}" for name, member in value.items()]) + "}"


_JAVA_CLASSES: dict[type, str] = {
    str: "java.lang.String",
    int: "java.lang.Long",
    bool: "java.lang.Boolean",
    float: "java.lang.Double",
    bytes: "[B",
    dict: "java.util.HashMap",
    list: "java.util.ArrayList",
    Decimal: "java.math.BigDecimal",
    datetime: "java.util.Date",
    date: "java.util.Date",
    time: "java.util.Date",
}
_JAVA_CLASSES_BY_TYPE = {
    Type.INT8: "java.lang.Byte",
    Type.INT16: "java.lang.Short",
    Type.INT32: "java.lang.Integer",
    Type.FLOAT32: "java.lang.Float",
    Type.STRUCT: "org.apache.kafka.connect.data.Struct",
}


def java_class(value: Any, schema: Schema | None = None) -> str:
    """The class that Java has for a value, for messages: ``null`` for None; a schemaless int is a Long."""
    if value is None:
        return "null"
    if schema is not None and schema.name is None and schema.type in _JAVA_CLASSES_BY_TYPE:
        return _JAVA_CLASSES_BY_TYPE[schema.type]
    return _JAVA_CLASSES.get(type(value), type(value).__name__)


def schema_text(schema: Schema) -> str:
    """A schema as Java's ConnectSchema prints it."""
    return f"Schema{{{schema.name}:{schema.type}}}" if schema.name else f"Schema{{{schema.type}}}"
