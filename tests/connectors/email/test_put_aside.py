"""One message that the server does not take does not hold the others, is tried in its own time, and not without end."""

import logging
from collections import Counter
from collections.abc import Iterator
from itertools import count

import pytest

from ferryman.connectors.email import put_aside
from ferryman.errors import RefusedError, RetriableError
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Answer
from tests.connectors.email.email_task import World, batch, pledge, world
from tests.running import until

GREY = pledge(0, "grey@example.org")
OTHERS = [pledge(number) for number in range(1, 8)]
REFUSALS = [
    Answer("rcpt", "450 4.2.1 greylisted", address="grey@example.org"),
    Answer("rcpt", "452 4.2.2 mailbox full", address="grey@example.org"),
    Answer("rcpt", "451 4.3.0 temporary lookup failure", address="grey@example.org"),
    Answer("rcpt", "421 4.4.2 closing", address="grey@example.org"),
    Answer("rcpt", "drop", address="grey@example.org"),
    Answer("data", "451 4.7.1 try later", address="grey@example.org"),
    Answer("data", "452 4.3.1 disk full", address="grey@example.org"),
]


@pytest.fixture(scope="module")
def mail() -> Iterator[Stack]:
    with Stack(("mail",)) as stack:
        yield stack


def subjects(numbers: range) -> list[str]:
    return [f"Pledge {number}" for number in numbers]


@pytest.mark.parametrize("answer", REFUSALS, ids=lambda answer: f"{answer.at}-{answer.answer[:9]}")
@pytest.mark.parametrize("most", ["1", "3"])
def test_a_mailbox_that_is_put_off_holds_neither_its_batch_nor_later_ones(
    mail: Stack, answer: Answer, most: str
) -> None:
    with world(mail, max_in_flight=most) as around:
        around.mailbox.answer(answer)
        around.put(GREY, *OTHERS[:3])
        around.put(*OTHERS[3:], at=4)
        around.commit()
        assert around.subjects() == subjects(range(1, 8))
        assert around.committed is not None
        assert around.committed.offset == 0
        around.mailbox.answer()
        around.through()
        assert around.subjects() == subjects(range(8))
        assert (around.committed.offset, around.committed.metadata) == (8, "")
        assert around.reported == []


def test_after_a_restart_only_what_was_put_aside_is_sent(mail: Stack, caplog: pytest.LogCaptureFixture) -> None:
    with world(mail) as around, caplog.at_level(logging.WARNING):
        around.mailbox.answer(REFUSALS[0])
        around.put(GREY, *OTHERS)
        around.commit()
        around.kill()
        around.mailbox.answer()
        around.again([GREY, *OTHERS])
        assert around.subjects() == subjects(range(8))
        assert all(kept.message["X-Ferryman-In-Doubt"] is None for kept in around.mails())


@pytest.mark.parametrize("restart", [False, True])
def test_a_mailbox_that_is_put_off_for_too_long_is_a_data_error(mail: Stack, restart: bool) -> None:
    with world(mail, mail_retry_timeout_ms="1500") as around:
        around.mailbox.answer(REFUSALS[1])
        around.put(GREY, *OTHERS)
        around.commit()
        if restart:
            around.kill()
            around.begin()
            around.put(GREY, *OTHERS)
        around.through()
        ((offset, why),) = around.reported
        assert offset == 0
        assert "longer than mail.retry.timeout.ms=1500: 452 4.2.2 mailbox full" in why
        assert around.subjects() == subjects(range(1, 8))


def test_a_refusal_that_is_over_before_its_deadline_leaves_no_trace(mail: Stack) -> None:
    with world(mail, mail_retry_timeout_ms="0") as around:
        around.put(GREY, *OTHERS)
        around.through()
        assert around.reported == []


def test_a_server_that_is_busy_for_long_dead_letters_nothing(mail: Stack) -> None:
    """Its deadline has passed long ago; but none of the others gets through either."""
    with world(mail, mail_retry_timeout_ms="0") as around:
        around.mailbox.answer(Answer("data", "452 4.3.1 disk full"))
        for _ in range(20):
            try:
                around.try_put(batch([GREY, *OTHERS]))
            except RetriableError:
                continue
            around.commit()
        around.mailbox.answer()
        around.put(GREY, *OTHERS)
        around.through()
        assert around.reported == []
        assert around.subjects() == subjects(range(8))


def test_a_message_that_alone_makes_a_server_busy_is_a_data_error_after_its_deadline(mail: Stack) -> None:
    with world(mail, mail_retry_timeout_ms="0") as around:
        around.mailbox.answer(REFUSALS[2])
        around.put(GREY)
        following = count(1)

        def reported() -> bool:
            around.put(OTHERS[0], at=next(following))
            return bool(around.reported)

        until(reported, what="the message to be given up while others go")
        assert around.reported[0][0] == 0


def test_only_so_many_are_put_aside_and_then_nothing_new_is_begun(mail: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(put_aside, "MOST_PUT_ASIDE", 3)
    with world(mail, max_in_flight="1") as around:
        around.mailbox.answer(Answer("rcpt", "450 4.2.1 greylisted"))
        with pytest.raises(RetriableError, match="3 messages are put off, which is the limit: 450"):
            around.try_put(batch([GREY, *OTHERS]))
        around.mailbox.answer()
        around.put(GREY, *OTHERS)
        around.through()
        assert around.subjects() == subjects(range(8))


def drop_after_keeping(around: World) -> None:
    around.mailbox.answer(Answer("kept", "drop", address="grey@example.org"))


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_message_that_stays_in_doubt_is_sent_so_often_and_then_a_data_error(mail: Stack, retries: int) -> None:
    with world(mail, in_doubt_max_retries=str(retries)) as around:
        drop_after_keeping(around)
        around.put(GREY, *OTHERS)
        around.through()
        counts = Counter(around.subjects())
        assert counts["Pledge 0"] == retries + 1
        assert [counts[subject] for subject in subjects(range(1, 8))] == [1] * 7
        ((offset, why),) = around.reported
        assert offset == 0
        assert f"sent {retries + 1} times" in why
        assert f"in.doubt.max.retries={retries}" in why


def test_how_often_a_message_was_left_in_doubt_is_known_after_a_restart(mail: Stack) -> None:
    with world(mail, in_doubt_max_retries="3") as around:
        drop_after_keeping(around)
        with pytest.raises(RetriableError):
            around.try_put(batch([GREY]))
        around.commit()
        around.kill()
        around.again([GREY])
        assert around.subjects() == ["Pledge 0"] * 4
        assert len(around.reported) == 1


def test_by_default_it_is_three_times_again(mail: Stack) -> None:
    with world(mail) as around:
        drop_after_keeping(around)
        around.put(GREY)
        around.through()
        assert around.subjects() == ["Pledge 0"] * 4


@pytest.mark.parametrize("reply", ["550 5.7.13 user account disabled", "530 5.7.0 authentication required"])
def test_an_account_that_may_not_send_is_refused_and_dead_letters_nothing(mail: Stack, reply: str) -> None:
    with world(mail) as around:
        around.mailbox.answer(Answer("data", reply))
        with pytest.raises(RefusedError, match=reply):
            around.put(GREY, *OTHERS)
        assert around.reported == []
        around.mailbox.answer()
        around.again([GREY, *OTHERS])
        assert around.subjects() == subjects(range(8))


def test_the_one_sender_of_all_messages_is_the_accounts_and_one_of_the_record_is_the_records(mail: Stack) -> None:
    answer = Answer("mail", "550 5.1.8 bad sender", address="evil@example.org")
    with world(mail, mail_envelope_from="evil@example.org") as around:
        around.mailbox.answer(answer)
        with pytest.raises(RefusedError, match=r"550 5\.1\.8"):
            around.put(GREY, *OTHERS)
        assert around.reported == []
    with world(mail, mail_envelope_from="{{ value.by | default('') }}") as around:
        around.mailbox.answer(answer)
        around.put(GREY | {"by": "evil@example.org"}, *OTHERS)
        around.through()
        assert [offset for offset, _ in around.reported] == [0]
        assert around.subjects() == subjects(range(1, 8))
