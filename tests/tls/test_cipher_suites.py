"""Cipher suites by Java's names."""

import ssl

import pytest

from ferryman.tls import cipher_suites


@pytest.mark.parametrize(
    ("name", "openssl"),
    [
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"),
        ("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"),
        ("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "ECDHE-RSA-AES128-SHA256"),
        ("TLS_RSA_WITH_AES_128_GCM_SHA256", "AES128-GCM-SHA256"),
    ],
)
def test_javas_names_are_openssls(name: str, openssl: str) -> None:
    assert cipher_suites.openssl([name]) == openssl
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers(openssl)
    assert openssl in {each["name"] for each in context.get_ciphers()}


def test_those_of_the_newest_version_are_there_all_or_not_at_all() -> None:
    assert cipher_suites.openssl(sorted(cipher_suites.MODERN)) == ""
    with pytest.raises(ValueError, match="can only be enabled all together"):
        cipher_suites.openssl(["TLS_AES_128_GCM_SHA256"])


@pytest.mark.parametrize("name", ["TLS_RSA_WITH_NULL_SHA", "SSL_RSA_WITH_RC4_128_MD5", "x", ""])
def test_unsafe_ones_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not known or not safe"):
        cipher_suites.openssl([name])
