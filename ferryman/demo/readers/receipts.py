"""The demo's own eyes on the mailbox: which payment each message is about, what it says, and to whom."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ferryman.demo.facts.expected import Payment, content
from ferryman.demo.facts.ledger import Content, Found, Identity, by_identity
from ferryman.stack.servers.mailbox import Kept, Mailbox

IN_DOUBT = "X-Ferryman-In-Doubt"
_SUBJECT = re.compile(r"Your payment (?P<payment>\S+)")
_SAYS = re.compile(r"payment of (\S+) (\S+) for (\S+) (has arrived|was declined)")
_WORDS = {"succeeded": "has arrived", "failed": "was declined"}


def mailbox(stack: Path) -> Mailbox:
    """The mailbox of the stack in that directory."""
    return Mailbox(stack / "mail")


def expected(payments: Iterable[Payment]) -> dict[Identity, Content]:
    """The receipts of these payments."""
    return by_identity((payment.id, _receipt(payment)) for payment in payments)


def _receipt(payment: Payment) -> int:
    amount = f"{payment.amount // 100}.{payment.amount % 100:02}"
    recipient = f"{payment.backer_id}@backers.example"
    return content((recipient, amount, payment.currency.upper(), payment.project_id, _WORDS[payment.status]))


def arrived_receipts(messages: Iterable[Kept]) -> Iterator[Found]:
    """The receipts that have arrived.

    It cannot be known whether a killed task had sent a message, so it is sent again and says so. A copy that says so
    and has another's Message-ID is that receipt and no further one.
    """
    seen: set[str] = set()
    for message in sorted(messages, key=lambda each: IN_DOUBT in each.message):
        if message.id in seen and IN_DOUBT in message.message:
            continue
        seen.add(message.id)
        yield _read(message)


def _read(kept: Kept) -> Found:
    subject = _SUBJECT.fullmatch(str(kept.message["Subject"]))
    body = kept.message.get_body(("plain",))
    says = _SAYS.search(body.get_content() if body else "")
    identity = subject["payment"] if subject else kept.id
    return identity, content((*kept.recipients, *(says.groups() if says else ())))
