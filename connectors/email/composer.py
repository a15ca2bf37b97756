"""Makes a message of a record, as the config's templates want it."""

from collections.abc import Mapping
from typing import Any

from ferryman.connectors.email.mail.addresses import Address, one_address, one_line, several
from ferryman.connectors.email.mail.attachments import Attachment, total
from ferryman.connectors.email.mail.message import Mail
from ferryman.connectors.email.mail.templates import Pattern, facts, moment
from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.connectors.email.smtp.connection import Envelope
from ferryman.errors import DataError
from ferryman.record import Record

MOST_RECIPIENTS = 100
"""So many every server takes (RFC 5321); more it might put off for ever."""


class Composer:
    """The templates of one task, read and compiled once."""

    def __init__(self, config: EmailSinkConfig) -> None:
        self._sender, self._subject = config.sender, config.subject
        self._reply_to, self._envelope_from = config.reply_to, config.envelope_from
        self._same_sender = "{" not in (config.mail_envelope_from or config.mail_from)
        self._to, self._cc, self._bcc = (config.recipients(key) for key in ("mail.to", "mail.cc", "mail.bcc"))
        self._text, self._html = config.text, config.html
        self._attachments = config.attachments
        self._largest = config.mail_max_bytes

    def compose(self, record: Record, id: str) -> tuple[Mail, str]:
        """The message, and the address for reports of failure. Raises DataError that names the key at fault."""
        if record.value is None:
            raise DataError("The record has no value; behavior.on.null.values=ignore would skip it")
        known = facts(record)
        mail = Mail(
            id=id,
            date=moment(record.timestamp),
            sender=_one(self._sender, known),
            to=_list(self._to, known),
            cc=_list(self._cc, known),
            bcc=_list(self._bcc, known),
            reply_to=_one_or_none(self._reply_to, known),
            subject=one_line(self._subject.key, self._subject.render(known)),
            text=None if self._text is None else self._text.render(known),
            html=None if self._html is None else self._html.render(known),
            attachments=self._attached(known),
        )
        if not mail.to:
            raise DataError("mail.to: the record names no recipient")
        if len(mail.recipients) > MOST_RECIPIENTS:
            raise DataError(f"mail.to: {len(mail.recipients)} recipients, at most {MOST_RECIPIENTS} are allowed")
        failures_to = _one_or_none(self._envelope_from, known)
        return mail, (failures_to or mail.sender).spec

    def _attached(self, known: Mapping[str, Any]) -> list[Attachment]:
        found = [attachment for field in self._attachments for attachment in field.attachments(known)]
        self._check_size(total(found))
        return found

    def envelope(self, mail: Mail, sender: str, in_doubt: bool) -> Envelope:
        """The message as it is sent. Raises DataError if it is too large."""
        content = mail.wire(in_doubt)
        self._check_size(len(content))
        return Envelope(sender, mail.recipients, content, self._same_sender)

    def _check_size(self, size: int) -> None:
        if size > self._largest:
            raise DataError(f"The message has {size:,} bytes, mail.max.bytes allows {self._largest:,}")


def _one(pattern: Pattern, known: Mapping[str, Any]) -> Address:
    return one_address(pattern.key, pattern.render(known))


def _one_or_none(pattern: Pattern | None, known: Mapping[str, Any]) -> Address | None:
    text = "" if pattern is None else pattern.render(known)
    return one_address(pattern.key, text) if pattern is not None and text.strip(" ") else None


def _list(patterns: list[Pattern], known: Mapping[str, Any]) -> list[Address]:
    return [address for pattern in patterns for address in several(pattern.key, pattern.render(known))]
