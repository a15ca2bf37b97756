"""Clients believe authorities as Kafka's do: those that are not quite as RFC 5280 wants them, and those in between."""

import re
import ssl
from pathlib import Path

import pytest

from ferryman.tls import contexts
from ferryman.tls.keys import TlsConfig
from ferryman.tls.trusting import trusting
from tests.places import ROOT
from tests.tls.test_contexts import SERVER

AUTHORITY = Path(__file__).with_name("stores") / "ca.crt"
"""It does not say what its key may be used for."""


def shaken(client: ssl.SSLContext) -> str | None:
    """The version of TLS after a handshake in memory with a server of that authority. Raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        contexts.server(TlsConfig.parse(SERVER)).wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(10):
        for side in sides:
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return sides[0].version()


def test_an_authority_is_believed_that_newer_pythons_would_refuse_by_themselves() -> None:
    assert shaken(trusting(AUTHORITY)) == "TLSv1.3"


def test_whoever_is_of_another_authority_is_not() -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shaken(trusting())


def test_each_version_of_python_is_as_strict() -> None:
    for context in (trusting(), trusting(AUTHORITY), trusting(AUTHORITY.parent)):
        assert not context.verify_flags & ssl.VERIFY_X509_STRICT
        assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN
        assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)


def test_nobody_makes_such_a_context_otherwise() -> None:
    folders = (ROOT / "ferryman", ROOT / "connectors", ROOT / "transforms")
    made = {
        each.relative_to(ROOT).as_posix()
        for folder in folders
        for each in folder.rglob("*.py")
        if "ferryman/connectors" not in each.as_posix() and re.search(r"create_default_context\(", each.read_text())
    }
    assert made == {"ferryman/tls/trusting.py"}
