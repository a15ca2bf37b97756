"""StringConverter and ByteArrayConverter."""

import pytest

from ferryman.converters.byte_array import ByteArrayConverter, ByteArrayConverterConfig
from ferryman.converters.string import StringConverter, StringConverterConfig
from ferryman.errors import ConfigError, DataError
from ferryman.record import Rows
from ferryman.schema import INT32, OPTIONAL_BYTES, OPTIONAL_STRING, STRING, struct


def test_strings_are_read_as_optional_strings_in_the_configured_encoding() -> None:
    latin = StringConverter(StringConverterConfig.parse({"converter.encoding": "ISO-8859-1"}), "value")
    utf8 = StringConverter(StringConverterConfig.parse({}), "value")
    assert latin.to_data("t", [b"\xe9", None]) == [Rows(OPTIONAL_STRING, ["é", None])]
    assert utf8.to_data("t", [b"\xe9"]) == [Rows(OPTIONAL_STRING, ["�"])]
    assert latin.from_data("t", Rows(STRING, ["é"])) == [b"\xe9"]


def test_any_value_is_written_as_javas_to_string() -> None:
    string = StringConverter(StringConverterConfig.parse({}), "value")
    assert string.from_data("t", Rows(None, [{"a": 1, "b": None}, [True, 1e10], None])) == [
        b"{a=1, b=null}",
        b"[true, 1.0E10]",
        None,
    ]
    assert string.from_data("t", Rows(struct({"a": INT32, "b": STRING}), [{"a": 1, "b": "x"}])) == [b"Struct{a=1,b=x}"]


def test_an_unknown_encoding_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"converter\.encoding: Unknown encoding klingon"):
        StringConverterConfig.parse({"converter.encoding": "klingon"})


def test_bytes_pass_as_they_are_and_nothing_else_does() -> None:
    byte_array = ByteArrayConverter(ByteArrayConverterConfig.parse({}), "value")
    assert byte_array.to_data("t", [b"x", None]) == [Rows(OPTIONAL_BYTES, [b"x", None])]
    assert byte_array.from_data("t", Rows(OPTIONAL_BYTES, [b"x", None])) == [b"x", None]
    with pytest.raises(DataError, match="Invalid schema type for ByteArrayConverter: STRING"):
        byte_array.from_data("t", Rows(STRING, ["x"]))
    with pytest.raises(DataError, match=r"java\.lang\.String"):
        byte_array.from_data("t", Rows(None, ["x"]))
