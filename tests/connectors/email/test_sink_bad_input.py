"""Records that cannot become a message, and those that try to become another one: each is a data error by name."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from ferryman.errors import TaskError
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import batch, pledge, world

NOTE = {"mail.subject": "{{ value.note }}"}
FILE = {"attachment.fields": "file", "attachment.names": "{{ value.name or 'x' }}", "attachment.types": "text/plain"}


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def refused(mail: Stack, value: Any, config: dict[str, str]) -> str:
    """Why the middle one of three records is refused; the other two arrive."""
    with world(mail) as around:
        around.config = config
        neighbour = pledge(0, note="fine", file=None, name=None, extra={})
        around.put(neighbour, value, neighbour)
        around.end()
        assert len(around.mails()) == 2
        assert {kept.recipients for kept in around.mails()} == {("ada@example.org",)}
        ((offset, why),) = around.reported
        assert offset == 1
        assert around.delivered == 3
        return why


@pytest.mark.parametrize(
    "to",
    [
        "",
        "nobody",
        "a@b, victim@example.org",
        "a@b; victim@example.org",
        "a@b victim@example.org",
        "a@b>\r\nRCPT TO:<victim@example.org>",
        "a@b\nBcc: victim@example.org",
        "a@b\x00",
        "a@b\x1fvictim@example.org",
        "a@b\u2028victim@example.org",
        "<a@b> <victim@example.org>",
        "victim@example.org <a@b>, c@d",
        '"a b"@example.org',
        "@example.org",
        "a@",
        "a@b..c",
        "a@-b.org",
        "a@b@c",
        "ä@example.org",
        f"{'a' * 65}@example.org",
        f"a@{'b' * 64}.org",
        "x" * 1_000_000,
    ],
)
def test_what_is_not_exactly_one_address_is_refused(mail: Stack, to: str) -> None:
    assert refused(mail, pledge(1, to), {}).startswith("mail.to: ")


@pytest.mark.parametrize("name", ["Doe, Jane", "victim@example.org", 'quo"te', "x <y", "=?utf-8?q?a?=", "back\\slash"])
def test_a_name_is_only_a_name(mail: Stack, name: str) -> None:
    with world(mail, mail_to="{{ value.name }} <{{ value.to }}>") as around:
        around.put(pledge(1, name=name))
        around.end()
        if around.reported:
            assert "mail.to: " in around.reported[0][1]
            assert around.mails() == []
        else:
            (kept,) = around.mails()
            assert kept.recipients == ("ada@example.org",)
            assert [each.addr_spec for each in kept.message["To"].addresses] == ["ada@example.org"]
            assert kept.message["To"].addresses[0].display_name == name


@pytest.mark.parametrize("note", ["a\r\nBcc: v@example.org", "a\nb", "a\rb", "a\x0bb", "a\x0cb", "a\u2028b", "a\x00"])
def test_a_header_has_one_line(mail: Stack, note: str) -> None:
    why = refused(mail, pledge(1, note=note), NOTE)
    assert why.startswith("mail.subject: the character U+")


def test_a_subject_of_a_megabyte_is_refused(mail: Stack) -> None:
    why = refused(mail, pledge(1, note="x" * 1_000_000), NOTE)
    assert why == "mail.subject: 1000000 characters, at most 1000 are allowed"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{{ value.nmae }}", "mail.text: there is no field 'nmae'"),
        ("{{ value['nmae'] }}", "mail.text: there is no field 'nmae'"),
        ("{{ value.extra.deep.deeper }}", "mail.text: there is no field 'deep'"),
        ("{{ range(10 ** 9) | list }}", "Range too big"),
        ("{{ 'x' * 10 ** 9 }}", "too many repetitions"),
        ("{{ '%999999999d' % 1 }}", "the format is too wide"),
        ("{{ value.note.__class__.__mro__ }}", "is unsafe"),
        ("{{ '{0.__class__}'.format(value.note) }}", "is unsafe"),
        ("{{ value.extra.update({1: 2}) }}", "there is no field 'update'"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{% include 'passwd' %}", "no loader"),
    ],
)
def test_a_template_that_a_record_does_not_fit_is_named(mail: Stack, text: str, why: str) -> None:
    chosen = "{% if value.id %}" + text + "{% endif %}"
    assert why in refused(mail, pledge(1, note="", extra={}), {"mail.text": chosen})


def test_a_text_without_end_is_cut_off(mail: Stack) -> None:
    text = "{% for a in range(value.id) %}{% for b in range(value.id) %}some text {% endfor %}{% endfor %}"
    assert "longer than" in refused(mail, pledge(90_000), {"mail.text": text})


def test_more_recipients_than_every_server_takes_are_refused(mail: Stack) -> None:
    people = [f"a{number}@example.org" for number in range(101)]
    template = {"mail.to": "{{ value.to }}, {{ (value.people or []) | addresses }}"}
    with world(mail) as around:
        around.config = template
        around.put(pledge(0, people=people[:99]), pledge(1, people=people))
        around.end()
        assert around.reported == [(1, "mail.to: 102 recipients, at most 100 are allowed")]
        (kept,) = around.mails()
        assert len(kept.recipients) == len(kept.message["To"].addresses) == 100


def test_a_time_that_no_calendar_has_is_refused(mail: Stack) -> None:
    with world(mail) as around:
        made = batch([pledge(0)])
        around.try_put(replace(made, timestamps=[2**62]))
        around.end()
        assert around.reported == [(0, f"The record's timestamp {2**62} is out of range")]


def test_a_record_without_a_value_is_refused(mail: Stack) -> None:
    assert "behavior.on.null.values=ignore" in refused(mail, None, {})


def test_a_lone_surrogate_is_refused(mail: Stack) -> None:
    assert "mail.text" in refused(mail, pledge(1, note="\ud800"), {"mail.text": "{{ value.note }}"})


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({"file": "no base64!"}, "the text in field file is not base64"),
        ({"file": 7}, "field file holds an integer"),
        ({"file": {"name": "a"}}, "field file holds null"),
        ({"file": b"x", "name": "a\r\nb"}, "attachment.names: the character U+000D"),
        ({"file": b"x", "name": "../../etc/passwd"}, "is not the name of a file"),
        ({"file": b"x", "name": "ü" * 150}, "is not the name of a file"),
        ({"file": {"content": b"x", "type": "text"}}, "is not the type of a file"),
        ({"file": {"content": b"x", "type": "message/rfc822"}}, "is not the type of a file"),
        ({"file": b"x" * 300_000}, "mail.max.bytes allows 200,000"),
        ({}, "there is no field 'file'"),
    ],
)
def test_a_file_that_cannot_be_attached_is_named(mail: Stack, value: dict[str, Any], why: str) -> None:
    record = pledge(1) | {"name": None} | value
    assert why in refused(mail, record, {**FILE, "mail.max.bytes": "200000"})


@pytest.mark.parametrize(("step", "address"), [("rcpt", "bad@example.org"), ("data", "bad@example.org")])
def test_what_the_server_refuses_for_good_is_a_data_error(mail: Stack, step: Any, address: str) -> None:
    with world(mail) as around:
        around.mailbox.answer(Answer(step, "550 5.1.1 no such user", address=address))
        around.put(pledge(0), pledge(1, address), pledge(2))
        around.end()
        assert around.reported == [(1, "the mail server refuses the message: 550 5.1.1 no such user")]
        assert around.subjects() == ["Pledge 0", "Pledge 2"]


def test_a_message_goes_to_all_of_its_recipients_or_to_none(mail: Stack) -> None:
    with world(mail, mail_cc="bad@example.org") as around:
        around.mailbox.answer(Answer("rcpt", "550 5.1.1 no such user", address="bad@example.org"))
        around.put(pledge(0))
        around.end()
        assert len(around.reported) == 1
        assert around.mails() == []


def test_without_tolerance_a_bad_record_fails_the_task_and_its_offset_is_not_passed(mail: Stack) -> None:
    with world(mail) as around:
        around.fail_on_report = True
        with pytest.raises(TaskError, match="exactly one e-mail address"):
            around.put(pledge(0), pledge(1, "nobody"), pledge(2))
        around.end()
        assert around.committed is not None
        assert around.committed.offset == 0
        around.fail_on_report = False
        around.again([pledge(0), pledge(1), pledge(2)])
        assert around.subjects() == ["Pledge 0", "Pledge 1", "Pledge 2"]
