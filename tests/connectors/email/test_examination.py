"""`ferryman doctor` looks at mail servers: no message is ever sent."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.examination import Mail, findings
from ferryman.findings import Finding, Level
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import World, world
from tests.connectors.email.test_sink_server import insisting
from tests.doctor.looks import about, at, system


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def looked(folder: Path, around: World, **more: str) -> list[Finding]:
    config: dict[str, Any] = dict(around.usual)
    return system(folder, config | {name.replace("_", "."): text for name, text in more.items()})


def impatient(around: World, **more: str) -> list[Finding]:
    """Where it is certain that nobody says a word."""
    given = around.usual | {name.replace("_", "."): text for name, text in more.items()}
    server = EmailSinkConfig.parse(given).server
    return list(findings(replace(server, connect_timeout=0.5, timeout=0.5), Mail(None, (), 1)))


def test_a_mail_server_is_well_and_nothing_is_sent(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        found = looked(tmp_path, around, mail_to="ada@example.org, {{ value.to }}")
        assert {each.level for each in found} == {"ok"}
        assert about("sender crowd@example.org", found).said == "the server accepts it"
        assert about("recipient ada@example.org", found).said == "the server accepts it"
        assert around.mailbox.count() == around.before


def test_a_sender_that_the_server_refuses_is_to_be_mended(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        around.mailbox.answer(Answer("mail", "553 5.7.1 not your domain"))
        finding = about("sender crowd@example.org", looked(tmp_path, around))
        assert (finding.level, "not your domain" in finding.said) == ("mend", True)


def test_a_sender_that_only_a_record_tells_is_left_out(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        found = looked(tmp_path, around, mail_from="{{ value.by }}", mail_message_id_domain="example.org")
        assert about("sender and recipients", found).level == "left out"
        assert about("recipients", looked(tmp_path, around)).level == "left out"


@pytest.mark.parametrize(
    ("keys", "said", "mended"),
    [
        ({"smtp_host": "nobody.invalid"}, "the host name nobody.invalid is not known", "correct smtp.host"),
        ({"smtp_port": "1"}, "nothing listens at 127.0.0.1:1", "start the server, or correct smtp.host and smtp.port"),
        ({"smtp_security": "tls"}, "does not accept TLS", "smtp.security=starttls or none"),
        ({"smtp_security": "starttls"}, "the server offers no STARTTLS", "smtp.security=tls"),
        (
            {"smtp_username": "ada", "smtp_password": "a-secret"},
            "the server offers no login without encryption",
            "smtp.security=starttls",
        ),
    ],
    ids=["no such host", "a closed port", "no TLS", "no STARTTLS", "no login"],
)
def test_what_is_wrong_on_the_way_is_named_by_its_key(
    mail: Stack, tmp_path: Path, keys: dict[str, str], said: str, mended: str
) -> None:
    with world(mail) as around:
        (finding,) = looked(tmp_path, around, **keys)
    assert (finding.level, said in finding.said, finding.mend.startswith(mended)) == ("mend", True, True), finding


@pytest.mark.parametrize(
    ("answer", "level", "mended"),
    [
        (Answer("connect", "421 4.3.2 too busy"), "mend", "try again later"),
        (
            Answer("connect", "554 5.7.1 your address is blocked"),
            "mend",
            "let the server accept mail from this machine",
        ),
        (Answer("mail", "530 5.7.0 Must issue a STARTTLS command first"), "mend", "smtp.security=starttls"),
        (Answer("mail", "530 5.7.1 Authentication required"), "mend", "set smtp.username and smtp.password"),
        (Answer("mail", "451 4.7.1 greylisted"), "warning", "nothing, if it does so only for a while"),
        (Answer("rcpt", "450 4.2.0 greylisted"), "warning", "nothing, if it does so only for a while"),
        (Answer("rcpt", "550 5.1.1 no such user"), "mend", "correct mail.to"),
        (Answer("rcpt", "550 5.7.1 relaying denied"), "mend", "log in by smtp.username and smtp.password"),
    ],
    ids=lambda given: f"{given.at} {given.answer[:9]}" if isinstance(given, Answer) else "",
)
def test_a_refusal_is_told_with_what_is_behind_it(
    mail: Stack, tmp_path: Path, answer: Answer, level: Level, mended: str
) -> None:
    with world(mail) as around:
        around.mailbox.answer(answer)
        finding = looked(tmp_path, around, mail_to="ada@example.org")[-1]
    assert (finding.level, finding.mend.startswith(mended)) == (level, True), finding


def test_a_server_that_speaks_tls_only_is_told_from_a_silent_one(tmp_path: Path) -> None:
    stack, _ = insisting(tmp_path, security="tls", ada="a-secret")
    with stack, world(stack) as around:
        (finding,) = impatient(around)
        assert finding.mend.startswith("smtp.security=tls")
        (finding,) = looked(tmp_path, around, smtp_security="tls")
        assert "is not trusted" in finding.said
        assert finding.mend == "give its authority's certificate with smtp.ssl.ca.location"
        trusting = {"smtp_security": "tls", "smtp_ssl_ca_location": str(tmp_path / "ca.pem")}
        (finding,) = looked(tmp_path, around, smtp_host="localhost", **trusting)
        assert (finding.said.endswith("is not for localhost"), finding.mend.startswith("correct smtp.host")) == (
            True,
        ) * 2


def test_a_server_that_never_greets_is_told(mail: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, world(mail) as around:
        (finding,) = impatient(around, smtp_port=str(silent.getsockname()[1]))
    assert finding.said.endswith("accepts connections but does not answer")


def test_a_message_that_may_be_larger_than_the_server_takes_is_told(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        finding = about("SIZE", looked(tmp_path, around, mail_max_bytes="9000000000"))
        assert (finding.level, finding.mend.startswith("mail.max.bytes=")) == ("warning", True)


def test_a_login_that_is_refused_names_its_keys_and_shows_no_password(tmp_path: Path) -> None:
    stack, _ = insisting(tmp_path, security="starttls", ada="a-secret")
    keys = {"smtp_security": "starttls", "smtp_username": "ada", "smtp_ssl_ca_location": str(tmp_path / "ca.pem")}
    with stack, world(stack) as around:
        assert at("mend", looked(tmp_path, around, smtp_password="a-secret", **keys)) == []
        (finding,) = looked(tmp_path, around, smtp_password="wrong-one", **keys)
        assert (finding.level, finding.mend) == ("mend", "correct smtp.username and smtp.password")
        assert "wrong-one" not in repr(finding)
