"""What TLS says when a handshake fails reaches who listens, and nobody else."""

import ssl

import pytest
import trustme

from ferryman.tls import last_words
from ferryman.tls.last_words import OverheardContext

AUTHORITY = trustme.CA()


def failing(context: ssl.SSLContext) -> None:
    """A handshake in memory, of a client without the certificate that is required."""
    AUTHORITY.issue_cert("127.0.0.1").configure_cert(context)
    AUTHORITY.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    client = ssl.create_default_context()
    AUTHORITY.configure_trust(client)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    theirs = context.wrap_bio(to_server, to_client, server_side=True)
    ours = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    for side in (ours, theirs, ours):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    theirs.do_handshake()


def test_what_is_said_when_a_handshake_fails_is_heard() -> None:
    said = last_words.listen()
    with pytest.raises(ssl.SSLError, match="PEER_DID_NOT_RETURN_A_CERTIFICATE"):
        failing(OverheardContext(ssl.PROTOCOL_TLS_SERVER))
    assert len(b"".join(said)) > 0


def test_who_listens_to_the_next_handshake_hears_nothing_of_the_last() -> None:
    last_words.listen()
    with pytest.raises(ssl.SSLError):
        failing(OverheardContext(ssl.PROTOCOL_TLS_SERVER))
    assert last_words.listen() == []
