"""Header values as text: what SimpleHeaderConverter writes and the types it infers, as Kafka's class Values.

Inference reproduces upstream's order and its quirks: at the top level a number before a comma or colon wins
(``1,2`` is 1), and text of arrays and maps may be followed by anything. Times are in UTC whatever the zone of a JVM.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NamedTuple

from ferryman.java_time import DAY, Unparseable, parser
from ferryman.json_payload import INTEGER_RANGES, day, time_of_day
from ferryman.schema import (
    BOOLEAN,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    FLOATS,
    STRING,
    TIME_SCHEMA,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
)
from ferryman.values import double_text, float_text, iso, moment, renderer, to_float32

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d{1,9})?")
_TOKEN = re.compile(r'(?:[^\\:,{}\[\]"]|\\.|\\$)+|[:,{}\[\]"]', re.DOTALL)
_WIDTHS = [Type.INT8, Type.INT16, Type.INT32, Type.INT64, Type.FLOAT32, Type.FLOAT64]
_DEEPEST = 200


class Inferred(NamedTuple):
    """A value and the schema that its text suggests; null has none."""

    schema: Schema | None
    value: Any


NULL = Inferred(None, None)


class _NoValue(Exception):
    """The text is not what it began like."""


def infer(text: str) -> Inferred:
    """The value that a header's text stands for."""
    bare = text.strip()
    if not bare:
        return Inferred(STRING, text)
    if bare in ("null", "true", "false"):
        return NULL if bare == "null" else Inferred(BOOLEAN, bare == "true")
    tokens = _Tokens(_TOKEN.findall(text))
    try:
        return tokens.value(0, embedded=False)
    except _NoValue:
        return Inferred(STRING, text)


class _Tokens:
    """A cursor over the text's tokens: delimiters, and what lies between them."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0

    def next(self) -> str:
        if self.at == len(self.tokens):
            raise _NoValue
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, expected: str) -> bool:
        """Whether the next token, blanks apart, is that one; it is then consumed. Blank tokens are passed over."""
        at = self.at
        while at < len(self.tokens) and not self.tokens[at].strip():
            at += 1
        if at == len(self.tokens) or self.tokens[at].strip() != expected:
            return False
        self.at = at + 1
        return True

    def value(self, depth: int, embedded: bool) -> Inferred:
        if depth > _DEEPEST:
            raise _NoValue
        if embedded and self.takes('"'):
            return self._quoted()
        for word, found in (("null", NULL), ("true", Inferred(BOOLEAN, True)), ("false", Inferred(BOOLEAN, False))):
            if embedded and self.takes(word):
                return found
        if self.takes("["):
            return self._array(depth)
        if self.takes("{"):
            return self._map(depth)
        return self._literal()

    def _quoted(self) -> Inferred:
        parts: list[str] = []
        while (token := self.next()) != '"':
            parts.append(token)
        content = "".join(parts)
        return _temporal(content) or Inferred(STRING, content)

    def _literal(self) -> Inferred:
        token = self.next()
        while not token.strip():
            token = self.next()
        bare = token.strip()
        if bare[0].isdecimal():
            # A time's colons are delimiters: it lies in five tokens, and nothing but its Z may end the last of them.
            joined = "".join((token, *self.tokens[self.at : self.at + 4])).lstrip()
            found = _temporal(joined) if self._has(4) else None
            if found is not None:
                self.at += 4
                return found
            found = _temporal(bare)
            if found is not None:
                return found
        number = _number(bare) if bare[0].isdecimal() or bare[0] in "+-" else None
        if number is None:
            raise _NoValue
        return number

    def _has(self, count: int) -> bool:
        return self.at + count <= len(self.tokens)

    def _array(self, depth: int) -> Inferred:
        items: list[Inferred] = []
        while not self.takes("]"):
            items.append(self.value(depth + 1, embedded=True))
            self._separated("]")
        schema, values = _aligned(items)
        return Inferred(array(schema), values)

    def _map(self, depth: int) -> Inferred:
        keys: list[Inferred] = []
        items: list[Inferred] = []
        while not self.takes("}"):
            key = self.value(depth + 1, embedded=True)
            if key.value is None or isinstance(key.value, (list, dict)) or not self.takes(":"):
                raise _NoValue
            keys.append(key)
            items.append(self.value(depth + 1, embedded=True))
            self._separated("}")
        key_schema, names = _aligned(keys)
        if keys and key_schema is None:
            return Inferred(mapping(None, None), {key.value: item.value for key, item in zip(keys, items, strict=True)})
        value_schema, values = _aligned(items)
        return Inferred(mapping(key_schema, value_schema), dict(zip(names, values, strict=True)))

    def _separated(self, end: str) -> None:
        at = self.at
        if self.takes(end):
            self.at = at
        elif not self.takes(","):
            raise _NoValue


def _aligned(items: Sequence[Inferred]) -> tuple[Schema | None, list[Any]]:
    """The schema that all items share, numbers widened, and the items in it; mixed kinds share none."""
    values = [item.value for item in items]
    schemas = list(dict.fromkeys(item.schema for item in items if item.schema is not None))
    if not schemas:
        return None, values
    common = schemas[0] if len(schemas) == 1 else _widest(schemas)
    if common is None:
        return None, values
    if any(value is None for value in values):
        raise _NoValue
    if common.type in FLOATS:
        values = [to_float32(value) if common.type is Type.FLOAT32 else float(value) for value in values]
    return common, values


def _widest(schemas: Sequence[Schema]) -> Schema | None:
    if not all(schema.type in _WIDTHS and schema.name is None for schema in schemas):
        return None
    return max(schemas, key=lambda schema: _WIDTHS.index(schema.type))


def _number(text: str) -> Inferred | None:
    if not _NUMBER.fullmatch(text):
        return None
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if number.is_zero() or (number.adjusted() <= 18 and number == number.to_integral_value()):
        whole = int(number) if number else 0
        for kind, (low, high) in INTEGER_RANGES.items():
            if low <= whole <= high:
                return Inferred(Schema(kind), whole)
    if exponent:
        single = to_float32(float(number))
        if abs(single) != float("inf"):
            return Inferred(FLOAT32, single)
        if abs(float(number)) != float("inf"):
            return Inferred(FLOAT64, float(number))
    return Inferred(decimal(-exponent), number)


_TEMPORAL: dict[int, tuple[str, Schema, Callable[[int], Any]]] = {
    10: ("yyyy-MM-dd", DATE_SCHEMA, lambda at: day(at // DAY)),
    13: ("HH:mm:ss.SSS'Z'", TIME_SCHEMA, lambda at: time_of_day(at % DAY)),
    24: ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", TIMESTAMP_SCHEMA, moment),
}


def _temporal(text: str) -> Inferred | None:
    bare = text.replace("\\:", ":")
    if len(bare) not in _TEMPORAL:
        return None
    pattern, schema, convert = _TEMPORAL[len(bare)]
    try:
        return Inferred(schema, convert(parser(pattern)(bare)))
    except (Unparseable, OverflowError, ValueError):
        return None


def shown(value: Any, schema: Schema | None = None) -> str:
    """A header's value as text; strings are as they are."""
    return value if isinstance(value, str) else _shown(value, schema)


def _shown(value: Any, schema: Schema | None) -> str:
    match value:
        case str():
            return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        case bool():
            return "true" if value else "false"
        case float():
            return float_text(value) if schema is not None and schema.type is Type.FLOAT32 else double_text(value)
        case bytes():
            return b64encode(value).decode()
        case datetime() | date() | time():
            return iso(value)
        case list():
            return "[" + ",".join(_shown(item, schema.values if schema else None) for item in value) + "]"
        case dict() if schema is None or schema.type is Type.MAP:
            keys, values = (schema.keys, schema.values) if schema else (None, None)
            return "{" + ",".join(f"{_shown(k, keys)}:{_shown(v, values)}" for k, v in value.items()) + "}"
        case _:
            return renderer(schema)(value)
