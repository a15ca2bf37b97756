"""A sink's session whose every round, call and second is under the test's hand: no thread, no broker, no waiting."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from ferryman.chain.chain import assembled
from ferryman.config import Config
from ferryman.record import TopicPartition
from ferryman.retry.outage import Outage, Patience
from ferryman.task.outages import Outages
from ferryman.task.sink import backlog as backlog_module
from ferryman.task.sink import loop as loop_module
from ferryman.task.sink import pausing as pausing_module
from ferryman.task.sink import sink_context
from ferryman.task.sink import subscription as subscription_module
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.group import Group
from ferryman.task.sink.loop import SinkSession, Timing
from ferryman.task.sink.pacing import idle_polling as idling_module
from ferryman.task.sink.pacing.slices import Slices
from ferryman.task.sink.sink_thread import StillBusy
from tests.chain.parts import TextConverter
from tests.clock import Clock
from tests.kafka.cluster_in_memory import Cluster
from tests.kafka.fake_admin import FakeAdmin
from tests.kafka.fake_consumer import FakeConsumer
from tests.task.sink.recording_sink import RecordingSink
from tests.task.worker import Worker

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


@dataclass
class HandThread:
    """In place of a sink's thread: a call runs when the loop waits for it, but not while it is ``held``."""

    clock: Clock
    held: bool = False
    asked: bool = False
    _pending: tuple["Future[Any]", Callable[[], Any]] | None = None

    @property
    def busy(self) -> bool:
        return self._pending is not None

    def begin(self, call: Callable[[], Any]) -> "Future[Any]":
        assert not self.busy
        self._pending = Future(), call
        return self._pending[0]

    def call(self, call: Callable[[], Any]) -> Any:
        future = self.begin(call)
        self.finish()
        return future.result()

    def finish(self, within: float | None = None) -> None:
        if self.busy and self.held:
            self.clock.pass_(within or 0.0)
            raise StillBusy("held")
        self._run()

    def look(self, seconds: float) -> None:
        if self.held:
            self.clock.pass_(seconds)
        else:
            self._run()

    def answer(self) -> None:
        pass

    def ask(self, question: Callable[[], Any]) -> Any:
        return question()

    def _run(self) -> None:
        if self._pending is not None:
            future, call = self._pending
            try:
                result = call()
            except Exception as error:
                future.set_exception(error)
            else:
                future.set_result(result)
            self._pending = None


@dataclass
class Judge:
    """In place of the tolerance: everything is skipped."""

    skipped: set[tuple[TopicPartition, int]] = field(default_factory=set)
    """The partitions and offsets of guilty records."""

    def judge(self, failures: Sequence[Any]) -> None:
        for failure in failures:
            self.skipped.add((failure.origin.source, failure.coordinates.offset))

    def delivered(self, source: TopicPartition, following: int) -> None:
        """Nothing need be forgotten."""


TIMING = Timing(limit=100, commit_interval=10.0, refresh=1000.0, revocation=240.0)


class HandDriven:
    """A session of a sink in a group of its own; the topic ``t`` has two partitions."""

    def __init__(
        self,
        monkeypatch: Any,
        sink: type[RecordingSink] = RecordingSink,
        timing: Timing = TIMING,
        cluster: Cluster | None = None,
        patience: Patience | None = None,
    ) -> None:
        self.clock, self.worker, self.judge = Clock(), Worker(), Judge()
        for module in (loop_module, subscription_module, backlog_module, pausing_module, idling_module):
            monkeypatch.setattr(module, "time", self.clock)
        self.cluster = cluster or Cluster()
        if cluster is None:
            self.cluster.create("t", 2)
        self.consumer = FakeConsumer(self.cluster, idle=self.clock.pass_)
        self.thread = HandThread(self.clock)
        self.topics = ["t"]
        made: Any = sink(sink_context.context(lambda: self.session, connector="c", task=0, cluster="k", raw={}))
        self.sink: Any = made
        text = TextConverter(Config(), "value")
        fakes: Any = (self.judge, self.thread, self.consumer, FakeAdmin(self.cluster))
        tolerance, thread, consumer, admin = fakes
        self.backlog = Backlog(assembled(text, text, text), tolerance, made, Slices(timing.limit))
        outages = Outages(Outage(patience or Patience()), self.worker.tell, self.clock.monotonic)
        self.session = SinkSession(self.worker, timing, self.backlog, thread, outages)
        self.session.group = Group(consumer, admin, self.session, "earliest")

    def fill(self, source: TopicPartition, *values: bytes) -> None:
        """Records that are there to be read."""
        for value in values:
            self.cluster.append(source, value)

    def run(self, story: Callable[[], Iterator[None]]) -> None:
        """Runs the loop; the story goes on at each round, and when it is over the task is to stop."""
        self.worker.story = story()
        self.session.run(lambda: self.topics)

    def group_offset(self, source: TopicPartition) -> int | None:
        """Where the group stands."""
        return self.cluster.committed.get(source, (None, ""))[0]
