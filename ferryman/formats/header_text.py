"""The values that SimpleHeaderConverter takes the texts of headers for, as Kafka's class Values.

Inference reproduces upstream's order and its quirks: at the top level a number before a comma or colon wins
(``1,2`` is 1), and text of arrays and maps may be followed by anything. Times are in UTC whatever the zone of a JVM.
"""

import json
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from ferryman.errors import DataError
from ferryman.formats.json.payload import INTEGER_RANGES, day, time_of_day
from ferryman.java.decimals import MOST_DIGITS
from ferryman.java.instants import DAY
from ferryman.java.numbers import single
from ferryman.java.simple_date_format.parser import Unparseable, parser
from ferryman.java.texts import moment, to_float32
from ferryman.schema import (
    BOOLEAN,
    DATE,
    DATE_SCHEMA,
    FLOAT32,
    FLOAT64,
    FLOATS,
    INTEGERS,
    STRING,
    TIME,
    TIME_SCHEMA,
    TIMESTAMP,
    TIMESTAMP_SCHEMA,
    Schema,
    Type,
    array,
    decimal,
    mapping,
)

_NUMBER = re.compile(r"[+-]?(\d+(?:\.\d*)?|\.\d+)([eE][+-]?0*\d{1,9})?")
_BLANKS = "".join(map(chr, range(33)))
"""What Java's trim takes away."""
_TOKEN = re.compile(r'(?:[^\\:,{}\[\]"]++|\\.|\\$)++|[:,{}\[\]"]', re.DOTALL)
_ONE_TOKEN = re.compile(r'[^\\:,{}\[\]"]*+')
_FEW_DIGITS = 40
"""Digits of an integer that may be within 64 bits, zeros before it included."""
_RANGES = tuple(INTEGER_RANGES.items())
_INTEGERS = {kind: Schema(kind) for kind in INTEGER_RANGES}
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
    if not text:
        return Inferred(STRING, text)
    return _at_once(text) or _of_json(text) or _Tokens(text).value(0, embedded=False)


def _at_once(text: str) -> Inferred | None:
    """The same where the beginning tells: of words, whole numbers and ids, which most headers are; None for others."""
    first = text[0]
    if first.isalpha():
        return None if text.strip(_BLANKS) in _WORDS else Inferred(STRING, text)
    if not first.isdecimal() or not _ONE_TOKEN.fullmatch(text):
        return None
    if text.isascii() and text.isdigit():
        return _integer(int(text)) if len(text) <= _FEW_DIGITS else None
    is_number = _NUMBER.fullmatch(text.strip(_BLANKS))
    return None if is_number or len(text.strip(_BLANKS)) in _TEMPORAL else Inferred(STRING, text)


def _integer(whole: int) -> Inferred | None:
    """The narrowest that holds it; None beyond 64 bits."""
    for kind, (low, high) in _RANGES:
        if low <= whole <= high:
            return Inferred(_INTEGERS[kind], whole)
    return None


def _of_json(text: str) -> Inferred | None:
    """The same for a list or an object of JSON, as most are, without a token for each sign; None for what else the text
    may be, and where a text inside is not what stands between its quotes."""
    if text[0] not in "[{" or "\\" in text or text.count("[") + text.count("{") > _DEEPEST:
        return None
    try:
        return _of_parsed(_JSON.decode(text))
    except (_NoValue, ValueError, RecursionError):
        return None


def _of_parsed(value: Any) -> Inferred:
    kind = value.__class__
    if kind is str:
        if _DELIMITED.search(value):
            raise _NoValue
        return _temporal(value) or Inferred(STRING, value)
    if kind is int:
        found = _integer(value)
        if found is None:
            raise _NoValue
        return found
    if kind is list:
        return _list(list(map(_of_parsed, value)))
    if kind is tuple:
        keys = [_of_parsed(key) for key, _ in value]
        return _entries(keys, [_of_parsed(item) for _, item in value])
    return _CONSTANTS[value] if kind is bool or value is None else value


def _fraction(digits: str) -> Inferred:
    found = _number(digits)
    if found is None:
        raise _NoValue
    return found


def _refuse(_word: str) -> None:
    raise _NoValue


def _list(items: Sequence[Inferred]) -> Inferred:
    schema = _common(items)
    return Inferred(_array_of(schema), _aligned(schema, [item.value for item in items]))


def _entries(keys: Sequence[Inferred], items: Sequence[Inferred]) -> Inferred:
    key_schema, value_schema = _common(keys), _common(items)
    if key_schema is None:
        value_schema = None
    entries = {key.value: item.value for key, item in zip(keys, items, strict=True)}
    names, values = _aligned(key_schema, list(entries)), _aligned(value_schema, list(entries.values()))
    return Inferred(_map_of(key_schema, value_schema), dict(zip(names, values, strict=True)))


class _Tokens:
    """A cursor over the text's tokens: delimiters, and what lies between them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: Sequence[str] = _TOKEN.findall(text)
        self.bare = [token.strip(_BLANKS) for token in self.tokens]
        self.at = 0

    def more(self) -> bool:
        return self.at < len(self.tokens)

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def takes(self, expected: str) -> bool:
        """Whether the next token that is not blank is that one; it is then consumed. The blank ones are in any case."""
        at, last = self.at, len(self.bare) - 1
        if at > last:
            return False
        while not self.bare[at] and at < last:
            at += 1
        self.at = at
        if self.bare[at] != expected:
            return False
        self.at += 1
        return True

    def value(self, depth: int, embedded: bool) -> Inferred:
        """Raises _NoValue where there is none, which only embedded values can do."""
        if not self.more():
            return NULL
        if embedded:
            return self._embedded(depth)
        for word, found in _WORDS.items():
            if self._takes_word(word):
                return found
        start = self.at
        try:
            if self.takes("["):
                return self._array(depth + 1)
            if self.takes("{"):
                return self._map(depth + 1)
        except _NoValue:
            self.at = start
        return self._literal(embedded=False)

    def _embedded(self, depth: int) -> Inferred:
        """A value inside of another. Blanks before it are consumed."""
        if self.takes('"'):
            return self._quoted()
        bare = self.bare[self.at]
        if bare in _WORDS:
            self.at += 1
            return _WORDS[bare]
        if bare in ("[", "{"):
            start = self.at
            self.at += 1
            try:
                return self._array(depth + 1) if bare == "[" else self._map(depth + 1)
            except _NoValue:
                self.at = start
        return self._literal(embedded=True)

    def _takes_word(self, word: str) -> bool:
        start = self.at
        if self.takes(word) and not self.more():
            return True
        self.at = start
        return False

    def _quoted(self) -> Inferred:
        at = self.at
        if self.tokens[at + 1 : at + 2] == ['"'] and self.bare[at] not in ("", '"'):
            self.at += 2
            return _temporal(self.tokens[at]) or Inferred(STRING, self.tokens[at])
        content = ""
        while self.more() and not self.takes('"'):
            content += self.next()
        return _temporal(content) or Inferred(STRING, content)

    def _literal(self, embedded: bool) -> Inferred:
        bare = self.bare[self.at]
        token = self.next()
        if not bare:
            return Inferred(STRING, token)
        found = None
        if bare[0].isdecimal():
            # A time's colons are delimiters: it lies in five tokens.
            rest = self.tokens[self.at : self.at + 4]
            found = _temporal(bare + "".join(rest)) if len(rest) == 4 else None
            if found is not None:
                self.at += 4
                return found
            found = None if bare.isascii() and bare.isdigit() else _temporal(bare)
        if found is None and (bare[0].isdecimal() or bare[0] in "+-"):
            found = _number(bare)
        if found is None and embedded:
            raise _NoValue
        return found or Inferred(STRING, self.text)

    def _array(self, depth: int) -> Inferred:
        if depth > _DEEPEST:
            raise _NoValue
        items: list[Inferred] = []
        while not self.takes("]"):
            if not self.more() or self.takes(","):
                raise _NoValue
            items.append(self.value(depth, embedded=True))
            if not self._at_end_of_array() and not self.takes(","):
                raise _NoValue
        return _list(items)

    def _at_end_of_array(self) -> bool:
        start = self.at
        found = self.takes("]")
        self.at = start if found else self.at
        return found

    def _map(self, depth: int) -> Inferred:
        if depth > _DEEPEST:
            raise _NoValue
        keys: list[Inferred] = []
        items: list[Inferred] = []
        while not self.takes("}"):
            if not self.more() or self.takes(","):
                raise _NoValue
            key = self.value(depth, embedded=True)
            # Java has lists and maps for keys, too.
            if key.value is None or isinstance(key.value, (list, dict)) or not self.takes(":"):
                raise _NoValue
            keys.append(key)
            items.append(self.value(depth, embedded=True))
            self.takes(",")
        return _entries(keys, items)


_array_of, _map_of = lru_cache(maxsize=1000)(array), lru_cache(maxsize=1000)(mapping)
_CONSTANTS = {None: NULL, True: Inferred(BOOLEAN, True), False: Inferred(BOOLEAN, False)}
_WORDS = {"null": NULL, "true": _CONSTANTS[True], "false": _CONSTANTS[False]}
_JSON = json.JSONDecoder(parse_float=_fraction, parse_constant=_refuse, object_pairs_hook=tuple)
_DELIMITED = re.compile(r"[:,{}\[\]][\x00- ]+(?:[:,{}\[\]]|$)|^[\x00- ]+(?:[:,{}\[\]]|$)")
"""Nothing but blanks between two delimiters of a text, one of which may be a quote: they are lost."""


def _common(items: Sequence[Inferred]) -> Schema | None:
    """The schema that all items share, numbers widened; of two of one type the later. Mixed kinds share none."""
    common: Schema | None = None
    for schema in (item.schema for item in items if item.schema is not None):
        if common is None or common.type is schema.type:
            common = schema
        elif common.type in _WIDTHS and schema.type in _WIDTHS:
            common = max(common, schema, key=lambda each: _WIDTHS.index(each.type))
        else:
            return None
    return common


def _aligned(schema: Schema | None, values: list[Any]) -> list[Any]:
    """The values as those of the schema. Raises _NoValue for null, and for a time where a number is wanted."""
    if schema is None:
        return values
    if None in values:
        raise _NoValue
    if schema.type not in _WIDTHS or (
        schema.type in INTEGERS and schema.name is None and set(map(type, values)) == {int}
    ):
        return values
    convert = _FROM_NUMBER.get(schema.name) or (_as_float if schema.type in FLOATS else _as_integer)
    try:
        return [convert(value, schema) for value in values]
    except (DataError, OverflowError, ValueError) as error:
        raise _NoValue from error


def _as_integer(value: Any, _schema: Schema) -> int:
    if not isinstance(value, int):
        raise _NoValue
    return value


def _as_float(value: Any, schema: Schema) -> float:
    if not isinstance(value, (int, float)):
        raise _NoValue
    return to_float32(value) if schema.type is Type.FLOAT32 else float(value)


def _time_from(make: Callable[[int], Any]) -> Callable[[Any, Schema], Any]:
    return lambda value, _schema: make(value) if isinstance(value, int) else value


_FROM_NUMBER: dict[str | None, Callable[[Any, Schema], Any]] = {
    DATE: _time_from(day),
    TIME: _time_from(time_of_day),
    TIMESTAMP: _time_from(moment),
}
"""What a number among dates, times or timestamps is."""


def _number(text: str) -> Inferred | None:
    if len(text) <= _FEW_DIGITS and text.isascii() and text.removeprefix("-").isdigit():
        found = _integer(int(text))
        if found is not None:
            return found
    if len(text) > MOST_DIGITS or not _NUMBER.fullmatch(text) or any(letter > "\uffff" for letter in text):
        return None
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    is_whole = number.is_zero() or (number.adjusted() <= 18 and number == number.to_integral_value())
    if is_whole and (found := _integer(int(number) if number else 0)) is not None:
        return found
    if exponent:
        near = float(number)
        rounded = single(near, number) if abs(near) != float("inf") else near
        if abs(rounded) != float("inf"):
            return Inferred(FLOAT32, rounded)
        if abs(near) != float("inf"):
            return Inferred(FLOAT64, near)
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
