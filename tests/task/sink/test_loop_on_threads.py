"""The sink loop while a put runs: what the group, the worker and the sink itself want of it meanwhile.

The group is played, so that it can want something at exactly that moment; tests/reliability has the real one.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from ferryman.api import Assigned, Committed, Sink
from ferryman.chain import builder
from ferryman.connector import SinkConfig
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError
from ferryman.record import Polled, Record, TopicPartition
from ferryman.retry.outage import Outage, Patience
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.setup.control import Control
from ferryman.task.setup.troubles import Troubles
from ferryman.task.sink import loop, pausing
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.loop import SinkSession, Timing
from ferryman.task.sink.sink_thread import SinkThread, StillBusy
from ferryman.task.sink.slices import Slices

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

    def subscribe(self, topics: Sequence[str]) -> None:
        """There is nothing to join."""

    def poll(self, limit: int, wait: float) -> list[Polled]:
        self.polls += 1
        if self.when_polled:
            self.when_polled.pop(0)()
        if self.paused or self.next >= self.records:
            return []
        start, self.next = self.next, min(self.records, self.next + limit)
        count = self.next - start
        values = [str(offset).encode() for offset in range(start, self.next)]
        return [Polled("t", 0, range(start, self.next), [0] * count, [None] * count, values)]

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


class PlainSink(Sink[SinkConfig]):
    """One that has no part in commits."""

    play: Play

    def put(self, records: Sequence[Record]) -> None:
        self.play.on_put(records)


@dataclass
class Stage:
    """A session with everything that belongs to it."""

    play: Play
    group: Group
    control: Control
    session: SinkSession
    told: list[str]

    def run(self) -> None:
        self.session.assigned([Assigned(A, "id", None, 0, self.group.records, 0)])
        self.session.run(lambda: ["t"])


Make = Callable[..., Stage]


@pytest.fixture
def stage() -> Iterator[Make]:
    """Makes a session that polls as soon as a put lasts, and ends its thread."""
    threads: list[SinkThread] = []

    def make(records: int = 1, kind: type[Any] = PlayedSink, grace: float = LONG, **timing: Any) -> Stage:
        told: list[str] = []
        control = Control(lambda event, facts: told.append(event) if event in ("running", "paused") else None)
        threads.append(SinkThread(control, grace))
        config = SinkConfig.parse({"name": "s", "connector.class": "x", "topics": "t"})
        context = loop.context(lambda: session, connector="s", task=0, cluster="c", raw={})
        sink = kind(config, context)
        sink.play = Play()
        backlog = Backlog(builder.chain(STRING, {}), Tolerance(config, 0), sink, Slices(timing.pop("most", 1000)))
        patience = Patience(retrying=timing.pop("give_up", None), longest_wait=0.01)
        troubles = Troubles(Outage(patience), control.tell)
        chosen = {"limit": 1000, "commit_interval": LONG, "refresh": LONG, "revocation": LONG, "silence": 0.0} | timing
        session = SinkSession(control, Timing(**chosen), backlog, threads[-1], troubles)
        group = Group(records)
        session.group = group  # type: ignore[assignment]
        return Stage(sink.play, group, control, session, told)

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


def test_a_put_that_fails_during_a_revocation_ends_the_session_after_what_was_delivered_is_committed(
    stage: Make,
) -> None:
    played = stage(records=1000)
    in_revocation = threading.Event()

    def revoke() -> None:
        in_revocation.set()
        played.session.revoked([A])

    def put(records: Sequence[Record]) -> None:
        if records[0].offset:
            played.group.when_polled = [revoke]
            assert in_revocation.wait(LONG)
            raise RuntimeError("broken")

    played.play.on_put = put
    with pytest.raises(RuntimeError, match="broken"):
        played.run()
    assert played.play.events == ["open", "put 0..9", "pre_commit", "committed", "close"]
    assert played.group.committed == 10


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
            played.session.demand({A: Committed(records[0].offset or 0, "window")})
            played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert played.group.commits == [{A: Committed(10, "window")}]
    assert threads == [threading.get_ident()]
    assert played.play.events[:3] == ["open", "put 0..9", "committed"]


def test_a_demand_that_the_group_refuses_ends_the_session(stage: Make) -> None:
    played = stage()
    played.group.refuses = True
    played.play.on_put = lambda records: played.session.demand({A: Committed(0, "window")})
    with pytest.raises(Indeterminate):
        played.run()


def test_a_pause_is_told_when_the_put_is_over_and_what_it_took_is_committed(stage: Make) -> None:
    played = stage(records=1000)
    tell = played.control.tell

    def told(event: str, facts: dict[str, Any]) -> None:
        tell(event, facts)
        if event == "paused":
            assert played.play.events == ["open", "put 0..9", "pre_commit", "committed"]
            played.control.wish("run")

    played.control.tell = told

    def put(records: Sequence[Record]) -> None:
        if not records[0].offset:
            played.control.wish("pause")
        if records[-1].offset == 999:
            played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert played.told == ["paused", "running"]


def test_a_pause_is_told_when_what_the_last_put_took_is_committed_though_the_sink_has_no_part_in_it(
    stage: Make,
) -> None:
    played = stage(records=1000, kind=PlainSink)
    polled = threading.Event()

    def told(event: str, facts: dict[str, Any]) -> None:
        if event == "paused":
            assert played.group.committed == 90
            played.control.wish("stop")

    played.control.tell = told

    def put(records: Sequence[Record]) -> None:
        if records[0].offset:
            played.control.wish("pause")
            played.group.when_polled = [lambda: None, lambda: None, polled.set]
            assert polled.wait(LONG)

    played.play.on_put = put
    played.run()
    assert played.group.committed == 90


def test_a_pause_during_a_put_without_end_is_told_all_the_same(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pausing, "PATIENCE", 0.01)
    played, paused = stage(), threading.Event()
    played.control.tell = lambda event, facts: paused.set() if event == "paused" else None

    def put(records: Sequence[Record]) -> None:
        played.control.wish("pause")
        assert paused.wait(LONG)
        played.control.wish("stop")

    played.play.on_put = put
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


def test_offsets_of_former_slices_are_committed_while_a_put_runs_if_the_sink_has_no_part_in_it(stage: Make) -> None:
    played = stage(records=1000, kind=PlainSink)
    committed = threading.Event()
    accept = played.group.commit

    def commit(offsets: Mapping[TopicPartition, Committed]) -> bool:
        committed.set()
        return accept(offsets)

    played.group.commit = commit  # type: ignore[method-assign]

    def put(records: Sequence[Record]) -> None:
        if records[0].offset:
            played.session.request_commit()
            assert committed.wait(LONG)
            played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert played.group.committed == 10


def test_a_commit_that_is_due_comes_between_two_slices_of_a_long_backlog(stage: Make) -> None:
    played = stage(records=1000, most=10, commit_interval=0.0)
    played.play.on_put = lambda records: played.control.wish("stop") if records[0].offset == 30 else None
    played.run()
    first = played.play.events.index("put 0..9")
    assert played.play.events[first : first + 6] == [
        *("put 0..9", "pre_commit", "committed"),
        *("put 10..19", "pre_commit", "committed"),
    ]


def test_after_an_outage_the_same_records_come_again_and_the_group_is_polled_meanwhile(stage: Make) -> None:
    played = stage(records=5)
    outages = [RetriableError("away"), RetriableError("away")]
    offered = []

    def put(records: Sequence[Record]) -> None:
        offered.append([record.offset for record in records])
        if outages:
            polls = played.group.polls
            played.group.when_polled = [lambda: offered.append([polls])]
            raise outages.pop()
        played.control.wish("stop")

    played.play.on_put = put
    played.run()
    assert [each for each in offered if len(each) > 1] == [[0, 1, 2, 3, 4]] * 3
    assert len([each for each in offered if len(each) == 1]) == 2


def test_retrying_gives_up_after_its_time(stage: Make) -> None:
    played = stage(give_up=0.0)

    def put(records: Sequence[Record]) -> None:
        raise RetriableError("away")

    played.play.on_put = put
    with pytest.raises(TaskError, match=r"gave up after errors\.retry\.timeout: away"):
        played.run()


def test_a_data_error_that_a_sink_reports_meets_the_tolerance_and_fails_the_task(stage: Make) -> None:
    played = stage(records=3)

    def report(records: Sequence[Record]) -> None:
        (offer,) = played.session.backlog._offers
        played.session.backlog.report(offer.batches(None)[0], 1, DataError("bad"))

    played.play.on_put = report
    with pytest.raises(TaskError, match=r"record t-0@1 failed in stage TASK_PUT"):
        played.run()
