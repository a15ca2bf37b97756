"""What the mail server keeps, as its users see it: messages one a file, and what it shall answer.

A mailbox is the mail server's directory; it can be read and told what to answer while the server runs, and also while
it does not.
"""

import email
import email.policy
import json
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

MESSAGES = "messages"
ANSWERS = "answers.json"
SERVER = "server.json"
SENDER = "X-Envelope-From"
RECIPIENTS = "X-Envelope-To"
DROP = "drop"

Step = Literal["connect", "mail", "rcpt", "data", "kept"]


@dataclass(frozen=True)
class Answer:
    """A bad answer of the mail server."""

    at: Step
    """The step: a new connection, the sender, a recipient, the message before it is kept, or after."""
    answer: str = ""
    """A line such as ``550 5.1.1 unknown``, ``drop`` to cut the connection, or empty."""
    address: str = ".*"
    """A pattern for the sender at ``mail``, for a recipient otherwise; a connection has none."""
    wait: float = 0.0
    """Seconds before the answer."""
    times: int = 0
    """For how many steps of each address it holds; 0 for all of them."""


@dataclass(frozen=True)
class Kept:
    """One message as it arrived."""

    number: int
    """By order of arrival, from 1."""
    sender: str
    """The sender in the envelope, not that in the headers; so with the recipients."""
    recipients: tuple[str, ...]
    message: EmailMessage

    @property
    def id(self) -> str:
        return str(self.message["Message-ID"])


@dataclass(frozen=True)
class Mailbox:
    """The directory of a mail server, ``stack["mail"].directory``."""

    directory: Path

    def messages(self, skip: int = 0) -> list[Kept]:
        """Everything kept so far, in the order of arrival, without the first so many."""
        return [_parse_file(file) for file in self._files()[skip:]]

    def count(self) -> int:
        """How many messages lie there."""
        return len(self._files())

    def answer(self, *answers: Answer) -> None:
        """What to answer from now on, the first that fits; without any the server is good again."""
        self.directory.mkdir(parents=True, exist_ok=True)
        fresh = self.directory / f"{ANSWERS}.new"
        fresh.write_text(json.dumps([asdict(each) for each in answers]))
        fresh.replace(self.directory / ANSWERS)

    def demand(
        self, security: Literal["none", "starttls", "tls"] = "none", certificate: Path | None = None, **users: str
    ) -> None:
        """What the server insists on from its next start: encryption, with a PEM file of chain and key, and users."""
        self.directory.mkdir(parents=True, exist_ok=True)
        wanted = {"security": security, "certificate": str(certificate or ""), "users": users}
        (self.directory / SERVER).write_text(json.dumps(wanted))

    def _files(self) -> list[Path]:
        return sorted((self.directory / MESSAGES).glob("*.eml"))


def _parse_file(file: Path) -> Kept:
    message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    sender, recipients = str(message[SENDER]), str(message[RECIPIENTS])
    del message[SENDER], message[RECIPIENTS]
    return Kept(int(file.stem), sender, tuple(recipients.split(", ")), message)
