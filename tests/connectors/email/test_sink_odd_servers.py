"""Mail servers that speak as the standard does not, or cannot be spoken with at all: no message is lost or doubled."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ferryman.connectors.email.sink_config import EmailSinkConfig
from ferryman.errors import ConfigError, RefusedError
from ferryman.stack.servers.mailbox import Mailbox
from tests.connectors.email.email_task import World, batch, pledge
from tests.connectors.email.scripted_server import ScriptedServer, scripted

PLEDGES = [pledge(number) for number in range(3)]


@contextmanager
def odd(folder: Path, config: dict[str, str] | None = None, **answers: bytes) -> Iterator[tuple[ScriptedServer, World]]:
    """A server with these answers, and a sink that sends to it."""
    with scripted(**answers) as server:
        around = World(server.address, Mailbox(folder), config or {})
        try:
            yield server, around
        finally:
            around.kill()


@pytest.mark.parametrize("answer", [{"mail": b"251 so be it"}, {"rcpt": b"252 I will try"}, {"end": b"251 taken"}])
def test_any_code_that_says_yes_is_a_yes(tmp_path: Path, answer: dict[str, bytes]) -> None:
    with odd(tmp_path, None, **answer) as (server, around):
        around.put(*PLEDGES)
        around.end()
        assert len(server.messages) == 3
        assert around.committed is not None
        assert (around.committed.offset, around.committed.metadata) == (3, "")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("550 5.1.1 Empfänger unbekannt".encode("latin-1"), "550 5.1.1 Empfänger unbekannt"),
        ("550 5.1.1 Empfänger unbekannt".encode(), "550 5.1.1 Empfänger unbekannt"),
        (b"550 5.1.1 \x1b[2Jgone\x07", "550 5.1.1 ?[2Jgone?"),
    ],
    ids=["latin-1", "utf-8", "control characters"],
)
def test_a_servers_words_can_be_written_whatever_their_bytes(tmp_path: Path, said: bytes, told: str) -> None:
    with odd(tmp_path, rcpt=said) as (_, around):
        around.put(PLEDGES[0])
        around.end()
        assert around.reported == [(0, f"the mail server refuses the message: {told}")]


@pytest.mark.parametrize("sender", ["crowd@example.org", "{{ value.by | default('crowd@example.org') }}"])
def test_a_server_that_does_not_take_our_name_fails_the_task_and_dead_letters_nothing(
    tmp_path: Path, sender: str
) -> None:
    no = b"550 5.7.1 your name is no host"
    config = {"mail.from": sender, "mail.message.id.domain": "example.org"}
    with odd(tmp_path, config, ehlo=no, helo=no) as (_, around):
        with pytest.raises(RefusedError, match=r"your name is no host.*see smtp\.helo\.name"):
            around.put(*PLEDGES)
        around.end()
        assert around.reported == []


def test_a_server_of_the_old_protocol_is_spoken_with(tmp_path: Path) -> None:
    with odd(tmp_path, ehlo=b"502 what?") as (server, around):
        around.put(*PLEDGES)
        around.end()
        assert len(server.messages) == 3
        assert all("SIZE" not in command for command in server.heard)


def test_each_message_says_its_size_to_a_server_that_asks_for_it(tmp_path: Path) -> None:
    with odd(tmp_path, {"max.in.flight": "1"}, ehlo=b"250-hello\r\n250 SIZE 1000000") as (server, around):
        around.put(*PLEDGES)
        around.end()
        told = [command for command in server.heard if command.startswith("MAIL")]
        assert [command.rpartition("=")[2].isdecimal() for command in told] == [True] * 3


@pytest.mark.parametrize("behavior", ["resend", "skip"])
def test_a_host_that_cannot_even_be_looked_for_leaves_no_message_in_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, behavior: str
) -> None:
    # The config refuses such names; but what the client raises for whatever reason must not look like a sent message.
    def fails(*args: object, **kwargs: object) -> None:
        raise UnicodeError("label too long")

    monkeypatch.setattr("aiosmtplib.SMTP.connect", fails)
    with odd(tmp_path, {"behavior.on.in.doubt": behavior}) as (_, around), caplog.at_level(logging.WARNING):
        with pytest.raises(RefusedError, match=r"label too long.*see smtp\.host"):
            around.try_put(batch(PLEDGES))
        around.commit()
        assert around.committed is not None
        assert around.committed.offset == 0
        assert "is in doubt" not in caplog.text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("smtp.host", "mail..example.org"),
        ("smtp.host", f"{'a' * 64}.example.org"),
        ("smtp.host", "mail example.org"),
        ("smtp.port", "65536"),
        ("mail.envelope.from", "<>"),
        ("mail.envelope.from", "bounces"),
    ],
)
def test_what_can_never_work_is_refused_before_anything_is_sent(tmp_path: Path, key: str, value: str) -> None:
    raw = World("127.0.0.1:25", Mailbox(tmp_path), {}).usual
    with pytest.raises(ConfigError) as error:
        EmailSinkConfig.parse(raw | {key: value})
    assert [problem.key for problem in error.value.problems] == [key]
