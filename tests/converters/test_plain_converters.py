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


@pytest.mark.parametrize("name", ["base64", "rot13", "utf-7", "unicode_escape", "idna", "undefined", "UTF\0-8"])
def test_what_java_has_not_as_a_character_set_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="Unknown encoding"):
        StringConverterConfig.parse({"converter.encoding": name})


@pytest.mark.parametrize(
    ("name", "text", "payload"),
    [
        ("UTF8", "é😀", "é😀".encode()),
        ("ISO8859_1", "é", b"\xe9"),
        ("latin1", "é", b"\xe9"),
        ("Cp1252", "€", b"\x80"),
        ("windows-1251", "д", b"\xe4"),
        ("Shift_JIS", "日", b"\x93\xfa"),
        ("US-ASCII", "a", b"a"),
        ("UTF-16", "aé", b"\xfe\xff\x00a\x00\xe9"),
        ("UTF-16LE", "a", b"a\x00"),
        ("UTF-16BE", "a", b"\x00a"),
        ("UTF-32", "a", b"\x00\x00\x00a"),
        ("windows-31j", "①", b"\x87\x40"),
        ("8859_1", "é", b"\xe9"),
        ("8859_5", "д", b"\xd4"),
        ("UnicodeBig", "a", b"\xfe\xff\x00a"),
        ("x-MacRoman", "é", b"\x8e"),
        ("x-windows-949", "가", b"\xb0\xa1"),
    ],
)
def test_javas_character_sets_are_read_and_written_as_java_does(name: str, text: str, payload: bytes) -> None:
    string = StringConverter(StringConverterConfig.parse({"converter.encoding": name}), "value")
    assert string.from_data("t", Rows(STRING, [text, "", None])) == [payload, b"", None]
    assert string.to_data("t", [payload, b"", None]) == [Rows(OPTIONAL_STRING, [text, "", None])]


def test_a_byte_order_mark_decides_and_big_endian_is_without() -> None:
    string = StringConverter(StringConverterConfig.parse({"converter.encoding": "UTF-16"}), "value")
    (rows,) = string.to_data("t", [b"\xff\xfea\x00", b"\x00a"])
    assert rows.rows().values == ["a", "a"]


def test_half_of_a_pair_in_utf8_is_one_character_that_cannot_be_read() -> None:
    string = StringConverter(StringConverterConfig.parse({}), "value")
    assert string.to_data("t", [b"a\xed\xa0\x80"]) == [Rows(OPTIONAL_STRING, ["a\ufffd"])]


def test_what_an_encoding_does_not_have_is_a_question_mark() -> None:
    ascii_only = StringConverter(StringConverterConfig.parse({"converter.encoding": "US-ASCII"}), "value")
    assert ascii_only.from_data("t", Rows(STRING, ["aé"])) == [b"a?"]
    assert ascii_only.to_data("t", [b"a\xe9"]) == [Rows(OPTIONAL_STRING, ["a\ufffd"])]


def test_bytes_pass_as_they_are_and_nothing_else_does() -> None:
    byte_array = ByteArrayConverter(ByteArrayConverterConfig.parse({}), "value")
    assert byte_array.to_data("t", [b"x", None]) == [Rows(OPTIONAL_BYTES, [b"x", None])]
    assert byte_array.from_data("t", Rows(OPTIONAL_BYTES, [b"x", None])) == [b"x", None]
    with pytest.raises(DataError, match=r"ByteArrayConverter: STRING; .* set value\.converter to StringConverter"):
        byte_array.from_data("t", Rows(STRING, ["x"]))
    with pytest.raises(DataError, match=r"of type class java\.lang\.String; .*set value\.converter to StringConverter"):
        byte_array.from_data("t", Rows(None, ["x"]))
