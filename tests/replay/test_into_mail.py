"""Dead letters of the e-mail sink: each becomes one mail, and after a kill as many more as the log lists in doubt."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Mailbox
from tests.reliability.flows import keys, tolerant
from tests.reliability.test_email import check, copies, email_sink, pledges
from tests.replay.test_into_a_table import done, is_complete, letters, replay
from tests.running import Worker, create_topic, produce, until

COUNT, MOST = 60, 4


@pytest.fixture
def mail() -> Iterator[Stack]:
    """A mail server of the test's own."""
    with Stack(("mail",)) as stack:
        yield stack


def test_each_letter_becomes_one_mail_and_a_kill_doubles_none_that_is_not_listed(
    running: Worker, kafka: str, unique: str, mail: Stack
) -> None:
    create_topic(kafka, unique)
    mailbox, subject = Mailbox(mail["mail"].directory), f"{unique} {{{{ value.id }}}}"
    live = email_sink(unique, mail) | tolerant(f"{unique}-dlq") | {"mail.subject": f"{subject}{{{{ value.title }}}}"}
    running.create(live)
    produce(kafka, unique, pledges(0, COUNT), keys(range(COUNT)))
    letters(kafka, unique, COUNT)
    assert copies(mailbox, unique) == {}
    made = replay(running, unique, all=True, config={"mail.subject": subject, "max.in.flight": str(MOST)})
    run = made["name"]
    assert (made["letters"], made["target"]) == (COUNT, "it writes where the live connector does, beside it")
    until(lambda: copies(mailbox, unique) or is_complete(running, run), what="the first mail")
    with suppress(ProcessLookupError):
        os.kill(running.pids(run)[-1], signal.SIGKILL)
    done(running, run)
    check(mailbox, unique, range(COUNT), [running], MOST)
    assert "There is no dead letter to replay" in replay(running, unique, 409, all=True)["message"]
