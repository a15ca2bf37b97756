"""Keystores and truststores in any of the formats that Java's tools and everybody else's write: JKS, PKCS12, PEM.

A file says by its first bytes what it is; the JVM, too, reads PKCS12 where a keystore is called JKS.
"""

import base64
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from ferryman.tls import java_keystore

MAX_FILE_BYTES = 4 << 20
"""Bytes of a file."""
_BEGIN, _END, _DASHES = "-----BEGIN ", "-----END ", "-----"
_OTHERS = {b"\xce\xce\xce\xce": "JCEKS"}
_CONVERT = "convert it: keytool -importkeystore -srckeystore FILE -destkeystore NEW -deststoretype PKCS12"


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and the certificates that vouch for it."""

    key: str = field(repr=False)
    """PEM, perhaps encrypted."""
    chain: str
    """PEM; the key's own certificate first."""
    password: str | None = field(default=None, repr=False)
    """What the key is encrypted with."""


@dataclass(frozen=True, slots=True)
class Store:
    """What a keystore or truststore holds."""

    identity: Identity | None
    """The first private key; None if there is none."""
    authorities: str
    """The certificates that it trusts, as PEM: its trusted certificates and those of its own keys, as in the JVM. Empty
    for none."""


def load(location: str, password: str | None, key_password: str | None = None) -> Store:
    """The store in a file, as ``read``. OSError for one that cannot be read; a config may name any, so what is no file
    (a device, a pipe) is not waited for, and ValueError is raised for one that is too large to be a store."""
    with open(location, "rb", opener=_opener) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ValueError("this is not a file")
        content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise ValueError(f"the file is larger than {MAX_FILE_BYTES} bytes")
    return read(content, password, key_password)


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)


def read(content: bytes, password: str | None, key_password: str | None = None) -> Store:
    """A store from a file's bytes. ``key_password`` is that of its private key, by default the store's own.

    ValueError says what is wrong, without showing any of it.
    """
    if content.startswith(java_keystore.MAGIC):
        return _java(content, password, key_password)
    if kind := _OTHERS.get(content[:4]):
        raise ValueError(f"a keystore of type {kind} cannot be read; {_CONVERT}")
    if _BEGIN.encode() in content:
        return pem(content.decode("latin-1"), key_password if key_password is not None else password)
    if content[:1] == b"\x30":
        return _pkcs12(content, password)
    raise ValueError("this is neither a JKS nor a PKCS12 nor a PEM file")


def pem(text: str, password: str | None = None) -> Store:
    """A store from PEM, which may be all on one line: certificates in their order, and a private key if any."""
    blocks = list(_blocks(text))
    everything = "".join(block for kind, block in blocks if kind == "CERTIFICATE")
    key = next((block for kind, block in blocks if kind.endswith("PRIVATE KEY")), None)
    return Store(Identity(key, everything, password) if key and everything else None, everything)


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """The kind of each block, and the block as others read it."""
    for part in text.split(_BEGIN)[1:]:
        kind, dashes, rest = part.partition(_DASHES)
        body, end, _ = rest.partition(_END)
        if dashes and end:
            yield kind, _tidy(kind, body)


def _tidy(kind: str, body: str) -> str:
    if ":" in body:  # a key encrypted in OpenSSL's former way, whose headers are lines
        return f"-----BEGIN {kind}-----\n{body.strip()}\n-----END {kind}-----\n"
    return _lines(kind, "".join(body.split()))


def _java(content: bytes, password: str | None, key_password: str | None) -> Store:
    found = java_keystore.read(content, password)
    secret = key_password if key_password is not None else password
    identity = None
    if found.keys:
        if secret is None:
            raise ValueError("the private key needs a password")
        entry = found.keys[0]
        key = _block("PRIVATE KEY", java_keystore.unprotected(entry, secret))
        identity = Identity(key, _certificates(*entry.chain))
    own = [entry.chain[0] for entry in found.keys if entry.chain]
    return Store(identity, _certificates(*found.trusted, *own))


def _certificates(*contents: bytes) -> str:
    return "".join(_block("CERTIFICATE", each) for each in contents)


def _block(kind: str, content: bytes) -> str:
    return _lines(kind, base64.b64encode(content).decode())


def _lines(kind: str, text: str) -> str:
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def _pkcs12(content: bytes, password: str | None) -> Store:
    # Imported here: few need it, and it would cost every process its time and memory.
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.serialization import pkcs12

    try:
        found = pkcs12.load_pkcs12(content, None if password is None else password.encode())
    except ValueError:
        raise ValueError(java_keystore.TAMPERED) from None
    encoding = serialization.Encoding
    others = [each.certificate for each in found.additional_certs]
    if found.key is None or found.cert is None:
        both = [*([found.cert.certificate] if found.cert else []), *others]
        return Store(None, _certificates(*(each.public_bytes(encoding.DER) for each in both)))
    key = found.key.private_bytes(encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain = [found.cert.certificate]
    while chain[-1].issuer != chain[-1].subject:
        above = next((each for each in others if each.subject == chain[-1].issuer), None)
        if above is None:
            break
        chain.append(above)
        others.remove(above)  # one that is trusted for itself is there a second time
    identity = Identity(key.decode(), _certificates(*(each.public_bytes(encoding.DER) for each in chain)))
    return Store(identity, _certificates(*(each.public_bytes(encoding.DER) for each in (chain[0], *others))))
