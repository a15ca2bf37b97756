"""JSON as Kafka Connect's JsonConverter reads and writes it without a schema: orjson, and Jackson's ways besides.

Reading differs in three points, each apart from the usual path: leading zeros are allowed, lone surrogates become ``?``
(what Java writes for them in the end), and a number that a long or a double would change keeps its digits, where Java
does change it (``exact_numbers``). Text after the first JSON value is an error here; Jackson ignores it.
"""

import codecs
import json
import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec
import orjson

from ferryman.errors import DataError
from ferryman.formats.json.exact_numbers import changes, fraction, integer, may_change, printed
from ferryman.java.texts import double_text, java_class, millis
from ferryman.record import Payload

_LEADING_ZEROS = re.compile(r'("[^"\\]*+(?:\\.[^"\\]*+)*+")|(?<![\d.eE+\-])(-?)0+(?=\d)', re.DOTALL)

_BEGINNINGS: Mapping[bytes, str] = {
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF16_BE: "utf-16",
    codecs.BOM_UTF16_LE: "utf-16",
    b"\0\0\0": "utf-32-be",
    b"\0": "utf-16-be",
}
"""How payloads that are not UTF-8 begin, the longer beginnings first."""
_LINES = msgspec.json.Encoder()
_MAYBE_ZEROS = re.compile(r"(?<![\d.eE+\-])-?0\d")


def loads_all(payloads: Sequence[Payload]) -> list[Any]:
    """Each payload's value; null and blank payloads are None. Raises DataError if one is not JSON."""
    try:
        values = [orjson.loads(payload) if payload else None for payload in payloads]
    except orjson.JSONDecodeError:
        return [loads(payload) if payload else None for payload in payloads]
    if may_change(b" ".join([payload for payload in payloads if payload])):
        return [
            _exact(payload, integer, fraction) if payload and may_change(payload) and changes(payload) else value
            for payload, value in zip(payloads, values, strict=True)
        ]
    return values


def loads_good(payloads: Sequence[Payload]) -> tuple[list[int], list[Any], list[tuple[int, DataError]]]:
    """The same without raising: the places and values of those that are JSON, the places and errors of the others."""
    try:
        return list(range(len(payloads))), loads_all(payloads), []
    except DataError:
        places, values, bad = list[int](), list[Any](), list[tuple[int, DataError]]()
    for at, payload in enumerate(payloads):
        try:
            values.append(loads(payload) if payload else None)
        except DataError as error:
            bad.append((at, error))
        else:
            places.append(at)
    return places, values, bad


def loads(payload: bytes) -> Any:
    """One payload's value, every number with its digits."""
    if not (may_change(payload) and changes(payload)):
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass
    return _exact(payload, integer, fraction)


def loads_decimals(payload: bytes) -> Any:
    """One payload's value with every number that has a fraction or an exponent as Decimal, and integers of any size.

    Those beyond 4,000 digits are Decimals too.
    """
    return _exact(payload, integer, Decimal)


def _exact(payload: bytes, parse_int: Callable[[str], Any], parse_float: Callable[[str], Any]) -> Any:
    try:
        text = payload.decode(_encoding(payload[:4])).strip(" \t\r\n")
        if _MAYBE_ZEROS.search(text):
            text = _LEADING_ZEROS.sub(lambda match: match[1] or match[2], text)
        if not text:
            return None
        value = json.loads(text, parse_int=parse_int, parse_float=parse_float, parse_constant=_refuse)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise DataError(
            f"Converting byte[] to Kafka Connect data failed due to serialization error: {_reason(error)}"
        ) from error
    return _without_surrogates(value) if "\\u" in text else value


def _encoding(first: bytes) -> str:
    """Told by the mark or the zeros at the beginning, as RFC 4627 and Jackson have it."""
    for start, name in _BEGINNINGS.items():
        if first.startswith(start):
            return name
    if first[1:] == b"\0\0\0":
        return "utf-32-le"
    return "utf-16-le" if first[1:2] == b"\0" else "utf-8-sig"


def _refuse(token: str) -> Any:
    raise ValueError(f"Non-standard token '{token}'")


def _reason(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"invalid {error.encoding.upper()} at byte {error.start}"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case list():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value


def dumps(value: Any) -> bytes:
    """A schemaless value's JSON, floats in Java's notation. Raises DataError for a class that Connect does not have."""
    try:
        return printed(ready(value))
    except (orjson.JSONEncodeError, RecursionError) as error:
        raise DataError(
            f"Converting Kafka Connect data to byte[] failed due to serialization error: {error}"
        ) from error


def dumps_texts(values: Sequence[Any]) -> list[bytes] | None:
    """The JSON of texts; None where there is anything else among them."""
    if set(map(type, values)) != {str}:
        return None
    try:
        # orjson takes a kilobyte for each text and gives most of it back. Line breaks within texts are escaped.
        return _LINES.encode_lines(values).split(b"\n")[:-1]
    except UnicodeEncodeError:
        return None


def ready(value: Any) -> Any:
    """A schemaless value as orjson prints it right."""
    if value.__class__ in _AS_IS:
        return value
    if value.__class__ is dict:
        return _ready_map(value)
    if value.__class__ is list:
        return [ready(item) for item in value]
    return _ready_other(value)


_AS_IS = frozenset({str, int, bool, type(None)})


def _ready_map(value: dict[Any, Any]) -> Any:
    items = {
        key: item if item.__class__ in _AS_IS or (item.__class__ is float and plain(item)) else ready(item)
        for key, item in value.items()
    }
    if all(key.__class__ is str for key in items):
        return items
    return [[ready(key), item] for key, item in items.items()]


def plain(value: float) -> bool:
    """Whether orjson prints a double as Java does."""
    return 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3 or value == 0


def ready_float(value: float) -> Any:
    """A double in Java's notation; NaN and the infinities are strings."""
    if plain(value):
        return value
    text = double_text(value)
    return text if text[-1] in "Ny" else orjson.Fragment(text)


def _ready_other(value: Any) -> Any:
    match value:
        case float():
            return ready_float(value)
        case Decimal() if value.is_finite():
            return orjson.Fragment(str(value))
        case bytes():
            return b64encode(value).decode()
        case datetime():
            return millis(value)
        case date():
            return millis(datetime(value.year, value.month, value.day, tzinfo=UTC))
        case time():
            return time_millis(value)
        case _:
            raise DataError(f"Java class class {java_class(value)} does not have corresponding schema type.")


def time_millis(value: time) -> int:
    """Milliseconds since midnight."""
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000
