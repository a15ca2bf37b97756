"""A look at the mail server for `ferryman doctor`: encryption, login, extensions, the sender. No message is sent."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from ferryman.connectors.email.smtp.connection import Connection, MailServer, Verdict
from ferryman.findings import Finding, left_out, mend, ok, warning


def findings(server: MailServer, sender: str | None, largest: int) -> Sequence[Finding]:
    """A finding for the connection, each extension, and the ``sender``; None for one that only a record tells.
    ``largest``: bytes that a message may have."""
    return asyncio.run(_looked(server, sender, largest))


async def _looked(server: MailServer, sender: str | None, largest: int) -> list[Finding]:
    connection = Connection(server)
    subject = f"mail server {server}"
    outcome = await connection.reached()
    if not isinstance(outcome, SMTP):
        return [mend(subject, outcome.text, _what(server, outcome.verdict, outcome.text))]
    try:
        with suppress(SMTPException, OSError):  # without a login the client has not asked yet what the server can do
            await outcome.ehlo(timeout=server.timeout)
        return [
            _secured(server, subject),
            *_extensions(outcome, largest),
            await _sender(outcome, sender, server.timeout),
        ]
    finally:
        await connection.leave()


def _what(server: MailServer, verdict: Verdict, text: str) -> str:
    if "refuses the login" in text:
        return "correct smtp.username and smtp.password"
    if verdict is Verdict.HOPELESS:
        return "correct smtp.security, or name the authority of the server's certificate in smtp.ssl.ca.location"
    return f"correct smtp.host, smtp.port and smtp.security (now {server.security}), or start the server"


def _secured(server: MailServer, subject: str) -> Finding:
    login = f", and {server.username} is logged in" if server.username else ""
    said = {"none": "without encryption", "starttls": "with STARTTLS", "tls": "with TLS"}[server.security]
    if server.security == "none" and server.username:
        return warning(
            subject, f"reached {said}{login}: anybody on the way reads the password", "smtp.security=starttls"
        )
    return ok(subject, f"reached {said}{login}")


def _extensions(client: SMTP, largest: int) -> list[Finding]:
    # Bodies are quoted-printable or base64, and the local part of an address is ASCII: neither is ever needed.
    found = [
        ok(name.upper(), "announced" if client.supports_extension(name) else "not announced, and not needed")
        for name in ("8bitmime", "smtputf8")
    ]
    announced = client.esmtp_extensions.get("size", "").strip()
    if announced.isdecimal() and 0 < int(announced) < largest:
        said = f"the server takes {announced} bytes, and mail.max.bytes={largest}"
        found.append(warning("SIZE", said, f"mail.max.bytes={announced}"))
    else:
        found.append(ok("SIZE", announced or "no limit is announced"))
    return found


async def _sender(client: SMTP, sender: str | None, timeout: float) -> Finding:
    if sender is None:
        return left_out("sender", "only a record tells it")
    subject = f"sender {sender}"
    try:
        await client.mail(sender, timeout=timeout)
        await client.rset(timeout=timeout)
    except SMTPResponseException as error:
        said = f"the server refuses it: {error.code} {' '.join(error.message.split())}"
        return mend(subject, said, "correct mail.from or mail.envelope.from, or let the user send for that domain")
    except (SMTPException, OSError) as error:
        return mend(subject, f"the server does not answer: {error}", "try again when it is well")
    return ok(subject, "the server takes it")
