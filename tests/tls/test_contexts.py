"""Contexts made of Java's keys, tried on each other."""

import ssl
from collections.abc import Mapping
from pathlib import Path

import pytest

from ferryman.errors import ConfigError
from ferryman.tls import contexts
from ferryman.tls.keys import TlsConfig

FOLDER = Path(__file__).with_name("stores")
SERVER = {
    "ssl.keystore.location": str(FOLDER / "server.jks"),
    "ssl.keystore.password": "changeit",
    "ssl.key.password": "keysecret",
}
CLIENT = {"ssl.truststore.location": str(FOLDER / "trust.p12"), "ssl.truststore.password": "changeit"}


def shaken(server: Mapping[str, str], client: Mapping[str, str], name: str = "localhost") -> ssl.SSLObject:
    """The client's side after a handshake in memory. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = (
        contexts.client(TlsConfig.parse(client)).wrap_bio(to_client, to_server, server_hostname=name),
        contexts.server(TlsConfig.parse(server)).wrap_bio(to_server, to_client, server_side=True),
    )
    open_sides = list(sides)
    for _ in range(10):
        for side in list(open_sides):
            try:
                side.do_handshake()
                open_sides.remove(side)
            except ssl.SSLWantReadError:
                pass
    assert open_sides == []
    # Of a certificate that is lacking a client hears only when it reads (TLS 1.3).
    sides[1].write(b"x")
    sides[0].read(1)
    return sides[0]


def test_whoever_trusts_the_authority_is_let_in() -> None:
    assert shaken(SERVER, CLIENT).version() == "TLSv1.3"


@pytest.mark.parametrize(
    "keystore",
    [
        {"ssl.keystore.location": str(FOLDER / "server.p12"), "ssl.keystore.password": "changeit"},
        {"ssl.keystore.location": str(FOLDER / "server.pem"), "ssl.keystore.type": "PEM"},
        {"ssl.keystore.location": str(FOLDER / "locked.pem"), "ssl.key.password": "keysecret"},
    ],
)
def test_keystores_of_all_formats_will_do(keystore: dict[str, str]) -> None:
    assert shaken(keystore, CLIENT).version() == "TLSv1.3"


def test_keys_may_stand_in_the_config_itself() -> None:
    text = (FOLDER / "server.pem").read_text()
    inline = {"ssl.keystore.key": text, "ssl.keystore.certificate.chain": text, "ssl.keystore.type": "PEM"}
    trust = {"ssl.truststore.certificates": (FOLDER / "ca.crt").read_text()}
    assert shaken(inline, trust).version() == "TLSv1.3"


def test_the_version_is_the_one_that_is_asked_for() -> None:
    assert shaken(SERVER | {"ssl.enabled.protocols": "TLSv1.2, TLSv1.1"}, CLIENT).version() == "TLSv1.2"
    assert shaken(SERVER | {"ssl.protocol": "TLSv1.2"}, CLIENT).version() == "TLSv1.2"
    with pytest.raises(ssl.SSLError):
        shaken(SERVER | {"ssl.protocol": "TLSv1.2"}, CLIENT | {"ssl.enabled.protocols": "TLSv1.3"})


def test_the_cipher_suite_is_the_one_that_is_asked_for() -> None:
    name = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
    cipher = shaken(SERVER | {"ssl.cipher.suites": name}, CLIENT).cipher()
    assert cipher is not None
    assert cipher[0] == "ECDHE-ECDSA-AES128-GCM-SHA256"


def test_another_name_is_refused_unless_names_do_not_matter() -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="elsewhere"):
        shaken(SERVER, CLIENT, "elsewhere")
    assert shaken(SERVER, CLIENT | {"ssl.endpoint.identification.algorithm": ""}, "elsewhere").version()


def test_a_stranger_is_not_believed() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(SERVER, {})


def test_clients_show_a_certificate_where_it_is_required() -> None:
    wanted = SERVER | {"ssl.client.auth": "required"}
    assert shaken(wanted, CLIENT | SERVER).version()
    with pytest.raises(ssl.SSLError):
        shaken(wanted, CLIENT)
    assert shaken(SERVER | {"ssl.client.auth": "requested"}, CLIENT).version()


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"ssl.keystore.password": "wrong"}, "ssl.keystore.location"),
        ({"ssl.keystore.location": "/nowhere"}, "ssl.keystore.location"),
        ({"ssl.keystore.type": "BCFKS"}, "ssl.keystore.type"),
        ({"ssl.truststore.location": __file__}, "ssl.truststore.location"),
        ({"ssl.client.auth": "maybe"}, "ssl.client.auth"),
        ({"ssl.enabled.protocols": "TLSv1.1"}, "ssl.enabled.protocols"),
        ({"ssl.protocol": "SSLv3"}, "ssl.protocol"),
        ({"ssl.cipher.suites": "TLS_RSA_WITH_NULL_SHA"}, "ssl.cipher.suites"),
        ({"ssl.engine.factory.class": "com.example.Mine"}, "ssl.engine.factory.class"),
        ({"ssl.endpoint.identification.algorithm": "ldaps"}, "ssl.endpoint.identification.algorithm"),
    ],
)
def test_what_is_wrong_is_refused_by_name(changed: dict[str, str], key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TlsConfig.parse(SERVER | changed)
    assert [problem.key for problem in caught.value.problems] == [key]
    assert key in str(caught.value)
    assert "changeit" not in str(caught.value)


def test_a_listener_needs_a_key_that_belongs_to_its_certificate() -> None:
    with pytest.raises(ValueError, match="needs a keystore with a private key"):
        contexts.server(TlsConfig.parse(CLIENT))
    with pytest.raises(ValueError, match="is its password right"):
        contexts.server(TlsConfig.parse({"ssl.keystore.location": str(FOLDER / "locked.pem"), "ssl.key.password": "x"}))
