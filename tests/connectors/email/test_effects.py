"""`ferryman explain` of the e-mail sink: the messages that it tells are those that arrive."""

import base64
from collections.abc import Iterator

import pytest

from ferryman.connectors.email.effects import effects
from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.effects import Effect
from ferryman.stack import Stack
from tests.connectors.email.email_task import World, batch, pledge, world

RICH = {
    "mail_cc": "boss@example.org",
    "mail_bcc": "archive@example.org",
    "mail_reply_to": "help+{{ value.id }}@example.org",
    "mail_subject": "Größe {{ value.id }}",
    "mail_html": "<p>{{ value.id }} für Sie</p>",
}


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def told(around: World, *values: object) -> list[Effect]:
    config = EmailSinkConnector.config_class.parse(around.raw)
    return list(effects(config, [batch(values)]))


@pytest.mark.parametrize("more", [{}, RICH], ids=["plain", "rich"])
def test_the_message_that_it_tells_is_the_one_that_arrives(mail: Stack, more: dict[str, str]) -> None:
    with world(mail, **more) as around:
        (tells,) = [each for each in told(around, pledge(7, "Zoë <zoe@example.org>")) if each.kind == "mail"]
        assert around.mails() == []
        around.put(pledge(7, "Zoë <zoe@example.org>"))
        around.end()
        (kept,) = around.mails()
        details = dict(tells.details)
        headers = dict(details["headers"])
        assert headers.pop("Message-ID").removeprefix("<…") in str(kept.message["Message-ID"])
        assert {name: str(kept.message[name]) for name in headers} == headers
        assert tuple(details["recipients"]) == kept.recipients
        for kind in ("plain", "html"):
            body = kept.message.get_body((kind,))
            given = details.get("text" if kind == "plain" else kind)
            assert (None if body is None else body.get_content().strip()) == (given and given.strip())


def test_files_are_told_by_name_type_and_size(mail: Stack) -> None:
    data = base64.b64encode(b"12345").decode()
    with world(mail, attachment_fields="file", attachment_names="a.txt", attachment_types="text/plain") as around:
        (tells,) = [each for each in told(around, pledge(1, file=data)) if each.kind == "mail"]
    (file,) = tells.details["attachments"]
    assert file == {"name": "a.txt", "type": "text/plain", "bytes": 5}


def test_a_record_without_a_message_is_told_with_the_key_at_fault(mail: Stack) -> None:
    with world(mail) as around:
        found = told(around, {"id": 1}, None, pledge(2))
        assert [(each.kind, each.target) for each in found[1:]] == [
            ("refused", "pledges-0@0"),
            ("refused", "pledges-0@1"),
            ("mail", "ada@example.org"),
        ]
        assert found[1].text.startswith("mail.to: ")
    with world(mail, behavior_on_null_values="ignore") as around:
        assert told(around, None)[1].kind == "passed over"
