"""The e-mail sink against a real mail server: what a message says, and how many leave at once."""

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ferryman.connectors.email.rate_limit import RateLimit
from ferryman.errors import TaskError, Unfinished
from ferryman.record import Header
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import P0, batch, pledge, world


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def sent(mail: Stack, *values: object, headers: tuple[Header, ...] = (), **config: str) -> list[Any]:
    """The messages that records became."""
    with world(mail, **config) as around:
        around.put(*values, headers=headers)
        around.end()
        assert around.reported == []
        return [kept.message for kept in around.mails()]


def test_each_record_is_one_message(mail: Stack) -> None:
    with world(mail) as around:
        around.put(*(pledge(number, f"backer{number}@example.org") for number in range(25)))
        around.end()
        assert sorted(kept.recipients for kept in around.mails()) == sorted(
            (f"backer{number}@example.org",) for number in range(25)
        )
        assert around.committed is not None
        assert (around.committed.offset, around.committed.metadata) == (25, "")


def test_a_message_has_the_parts_that_the_templates_give_it(mail: Stack) -> None:
    (message,) = sent(
        mail,
        pledge(7, "Zoë Ångström <zoe@example.org>", cc="c@example.org", amount=12.5),
        headers=(Header("source", "web"),),
        mail_cc="{{ value.cc }}",
        mail_reply_to="help+{{ value.id }}@example.org",
        mail_subject="Größe {{ value.amount }} / {{ topic }} {{ partition }} {{ offset }}",
        mail_text="On {{ timestamp.strftime('%Y-%m-%d') }}, {{ key or 'nobody' }} {{ headers.source }}",
        mail_html="<p>{{ value.id }}</p>",
    )
    assert str(message["From"]) == "Crowd <crowd@example.org>"
    assert [each.addr_spec for each in message["To"].addresses] == ["zoe@example.org"]
    assert message["To"].addresses[0].display_name == "Zoë Ångström"
    assert str(message["Cc"]) == "c@example.org"
    assert str(message["Reply-To"]) == "help+7@example.org"
    assert str(message["Subject"]) == "Größe 12.5 / pledges 0 0"
    assert message["Date"].datetime.timestamp() == 1_700_000_000
    assert message.get_content_type() == "multipart/alternative"
    plain, html = message.iter_parts()
    assert plain.get_content().strip() == "On 2023-11-14, nobody web"
    assert html.get_content().strip() == "<p>7</p>"


def test_blind_copies_are_in_the_envelope_and_in_no_header(mail: Stack) -> None:
    with world(mail, mail_bcc="archive@example.org, {{ value.boss or '' }}") as around:
        around.put(pledge(1, boss=None), pledge(2, boss="boss@example.org"))
        around.end()
        found = {kept.message["Subject"]: kept for kept in around.mails()}
    assert found["Pledge 1"].recipients == ("ada@example.org", "archive@example.org")
    assert found["Pledge 2"].recipients == ("ada@example.org", "archive@example.org", "boss@example.org")
    assert b"archive" not in found["Pledge 1"].message.as_bytes()


def test_a_list_of_the_records_is_several_recipients_only_by_the_filter(mail: Stack) -> None:
    people = ["a@example.org", "Bee <b@example.org>"]
    with world(mail, mail_to="{{ value.people | addresses }}") as around:
        around.put({"id": 1, "people": people})
        around.put({"id": 2, "people": ["a@example.org, victim@example.org"]}, at=1)
        around.end()
        (kept,) = around.mails()
        assert kept.recipients == ("a@example.org", "b@example.org")
        assert [offset for offset, _ in around.reported] == [1]


def test_failures_are_reported_to_another_address_if_wanted(mail: Stack) -> None:
    with world(mail, mail_envelope_from="bounces+{{ value.id }}@example.org") as around:
        around.put(pledge(3))
        around.end()
        assert [kept.sender for kept in around.mails()] == ["bounces+3@example.org"]


def test_templates_come_from_files_as_well(mail: Stack, tmp_path: Path) -> None:
    (tmp_path / "receipt.html").write_text("<b>{{ value.id }}</b> für {{ value.to }}")
    (message,) = sent(mail, pledge(5), mail_html_file=str(tmp_path / "receipt.html"))
    assert message.get_body(("html",)).get_content().strip() == "<b>5</b> für ada@example.org"


def test_data_is_escaped_in_html_and_is_never_a_template(mail: Stack) -> None:
    evil = "<script>{{ 7 * 7 }}</script>{% for x in y %}"
    (message,) = sent(
        mail,
        pledge(1, note=evil),
        mail_text="{{ value.note }}",
        mail_html="{{ value.note }}",
        mail_subject="{{ value.note }}",
    )
    assert message.get_body(("plain",)).get_content().strip() == evil
    html = message.get_body(("html",)).get_content().strip()
    assert html == "&lt;script&gt;{{ 7 * 7 }}&lt;/script&gt;{% for x in y %}"
    assert message["Subject"] == evil


def test_a_field_called_like_a_method_is_the_field(mail: Stack) -> None:
    text = "{{ value.items | join('+') }} {% for name, each in value.rest.items() %}{{ name }}={{ each }}{% endfor %}"
    (message,) = sent(mail, pledge(1, items=["a", "b"], rest={"c": 1}), mail_text=text)
    assert message.get_content().strip() == "a+b c=1"


def test_files_are_attached_from_bytes_base64_structs_and_lists(mail: Stack) -> None:
    (message,) = sent(
        mail,
        pledge(
            1,
            invoice={"pdf": b"%PDF-1", "none": None},
            terms=base64.b64encode(b"all of them").decode(),
            photos=[{"content": b"\xff\xd8", "name": "ü.jpg", "type": "image/jpeg"}, {"content": b"\x89", "name": ""}],
        ),
        attachment_fields="invoice.pdf, terms, photos, invoice.none",
        attachment_names="invoice-{{ value.id }}.pdf, terms.txt, photo.png, nothing",
        attachment_types="application/pdf, text/plain, image/png, text/plain",
    )
    assert message.get_content_type() == "multipart/mixed"
    found = [
        (each.get_filename(), each.get_content_type(), each.get_payload(decode=True))
        for each in message.iter_attachments()
    ]
    assert found == [
        ("invoice-1.pdf", "application/pdf", b"%PDF-1"),
        ("terms.txt", "text/plain", b"all of them"),
        ("ü.jpg", "image/jpeg", b"\xff\xd8"),
        ("photo.png", "image/png", b"\x89"),
    ]


def test_a_text_arrives_as_it_is_whatever_its_lines(mail: Stack) -> None:
    text = "\n".join([".", "..", "From me", "x" * 5000, "ends with a blank ", "=20", "\ttab", "grün"])
    (message,) = sent(mail, pledge(1, note=text), mail_text="{{ value.note }}")
    assert message.get_content().replace("\r\n", "\n").rstrip("\n") == text


@pytest.mark.parametrize(
    "subject", ["x" * 1000, "x" * 100 + " x", "word " * 200, "ü" * 1000, "=?utf-8?q?=0d=0aBcc?=", "日本語" * 300]
)
def test_a_subject_arrives_as_it_is_in_lines_that_every_server_takes(mail: Stack, subject: str) -> None:
    people = [f"{'name ' * 30}<a{number}@example.org>" for number in range(50)]
    (message,) = sent(
        mail,
        pledge(1, subject=subject, people=people, file=b"x", name="日本語" * 26),
        mail_subject="{{ value.subject }}",
        mail_to="{{ value.people | addresses }}",
        attachment_fields="file",
        attachment_names="{{ value.name }}",
    )
    assert message["Subject"] == subject.strip()
    assert [each.get_filename() for each in message.iter_attachments()] == ["日本語" * 26]
    with world(mail) as around:
        raw = sorted((around.mailbox.directory / "messages").glob("*.eml"))[-1].read_bytes()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert raw.isascii()


def test_the_message_id_tells_records_apart_and_stays_over_a_restart(mail: Stack) -> None:
    ids = []
    for _ in range(2):
        with world(mail) as around:
            around.put(pledge(1), pledge(2))
            around.end()
            ids.append(sorted(kept.id for kept in around.mails()))
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    with world(mail) as other:
        other.topic_id = "a topic of the same name"
        other.put(pledge(1), pledge(2))
        other.end()
        assert not set(ids[0]) & {kept.id for kept in other.mails()}


@pytest.mark.parametrize(("most", "wait"), [(1, 0.2), (8, 3.0)])
def test_so_many_messages_are_on_their_way_at_once_and_no_more(mail: Stack, most: int, wait: float) -> None:
    with world(mail, max_in_flight=str(most)) as around:
        around.mailbox.answer(Answer("data", wait=wait))
        began = time.monotonic()
        around.put(*map(pledge, range(8)))
        took = time.monotonic() - began
        around.end()
        assert len(around.mails()) == 8
    assert took >= wait * 8 / most
    if most == 8:
        assert took < wait * 8


def test_connections_are_used_again(mail: Stack) -> None:
    with world(mail, max_in_flight="2") as around:
        around.put(*map(pledge, range(10)))
        around.mailbox.answer(Answer("connect", "421 no more"))
        around.put(*map(pledge, range(10, 20)), at=10)
        around.end()
        assert len(around.mails()) == 20


def test_no_more_messages_leave_in_a_second_than_are_allowed(mail: Stack) -> None:
    with world(mail, messages_per_second="20", max_in_flight="50") as around:
        began = time.monotonic()
        around.put(*map(pledge, range(31)))
        took = time.monotonic() - began
        around.end()
        assert len(around.mails()) == 31
    assert took > 1.4


def test_a_long_pause_does_not_let_a_burst_out() -> None:
    now = [0.0]
    limit = RateLimit(50.0, clock=lambda: now[0])
    now[0] = 1000.0
    assert limit.ready(500) == 5
    limit.take(5)
    assert limit.ready(500) == 0
    assert limit.wait == pytest.approx(0.02)
    now[0] += 0.02
    assert limit.ready(500) == 1


def test_a_null_value_is_passed_over_if_wanted(mail: Stack) -> None:
    with world(mail, behavior_on_null_values="ignore") as around:
        around.put(None, pledge(1), None)
        around.end()
        assert around.subjects() == ["Pledge 1"]
        assert around.reported == []
        assert around.delivered == 3


def test_a_batch_that_takes_long_lets_the_loop_go_on_in_between(mail: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ferryman.connectors.email.courier.SLICE_SECONDS", 0.2)
    with world(mail, max_in_flight="1") as around:
        around.mailbox.answer(Answer("data", wait=0.15))
        around.begin()
        pledges = batch([pledge(number) for number in range(10)])
        for _ in range(3):
            with pytest.raises(Unfinished, match="are still to be sent"):
                around.try_put(pledges)
            around.commit()
        around.put(*map(pledge, range(10)))
        around.end()
        assert around.subjects() == sorted(f"Pledge {number}" for number in range(10))


def test_nothing_is_taken_of_a_partition_that_is_not_ours(mail: Stack) -> None:
    with world(mail) as around:
        around.begin()
        around.running.close([P0])
        with pytest.raises(TaskError, match="this task does not own it"):
            around.try_put(batch([pledge(1)]))
