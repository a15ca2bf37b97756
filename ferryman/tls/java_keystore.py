"""Java's own keystore format (JKS), read by hand: a list of private keys with their chains and of trusted certificates.

The format is that of sun.security.provider.JavaKeyStore, the protection of keys that of sun.security.provider
.KeyProtector: a stream of SHA-1 hashes over password and salt, XORed with the key.
"""

import hashlib
import hmac
import struct
from dataclasses import dataclass, field

MAGIC = b"\xfe\xed\xfe\xed"
_SALT = _DIGEST = 20
_PROTECTED = bytes.fromhex("2b060104012a02110101")
"""The object identifier of Sun's key protection, 1.3.6.1.4.1.42.2.17.1.1."""
_PHRASE = b"Mighty Aphrodite"
TAMPERED = "the keystore was tampered with, or its password is wrong"


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """A private key and the certificates that belong to it."""

    protected: bytes = field(repr=False)
    """The key as it lies in the file, see ``unprotected``."""
    chain: tuple[bytes, ...]
    """DER; the key's own certificate first."""


@dataclass(frozen=True, slots=True)
class JavaKeystore:
    """What a file of this format holds, in its order."""

    keys: tuple[KeyEntry, ...]
    trusted: tuple[bytes, ...]
    """Certificates, DER."""


class _Bytes:
    def __init__(self, content: bytes) -> None:
        self._content, self._at = content, 0

    def take(self, count: int) -> bytes:
        found = self._content[self._at : self._at + count]
        if len(found) < count:
            raise ValueError("the keystore ends too early")
        self._at += count
        return found

    def number(self, format_: str = ">I") -> int:
        return int(struct.unpack(format_, self.take(struct.calcsize(format_)))[0])

    def block(self) -> bytes:
        return self.take(self.number())

    def text(self) -> bytes:
        return self.take(self.number(">H"))


def read(content: bytes, password: str | None) -> JavaKeystore:
    """The keystore in a file's bytes. Without a password its integrity is not checked. ValueError: what is wrong."""
    body, digest = content[:-_DIGEST], content[-_DIGEST:]
    if password is not None:
        expected = hashlib.sha1(password.encode("utf-16-be") + _PHRASE + body).digest()  # noqa: S324
        if not hmac.compare_digest(expected, digest):
            raise ValueError(TAMPERED)
    source = _Bytes(body)
    if source.take(4) != MAGIC or (version := source.number()) not in (1, 2):
        raise ValueError("this is not a Java keystore")
    keys, trusted = list[KeyEntry](), list[bytes]()
    for _ in range(source.number()):
        kind = source.number()
        source.text()  # the alias
        source.take(8)  # the date
        if kind == 1:
            protected = source.block()
            keys.append(KeyEntry(protected, tuple(_certificate(source, version) for _ in range(source.number()))))
        elif kind == 2:
            trusted.append(_certificate(source, version))
        else:
            raise ValueError(f"the keystore has an entry of kind {kind}, which is not known")
    return JavaKeystore(tuple(keys), tuple(trusted))


def _certificate(source: _Bytes, version: int) -> bytes:
    if version == 2 and (kind := source.text()) != b"X.509":
        raise ValueError(f"the keystore has a certificate of type {kind.decode(errors='replace')}; X.509 is expected")
    return source.block()


def unprotected(entry: KeyEntry, password: str) -> bytes:
    """The private key of an entry, PKCS#8 in DER. ValueError if the password is not the key's."""
    data = _encrypted(entry.protected)
    salt, masked, digest = data[:_SALT], data[_SALT:-_DIGEST], data[-_DIGEST:]
    secret, stream, block = password.encode("utf-16-be"), bytearray(), salt
    while len(stream) < len(masked):
        block = hashlib.sha1(secret + block).digest()  # noqa: S324
        stream += block
    key = bytes(a ^ b for a, b in zip(masked, stream, strict=False))
    if not hmac.compare_digest(hashlib.sha1(secret + key).digest(), digest):  # noqa: S324
        raise ValueError("the password of the private key is wrong")
    return key


def _encrypted(protected: bytes) -> bytes:
    """The encrypted part of an EncryptedPrivateKeyInfo (RFC 5208)."""
    whole, _ = _element(protected, 0x30)
    algorithm, rest = _element(whole, 0x30)
    if _element(algorithm, 0x06)[0] != _PROTECTED:
        raise ValueError("the private key is protected in a way that is not known; convert the keystore to PKCS12")
    data, _ = _element(rest, 0x04)
    if len(data) < _SALT + _DIGEST:
        raise ValueError("the keystore ends too early")
    return data


def _element(content: bytes, tag: int) -> tuple[bytes, bytes]:
    """The value of a DER element with a tag, and what comes behind it."""
    source = _Bytes(content)
    if source.take(1)[0] != tag:
        raise ValueError("the keystore holds a private key that cannot be read")
    length = source.take(1)[0]
    if length & 0x80:
        length = int.from_bytes(source.take(length & 0x7F), "big")
    value = source.take(length)
    return value, source._content[source._at :]
