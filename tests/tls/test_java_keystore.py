"""Java's keystore format: what is broken or altered in any place is refused, whatever the bytes."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.tls import java_keystore

CONTENT = Path(__file__).with_name("stores").joinpath("server.jks").read_bytes()


def test_a_key_comes_out_with_its_own_password() -> None:
    found = java_keystore.read(CONTENT, "changeit")
    assert (len(found.keys), len(found.keys[0].chain), len(found.trusted)) == (1, 3, 1)
    key = java_keystore.unprotected(found.keys[0], "keysecret")
    assert key.startswith(b"\x30")
    assert key not in repr(found).encode()
    with pytest.raises(ValueError, match="the password of the private key is wrong"):
        java_keystore.unprotected(found.keys[0], "changeit")


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_one_altered_byte_is_noticed(at: int, change: int) -> None:
    altered = bytearray(CONTENT)
    altered[at] ^= change
    with pytest.raises(ValueError, match="tampered"):
        java_keystore.read(bytes(altered), "changeit")


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_without_a_password_an_altered_store_is_read_or_refused(at: int, change: int) -> None:
    altered = bytearray(CONTENT)
    altered[at] ^= change
    try:
        found = java_keystore.read(bytes(altered), None)
        java_keystore.unprotected(found.keys[0], "keysecret")
    except (ValueError, IndexError):
        return


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        java_keystore.read(java_keystore.MAGIC + content, "x")
