"""Drives the e-mail sink as the runtime does, against a real mail server: assignments, batches, commits, kills."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ferryman.api import Assigned, Committed, SinkContext
from ferryman.connectors.email.sink import EmailSinkConnector
from ferryman.errors import RetriableError, TaskError
from ferryman.record import Batch, Header, Polled, Rows, TopicPartition
from ferryman.stack import Stack
from ferryman.stack.servers.mailbox import Kept, Mailbox

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


class Killed(BaseException):
    """The process died here."""


def pledge(id: int, to: str = "ada@example.org", **more: Any) -> dict[str, Any]:
    """A record's value."""
    return {"id": id, "to": to, **more}


@dataclass
class World:
    """A partition, what its group has committed, a mail server, and the process that runs the sink."""

    address: str
    mailbox: Mailbox
    config: Mapping[str, str] = field(default_factory=dict)
    topic_id: str = "id-1"
    committed: Committed | None = None
    delivered: int = 0
    die_at: tuple[str, int] | None = None
    refuse_commits: bool = False
    fail_on_report: bool = False
    reported: list[tuple[int, str]] = field(default_factory=list)
    requested: bool = False
    windows: list[str] = field(default_factory=list)
    sink: EmailSinkConnector | None = None
    meanwhile: Callable[[str], None] = lambda name: None
    before: int = 0

    def __post_init__(self) -> None:
        self.before = self.mailbox.count()

    @property
    def raw(self) -> dict[str, str]:
        """The connector's config."""
        host, _, port = self.address.rpartition(":")
        server = {"smtp.host": host, "smtp.port": port, "smtp.security": "none"}
        basic = {"name": "receipts", "connector.class": "EmailSink", "topics": P0.topic}
        basic |= {"errors.retry.delay.max.ms": "100"}
        return {**basic, **server, **TEMPLATES, **self.config}

    def crash_point(self, name: str) -> None:
        self.meanwhile(name)
        if self.die_at is not None and name == self.die_at[0]:
            self.die_at = name, self.die_at[1] - 1
            if self.die_at[1] == 0:
                raise Killed(name)

    def report(self, batch: Batch, index: int, error: Exception) -> None:
        self.reported.append((batch.offsets[index], str(error)))
        if self.fail_on_report:
            raise TaskError(str(error))

    def commit(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        """What the runtime does with a commit that the sink demands."""
        if self.refuse_commits:
            raise RetriableError("the group has moved on")
        for source, wanted in offsets.items():
            assert wanted.offset <= self.delivered
            assert len(wanted.metadata) <= 4096
            if wanted == self.committed:
                continue
            self.committed = wanted
            self.windows.append(wanted.metadata)
            self.running.committed({source: wanted})

    @property
    def running(self) -> EmailSinkConnector:
        assert self.sink is not None
        return self.sink

    def begin(self) -> EmailSinkConnector:
        """A new process starts and gets the partition."""
        self.sink = EmailSinkConnector(EmailSinkConnector.config_class.parse(self.raw), self.context())
        self.sink.start()
        start = self.delivered = self.committed.offset if self.committed else 0
        self.sink.open([Assigned(P0, self.topic_id, self.committed, 0, 10**6, start)])
        return self.sink

    def context(self) -> SinkContext:
        def request() -> None:
            self.requested = True

        return SinkContext(
            connector="receipts",
            task=0,
            cluster="c",
            raw=self.raw,
            crash_point=self.crash_point,
            report=self.report,
            request_commit=request,
            commit=self.commit,
        )

    def kill(self) -> None:
        """The process is gone, with its connections."""
        if self.sink is not None:
            self.sink.stop()
            self.sink = None

    def end(self) -> None:
        """The task stops in order."""
        self.usual_commit()
        self.running.close([P0])
        self.kill()

    def usual_commit(self) -> None:
        self.commit(self.running.pre_commit({P0: self.delivered}))

    def through(self, seconds: float = 60.0) -> None:
        """Commits, as the loop does at intervals, until nothing waits for another try."""
        deadline = time.monotonic() + seconds
        while self.committed is None or self.committed.offset < self.delivered:
            assert time.monotonic() < deadline
            self.usual_commit()
            time.sleep(0.02)

    def try_put(self, batch: Batch) -> None:
        """One attempt."""
        if self.sink is None:
            self.begin()
        self.running.put_batch(batch)
        self.delivered = max(self.delivered, batch.offsets[-1] + 1)

    def put(self, *values: Any, at: int = 0, seconds: float = 30.0, **parts: Any) -> None:
        """Records from an offset on, tried until they are in."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.try_put(batch(values, at=at, **parts))
                return
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
    times = [AT + offset for offset in range(at, at + count)]
    return Batch(
        topic=source.topic,
        partition=source.partition,
        key=Rows(None, keys or [None] * count),
        value=Rows(None, values),
        timestamps=times,
        headers=[tuple(headers)] * count,
        origin=Polled(*source, range(at, at + count), times, [None] * count, [b""] * count),
        positions=range(count),
    )
