"""Bytes that are no characters, as Java reads them."""

import pytest

from ferryman.java.decoding import REPLACING


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"\xed\xa0\xbd\xed\xb8\x80", "\ufffd\ufffd"),
        (b"a\xed\xa0\x80b", "a\ufffdb"),
        (b"\xed\xa0", "\ufffd"),
        (b"\xed\xbf\xc3\xa9", "\ufffd\u00e9"),
        (b"\xed\x9f\xbf", "\ud7ff"),
        (b"\xed\x9f", "\ufffd"),
        (b"\xed", "\ufffd"),
        (b"\xeda", "\ufffda"),
        (b"\xe0\x80\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xff\xfe", "\ufffd\ufffd"),
    ],
)
def test_half_of_a_pair_in_utf8_is_one_character_and_any_other_byte_is_too(payload: bytes, text: str) -> None:
    assert payload.decode("utf-8", REPLACING) == text


def test_half_of_a_pair_in_utf16_takes_the_next_unit_with_it() -> None:
    assert b"\xd8\x00\x00a\x00b".decode("utf-16-be", REPLACING) == "\ufffdb"
    assert b"\xd8\x00".decode("utf-16-be", REPLACING) == "\ufffd"
