"""What is behind a mail server's refusal, and which keys mend it; for a look before anything is sent."""

import ssl
from collections.abc import Iterator

from aiosmtplib import SMTPAuthenticationError, SMTPException, SMTPResponseException

from ferryman.connectors.email.smtp import wording
from ferryman.connectors.email.smtp.connection import MailServer, NotReached
from ferryman.connectors.email.smtp.status_codes import Scope, Step, scope
from ferryman.findings import Finding, mend, warning
from ferryman.reach import connectivity, remedies
from ferryman.reach.remedies import Keys

_KEYS = Keys(
    host="smtp.host",
    port="smtp.port",
    both="smtp.host and smtp.port",
    plain="smtp.security=starttls or none",
    encrypted="smtp.security=tls",
    trust="smtp.ssl.ca.location",
)
_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_STEP_SECONDS = 5.0
"""Seconds for each step of a way that has already failed once."""
_STARTTLS = "smtp.security=starttls"
_LOGIN = "smtp.username and smtp.password"


def of_connection(subject: str, server: MailServer, failure: NotReached) -> Finding:
    """Why there is no connection, or no login."""
    for error in _causes(failure):
        if isinstance(error, SMTPAuthenticationError):
            return _of_login(subject, server, error)
        if isinstance(error, SMTPResponseException):
            return _turned_away(subject, error)
        if isinstance(error, ssl.SSLCertVerificationError):
            found = connectivity.of_certificate(server.host, _port(server), error)
            return remedies.finding(subject, found, _KEYS)
        if type(error) is SMTPException:  # it has not announced what we must have
            return _not_offered(subject, server, str(error))
    encrypted = server.context if server.security == "tls" else None
    obstacle = connectivity.obstacle(server.host, _port(server), min(_STEP_SECONDS, server.timeout), encrypted)
    if obstacle is not None:
        return remedies.finding(subject, obstacle, _KEYS)
    what = (
        "correct smtp.host and smtp.port: something other than a mail server seems to be there; or check whether "
        "it hangs"
    )
    return mend(subject, str(failure), what)


def of_address(subject: str, server: MailServer, step: Step, error: SMTPResponseException) -> Finding:
    """Why it does not take the sender or a recipient."""
    said = _answer(error)
    if error.code < 500:
        what = (
            "nothing, if it does so only for a while (greylisting): the sink tries again; otherwise ask those "
            "who run it"
        )
        return warning(subject, f"the server refuses it for now: {said}", what)
    about = scope(error.code, error.message, step)
    return mend(subject, f"the server refuses it: {said}", _about(server, step, about, error))


def _about(server: MailServer, step: Step, about: Scope, error: SMTPResponseException) -> str:
    if about is Scope.ACCOUNT:
        return _account(server, error)
    if step == "mail":
        return "correct mail.from or mail.envelope.from, or let the user send for that domain"
    if about is Scope.MAILBOX:
        return "correct mail.to, mail.cc or mail.bcc"
    if server.username is None:
        return f"log in by {_LOGIN}, or let the server relay for this machine"
    return f"let the server relay for {server.username}, or correct mail.to, mail.cc or mail.bcc"


def _of_login(subject: str, server: MailServer, error: SMTPAuthenticationError) -> Finding:
    said = f"the server refuses the login: {_answer(error)}"
    if error.code < 500:
        return mend(subject, said, "try again later; if that lasts, ask those who run it")
    return mend(subject, said, _account(server, error))


def _account(server: MailServer, error: SMTPResponseException) -> str:
    wants_tls = (
        error.code == 538 or "starttls" in error.message.lower() or error.message.startswith(("5.7.10", "5.7.11"))
    )
    if wants_tls and server.security == "none":
        return _STARTTLS
    if server.username is None:
        return f"set {_LOGIN}"
    if error.code == 534 or error.message.startswith(("5.7.9", "5.7.12", "5.7.14")):
        return (
            f"{_LOGIN}: the server requires another kind of password (an app password, for example), or a "
            "change to the account"
        )
    return f"correct {_LOGIN}"


def _turned_away(subject: str, error: SMTPResponseException) -> Finding:
    said = f"the server refuses the connection: {_answer(error)}"
    if error.code < 400:
        return mend(subject, said, "correct smtp.host and smtp.port: that is no mail server's greeting")
    if error.code < 500:
        return mend(subject, said, "try again later; if that lasts, ask those who run it")
    return mend(subject, said, "let the server accept mail from this machine's address, or correct smtp.host")


def _not_offered(subject: str, server: MailServer, text: str) -> Finding:
    if "STARTTLS" in text and "AUTH" not in text:
        what = "smtp.security=tls (mostly with smtp.port=465), or none where nobody can listen in"
        return mend(subject, "the server offers no STARTTLS", what)
    if server.security == "none":
        said = "the server offers no login without encryption"
        return mend(subject, said, f"{_STARTTLS}, or no {_LOGIN} if the server requires no login")
    return mend(subject, f"the server offers no supported login: {text}", f"remove {_LOGIN}, or correct smtp.port")


def _port(server: MailServer) -> int:
    return server.port or _PORTS[server.security]


def _answer(error: SMTPResponseException) -> str:
    return wording.answer(error.code, error.message)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
