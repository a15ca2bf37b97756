"""Mail servers that are away, in a bad mood, encrypted or not to be trusted."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from ferryman.errors import RefusedError, RetriableError
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer, Mailbox, Step
from tests.connectors.email.email_task import World, batch, pledge, world


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


PLEDGES = [pledge(number) for number in range(5)]
ALL = [f"Pledge {number}" for number in range(5)]


@pytest.mark.parametrize(
    "answer",
    [
        Answer("connect", "421 4.3.2 closing"),
        Answer("connect", "554 5.3.2 no mail here today"),
        Answer("connect", "drop"),
        Answer("mail", "451 4.3.0 try later"),
        Answer("mail", "421 4.3.2 closing"),
        Answer("mail", "drop"),
        Answer("mail", "550 5.4.5 daily user sending quota exceeded"),
        Answer("rcpt", "550 5.4.5 daily user sending quota exceeded"),
        Answer("rcpt", "550 5.1.90 the daily limit for message recipients"),
        Answer("data", "550 5.4.5 daily user sending quota exceeded"),
        Answer("data", "454 4.7.0 throttling failure"),
        Answer("data", "550 5.7.28 mail flood detected"),
    ],
    ids=lambda answer: f"{answer.at}-{answer.answer[:3]}",
)
def test_an_outage_is_waited_for_and_no_records_fault(mail: Stack, answer: Answer) -> None:
    with world(mail) as around:
        around.mailbox.answer(answer)
        for _ in range(3):
            with pytest.raises(RetriableError):
                around.try_put(batch(PLEDGES))
            around.commit()
        around.mailbox.answer()
        around.put(*PLEDGES)
        around.end()
        assert around.reported == []
        assert around.subjects() == ALL


def test_a_server_that_is_down_is_waited_for(mail: Stack) -> None:
    with world(mail) as around:
        mail["mail"].kill()
        for _ in range(3):
            with pytest.raises(RetriableError, match="no connection to the mail server 127"):
                around.try_put(batch(PLEDGES))
        mail["mail"].start()
        around.put(*PLEDGES)
        around.end()
        assert around.subjects() == ALL


def test_a_connection_that_was_lost_between_two_batches_costs_nothing(mail: Stack) -> None:
    with world(mail) as around:
        around.try_put(batch(PLEDGES[:2]))
        mail["mail"].kill()
        mail["mail"].start()
        around.try_put(batch(PLEDGES[2:], at=2))
        around.end()
        assert around.subjects() == ALL


def test_a_servers_words_are_told_on_one_line(mail: Stack) -> None:
    with world(mail) as around:
        around.mailbox.answer(Answer("rcpt", "550-5.1.1 no such user\r\n550 " + "5.1.1 really " * 70))
        around.put(PLEDGES[0])
        around.end()
        ((_, why),) = around.reported
        assert why.startswith("the mail server refuses the message: 550 5.1.1 no such user 5.1.1 really 5.1.1 really")
        assert "\n" not in why
        assert len(why) < 600


def test_a_silent_server_is_given_up_after_the_timeout(mail: Stack) -> None:
    with world(mail, smtp_timeout_ms="200", smtp_delivery_timeout_ms="200") as around:
        steps: list[Step] = ["mail", "rcpt", "data"]
        for offset, step in enumerate(steps):
            around.mailbox.answer(Answer(step, wait=60.0))
            with pytest.raises(RetriableError, match=r"does not answer|did not answer"):
                around.try_put(batch(PLEDGES[:1], at=offset))
            around.mailbox.answer()
            around.put(PLEDGES[0], at=offset)
            around.through()
    assert around.reported == []


def insisting(directory: Path, **demands: Any) -> tuple[Stack, trustme.CA]:
    """A server that wants encryption, with a certificate for 127.0.0.1."""
    authority, pem = trustme.CA(), directory / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(pem))
    authority.cert_pem.write_to_path(str(directory / "ca.pem"))
    Mailbox(directory / "mail").demand(certificate=pem, **demands)
    return Stack(("mail",), directory=directory), authority


def secure(stack: Stack, security: str, **config: str) -> World:
    """A world whose connector encrypts and logs in."""
    chosen = {"smtp.security": security, "smtp.username": "ada", "smtp.password": "a-secret", **config}
    return World(stack.addresses["mail"], Mailbox(stack["mail"].directory), chosen)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_messages_are_encrypted_and_a_user_logs_in(tmp_path: Path, security: Any) -> None:
    stack, _ = insisting(tmp_path, security=security, ada="a-secret")
    with stack:
        around = secure(stack, security, **{"smtp.ssl.ca.location": str(tmp_path / "ca.pem")})
        around.put(*PLEDGES)
        around.end()
        assert around.subjects() == ALL


WRONG: Mapping[str, tuple[dict[str, str], str]] = {
    "password": ({"smtp.password": "wrong-one"}, r"refuses the login: 535"),
    "authority": ({"smtp.ssl.ca.location": ""}, r"name its authority's file in smtp\.ssl\.ca\.location"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_no_waiting_can_heal_fails_the_task_and_names_no_secret(tmp_path: Path, wrong: str) -> None:
    config, why = WRONG[wrong]
    stack, _ = insisting(tmp_path, security="starttls", ada="a-secret")
    with stack:
        around = secure(stack, "starttls", **{"smtp.ssl.ca.location": str(tmp_path / "ca.pem"), **config})
        with pytest.raises(RefusedError, match=why) as failure:
            around.put(*PLEDGES)
        assert "secret" not in str(failure.value)
        assert "wrong-one" not in str(failure.value)
        around.commit()
        assert around.committed is not None
        around.config = secure(stack, "starttls", **{"smtp.ssl.ca.location": str(tmp_path / "ca.pem")}).config
        around.again(PLEDGES)
        assert around.subjects() == ALL
        assert all(kept.message["X-Ferryman-In-Doubt"] is None for kept in around.mails())


def test_anybodys_certificate_is_taken_only_if_told_so(tmp_path: Path) -> None:
    stack, _ = insisting(tmp_path, security="tls", ada="a-secret")
    with stack:
        around = secure(stack, "tls", **{"smtp.ssl.verify": "false"})
        around.put(*PLEDGES)
        around.end()
        assert around.subjects() == ALL


def test_a_server_without_starttls_gets_no_message_and_no_password(mail: Stack) -> None:
    with world(mail, smtp_security="starttls", smtp_username="ada", smtp_password="a-secret") as around:
        with pytest.raises(RefusedError, match="STARTTLS extension not supported"):
            around.put(*PLEDGES)
        assert around.mails() == []


def test_a_server_that_wants_a_login_fails_the_task_that_has_none(tmp_path: Path) -> None:
    Mailbox(tmp_path / "mail").demand(ada="a-secret")
    with Stack(("mail",), directory=tmp_path) as stack, world(stack) as around:
        with pytest.raises(RefusedError, match="530"):
            around.put(*PLEDGES)
        assert around.reported == []
