"""Progress: asks worker, Kafka and warehouse now and then, and keeps what has happened."""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import psycopg
from confluent_kafka import KafkaException

from ferryman.demo.demo_stack import DemoStack
from ferryman.demo.facts import flows
from ferryman.demo.payments import Payer
from ferryman.demo.readers.archive import FAILURES, Archive
from ferryman.demo.readers.topics import Topics
from ferryman.demo.readers.warehouse import BREAK, Warehouse
from ferryman.demo.worker import Connector
from ferryman.demo.workers import Workers
from ferryman.stack.servers.mailbox import Mailbox

PAUSE = 0.3
SELDOM = 1.0
"""Where nothing depends on it how soon something is seen."""
_ARCHIVE_PAUSE = 1.0
"""Objects appear every few seconds."""
_WINDOW = 3.0

READ_BY = {
    flows.PAYMENT_UPSERT: (flows.PAYMENTS,),
    flows.PAYMENT_INSERT: (flows.PAYMENTS,),
    flows.EVENT_INSERT: tuple(f"{flows.WORLD}.{stream}" for stream in flows.INSERTED),
    flows.EVENT_UPSERT: tuple(f"{flows.WORLD}.{stream}" for stream in flows.UPSERTED),
    flows.PAYMENT_ARCHIVE: (flows.PAYMENTS,),
    flows.EVENT_ARCHIVE: flows.EVENT_TOPICS,
    flows.RECEIPTS: (flows.PAYMENTS,),
}
"""The topics of each sink."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What could be seen at one moment."""

    at: float
    """In monotonic seconds."""
    expected_rows: int = 0
    """What the invented events must make in the end, inserted and upserted."""
    paid: int = 0
    in_kafka: int = 0
    """Events in the topics, with the markers of transactions."""
    rows: Mapping[str, int] = field(default_factory=dict)
    """Rows in each table."""
    archived: Mapping[str, int] = field(default_factory=dict)
    """Records of each topic in visible objects."""
    mailed: int = 0
    """Messages in the mailbox."""
    lag: Mapping[str, int] = field(default_factory=dict)
    """The records that each sink has still to take."""
    connectors: Sequence[Connector] = ()
    dead: int = 0
    restored: int = 0
    """Records that came out of the archive again, with the markers of transactions."""
    row_rate: float = 0.0
    """Rows of events, and below it payments, per second over the last few seconds."""
    pay_rate: float = 0.0

    @property
    def payment_rows(self) -> int:
        """Rows of the table of payments; 0 while it does not exist."""
        return self.rows.get(flows.PAYMENT_TABLE, 0)

    @property
    def event_rows(self) -> int:
        """Rows of invented events, inserted and upserted."""
        return sum(self.rows.get(flows.table(topic), 0) for topic in flows.EVENT_TOPICS)

    @property
    def archived_events(self) -> int:
        """Invented events in visible objects."""
        return sum(self.archived.get(topic, 0) for topic in flows.EVENT_TOPICS)

    @property
    def sum(self) -> int:
        """Everything counted; it stays the same only while nothing moves."""
        return (
            self.event_rows
            + self.payment_rows
            + sum(self.archived.values())
            + self.mailed
            + self.in_kafka
            + self.dead
            + self.restored
        )

    @property
    def whole(self) -> bool:
        """Whether all connectors of the flows run."""
        running = {each.name for each in self.connectors if each.running}
        return running >= {*flows.SOURCES, *flows.SINKS}

    @property
    def states(self) -> str:
        """All states in one line."""
        states = [f"{each.name} {each.state} {list(each.tasks.values())}" for each in self.connectors]
        return "; ".join(states) or "the worker does not answer"

    @property
    def trouble(self) -> str | None:
        """The trace of a connector that has failed."""
        return next((f"{each.name}: {each.trace}" for each in self.connectors if each.trace), None)


TABLES = (flows.PAYMENT_TABLE, flows.PAYMENT_LOG, *map(flows.table, flows.EVENT_TOPICS))
QUEUES = tuple(map(flows.dead_letters, flows.DEAD_LETTERING))
RESTORED = tuple(flows.RESTORED + topic for topic in (flows.PAYMENTS, *flows.EVENT_TOPICS))


@dataclass(frozen=True, slots=True)
class Flowing:
    """The time in which everything ran and rows were still to come, others than those that a backfill brings back."""

    rows: int = 0
    """Rows of invented events that came in it."""
    seconds: float = 0.0

    def further(self, before: Glance, now: Glance) -> "Flowing":
        """With what lies between two glances, if that belongs to it."""
        damaged = flows.DAMAGED * len(flows.UPSERTED)
        if not (before.whole and now.whole and 0 < before.event_rows < before.expected_rows - damaged):
            return self
        return Flowing(self.rows + now.event_rows - before.event_rows, self.seconds + now.at - before.at)


class Progress(threading.Thread):
    """Keeps the latest glance. What does not answer at the moment keeps its last values."""

    def __init__(
        self,
        stack: DemoStack,
        worker: Workers,
        payer: Payer,
        stores: tuple[Archive, Mailbox],
        expected_rows: int,
    ) -> None:
        super().__init__(name="progress", daemon=True)
        self.glance = Glance(time.monotonic(), expected_rows)
        self._stack, self._worker, self._payer = stack, worker, payer
        self._topics = Topics(stack.access)
        self._archive, self._mailbox = stores
        self.pause = PAUSE
        """Minimum seconds between two checks."""
        self.flowing = Flowing()
        self._archived_at = 0.0
        self._past: deque[Glance] = deque()
        self._ending = threading.Event()

    def end(self) -> None:
        """Returns when it no longer looks."""
        self._ending.set()
        if self.is_alive():
            self.join(15)

    def run(self) -> None:
        """Looks again and again, until asked to end."""
        warehouse: Warehouse | None = None
        took = 0.0
        while not self._ending.wait(min(2.0, max(self.pause, BREAK * took))):
            began = time.monotonic()
            try:
                warehouse = warehouse or Warehouse(self._stack.addresses["postgres"])
                self._look(warehouse)
            except (psycopg.Error, KafkaException, *FAILURES):
                warehouse = None
            took = time.monotonic() - began
        self._topics.close()

    def _look(self, warehouse: Warehouse) -> None:
        rows = warehouse.counts(TABLES)
        ends = self._topics.ends((*flows.EVENT_TOPICS, flows.PAYMENTS, *QUEUES, *RESTORED))
        lag = {name: self._topics.lag(name, _of(topics, ends)) for name, topics in READ_BY.items()}
        now = Glance(
            at=time.monotonic(),
            expected_rows=self.glance.expected_rows,
            paid=len(self._payer.made),
            in_kafka=sum(_of(flows.EVENT_TOPICS, ends).values()),
            rows=rows,
            archived=self._archived(),
            mailed=self._mailbox.count(),
            lag=lag,
            connectors=self._worker.connectors(),
            dead=sum(_of(QUEUES, ends).values()),
            restored=sum(_of(RESTORED, ends).values()),
        )
        self.flowing = self.flowing.further(self.glance, now)
        self.glance = self._with_rates(now)

    def _archived(self) -> Mapping[str, int]:
        if time.monotonic() < self._archived_at + _ARCHIVE_PAUSE:
            return self.glance.archived
        self._archived_at = time.monotonic()
        return self._archive.counts()

    def _with_rates(self, now: Glance) -> Glance:
        self._past.append(now)
        while len(self._past) > 2 and now.at - self._past[0].at > _WINDOW:
            self._past.popleft()
        then = self._past[0]
        seconds = max(now.at - then.at, 0.001)

        def rate(count: Callable[[Glance], int]) -> float:
            return max(0, count(now) - count(then)) / seconds

        return replace(
            now,
            row_rate=rate(lambda glance: glance.event_rows),
            pay_rate=rate(lambda glance: glance.paid),
        )


def _of(topics: Sequence[str], ends: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    return {place: end for place, end in ends.items() if place[0] in topics}
