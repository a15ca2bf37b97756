"""The mail server keeps what it gets, and answers as badly as it is asked to."""

import asyncio
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiosmtplib
import pytest
import trustme

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer, Mailbox

MESSAGE = b"Subject: hello\r\nMessage-ID: <1@example.org>\r\n\r\nline\r\n.\r\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


@pytest.fixture
def mailbox(stack: Stack) -> Iterator[Mailbox]:
    """The server's mailbox; its mood is good again afterwards."""
    mailbox = Mailbox(stack["mail"].directory)
    yield mailbox
    mailbox.answer()


def send(stack: Stack, *recipients: str, **options: Any) -> None:
    """One message over one connection, by a client of its own."""
    host, _, port = stack.addresses["mail"].rpartition(":")
    asyncio.run(
        aiosmtplib.send(
            MESSAGE,
            sender="me@example.org",
            recipients=list(recipients),
            hostname=host,
            port=int(port),
            **{"start_tls": False, "timeout": 600, **options},
        )
    )


def test_a_message_is_kept_with_its_envelope(stack: Stack, mailbox: Mailbox) -> None:
    send(stack, "a@example.org", "b@example.org")
    kept = mailbox.messages()[-1]
    assert (kept.sender, kept.recipients, kept.id) == (
        "me@example.org",
        ("a@example.org", "b@example.org"),
        "<1@example.org>",
    )
    assert kept.message["Subject"] == "hello"
    assert kept.message.get_content() == "line\r\n.\r\n"


def test_a_killed_server_has_every_message_that_it_took(stack: Stack, mailbox: Mailbox) -> None:
    before = mailbox.count()
    send(stack, "a@example.org")
    stack["mail"].kill()
    stack["mail"].start()
    send(stack, "b@example.org")
    assert [kept.recipients for kept in mailbox.messages()[before:]] == [("a@example.org",), ("b@example.org",)]


@pytest.mark.parametrize("step", ["connect", "mail", "rcpt", "data"])
def test_it_refuses_at_any_step_and_keeps_nothing(stack: Stack, mailbox: Mailbox, step: str) -> None:
    before = mailbox.count()
    mailbox.answer(Answer(step, "451 4.3.0 not now"))  # type: ignore[arg-type]
    with pytest.raises(aiosmtplib.SMTPException, match="not now"):
        send(stack, "a@example.org")
    mailbox.answer()
    send(stack, "b@example.org")
    assert [kept.recipients for kept in mailbox.messages()[before:]] == [("b@example.org",)]


def test_only_the_chosen_addresses_are_refused(stack: Stack, mailbox: Mailbox) -> None:
    mailbox.answer(Answer("rcpt", "550 5.1.1 nobody", address=r"bad.*"))
    send(stack, "good@example.org")
    with pytest.raises(aiosmtplib.SMTPException, match="nobody"):
        send(stack, "bad@example.org")


def test_it_keeps_a_message_and_says_nothing(stack: Stack, mailbox: Mailbox) -> None:
    before = mailbox.count()
    mailbox.answer(Answer("kept", "drop"))
    with pytest.raises(aiosmtplib.SMTPServerDisconnected):
        send(stack, "a@example.org")
    assert mailbox.count() == before + 1


def test_it_stalls_as_long_as_it_is_asked_to(stack: Stack, mailbox: Mailbox) -> None:
    mailbox.answer(Answer("data", wait=0.4))
    began = time.monotonic()
    send(stack, "a@example.org")
    assert time.monotonic() - began >= 0.4


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_it_insists_on_encryption_and_a_login(tmp_path: Path, security: str) -> None:
    authority = trustme.CA()
    pem = tmp_path / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    context = ssl.create_default_context()
    authority.configure_trust(context)
    mailbox = Mailbox(tmp_path / "mail")
    mailbox.demand(security, pem, ada="secret")  # type: ignore[arg-type]
    encrypted = {"start_tls": security == "starttls", "use_tls": security == "tls", "tls_context": context}
    with Stack(("mail",), directory=tmp_path) as stack:
        with pytest.raises(aiosmtplib.SMTPException):  # with tls neither side says a word, as each waits for the other
            send(stack, "a@example.org", timeout=1)
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            send(stack, "a@example.org", username="ada", password="wrong", **encrypted)
        send(stack, "a@example.org", username="ada", password="secret", **encrypted)
    assert mailbox.count() == 1
