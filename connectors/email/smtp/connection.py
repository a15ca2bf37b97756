"""One connection to a mail server, and what became of a message that it was given."""

import re
import ssl
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal, NoReturn

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPHeloError, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from ferryman.connectors.email.smtp import wording
from ferryman.connectors.email.smtp.status_codes import Scope, Step, scope

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")
_CLOSING_CODE = 421
_GO_ON_CODE = 354


class Verdict(Enum):
    """What is known of a message after an attempt."""

    SENT = auto()
    """The server has it."""
    REFUSED = auto()
    """The server will never take it."""
    PUT_OFF = auto()
    """The server has not taken this message or for this mailbox, and may do so later; others may pass."""
    BUSY = auto()
    """The server has not taken it, for reasons of its own that it gave, or did not give, while it looked at it."""
    AWAY = auto()
    """The server has not taken it, and would take no other: there is no connection, or the account has its quota."""
    UNANSWERED = auto()
    """The connection broke, or time ran out, between the message and the server's answer to it: it is in doubt."""
    HOPELESS = auto()
    """Nothing can be sent: credentials, certificate, encryption or the one sender of all messages are not accepted."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attempt to send a message."""

    verdict: Verdict
    text: str
    """The server's words, or the reason."""
    key: str = "smtp.username"
    """The key to look at where it is hopeless."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message ready to be sent."""

    sender: str
    """The address for reports of failure."""
    recipients: list[str]
    """Whom the server is told."""
    content: bytes
    """Headers and body."""
    same_sender: bool = False
    """Whether every message of the connector has this sender, so that a refusal of it is one of all messages."""


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the server is and how to speak with it; timeouts in seconds."""

    host: str
    """Its name or address."""
    port: int | None
    """None for the usual one of ``security``."""
    security: Literal["none", "starttls", "tls"]
    """As the key smtp.security."""
    context: ssl.SSLContext | None
    """Whose certificates are trusted; None without encryption."""
    username: str | None
    """None for no login."""
    password: str | None = field(repr=False)
    """The password of ``username``."""
    greeting_name: str | None
    """The name in EHLO; None for the machine's."""
    connect_timeout: float
    """For each step of a connection: name, socket, TLS, greeting, login."""
    timeout: float
    """For the answer to a command."""
    delivery_timeout: float
    """For the answer to a whole message."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


class NotReached(Exception):
    """There is no connection, or no login. Its cause is the client's error."""


class _Decided(Exception):
    """The outcome is known, the attempt is over."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.text)
        self.outcome = outcome


def _decide(verdict: Verdict, text: str, error: BaseException | None = None) -> NoReturn:
    raise _Decided(Outcome(verdict, text)) from error


def _hopeless(text: str, key: str) -> Outcome:
    return Outcome(Verdict.HOPELESS, text, key)


class Connection:
    """One connection, made when it is first needed and again when it was lost. Never sends two messages at once."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._client: SMTP | None = None

    async def send(self, mail: Envelope) -> Outcome:
        """Hands a message over. A connection that broke while it was idle is made anew, once."""
        reused = self._client is not None
        outcome = await self._attempt(mail)
        if outcome.verdict is Verdict.AWAY and reused:
            return await self._attempt(mail)
        return outcome

    async def _attempt(self, mail: Envelope) -> Outcome:
        try:
            client = await self._connected()
            await self._envelope(client, mail)
            return await self._content(client, mail)
        except _Decided as decided:
            if decided.outcome.verdict in (Verdict.REFUSED, Verdict.PUT_OFF):
                await self._reset()
            else:
                self.close()
            return decided.outcome

    async def connect(self) -> SMTP:
        """The client, connected and logged in. Raises NotReached."""
        try:
            return await self._connected()
        except _Decided as decided:
            raise NotReached(decided.outcome.text) from decided.__cause__

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        server = self._server
        client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            tls_context=server.context,
            username=server.username,
            password=server.password,
            local_hostname=server.greeting_name,
            timeout=server.connect_timeout,
        )
        try:
            await client.connect()
            await _introduce(client)
        except Exception as error:
            # Of whatever kind it is (a name that no name server can be asked for is a UnicodeError): nothing was sent.
            client.close()
            raise _Decided(self._no_connection(error)) from error
        self._client = client
        return client

    def _no_connection(self, error: Exception) -> Outcome:
        text = f"no connection to the mail server {self._server}: {_words(error)}"
        permanent = isinstance(error, SMTPResponseException) and error.code >= 500
        if isinstance(error, SMTPAuthenticationError):
            refused = f"the mail server {self._server} refuses the login: {_words(error)}"
            return Outcome(Verdict.HOPELESS if permanent else Verdict.AWAY, refused)
        if isinstance(error, SMTPHeloError) and permanent:
            return _hopeless(f"{text}: it does not take the name by which we introduce ourselves", "smtp.helo.name")
        if _caused_by(error, ssl.SSLCertVerificationError):
            whose = "If the certificate is right, name its authority's file in smtp.ssl.ca.location"
            return _hopeless(f"{text}. {whose}", "smtp.ssl.ca.location")
        # Without a code this is not the server's answer: it has not announced what we must have.
        if type(error) is SMTPException:
            return _hopeless(text, "smtp.security")
        if not isinstance(error, SMTPException | OSError):
            return _hopeless(text, "smtp.host")
        return Outcome(Verdict.AWAY, text)

    async def _envelope(self, client: SMTP, mail: Envelope) -> None:
        options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
        timeout = self._server.timeout
        step: Step = "mail"
        try:
            await accepted(client.mail(mail.sender, options=options, timeout=timeout))
            step = "rcpt"
            for recipient in mail.recipients:
                await accepted(client.rcpt(recipient, timeout=timeout))
            step = "data"
            answer = await client.execute_command(b"DATA", timeout=timeout)
        except SMTPResponseException as error:
            raise _Decided(_refusal(error.code, error.message, step, mail)) from error
        except (SMTPException, OSError) as error:
            # A server that hangs up over one recipient may go on with the next message.
            verdict = Verdict.AWAY if step == "mail" else Verdict.BUSY
            _decide(verdict, f"the mail server {self._server} does not answer: {_words(error)}", error)
        if answer.code != _GO_ON_CODE:
            raise _Decided(_refusal(answer.code, answer.message, "data", mail))

    async def _content(self, client: SMTP, mail: Envelope) -> Outcome:
        protocol = client.protocol
        if protocol is None:
            _decide(Verdict.AWAY, f"the mail server {self._server} has closed the connection")
        try:
            code, text = await self._last_answer(protocol, mail.content)
        except SMTPResponseException as error:
            code, text = error.code, error.message
        except (SMTPException, OSError) as error:
            _decide(Verdict.UNANSWERED, f"the mail server {self._server} took the message but did not answer", error)
        if is_consent(code):
            return Outcome(Verdict.SENT, wording.answer(code, text))
        if 400 <= code < 600:
            raise _Decided(_refusal(code, text, "data", mail))
        _decide(Verdict.UNANSWERED, wording.answer(code, text))

    async def _last_answer(self, protocol: SMTPProtocol, content: bytes) -> tuple[int, str]:
        """Not ``SMTP.data``, which does not distinguish a break before the message from one after it."""
        protocol.write(_DOT.sub(b"..", _LINE_END.sub(b"\r\n", content)) + b"\r\n.\r\n")
        answer = await protocol.read_response(timeout=self._server.delivery_timeout)
        return answer.code, answer.message

    async def _reset(self) -> None:
        if self._client is not None:
            try:
                await self._client.rset(timeout=self._server.timeout)
            except (SMTPException, OSError):
                self.close()

    def close(self) -> None:
        """Closes the connection at once; what was under way is in doubt."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def leave(self) -> None:
        """Ends an idle connection as the protocol wants it."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1.0)
        self.close()


def _refusal(code: int, text: str, step: Step, mail: Envelope) -> Outcome:
    """What a refusal means for this message and for all others; see the table in ``status_codes``."""
    about = scope(code, text, step)
    by_sender = about is Scope.SENDER
    if by_sender:
        about = Scope.ACCOUNT if mail.same_sender else Scope.MESSAGE
    key = "mail.from" if by_sender else "smtp.username"
    return Outcome(_verdict(code, step, about), wording.answer(code, text), key)


def _verdict(code: int, step: Step, about: Scope) -> Verdict:
    if code == _CLOSING_CODE and step != "mail":
        return Verdict.BUSY
    if code == _CLOSING_CODE or not 400 <= code < 600:
        return Verdict.AWAY
    match about:
        case Scope.QUOTA:
            return Verdict.AWAY
        case Scope.ACCOUNT:
            return Verdict.HOPELESS if code >= 500 else Verdict.AWAY
        case Scope.SERVER:
            return Verdict.AWAY if step == "mail" else Verdict.BUSY
    return Verdict.PUT_OFF if code < 500 else Verdict.REFUSED


def is_consent(code: int) -> bool:
    """Whether an answer says yes: of a code that one does not know the first digit counts (RFC 5321, 4.3.2)."""
    return 200 <= code < 300


async def accepted(command: Awaitable[object]) -> None:
    """Waits for the answer to a sender or a recipient. Raises the client's error unless it says yes."""
    try:
        await command
    except SMTPResponseException as error:
        if not is_consent(error.code):
            raise


async def _introduce(client: SMTP) -> None:
    """Tells our name, where neither encryption nor a login has done so, and hears what the server can do."""
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except SMTPHeloError:
            await client.helo()


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return wording.answer(error.code, error.message)
    return wording.on_one_line(str(error)) or type(error).__name__


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
