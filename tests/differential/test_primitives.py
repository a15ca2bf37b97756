"""The converters of single values against Kafka's own: bytes, texts and numbers, as keys, values and headers."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

import jpype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.config import Config
from ferryman.conversion import Converter, Side
from ferryman.errors import DataError
from ferryman.plugins import catalog
from ferryman.record import Rows
from ferryman.schema import Schema
from tests.differential import jvm
from tests.differential.jvm import Raised
from tests.differential.search import count, search
from tests.differential.strategies import TEXT, side

STRING = "org.apache.kafka.connect.storage.StringConverter"
NUMBERS = {"Short": 2, "Integer": 4, "Long": 8, "Float": 4, "Double": 8, "Boolean": 1, "ByteArray": 3}
"""Kafka's converters by their names, and how many bytes a value has."""
ENCODINGS = ["UTF-8", "ISO-8859-1", "US-ASCII", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32", "windows-1252"]
SIDES: list[Side] = ["key", "value", "header"]


class Both:
    """A converter of ours and Kafka's, configured alike."""

    def __init__(self, name: str, config: Mapping[str, str], side: Side) -> None:
        plugin = catalog.find("converter", name)
        assert plugin is not None
        self.side = side
        self.ours: Converter[Config] = plugin(plugin.config_class.parse(config), side)
        self.theirs = jvm.java(name)()
        settings = jvm.java("java.util.HashMap")()
        for key, text in {**config, "converter.type": side}.items():
            settings.put(key, text)
        self.theirs.configure(settings)

    def read_by_java(self, payload: bytes | None) -> Any:
        """Schema and value of a payload, or the exception's class."""
        bytes_ = None if payload is None else jpype.JArray(jpype.JByte)(payload)
        try:
            if self.side == "header":
                return jvm.untyped(self.theirs.toConnectHeader("t", "h", bytes_))
            return jvm.untyped(self.theirs.toConnectData("t", bytes_))
        except jpype.JException as error:
            return jvm.raised(error).kind

    def read(self, payload: bytes | None) -> Any:
        """The same by ours."""
        try:
            rows = self.ours.to_data("t", [payload])[0].rows()
        except DataError as error:
            return error.java
        return jvm.shape(rows.schema), jvm.plain(rows.values[0], rows.schema)

    def written_by_java(self, schema: Schema | None, value: Any) -> Any:
        """A value's bytes, or the exception."""
        given = jvm.typed(value, schema)
        try:
            if self.side == "header":
                found = self.theirs.fromConnectHeader("t", "h", *given)
            else:
                found = self.theirs.fromConnectData("t", *given)
        except jpype.JException as error:
            return jvm.raised(error)
        return None if found is None else bytes(found)

    def written(self, schema: Schema | None, value: Any) -> Any:
        """The same by ours."""
        try:
            return self.ours.from_data("t", Rows(schema, [value]))[0]
        except DataError as error:
            return Raised(error.java, jvm.words(error))


def same(expected: Any, found: Any) -> bool:
    """Whether answers are the same, an error's message apart."""
    if isinstance(expected, Raised) and isinstance(found, Raised):
        return expected.kind == found.kind
    return bool(expected == found)


def has_own_text(value: Any) -> bool:
    """Whether Java's text of a value is an address or depends on its zone: ours is base64, or ISO 8601."""
    inner = [*value.values(), *value] if isinstance(value, dict) else value if isinstance(value, list) else []
    return isinstance(value, (bytes, date, time)) or any(map(has_own_text, inner))


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_single_values_are_what_they_are_to_kafka(name: str, long: bool) -> None:
    size = NUMBERS[name]
    payloads = st.none() | st.binary(min_size=size, max_size=size) | st.binary(max_size=9)

    @search(80, long)
    @given(st.sampled_from(SIDES), st.lists(payloads, max_size=6), side(3))
    def run(kind: Side, given: list[bytes | None], typed: tuple[Schema | None, list[Any]]) -> None:
        both = Both(f"org.apache.kafka.connect.converters.{name}Converter", {}, kind)
        count("primitives", len(given) + len(typed[1]))
        for payload in given:
            assert both.read(payload) == both.read_by_java(payload), payload
        for value in typed[1]:
            expected, found = both.written_by_java(typed[0], value), both.written(typed[0], value)
            assert same(expected, found), f"{typed[0]} {value!r}\nKafka: {expected!r}\nours:  {found!r}"

    run()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_texts_are_what_they_are_to_kafka(encoding: str, long: bool) -> None:
    surrogates = st.lists(st.sampled_from([b"\xd8", b"\x00", b"\xdc", b"a", b"\xff\xfe"]), max_size=8).map(b"".join)
    utf8 = TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
    # Java reads half a pair from UTF-32 as such, which no text may hold.
    payloads = st.none() | st.binary(max_size=9) | (utf8 if encoding == "UTF-32" else utf8 | surrogates)

    @search(80, long)
    @given(st.sampled_from(SIDES), st.lists(payloads, max_size=6), side(3), st.lists(st.text(max_size=5), max_size=3))
    def run(kind: Side, given: list[bytes | None], typed: tuple[Schema | None, list[Any]], texts: list[str]) -> None:
        both = Both(STRING, {"converter.encoding": encoding}, kind)
        count("primitives", len(given) + len(typed[1]) + len(texts))
        for payload in given:
            assert both.read(payload) == both.read_by_java(payload), payload
        for schema, value in [*((typed[0], value) for value in typed[1]), *((None, text) for text in texts)]:
            if not has_own_text(value):
                expected, found = both.written_by_java(schema, value), both.written(schema, value)
                assert same(expected, found), f"{schema} {value!r}\nKafka: {expected!r}\nours:  {found!r}"

    run()
