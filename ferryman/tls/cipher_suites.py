"""Java's names of cipher suites (the IANA's) as OpenSSL's."""

import re
from collections.abc import Sequence

MODERN = frozenset({"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"})
"""The suites of TLS 1.3, which OpenSSL speaks all or none."""
_SUITE = re.compile(
    r"TLS_(?P<exchange>ECDHE_RSA|ECDHE_ECDSA|DHE_RSA|RSA)_WITH_"
    r"(?P<cipher>AES_128_GCM_SHA256|AES_256_GCM_SHA384|AES_128_CBC_SHA256|AES_256_CBC_SHA384|CHACHA20_POLY1305_SHA256)"
)
_CIPHERS = {
    "AES_128_GCM_SHA256": "AES128-GCM-SHA256",
    "AES_256_GCM_SHA384": "AES256-GCM-SHA384",
    "AES_128_CBC_SHA256": "AES128-SHA256",
    "AES_256_CBC_SHA384": "AES256-SHA384",
    "CHACHA20_POLY1305_SHA256": "CHACHA20-POLY1305",
}


def openssl(names: Sequence[str]) -> str:
    """The suites of TLS 1.2 among these as OpenSSL's list; empty if there are none. ValueError for one not known, and
    for a choice among those of TLS 1.3."""
    modern = MODERN & set(names)
    if modern and modern != MODERN:
        raise ValueError(f"TLS 1.3's suites can only be enabled all together: {', '.join(sorted(MODERN))}")
    return ":".join(_openssl(each) for each in names if each not in MODERN)


def _openssl(name: str) -> str:
    found = _SUITE.fullmatch(name)
    if not found:
        raise ValueError(f"the cipher suite {name} is not known or not safe")
    exchange = found["exchange"].replace("_", "-")
    cipher = _CIPHERS[found["cipher"]]
    return cipher if exchange == "RSA" else f"{exchange}-{cipher}"
