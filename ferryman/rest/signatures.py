"""Signatures of requests between workers (KIP-507): an HMAC over the body with the group's session key."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ferryman.errors import RequestError

SIGNATURE, ALGORITHM = "X-Connect-Authorization", "X-Connect-Request-Signature-Algorithm"
DIGESTS: Mapping[str, Callable[..., Any]] = {
    "HmacSHA1": hashlib.sha1,
    "HmacSHA224": hashlib.sha224,
    "HmacSHA256": hashlib.sha256,
    "HmacSHA384": hashlib.sha384,
    "HmacSHA512": hashlib.sha512,
    "HmacSHA3-224": hashlib.sha3_224,
    "HmacSHA3-256": hashlib.sha3_256,
    "HmacSHA3-384": hashlib.sha3_384,
    "HmacSHA3-512": hashlib.sha3_512,
}
"""Java's names of the algorithms; as there in any case."""
_BY_FOLD = {name.lower(): name for name in DIGESTS}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about who sent it."""

    algorithm: str
    """Java's name."""
    given: bytes
    body: bytes = field(repr=False)
    """What was signed."""

    @classmethod
    def read(cls, headers: Mapping[str, str], body: bytes) -> Self | None:
        """The signature in a request's headers; None if one of both is missing. RequestError 400 for one that cannot be
        read."""
        algorithm, given = headers.get(ALGORITHM), headers.get(SIGNATURE)
        if algorithm is None or given is None:
            return None
        if algorithm.lower() not in _BY_FOLD:
            raise RequestError(400, f"Algorithm {algorithm} not available")
        try:
            return cls(algorithm, base64.b64decode(given, validate=True), body)
        except binascii.Error as error:
            raise RequestError(400, f"Illegal base64 in {SIGNATURE}: {error}") from None

    def is_valid(self, key: bytes) -> bool:
        """Whether it was made with this key, in constant time."""
        return hmac.compare_digest(_mac(key, self.body, self.algorithm), self.given)


def sign(key: bytes, body: bytes, algorithm: str) -> dict[str, str]:
    """The headers that sign a request's body; ``algorithm`` is one of Java's names. KeyError for another."""
    return {SIGNATURE: base64.b64encode(_mac(key, body, algorithm)).decode(), ALGORITHM: algorithm}


def _mac(key: bytes, body: bytes, algorithm: str) -> bytes:
    return hmac.new(key, body, DIGESTS[_BY_FOLD[algorithm.lower()]]).digest()


def check(signature: Signature | None, key: bytes | None, accepted: Collection[str]) -> None:
    """Refuses an internal request as Kafka Connect does: RequestError 400 without a signature or for an algorithm that
    is not accepted, 503 while no session key is known, 403 for a signature that is wrong."""
    if signature is None:
        raise RequestError(400, "Internal request missing required signature")
    if signature.algorithm not in accepted:
        raise RequestError(
            400,
            f"This worker does not support the '{signature.algorithm}' key signing algorithm used by other workers. "
            f"This worker is currently configured to use: [{', '.join(accepted)}]. Check that all workers' "
            "configuration files permit the same set of signature algorithms, and correct any misconfigured worker and "
            "restart it.",
        )
    if key is None:
        text = "This worker is still starting up and has not been able to read a session key from the config topic yet"
        raise RequestError(503, text)
    if not signature.is_valid(key):
        raise RequestError(403, "Internal request contained invalid signature.")
