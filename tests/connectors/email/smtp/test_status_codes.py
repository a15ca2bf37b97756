"""Which refusals are a message's, a mailbox's, the account's or the server's own fault."""

import pytest

from ferryman.connectors.email.smtp.status_codes import Scope, Step, scope

CASES: list[tuple[str, Step, Scope]] = [
    ("550 5.1.1 no such user", "rcpt", Scope.MAILBOX),
    ("550 no such user", "rcpt", Scope.MAILBOX),
    ("452 4.2.2 mailbox full", "rcpt", Scope.MAILBOX),
    ("552 5.2.2 mailbox full", "data", Scope.MAILBOX),
    ("450 4.2.1 greylisted", "rcpt", Scope.MAILBOX),
    ("451 greylisted", "rcpt", Scope.MAILBOX),
    ("451 4.7.1 greylisted", "rcpt", Scope.MESSAGE),
    ("450 4.4.1 connection to the destination timed out", "rcpt", Scope.MAILBOX),
    ("550 5.4.1 recipient address rejected: access denied", "rcpt", Scope.MAILBOX),
    ("550 5.4.5 daily user sending quota exceeded", "data", Scope.QUOTA),
    ("550 5.4.5 daily user sending quota exceeded", "mail", Scope.QUOTA),
    ("451 4.3.0 temporary lookup failure", "rcpt", Scope.SERVER),
    ("452 4.3.1 disk full", "data", Scope.SERVER),
    ("452 disk full", "data", Scope.SERVER),
    ("554 5.3.2 no mail here today", "rcpt", Scope.SERVER),
    ("552 5.3.4 message too large", "mail", Scope.MESSAGE),
    ("552 too large", "mail", Scope.MESSAGE),
    ("553 5.3.0 rejected", "rcpt", Scope.MESSAGE),
    ("550 5.7.1 this looks like spam", "data", Scope.MESSAGE),
    ("550 5.7.1 sender is not owned by user", "mail", Scope.SENDER),
    ("550 5.1.0 sender rejected", "mail", Scope.SENDER),
    ("550 5.7.26 unauthenticated sender", "data", Scope.SENDER),
    ("550 5.7.60 may not send as this sender", "data", Scope.SENDER),
    ("535 5.7.8 bad credentials", "mail", Scope.ACCOUNT),
    ("550 5.7.13 user account disabled", "data", Scope.ACCOUNT),
    ("530 5.7.0 authentication required", "mail", Scope.ACCOUNT),
    ("421 4.7.0 try again later", "rcpt", Scope.SERVER),
    ("454 4.7.0 throttling failure", "data", Scope.QUOTA),
    ("550 5.7.28 mail flood", "data", Scope.QUOTA),
    ("554 transaction failed", "data", Scope.MESSAGE),
    ("554 5.6.0 bad content", "data", Scope.MESSAGE),
    ("452 4.5.3 too many recipients", "rcpt", Scope.MESSAGE),
    ("550 5.1.1234 no code at all", "data", Scope.MESSAGE),
    ("550 5.4.5x no code at all", "data", Scope.MESSAGE),
]


@pytest.mark.parametrize(("reply", "step", "expected"), CASES)
def test_a_reply_says_what_it_is_about(reply: str, step: Step, expected: Scope) -> None:
    code, _, text = reply.partition(" ")
    assert scope(int(code), text, step) is expected


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_every_reply_is_about_something(step: Step) -> None:
    for code in range(400, 600):
        for subject in range(9):
            for detail in (0, 1, 5, 9, 28, 99, 999):
                assert scope(code, f"{code // 100}.{subject}.{detail} text", step)
        assert scope(code, "", step)
