"""Drives the e-mail sink as the runtime does, against a real mail server: assignments, batches, commits, kills."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Committed
from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.errors import RefusedError, RetriableError, TaskError
from ferryman.record import Batch, Header, Rows, TopicPartition
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Kept, Mailbox
from tests.connectors.sink_world import SinkWorld, batch_at

P0 = TopicPartition("pledges", 0)
TEMPLATES = {
    "mail.from": "Crowd <crowd@example.org>",
    "mail.to": "{{ value.to }}",
    "mail.subject": "Pledge {{ value.id }}",
    "mail.text": "Thank you for pledge {{ value.id }}.",
}
AT = 1_700_000_000_000


@contextmanager
def world(stack: Stack, **config: str) -> Iterator["World"]:
    """A world around a stack's mail server, whose mood is good again at the end."""
    mailbox = Mailbox(stack["mail"].directory)
    made = World(stack.addresses["mail"], mailbox, {name.replace("_", "."): text for name, text in config.items()})
    try:
        yield made
    finally:
        mailbox.answer()
        made.kill()


def pledge(id: int, to: str = "ada@example.org", **more: Any) -> dict[str, Any]:
    """A record's value."""
    return {"id": id, "to": to, **more}


@dataclass
class World(SinkWorld[EmailSinkConnector]):
    """A partition, what its group has committed, a mail server, and the process that runs the sink."""

    address: str
    mailbox: Mailbox
    config: Mapping[str, str] = field(default_factory=dict)
    refuse_commits: bool = False
    fail_on_report: bool = False
    before: int = 0
    sources = (P0,)

    def __post_init__(self) -> None:
        self.before = self.mailbox.count()

    @property
    def usual(self) -> dict[str, str]:
        host, _, port = self.address.rpartition(":")
        server = {"smtp.host": host, "smtp.port": port, "smtp.security": "none"}
        basic = {"name": "receipts", "connector.class": "EmailSink", "topics": P0.topic}
        basic |= {"errors.retry.delay.max.ms": "100"}
        return {**basic, **server, **TEMPLATES, **self.config}

    def made(self) -> EmailSinkConnector:
        return EmailSinkConnector(EmailSinkConnector.config_class.parse(self.raw), self.context())

    @property
    def delivered(self) -> int:
        """The next offset after everything put."""
        return self.positions[P0]

    def report(self, batch: Batch, index: int, error: Exception) -> None:
        super().report(batch, index, error)
        if self.fail_on_report:
            raise TaskError(str(error))

    def accept(self, wanted: Mapping[TopicPartition, Committed], answered: bool = True) -> None:
        assert all(each.offset <= self.positions[source] for source, each in wanted.items())
        if self.refuse_commits:
            raise RetriableError("the group has moved on")
        super().accept(wanted, answered)

    def through(self, seconds: float = 300.0) -> None:
        """Commits, as the loop does at intervals, until nothing waits for another try."""
        deadline = time.monotonic() + seconds
        while self.committed is None or self.committed.offset < self.delivered:
            assert time.monotonic() < deadline
            self.commit()
            time.sleep(0.02)

    def try_put(self, batch: Batch) -> None:
        """One attempt."""
        if self.sink is None:
            self.begin()
        self.running.put_batch(batch)
        self.positions[P0] = max(self.delivered, batch.offsets[-1] + 1)

    def put(self, *values: Any, at: int = 0, seconds: float = 300.0, **parts: Any) -> None:
        """Records from an offset on, tried until they are in, or refused."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.try_put(batch(values, at=at, **parts))
                return
            except RefusedError:
                raise
            except RetriableError:
                assert time.monotonic() < deadline
                time.sleep(0.02)

    def again(self, values: Sequence[Any]) -> None:
        """The process starts anew, reads from the committed offset on, and ends in order."""
        self.kill()
        self.die_at = None
        self.begin()
        start = self.delivered
        if values[start:]:
            self.put(*values[start:], at=start)
        self.through()
        self.end()

    def mails(self) -> list[Kept]:
        """What has arrived since this world was made."""
        return self.mailbox.messages(self.before)

    def subjects(self) -> list[str]:
        """Their subjects, sorted."""
        return sorted(str(kept.message["Subject"]) for kept in self.mails())


def batch(
    values: Sequence[Any],
    at: int = 0,
    keys: Sequence[Any] | None = None,
    headers: Sequence[Header] = (),
    source: TopicPartition = P0,
) -> Batch:
    """Records of a partition."""
    count = len(values)
    return batch_at(
        source,
        at,
        Rows(None, values),
        key=Rows(None, keys or [None] * count),
        timestamps=[AT + offset for offset in range(at, at + count)],
        headers=[tuple(headers)] * count,
    )
