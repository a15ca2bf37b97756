"""`ferryman doctor` looks at mail servers: no message is ever sent."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferryman.findings import Finding
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


def test_a_mail_server_is_well_and_nothing_is_sent(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        found = looked(tmp_path, around)
        assert {each.level for each in found} == {"ok"}
        assert about("sender crowd@example.org", found).said == "the server takes it"
        assert around.mailbox.count() == around.before


def test_a_sender_that_the_server_refuses_is_to_be_mended(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        around.mailbox.answer(Answer("mail", "553 5.7.1 not your domain"))
        finding = about("sender crowd@example.org", looked(tmp_path, around))
        assert (finding.level, "not your domain" in finding.said) == ("mend", True)


def test_a_sender_that_only_a_record_tells_is_left_out(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        found = looked(tmp_path, around, mail_from="{{ value.by }}", mail_message_id_domain="example.org")
        assert about("sender", found).level == "left out"


def test_nobody_is_there(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        (finding,) = looked(tmp_path, around, smtp_port="1")
        assert (finding.level, "smtp.port" in finding.mend) == ("mend", True)


def test_a_server_that_offers_no_encryption_is_to_be_mended(mail: Stack, tmp_path: Path) -> None:
    with world(mail) as around:
        (finding,) = looked(tmp_path, around, smtp_security="starttls")
        assert (finding.level, "smtp.security" in finding.mend) == ("mend", True)


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
