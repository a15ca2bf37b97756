"""One connection to a mail server, and what became of a message that it was given."""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal, NoReturn

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

from ferryman.connectors.email.smtp.status_codes import Scope, Step, scope

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")
_CLOSING_CODE = 421
_GO_ON_CODE, _TAKEN_CODE = 354, 250
LONGEST_ANSWER_CHARACTERS = 500


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
        except (SMTPException, OSError) as error:
            client.close()
            _decide(*self._no_connection(error), error)
        self._client = client
        return client

    def _no_connection(self, error: Exception) -> tuple[Verdict, str]:
        text = f"no connection to the mail server {self._server}: {_words(error)}"
        if isinstance(error, SMTPAuthenticationError):
            refused = f"the mail server {self._server} refuses the login: {_words(error)}"
            return (Verdict.HOPELESS if error.code >= 500 else Verdict.AWAY), refused
        if _caused_by(error, ssl.SSLCertVerificationError):
            return (
                Verdict.HOPELESS,
                f"{text}. If the certificate is right, name its authority's file in smtp.ssl.ca.location",
            )
        # Without a code this is not the server's answer: it has not announced what we must have.
        if type(error) is SMTPException:
            return Verdict.HOPELESS, text
        return Verdict.AWAY, text

    async def _envelope(self, client: SMTP, mail: Envelope) -> None:
        options = [f"SIZE={len(mail.content)}"] if client.supports_extension("size") else []
        timeout = self._server.timeout
        step: Step = "mail"
        try:
            await client.mail(mail.sender, options=options, timeout=timeout)
            step = "rcpt"
            for recipient in mail.recipients:
                await client.rcpt(recipient, timeout=timeout)
            step = "data"
            answer = await client.execute_command(b"DATA", timeout=timeout)
        except SMTPResponseException as error:
            _decide(_verdict(error.code, error.message, step, mail), _words(error), error)
        except (SMTPException, OSError) as error:
            # A server that hangs up over one recipient may go on with the next message.
            verdict = Verdict.AWAY if step == "mail" else Verdict.BUSY
            _decide(verdict, f"the mail server {self._server} does not answer: {_words(error)}", error)
        if answer.code != _GO_ON_CODE:
            _decide(_verdict(answer.code, answer.message, "data", mail), _answer(answer.code, answer.message))

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
        if code == _TAKEN_CODE:
            return Outcome(Verdict.SENT, _answer(code, text))
        known = _verdict(code, text, "data", mail) if 400 <= code < 600 else Verdict.UNANSWERED
        _decide(known, _answer(code, text))

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


def _verdict(code: int, text: str, step: Step, mail: Envelope) -> Verdict:
    """What a refusal means for this message and for all others; see the table in ``status_codes``."""
    if code == _CLOSING_CODE and step != "mail":
        return Verdict.BUSY
    if code == _CLOSING_CODE or not 400 <= code < 600:
        return Verdict.AWAY
    about = scope(code, text, step)
    if about is Scope.SENDER:
        about = Scope.ACCOUNT if mail.same_sender else Scope.MESSAGE
    match about:
        case Scope.QUOTA:
            return Verdict.AWAY
        case Scope.ACCOUNT:
            return Verdict.HOPELESS if code >= 500 else Verdict.AWAY
        case Scope.SERVER:
            return Verdict.AWAY if step == "mail" else Verdict.BUSY
    return Verdict.PUT_OFF if code < 500 else Verdict.REFUSED


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return _answer(error.code, error.message)
    return str(error) or type(error).__name__


def _answer(code: int, text: str) -> str:
    """A server's answer on one line, and not more of it than is useful."""
    return f"{code} {' '.join(text.split())}"[:LONGEST_ANSWER_CHARACTERS]


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
