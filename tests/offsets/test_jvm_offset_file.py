"""The offset file that a JVM worker left behind, here written by hand as Java's serialisation protocol has it."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.errors import ConfigError
from ferryman.offsets import jvm_offset_file

HEADER = bytes.fromhex("aced0005")
HASH_MAP = (
    bytes.fromhex("7372 0011")
    + b"java.util.HashMap"
    + bytes.fromhex("0507dac1c31660d1 03 0002 46 000a")
    + b"loadFactor"
    + bytes.fromhex("49 0009")
    + b"threshold"
    + bytes.fromhex("78 70")
)
BYTE_ARRAY = bytes.fromhex("72 0002 5b42 acf317f8060854e0 02 0000 78 70")
KNOWN_BYTE_ARRAY = bytes.fromhex("71 007e0002")


def written(offsets: dict[bytes, bytes | None]) -> bytes:
    """What ObjectOutputStream writes: the class [B stands in full once, then by its handle."""
    out = HEADER + HASH_MAP + struct.pack(">fi", 0.75, 12) + b"\x77\x08" + struct.pack(">ii", 16, len(offsets))
    described = False
    for pair in offsets.items():
        for item in pair:
            if item is None:
                out += b"\x70"
                continue
            out += b"\x75" + (KNOWN_BYTE_ARRAY if described else BYTE_ARRAY) + struct.pack(">i", len(item)) + item
            described = True
    return out + b"\x78"


OFFSETS: dict[bytes, bytes | None] = {
    b'["local-file-source",{"filename":"test.txt"}]': b'{"position":5}',
    b'["other",{"filename":"\xc3\xa9.txt"}]': b'{"position":7}',
    b'["gone",{"filename":"x"}]': None,
}


def test_the_offsets_of_a_jvm_worker_are_read() -> None:
    assert jvm_offset_file.parse(written(OFFSETS)) == OFFSETS


def test_an_empty_file_and_an_empty_map_hold_no_offsets() -> None:
    assert jvm_offset_file.parse(b"") == {}
    assert jvm_offset_file.parse(written({})) == {}


def test_an_array_that_occurs_twice_is_found_by_its_handle() -> None:
    twice = written({b"k": b"v"})[:-1].replace(struct.pack(">ii", 16, 1), struct.pack(">ii", 16, 2))
    key = b"\x75" + KNOWN_BYTE_ARRAY + struct.pack(">i", 2) + b"k2"
    value_again = bytes.fromhex("71 007e0004")
    assert jvm_offset_file.parse(twice + key + value_again + b"\x78") == {b"k": b"v", b"k2": b"v"}


@pytest.mark.parametrize("length", range(1, len(written(OFFSETS))))
def test_a_truncated_file_is_refused_wherever_it_ends(length: int) -> None:
    with pytest.raises(ConfigError, match=r"offset\.storage\.file\.filename") as caught:
        jvm_offset_file.parse(written(OFFSETS)[:length])
    assert "not a Java object stream" in str(caught.value) or "truncated" in str(caught.value)


def test_another_object_is_refused_in_kafkas_words() -> None:
    tree = written({}).replace(b"java.util.HashMap", b"java.util.TreeMap")
    with pytest.raises(ConfigError, match=r"Expected HashMap but found java\.util\.TreeMap"):
        jvm_offset_file.parse(tree)


def test_a_file_of_another_kind_is_refused() -> None:
    with pytest.raises(ConfigError, match="not a Java object stream"):
        jvm_offset_file.parse(b"position=5\n")


@given(st.dictionaries(st.binary(), st.none() | st.binary()))
def test_any_offsets_are_read_back(offsets: dict[bytes, bytes | None]) -> None:
    assert jvm_offset_file.parse(written(offsets)) == offsets


@given(st.integers(4, len(written(OFFSETS)) - 1), st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused(place: int, damage: int) -> None:
    content = bytearray(written(OFFSETS))
    content[place] = damage
    with contextlib.suppress(ConfigError):
        jvm_offset_file.parse(bytes(content))
