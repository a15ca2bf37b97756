"""Whether what a column gives back is the value that a record had, whatever words each has for it."""

import datetime as dt
import json
import struct as binary
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from ferryman.schema import Schema, Type

_PADDED = "char(3)"
_SAME = {
    ("interval", "P1DT2H", "1 day 02:00:00"),
    ("interval(0)", "P1DT2H", "1 day 02:00:00"),
    ("cidr", "192.168.0.1", "192.168.0.1/32"),
    ("cidr", "2001:db8::1", "2001:db8::1/128"),
}
"""Column, text, and the same text as the column writes it."""
_TRUE, _FALSE = ("true", "t", "yes", "on", "1"), ("false", "f", "no", "off", "0")


def same(column: str, schema: Schema, value: Any, stored: Any) -> bool:
    """Whether a column of that declaration, which now holds ``stored``, holds the value."""
    if stored is None:
        return False
    if isinstance(stored, bytes):
        return stored == (value.encode() if isinstance(value, str) else value) and isinstance(value, (bytes, str))
    if isinstance(value, bytes):
        return False
    if isinstance(stored, (int, float)) and isinstance(value, (dt.date, dt.time)):
        return stored == _milliseconds(value)
    if isinstance(stored, float):
        printed = column.startswith(("real", "float")) and not isinstance(value, int)
        return any(_is_float(printed, stored, number) for number in _numbers(schema, value))
    return any(rule(column, schema, value, str(stored)) for rule in _RULES)


def alike(column: str, schema: Schema | None, value: Any, found: Any) -> bool:
    """Whether a document of JSON, its numbers left as texts, is an array, struct or map; or an array's items are."""
    if value is None or found is None or schema is None:
        return value is found is None
    match value:
        case list():
            pairs = zip(value, found, strict=False)
            return len(value) == len(found) and all(alike(column, schema.values, *pair) for pair in pairs)
        case dict():
            inner = {field.name: field.schema for field in schema.fields}
            known = {name: inner.get(name, schema.values) for name in value}
            return value.keys() == found.keys() and all(
                alike(column, known[name], value[name], found[name]) for name in value
            )
        case _:
            return same(column, schema, value, found)


def _milliseconds(value: dt.date | dt.time) -> int:
    """Since the epoch or midnight: what SQLite's driver stores of dates and times."""
    if isinstance(value, dt.time):
        value = dt.datetime.combine(dt.date(1970, 1, 1), value)
    elif not isinstance(value, dt.datetime):
        value = dt.datetime.combine(value, dt.time())
    return (value.replace(tzinfo=dt.UTC) - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)


def _is_float(single: bool, stored: float, number: Decimal) -> bool:
    if number.is_nan():
        return stored != stored
    texts = [repr(stored), *([_shortest(stored)] if single else [])]
    return Decimal(stored) == number or any(Decimal(text) == number for text in texts)


def _numbers(schema: Schema, value: Any) -> Iterator[Decimal]:
    """The number that a value is, in the ways in which it may be understood."""
    match value:
        case bool():
            yield Decimal(int(value))
        case int() | Decimal():
            yield Decimal(value)
        case float() if schema.type is Type.FLOAT32:
            yield Decimal(value)
            yield Decimal(_shortest(value))
        case float():
            yield Decimal(value)
            yield Decimal(repr(value))
        case str():
            found = _number(value)
            if found is not None:
                yield found


def _shortest(value: float) -> str:
    """The fewest digits that mean this float of 32 bits."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if binary.unpack("f", binary.pack("f", float(text)))[0] == value:
            return text
    return repr(value)


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text) if "_" not in text else None
    except InvalidOperation:
        return None


def _is_number(column: str, schema: Schema, value: Any, stored: str) -> bool:
    found = _number(stored)
    if found is None or (isinstance(value, str) and _is_text(column)):
        return False
    return any(found == each or (found.is_nan() and each.is_nan()) for each in _numbers(schema, value))


def _is_text(column: str) -> bool:
    return "char" in column.lower() or "text" in column.lower() or column in ("name", "label", "STRING", "BLOB", "")


def _is_words(column: str, schema: Schema, value: Any, stored: str) -> bool:
    if not isinstance(value, str):
        return isinstance(value, bool) and stored == str(value).lower()
    if (column, value, stored) in _SAME or stored == value:
        return True
    if column.startswith("set("):
        return sorted(stored.split(",")) == sorted(value.split(","))
    return column == _PADDED and len(value) <= len(stored) == 3 and stored.rstrip(" ") == value.rstrip(" ")


def _is_truth(column: str, schema: Schema, value: Any, stored: str) -> bool:
    if column != "boolean" or stored not in ("t", "f"):
        return False
    words = _TRUE if stored == "t" else _FALSE
    return value is (stored == "t") or (isinstance(value, str) and value.lower() in words)


def _is_moment(column: str, schema: Schema, value: Any, stored: str) -> bool:
    found, meant = _moment(stored), _moment(_iso(value) if not isinstance(value, str) else value)
    is_moment = any(word in column.lower() for word in ("date", "time")) or not isinstance(value, str)
    return is_moment and found is not None and found == meant and not isinstance(value, (bool, int, float, Decimal))


def _iso(value: Any) -> str:
    return value.isoformat() if isinstance(value, (dt.date, dt.time)) else ""


def _moment(text: str) -> Any:
    """A time, or what a date or timestamp is in UTC."""
    for read in (dt.time.fromisoformat, dt.datetime.fromisoformat):
        try:
            found: Any = read(text if text[4:5] == "-" or text[2:3] == ":" else "")
        except ValueError:
            continue
        if isinstance(found, dt.time):
            return found if found.tzinfo is None else _in_utc(found)
        return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
    return None


def _in_utc(clock: dt.time) -> dt.time:
    return dt.datetime.combine(dt.date(2000, 1, 1), clock).astimezone(dt.UTC).time()


def _is_json(column: str, schema: Schema, value: Any, stored: str) -> bool:
    try:
        found = json.loads(stored if column.lower().startswith("json") else "")
        return bool(found == (json.loads(value) if isinstance(value, str) else value))
    except ValueError:
        return False


_Rule = Callable[[str, Schema, Any, str], bool]
_RULES: tuple[_Rule, ...] = (_is_number, _is_words, _is_truth, _is_moment, _is_json)
