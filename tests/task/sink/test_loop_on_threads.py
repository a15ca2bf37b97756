"""What a thread of its own for the sink adds to the loop: a put that runs while the group wants something of it.

The group is played, so that it can want something at exactly that moment; the tests in ``loop`` have all that is
decided from round to round, tests/reliability the real group.
"""

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from ferryman.api import Assigned, Committed, Sink
from ferryman.chain import builder
from ferryman.connector import SinkConfig
from ferryman.errors import Indeterminate
from ferryman.record import Polled, Record, TopicPartition
from ferryman.retry.outage import Outage, Patience
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.outages import Outages
from ferryman.task.setup.control import Control
from ferryman.task.sink import sink_context
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.loop import SinkSession, Timing
from ferryman.task.sink.pacing.slices import Slices
from ferryman.task.sink.sink_context import demand
from ferryman.task.sink.sink_thread import SinkThread, StillBusy

STRING = {f"{side}.converter": "org.apache.kafka.connect.storage.StringConverter" for side in ("key", "value")}
A = TopicPartition("t", 0)
LONG = 60.0


@dataclass
class Group:
    """A group of one partition; ``when_polled`` is what happens inside the next polls, one after the other."""

    records: int
    when_polled: list[Callable[[], None]] = field(default_factory=list)
    polls: int = 0
    paused: bool = False
    next: int = 0
    commits: list[Mapping[TopicPartition, Committed]] = field(default_factory=list)
    refuses: bool = False
    idle_for_want_of_topics: bool = False
    ends: Any = field(default_factory=lambda: SimpleNamespace(now=dict, met={}))

    def subscribe(self, topics: Sequence[str]) -> None:
        """There is nothing to join."""

    def poll(self, limit: int, wait: float, quiet: Callable[[], bool]) -> list[Polled]:
        self.polls += 1
        if self.when_polled:
            self.when_polled.pop(0)()
        if self.paused or self.next >= self.records:
            return []
        start, self.next = self.next, min(self.records, self.next + limit)
        count = self.next - start
        values = [str(offset).encode() for offset in range(start, self.next)]
        return [Polled("t", 0, range(start, self.next), [0] * count, [None] * count, values)]

    def absent(self, topics: Collection[str]) -> list[str]:
        return []

    def without_topics(self, topics: Sequence[str]) -> bool:
        return False

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def commit(self, offsets: Mapping[TopicPartition, Committed]) -> bool:
        if not self.refuses:
            self.commits.append(offsets)
        return not self.refuses

    def recreated(self) -> list[str]:
        return []

    @property
    def committed(self) -> int:
        return self.commits[-1][A].offset if self.commits else 0


@dataclass
class Play:
    """A sink whose put does what a test says; what it was called for, in order."""

    on_put: Callable[[Sequence[Record]], None] = lambda records: None
    events: list[str] = field(default_factory=list)
    threads: set[int] = field(default_factory=set)


class PlayedSink(Sink[SinkConfig]):
    play: Play

    def _note(self, event: str) -> None:
        self.play.events.append(event)
        self.play.threads.add(threading.get_ident())

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        self._note("open")
        return {}

    def put(self, records: Sequence[Record]) -> None:
        self.play.on_put(records)
        self._note(f"put {records[0].offset}..{records[-1].offset}")

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        self._note("pre_commit")
        return super().pre_commit(offsets)

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        self._note("committed")

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        self._note("close")


@dataclass
class Stage:
    """A session with everything that belongs to it."""

    play: Play
    group: Group
    control: Control
    session: SinkSession

    def run(self) -> None:
        self.session.assigned([Assigned(A, "id", None, 0, self.group.records, 0)])
        self.session.run(lambda: ["t"])


Make = Callable[..., Stage]


@pytest.fixture
def stage() -> Iterator[Make]:
    """Makes a session that polls as soon as a put lasts, and ends its thread."""
    threads: list[SinkThread] = []

    def make(records: int = 1, grace: float = LONG, **timing: Any) -> Stage:
        control = Control(lambda event, facts: None)
        threads.append(SinkThread(control, grace))
        config = SinkConfig.parse({"name": "s", "connector.class": "x", "topics": "t"})
        context = sink_context.context(lambda: session, connector="s", task=0, cluster="c", raw={})
        sink = PlayedSink(config, context)
        sink.play = Play()
        backlog = Backlog(builder.chain(STRING, {}), Tolerance(config, 0), sink, Slices(1000))
        outages = Outages(Outage(Patience()), control.tell)
        chosen = {"limit": 1000, "commit_interval": LONG, "refresh": LONG, "revocation": LONG, "silence": 0.0} | timing
        session = SinkSession(control, Timing(**chosen), backlog, threads[-1], outages)
        group = Group(records)
        session.group = group  # type: ignore[assignment]
        return Stage(sink.play, group, control, session)

    yield make
    for thread in threads:
        thread.end()


def test_the_group_is_polled_while_a_put_runs_and_gives_out_nothing(stage: Make) -> None:
    played = stage(records=2000)
    polled_enough = threading.Event()

    def put(records: Sequence[Record]) -> None:
        if records[0].offset == 0:
            played.group.when_polled = [lambda: None] * 5 + [polled_enough.set]
            assert polled_enough.wait(LONG)
            assert played.group.paused
            assert played.group.next == 1000
        if records[-1].offset == 1999:
            played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert played.group.next == 2000


def test_all_that_is_asked_of_a_sink_is_asked_on_one_thread_which_is_not_the_loops(stage: Make) -> None:
    played = stage()
    played.play.on_put = lambda records: played.control.wish("stop")
    played.run()
    played.session.revoked([A])
    assert played.play.events == ["open", "put 0..0", "pre_commit", "committed", "close"]
    assert len(played.play.threads) == 1
    assert threading.get_ident() not in played.play.threads


def test_a_revocation_waits_for_the_put_commits_what_it_took_and_drops_the_rest(stage: Make) -> None:
    played = stage(records=1000)
    in_revocation = threading.Event()

    def revoke() -> None:
        in_revocation.set()
        played.session.revoked([A])
        played.control.wish("stop")

    def put(records: Sequence[Record]) -> None:
        played.group.when_polled = [revoke]
        assert in_revocation.wait(LONG)

    played.play.on_put = put
    played.run()
    assert played.play.events == ["open", "put 0..9", "pre_commit", "committed", "close"]
    assert played.group.committed == 10
    assert not played.session.backlog


def test_a_put_that_does_not_end_for_a_revocation_gives_the_process_up(stage: Make) -> None:
    played, end = stage(revocation=0.01), threading.Event()
    failures: list[Exception] = []

    def revoke() -> None:
        try:
            played.session.revoked([A])
        except StillBusy as error:
            failures.append(error)
            raise

    def put(records: Sequence[Record]) -> None:
        played.group.when_polled = [revoke]
        end.wait(LONG)

    played.play.on_put = put
    with pytest.raises(StillBusy):
        played.run()
    assert failures
    assert played.group.commits == []
    assert played.play.events == ["open"]
    end.set()


def test_lost_partitions_are_closed_when_the_put_is_over_and_nothing_is_committed(stage: Make) -> None:
    played = stage()
    losing = threading.Event()

    def lose() -> None:
        losing.set()
        played.session.lost([A])
        played.control.wish("stop")

    def put(records: Sequence[Record]) -> None:
        played.group.when_polled = [lose]
        assert losing.wait(LONG)

    played.play.on_put = put
    played.run()
    assert played.play.events == ["open", "put 0..0", "close"]
    assert played.group.commits == []


def test_a_sink_that_demands_a_commit_from_within_put_gets_it_from_the_loop(stage: Make) -> None:
    played = stage(records=1000)
    threads = []
    accept = played.group.commit

    def commit(offsets: Mapping[TopicPartition, Committed]) -> bool:
        threads.append(threading.get_ident())
        return accept(offsets)

    played.group.commit = commit  # type: ignore[method-assign]

    def put(records: Sequence[Record]) -> None:
        if records[0].offset:
            demand(played.session, {A: Committed(records[0].offset or 0, "window")})
            played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert played.group.commits == [{A: Committed(10, "window")}]
    assert threads == [threading.get_ident()]
    assert played.play.events[:3] == ["open", "put 0..9", "committed"]


def test_a_demand_that_the_group_refuses_ends_the_session(stage: Make) -> None:
    played = stage()
    played.group.refuses = True
    played.play.on_put = lambda records: demand(played.session, {A: Committed(0, "window")})
    with pytest.raises(Indeterminate):
        played.run()


def test_a_stop_during_a_put_without_end_gives_the_process_up_within_the_grace(stage: Make) -> None:
    played, end = stage(grace=0.01), threading.Event()

    def put(records: Sequence[Record]) -> None:
        played.control.wish("stop")
        end.wait(LONG)

    played.play.on_put = put
    with pytest.raises(StillBusy):
        played.run()
    end.set()
