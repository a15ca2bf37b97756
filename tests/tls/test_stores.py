"""Keystores and truststores as keytool and openssl write them."""

import os
from pathlib import Path

import pytest

from ferryman.tls import java_keystore, stores

FOLDER = Path(__file__).with_name("stores")


def read(name: str, password: str | None, key_password: str | None = None) -> stores.Store:
    return stores.read((FOLDER / name).read_bytes(), password, key_password)


def common(text: str) -> str:
    """PEM without what depends on how its lines are broken."""
    return "".join(text.split())


@pytest.mark.parametrize(
    ("name", "password", "key_password", "chain", "trusted"),
    [
        ("server.jks", "changeit", "keysecret", 3, 2),
        ("server.p12", "changeit", None, 3, 2),
        ("server.pem", None, None, 2, 2),
        ("locked.pem", None, "keysecret", 3, 3),
        ("locked.pem", "keysecret", None, 3, 3),
    ],
)
def test_a_keystore_gives_a_key_its_chain_and_whom_it_trusts(
    name: str, password: str | None, key_password: str | None, chain: int, trusted: int
) -> None:
    found = read(name, password, key_password)
    assert found.identity is not None
    assert "PRIVATE KEY" in found.identity.key
    assert found.identity.chain.count("BEGIN CERTIFICATE") == chain
    assert found.authorities.count("BEGIN CERTIFICATE") == trusted


def test_all_formats_hold_the_same_key_and_certificate() -> None:
    jks, pem = read("server.jks", "changeit", "keysecret"), read("server.pem", None)
    assert jks.identity is not None
    assert pem.identity is not None
    assert common(pem.identity.chain) in common(jks.identity.chain)
    p12 = read("server.p12", "changeit")
    assert p12.identity is not None
    assert common(p12.identity.chain) == common(jks.identity.chain)


@pytest.mark.parametrize(
    ("name", "password"), [("trust.jks", "changeit"), ("trust.jks", None), ("trust.p12", "changeit")]
)
def test_a_truststore_has_no_key(name: str, password: str | None) -> None:
    found = read(name, password)
    assert found.identity is None
    assert common(found.authorities) == common(read("ca.crt", None).authorities)


def test_pem_may_stand_on_one_line() -> None:
    text = (FOLDER / "server.pem").read_text()
    assert stores.pem(text.replace("\n", " ")) == stores.pem(text)


@pytest.mark.parametrize(
    ("name", "password", "key_password", "reason"),
    [
        ("server.jks", "wrong", "keysecret", "its password is wrong"),
        ("server.jks", "changeit", None, "the password of the private key is wrong"),
        ("server.jks", None, None, "the private key needs a password"),
        ("server.p12", "wrong", None, "its password is wrong"),
        ("trust.p12", None, None, "its password is wrong"),
        ("other.jceks", "changeit", None, "a keystore of type JCEKS cannot be read; convert it"),
    ],
)
def test_what_cannot_be_read_is_said(name: str, password: str | None, key_password: str | None, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read(name, password, key_password)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x30\x03abc", java_keystore.MAGIC])
def test_what_is_no_store_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        stores.read(content, "changeit")


@pytest.mark.parametrize(
    ("location", "reason"),
    [("/dev/zero", "this is not a file"), ("PIPE", "this is not a file"), ("LARGE", "is larger than")],
)
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, location: str, reason: str) -> None:
    pipe, large = tmp_path / "PIPE", tmp_path / "LARGE"
    os.mkfifo(pipe)
    large.write_bytes(b"\x30" * (stores.MAX_FILE_BYTES + 1))
    with pytest.raises(ValueError, match=reason):
        stores.load(str(tmp_path / location), "changeit")


def test_nothing_of_a_store_shows() -> None:
    found = read("server.jks", "changeit", "keysecret")
    assert found.identity is not None
    assert found.identity.key.splitlines()[1] not in repr(found)
