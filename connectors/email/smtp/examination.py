"""Checks the mail server for `ferryman doctor`: encryption, login, extensions, addresses. No message is sent."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from ferryman.connectors.email.smtp import refusals
from ferryman.connectors.email.smtp.connection import Connection, MailServer, NotReached, accepted
from ferryman.connectors.email.smtp.status_codes import Step
from ferryman.findings import Finding, left_out, mend, ok, warning

MOST_RECIPIENTS = 20
"""So many are asked about; a server could take more for an attack."""


@dataclass(frozen=True, slots=True)
class Mail:
    """What is known of all messages before there is a record."""

    sender: str | None
    """None if it depends on the record."""
    recipients: Sequence[str]
    """The recipients that every message has."""
    largest: int
    """Bytes that one may have."""


def findings(server: MailServer, mail: Mail) -> Sequence[Finding]:
    """A finding for the connection, each extension, the sender, and the recipients."""
    return asyncio.run(_looked(server, mail))


async def _looked(server: MailServer, mail: Mail) -> list[Finding]:
    connection = Connection(server)
    subject = f"mail server {server}"
    try:
        client = await connection.connect()
    except NotReached as error:
        return [refusals.of_connection(subject, server, error)]
    try:
        found = [_secured(server, subject), *_extensions(client, mail.largest)]
        return [*found, *await _addresses(client, server, mail)]
    finally:
        await connection.leave()


def _secured(server: MailServer, subject: str) -> Finding:
    login = f", and {server.username} is logged in" if server.username else ""
    said = {"none": "without encryption", "starttls": "with STARTTLS", "tls": "with TLS"}[server.security]
    if server.security == "none" and server.username:
        return warning(
            subject, f"reached {said}{login}: the password can be read on the network", "smtp.security=starttls"
        )
    return ok(subject, f"reached {said}{login}")


def _extensions(client: SMTP, largest: int) -> Iterator[Finding]:
    # Bodies are quoted-printable or base64, and the local part of an address is ASCII: neither is ever needed.
    for name in ("8bitmime", "smtputf8"):
        yield ok(name.upper(), "announced" if client.supports_extension(name) else "not announced, and not needed")
    announced = client.esmtp_extensions.get("size", "").strip()
    if announced.isdecimal() and 0 < int(announced) < largest:
        said = f"the server accepts {announced} bytes, and mail.max.bytes={largest}"
        yield warning("SIZE", said, f"mail.max.bytes={announced}")
    else:
        yield ok("SIZE", announced or "no limit is announced")


async def _addresses(client: SMTP, server: MailServer, mail: Mail) -> list[Finding]:
    if mail.sender is None:
        return [left_out("sender and recipients", "the sender depends on the record")]
    sender = await _told(client, server, "mail", mail.sender)
    if sender.level != "ok":
        return [sender]
    found = [sender]
    for each in mail.recipients[:MOST_RECIPIENTS]:
        found.append(await _told(client, server, "rcpt", each))
    if not mail.recipients:
        found.append(left_out("recipients", "they depend on the record"))
    with suppress(SMTPException, OSError):
        await client.rset(timeout=server.timeout)
    return found


async def _told(client: SMTP, server: MailServer, step: Step, address: str) -> Finding:
    subject = f"{'sender' if step == 'mail' else 'recipient'} {address}"
    try:
        await accepted((client.mail if step == "mail" else client.rcpt)(address, timeout=server.timeout))
    except SMTPResponseException as error:
        return refusals.of_address(subject, server, step, error)
    except (SMTPException, OSError) as error:
        said = f"the server hangs up, or does not answer: {error}"
        return mend(subject, said, "try again later; if that lasts, ask those who run it")
    return ok(subject, "the server accepts it")
