"""The reader of Java property files."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.errors import ConfigError
from ferryman.java import properties

ESCAPES = {" ": "\\ ", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\f": "\\f"} | {sign: f"\\{sign}" for sign in "\\=:#!"}
TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def _escaped(text: str, *, ascii_only: bool) -> str:
    def letter(sign: str) -> str:
        if sign in ESCAPES:
            return ESCAPES[sign]
        if ascii_only and not 32 <= ord(sign) < 127:
            units = sign.encode("utf-16-be")
            return "".join(f"\\u{units[at]:02x}{units[at + 1]:02X}" for at in range(0, len(units), 2))
        return sign

    return "".join(map(letter, text))


@given(st.dictionaries(TEXT.filter(bool), TEXT), st.sampled_from(["=", ":", " ", " = ", "\t:\f"]))
def test_what_java_writes_is_read_back(pairs: dict[str, str], separator: str) -> None:
    lines = [f"{_escaped(k, ascii_only=True)}{separator}{_escaped(v, ascii_only=True)}" for k, v in pairs.items()]
    assert properties.load("\n".join(lines).encode("ascii")) == pairs


@given(st.dictionaries(TEXT.filter(bool), TEXT))
def test_utf8_files_are_read_back(pairs: dict[str, str]) -> None:
    lines = [f"{_escaped(k, ascii_only=False)}={_escaped(v, ascii_only=False)}" for k, v in pairs.items()]
    assert properties.load("\r\n".join(lines).encode()) == pairs


@given(st.binary())
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(ConfigError):
        assert isinstance(properties.load(content), dict)


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("a=1\nb:2\nc 3\n", {"a": "1", "b": "2", "c": "3"}),
        ("a = b = c", {"a": "b = c"}),
        ("a  :  b", {"a": "b"}),
        ("# no\n  ! nor this\na=1", {"a": "1"}),
        ("a=1,\\\n   2,\\\r\n\t3", {"a": "1,2,3"}),
        ("a=1\\\n# not a comment", {"a": "1# not a comment"}),
        ("a=1\\\\\nb=2", {"a": "1\\", "b": "2"}),
        ("a=C:\\dir\\new", {"a": "C:dir\new"}),
        ("key", {"key": ""}),
        ("a=1 \n", {"a": "1 "}),
        ("a=1\na=2", {"a": "2"}),
        ("a\\=b\\:c=1", {"a=b:c": "1"}),
        ("=v", {"": "v"}),
        ("a=1\\", {"a": "1"}),
        ("", {}),
        ("\\\n\n", {}),
    ],
)
def test_it_reads_as_java_does(text: str, pairs: dict[str, str]) -> None:
    assert properties.parse(text) == pairs


def test_latin1_files_are_read_too() -> None:
    assert properties.load("name=caf\xe9".encode("iso-8859-1")) == {"name": "café"}


def test_a_bad_escape_names_line_and_key() -> None:
    with pytest.raises(ConfigError, match=r"line 3: .*'b'"):
        properties.parse("# x\na=1\nb=\\u12g4")


def test_half_of_a_letter_names_the_line() -> None:
    assert properties.parse("a=\\ud83d\\ude00") == {"a": "😀"}
    with pytest.raises(ConfigError, match=r"line 2: \\ud83d holds an unpaired surrogate"):
        properties.parse("a=1\nb=\\ud83d")
