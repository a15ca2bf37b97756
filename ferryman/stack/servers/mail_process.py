"""Runs a mail server that keeps what it gets and delivers nothing:
`python -m ferryman.stack.servers.mail_process HOST PORT DIRECTORY`.

`DIRECTORY/server.json` may ask for encryption and users, `DIRECTORY/answers.json` for bad answers; `mailbox.py` writes
and describes both, and reads the messages.
"""

import asyncio
import contextlib
import itertools
import json
import os
import re
import signal
import ssl
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from ferryman.stack.servers.mailbox import ANSWERS, DROP, MESSAGES, RECIPIENTS, SENDER, SERVER

_AT_ONCE = 200
_BIGGEST = 64 << 20


class MailStore:
    """Writes messages as files, many with one look at the directory; each is durable before its sender hears 250."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._directory.mkdir(exist_ok=True)
        for unfinished in directory.glob("*.part"):
            unfinished.unlink()
        taken = [int(file.stem) for file in directory.glob("*.eml")]
        self._numbers = itertools.count(max(taken, default=0) + 1)
        self._waiting: asyncio.Queue[tuple[bytes, asyncio.Future[None]]] = asyncio.Queue()

    async def keep(self, message: bytes) -> None:
        """Returns when the message is on the disk."""
        kept = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((message, kept))
        await kept

    async def run(self) -> None:
        """Writes what waits, until cancelled; all that waits at a time is made durable together."""
        while True:
            batch = [await self._waiting.get()]
            while not self._waiting.empty() and len(batch) < _AT_ONCE:
                batch.append(self._waiting.get_nowait())
            await asyncio.to_thread(self._write, [message for message, _ in batch])
            for _, kept in batch:
                if not kept.done():
                    kept.set_result(None)

    def _write(self, messages: Sequence[bytes]) -> None:
        written = []
        for message in messages:
            name = f"{next(self._numbers):09}"
            part = self._directory / f"{name}.part"
            with part.open("wb") as file:
                file.write(message)
                file.flush()
                os.fsync(file.fileno())
            written.append((part, self._directory / f"{name}.eml"))
        for part, final in written:
            part.rename(final)
        directory = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


class Answers:
    """The bad answers asked for, read again whenever their file has changed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: tuple[int, int] | None = None
        self._rules: Sequence[Mapping[str, Any]] = ()
        self._given = Counter[tuple[int, str]]()

    async def to(self, step: str, address: str, server: "Server") -> str | None:
        """The answer to a step about an address, after the wait that was asked for; None for the usual one."""
        for number, rule in enumerate(self._current()):
            if rule["at"] == step and re.fullmatch(rule["address"], address) and self._is_due(number, rule, address):
                await asyncio.sleep(rule["wait"])
                if rule["answer"] == DROP and server.transport is not None:
                    server.transport.abort()
                return str(rule["answer"]) or None
        return None

    def _is_due(self, number: int, rule: Mapping[str, Any], address: str) -> bool:
        """Whether an answer holds for one more step of an address."""
        self._given[number, address] += 1
        return not rule["times"] or self._given[number, address] <= rule["times"]

    def _current(self) -> Sequence[Mapping[str, Any]]:
        try:
            status = self._file.stat()
        except FileNotFoundError:
            return ()
        if self._seen != (status.st_mtime_ns, status.st_ino):
            self._seen = status.st_mtime_ns, status.st_ino
            self._rules = json.loads(self._file.read_text())
            self._given.clear()
        return self._rules


class Handler:
    """What happens at each step of a session."""

    def __init__(self, store: MailStore, answers: Answers) -> None:
        self.store = store
        self.answers = answers

    async def handle_MAIL(  # noqa: N802
        self, server: "Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if bad := await self.answers.to("mail", address, server):
            return bad
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: "Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if bad := await self.answers.to("rcpt", address, server):
            return bad
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: "Server", session: Session, envelope: Envelope) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            if bad := await self.answers.to("data", address, server):
                return bad
        traced = f"{SENDER}: {envelope.mail_from}\r\n{RECIPIENTS}: {', '.join(envelope.rcpt_tos)}\r\n"
        assert isinstance(envelope.content, bytes)
        await self.store.keep(traced.encode() + envelope.content)
        for address in envelope.rcpt_tos:
            if bad := await self.answers.to("kept", address, server):
                return bad
        return "250 2.0.0 kept"


class Server(SMTP):
    """One session; a new connection may be turned away or dropped."""

    transport: asyncio.Transport | None

    async def _handle_client(self) -> None:
        bad = await self.event_handler.answers.to("connect", "", self)
        if bad and self.transport is not None:
            self.transport.write(f"{bad}\r\n".encode())
            self.transport.close()
            return
        await super()._handle_client()


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    users: Mapping[str, str] = settings.get("users", {})

    def authenticate(server: Server, session: Session, envelope: Envelope, kind: str, data: Any) -> AuthResult:
        known = isinstance(data, LoginPassword) and users.get(data.login.decode()) == data.password.decode()
        return AuthResult(success=known, handled=False)

    options: dict[str, Any] = {"hostname": "mail.localhost", "data_size_limit": _BIGGEST, "timeout": 600}
    if users:
        options |= {"authenticator": authenticate, "auth_required": True, "auth_require_tls": False}
    if settings.get("security") == "starttls":
        options |= {"tls_context": _tls(settings), "require_starttls": True}
    return options


def _tls(settings: Mapping[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(settings["certificate"])
    return context


async def serve(host: str, port: int, directory: Path) -> None:
    """Serves SMTP until SIGTERM, with the settings and bad answers that lie in the directory."""
    file = directory / SERVER
    settings = json.loads(file.read_text()) if file.exists() else {}
    store, answers = MailStore(directory / MESSAGES), Answers(directory / ANSWERS)
    options = _options(settings)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    storing = asyncio.create_task(store.run())
    server = await loop.create_server(
        lambda: Server(Handler(store, answers), loop=loop, **options),
        host,
        port,
        ssl=_tls(settings) if settings.get("security") == "tls" else None,
        backlog=512,
    )
    print(f"{time.strftime('%FT%TZ', time.gmtime())} storing mail in {directory / MESSAGES}", flush=True)
    await ended.wait()
    server.close()
    storing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await storing


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
