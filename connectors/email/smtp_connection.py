"""One connection to a mail server, and what became of a message that it was given."""

import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal, NoReturn

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponseException
from aiosmtplib.protocol import SMTPProtocol

_LINE_END = re.compile(rb"\r\n|\r|\n")
_DOT = re.compile(rb"(?m)^\.")
_CLOSING = 421
_LOGIN_WANTED = 530
_GO_ON, _TAKEN = 354, 250
LONGEST_ANSWER = 500


class Verdict(Enum):
    """What is known of a message after an attempt."""

    SENT = auto()
    REFUSED = auto()
    """The server will never take it (5xx)."""
    LATER = auto()
    """The server has not taken it, and may do so later (4xx)."""
    AWAY = auto()
    """The server has not taken it, because it is away."""
    UNKNOWN = auto()
    """The connection broke, or time ran out, between the message and the server's word on it."""
    HOPELESS = auto()
    """Nothing can be sent: credentials, certificate or encryption are wrong."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict, and the server's words or the reason."""

    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A message and its envelope."""

    sender: str
    recipients: list[str]
    content: bytes


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where the server is and how to speak with it; timeouts in seconds."""

    host: str
    port: int | None
    security: Literal["none", "starttls", "tls"]
    context: ssl.SSLContext | None
    username: str | None
    password: str | None = field(repr=False)
    greeting_name: str | None
    connect_timeout: float
    timeout: float
    delivery_timeout: float

    def __str__(self) -> str:
        return f"{self.host}:{self.port}" if self.port else self.host


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

    async def send(self, parcel: Parcel) -> Outcome:
        """Hands a message over. A connection that broke while it was idle is made anew, once."""
        reused = self._client is not None
        outcome = await self._attempt(parcel)
        if outcome.verdict is Verdict.AWAY and reused:
            return await self._attempt(parcel)
        return outcome

    async def _attempt(self, parcel: Parcel) -> Outcome:
        try:
            client = await self._connected()
            await self._envelope(client, parcel)
            return await self._content(client, parcel.content)
        except _Decided as decided:
            if decided.outcome.verdict in (Verdict.REFUSED, Verdict.LATER):
                await self._reset()
            else:
                self.close()
            return decided.outcome

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
            return Verdict.HOPELESS, f"{text}. If the certificate is right, name its authority in smtp.ssl.ca.location"
        # Without a code this is not the server's answer: it has not announced what we must have.
        if type(error) is SMTPException:
            return Verdict.HOPELESS, text
        return Verdict.AWAY, text

    async def _envelope(self, client: SMTP, parcel: Parcel) -> None:
        options = [f"SIZE={len(parcel.content)}"] if client.supports_extension("size") else []
        timeout = self._server.timeout
        try:
            await client.mail(parcel.sender, options=options, timeout=timeout)
            for recipient in parcel.recipients:
                await client.rcpt(recipient, timeout=timeout)
            answer = await client.execute_command(b"DATA", timeout=timeout)
        except SMTPResponseException as error:
            _decide(_verdict(error.code), _words(error), error)
        except (SMTPException, OSError) as error:
            _decide(Verdict.AWAY, f"the mail server {self._server} does not answer: {_words(error)}", error)
        if answer.code != _GO_ON:
            _decide(_verdict(answer.code), _answer(answer.code, answer.message))

    async def _content(self, client: SMTP, content: bytes) -> Outcome:
        protocol = client.protocol
        if protocol is None:
            _decide(Verdict.AWAY, f"the mail server {self._server} has gone")
        try:
            code, text = await self._last_word(protocol, content)
        except SMTPResponseException as error:
            code, text = error.code, error.message
        except (SMTPException, OSError) as error:
            _decide(Verdict.UNKNOWN, f"the mail server {self._server} took the message and said no more", error)
        if code == _TAKEN:
            return Outcome(Verdict.SENT, _answer(code, text))
        _decide(_verdict(code) if 400 <= code < 600 else Verdict.UNKNOWN, _answer(code, text))

    async def _last_word(self, protocol: SMTPProtocol, content: bytes) -> tuple[int, str]:
        """Not ``SMTP.data``, which does not tell a break before the message from one after it."""
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
        """Gives the connection up without a word; what was under way is in doubt."""
        if self._client is not None:
            self._client.close()
            self._client = None

    async def leave(self) -> None:
        """Ends an idle connection as the protocol wants it."""
        if self._client is not None and self._client.is_connected:
            with suppress(SMTPException, OSError):
                await self._client.quit(timeout=1.0)
        self.close()


def _verdict(code: int) -> Verdict:
    if code == _LOGIN_WANTED:
        return Verdict.HOPELESS
    if code == _CLOSING or not 400 <= code < 600:
        return Verdict.AWAY
    return Verdict.LATER if code < 500 else Verdict.REFUSED


def _words(error: Exception) -> str:
    if isinstance(error, SMTPResponseException):
        return _answer(error.code, error.message)
    return str(error) or type(error).__name__


def _answer(code: int, text: str) -> str:
    """A server's answer on one line, and not more of it than is useful."""
    return f"{code} {' '.join(text.split())}"[:LONGEST_ANSWER]


def _caused_by(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
