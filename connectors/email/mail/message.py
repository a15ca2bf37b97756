"""A message as it goes over the wire: headers that cannot be broken out of, bodies and attachments as MIME."""

import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import encoders
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime
from hashlib import sha256

from ferryman.connectors.email.mail.addresses import Address, encoded_words
from ferryman.connectors.email.mail.attachments import Attachment
from ferryman.errors import DataError
from ferryman.record import Coordinates

DOUBT = "X-Ferryman-In-Doubt"
LONGEST_WORD = 68
"""Lines are folded between words: a longer one has no room beside ``Subject: ``, and alone it is shown with a blank."""
_WIRE = compat32.clone(linesep="\r\n", mangle_from_=False)


@dataclass(frozen=True, slots=True)
class MessageIds:
    """What Message-IDs are made of: the same record of the same topic gets the same one for all time."""

    cluster: str
    """The Kafka cluster's id."""
    connector: str
    """The connector's name."""
    domain: str
    """What follows the @."""

    def message_id(self, origin: Coordinates, topic_id: str) -> str:
        """The Message-ID of a record's message; ``topic_id`` tells a topic from an earlier one of its name."""
        facts = "\n".join((self.cluster, self.connector, origin.topic, topic_id, str(origin.partition)))
        return f"<{sha256(facts.encode()).hexdigest()[:24]}.{origin.partition}.{origin.offset}@{self.domain}>"


@dataclass(frozen=True, slots=True)
class Mail:
    """Everything that a message says, data checked."""

    id: str
    """The Message-ID, with its angle brackets."""
    date: datetime | None
    """The record's time; None is now."""
    sender: Address
    """Shown as From."""
    to: Sequence[Address]
    """Shown as To."""
    cc: Sequence[Address]
    """Shown as Cc."""
    bcc: Sequence[Address]
    """Recipients that no header shows."""
    reply_to: Address | None
    """Shown as Reply-To, unless it is None."""
    subject: str
    """One line."""
    text: str | None
    """The body as plain text."""
    html: str | None
    """The body as HTML; with a text beside it, the reader's program chooses."""
    attachments: Sequence[Attachment] = ()
    """The files, in order."""

    @property
    def recipients(self) -> list[str]:
        """The recipients that the server is given, each once."""
        return list(dict.fromkeys(each.spec for each in (*self.to, *self.cc, *self.bcc)))

    def wire(self, in_doubt: bool = False) -> bytes:
        """The message, lines ending in CR LF; ``in_doubt`` marks one that may have been sent before."""
        body = self._body()
        for name, value in self._headers(in_doubt):
            body[name] = value
        del body["MIME-Version"]
        body["MIME-Version"] = "1.0"
        return body.as_bytes(policy=_WIRE)

    def _headers(self, in_doubt: bool) -> list[tuple[str, str]]:
        lists = (("To", self.to), ("Cc", self.cc), ("Reply-To", [self.reply_to] if self.reply_to else []))
        return [
            ("From", self.sender.header()),
            *((name, ", ".join(each.header() for each in addresses)) for name, addresses in lists if addresses),
            ("Subject", _unstructured(self.subject)),
            ("Date", format_datetime(self.date or datetime.now(UTC))),
            ("Message-ID", self.id),
            *([(DOUBT, "yes")] if in_doubt else []),
        ]

    def _body(self) -> Message:
        texts = [_text(kind, text) for kind, text in (("plain", self.text), ("html", self.html)) if text is not None]
        body: Message = texts[0] if len(texts) == 1 else self._container("alternative", texts)
        if not self.attachments:
            return body
        return self._container("mixed", [body, *map(_file, self.attachments)])

    def _container(self, kind: str, parts: Sequence[Message]) -> Message:
        # "=_" is in no part: quoted-printable has two hexadecimal digits behind each "=", base64 has no "_".
        boundary = f"=_{kind}_{sha256(self.id.encode()).hexdigest()[:24]}"
        container = MIMEMultipart(kind, boundary)
        for part in parts:
            del part["MIME-Version"]
            container.attach(part)
        return container


def _unstructured(text: str) -> str:
    foldable = max(map(len, text.split()), default=0) <= LONGEST_WORD
    return text if text.isascii() and "=?" not in text and foldable else encoded_words(text)


def _text(kind: str, text: str) -> Message:
    try:
        data = text.replace("\r\n", "\n").replace("\r", "\n").encode()
    except UnicodeEncodeError as error:
        raise DataError(f"mail.{'text' if kind == 'plain' else kind}: no character: {error.reason}") from None
    part = MIMENonMultipart("text", kind, charset="utf-8")
    part["Content-Transfer-Encoding"] = "quoted-printable"
    part.set_payload(binascii.b2a_qp(data).decode("ascii"))
    return part


def _file(attachment: Attachment) -> Message:
    part = MIMEBase(*attachment.type.split("/"))
    part.set_payload(attachment.content)
    encoders.encode_base64(part)
    name = attachment.name
    part.add_header("Content-Disposition", "attachment", filename=name if name.isascii() else ("utf-8", "", name))
    return part
