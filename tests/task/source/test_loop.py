"""The source loop: what is in a transaction, when it is committed, aborted or in doubt, and what an error becomes.

A test tells a story in which each ``yield`` is one round of the loop; when the story is over, the task is to stop.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.api import Source
from ferryman.chain.chain import Step, assembled
from ferryman.chain.narrowing import Stage
from ferryman.config import Config
from ferryman.connector import SourceConfig
from ferryman.errors import DataError, Indeterminate, RetriableError, TaskError, TooLarge
from ferryman.offsets.source_offsets import SourceOffsets, canonical
from ferryman.record import Record
from ferryman.retry.outage import Outage, Patience
from ferryman.runs import tallies
from ferryman.runs.tallies import Tally
from ferryman.task.errors.source_letter_writer import SourceLetterWriter
from ferryman.task.outages import Outages
from ferryman.task.source import transactions
from ferryman.task.source.boundaries import Boundaries
from ferryman.task.source.ending import Ending
from ferryman.task.source.loop import SourceSession, classified
from ferryman.task.source.outbox import Outbox
from ferryman.task.source.source_dead_letter_queue import SourceDeadLetterQueue
from ferryman.task.source.transactions import Transactions
from tests.chain.parts import OnRecords, TextConverter
from tests.clock import Clock
from tests.kafka.cluster_in_memory import Cluster, failed
from tests.kafka.fake_producer import FakeProducer
from tests.task.worker import Worker

Story = Iterator[None]
FILE = {"file": "a"}


class Feed(Source[SourceConfig]):
    """Hands over what ``polls`` holds: records, or an error; afterwards nothing."""

    def __init__(self) -> None:
        context: Any = None
        super().__init__(SourceConfig.parse({"name": "c", "connector.class": "x"}), context)
        self.polls: deque[Sequence[Record] | Exception] = deque()
        self.commits = 0

    def poll(self) -> Sequence[Record]:
        found = self.polls.popleft() if self.polls else []
        if isinstance(found, Exception):
            raise found
        return found

    def committed(self) -> None:
        self.commits += 1


class Judge:
    """In place of the tolerance: counts, or raises."""

    def __init__(self) -> None:
        self.failures: list[Any] = []
        self.error: Exception | None = None

    def judge(self, failures: Sequence[Any]) -> None:
        self.failures += failures
        if failures and self.error is not None:
            raise self.error


class Ensured:
    """In place of topic creation and retention: which topics were asked for, with records of which times, and how much
    was produced by then."""

    def __init__(self, producer: FakeProducer) -> None:
        self.producer = producer
        self.topics: list[tuple[str, int]] = []
        self.ages: list[tuple[str, list[int | None], int]] = []

    def ensure(self, topic: str) -> None:
        self.topics.append((topic, len(self.producer.queue)))

    def look(self, topic: str, timestamps: Sequence[int | None]) -> None:
        self.ages.append((topic, list(timestamps), len(self.producer.queue)))


class Task:
    """A session of a source whose records are texts; ``drop`` is dropped by a transform, ``refuse`` refused."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, interval: float | None = None, give_up: float | None = None
    ) -> None:
        self.clock, self.worker, self.judge, self.feed = Clock(), Worker(), Judge(), Feed()
        self.waits: list[float] = []
        monkeypatch.setattr(transactions, "time", self.clock)
        monkeypatch.setattr(self.worker, "wait", self.wait)
        self.producer = FakeProducer(Cluster())
        self.offsets = SourceOffsets("c")
        self.text = TextConverter(Config(), "value")
        chain = assembled(self.text, self.text, self.text, [Step("r", OnRecords(Config()))])
        fakes: Any = (self.judge, self.producer)
        tolerance, producer = fakes
        self.topics = Ensured(self.producer)
        outbox = Outbox(producer, self.worker, grace=3.0, patience=60.0)
        self.session = SourceSession(
            chain=chain,
            tolerance=tolerance,
            control=self.worker,
            source=self.feed,
            delivery=Transactions(outbox, self.offsets, "offsets", interval),
            offsets_topic="offsets",
            topics=self.topics,
            ages=self.topics,
            outages=Outages(Outage(Patience(retrying=give_up)), self.worker.tell, self.clock.monotonic),
        )

    def ends_transactions(self) -> Boundaries:
        """From now on the source says where transactions end."""
        delivery = self.session.delivery
        assert isinstance(delivery, Transactions)
        self.session.boundaries = Boundaries(delivery)
        return self.session.boundaries

    def dead_letters(self) -> None:
        self.session.letters = SourceDeadLetterQueue("dead", SourceLetterWriter(self.text, False, "c", 0))

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.clock.pass_(seconds)
        return False

    def poll(self, *values: str, at: int | None = None, topic: str = "t", partition: Mapping[str, Any] = FILE) -> None:
        """One poll of the source hands over these."""
        offset = None if at is None else {"at": at}
        self.feed.polls.append(
            [Record(topic=topic, value=value, source_partition=partition, source_offset=offset) for value in values]
        )

    def run(self, story: Callable[[], Story]) -> None:
        self.worker.story = story()
        self.session.run()

    def rounds(self, count: int) -> None:
        self.run(lambda: (None for _ in range(count)))

    def values(self, topic: str) -> list[bytes | None]:
        return [each.value for each in self.producer.sent if each.topic == topic]


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Task:
    return Task(monkeypatch)


# Transactions.


def test_records_of_a_poll_and_their_offsets_are_one_transaction(task: Task) -> None:
    task.poll("1", "2", at=2)

    def story() -> Story:
        yield
        assert task.producer.calls == ["begin", "commit"]
        assert [(each.topic, each.value) for each in task.producer.sent] == [
            ("t", b"1"),
            ("t", b"2"),
            ("offsets", b'{"at":2}'),
        ]
        assert task.producer.sent[-1].key == b'["c",{"file":"a"}]'
        assert task.offsets.get(FILE) == {"at": 2}
        assert task.feed.commits == 1

    task.run(story)


def test_each_poll_is_a_transaction_of_its_own_and_one_without_records_is_none(task: Task) -> None:
    task.poll("1", at=1)
    task.poll()
    task.poll("2", at=2)
    task.rounds(4)
    assert task.producer.calls == ["begin", "commit", "begin", "commit"]
    assert task.feed.commits == 2


def test_with_an_interval_a_transaction_holds_what_came_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(monkeypatch, interval=5.0)

    def story() -> Story:
        yield
        task.clock.pass_(100)
        task.poll("1", at=1)
        yield
        task.clock.pass_(4.9)
        task.poll("2", at=2)
        yield
        assert task.producer.sent == []
        task.clock.pass_(0.1)
        yield
        assert task.values("t") == [b"1", b"2"]
        assert task.values("offsets") == [b'{"at":2}']
        assert task.feed.commits == 1
        task.poll("3", at=3)
        yield
        assert task.values("t") == [b"1", b"2"]

    task.run(story)
    assert task.values("t") == [b"1", b"2", b"3"], "a stop commits what is open"
    assert task.values("offsets") == [b'{"at":2}', b'{"at":3}']


def test_of_each_partition_the_latest_offset_is_committed(task: Task) -> None:
    task.feed.polls.append(
        [
            Record(topic="t", value=str(at), source_partition={"file": file}, source_offset={"at": at})
            for file, at in (("a", 1), ("b", 2), ("a", 3))
        ]
    )
    task.rounds(1)
    assert sorted(task.values("offsets"), key=str) == [b'{"at":2}', b'{"at":3}']
    assert task.offsets.snapshot() == {canonical({"file": "a"}): {"at": 3}, canonical({"file": "b"}): {"at": 2}}


def test_records_that_a_transform_drops_are_passed_all_the_same(task: Task) -> None:
    task.poll("drop", at=9)
    task.rounds(1)
    assert task.values("t") == []
    assert task.offsets.get(FILE) == {"at": 9}


def test_an_offset_that_the_source_forgets_is_a_tombstone(task: Task) -> None:
    task.offsets.load(b'["c",{"file":"a"}]', b'{"at":1}')
    task.poll("1", at=None)
    task.rounds(1)
    assert task.values("offsets") == [None]
    assert task.offsets.get(FILE) is None


def test_copies_follow_the_commit_and_what_is_forgotten_goes_before_it(task: Task) -> None:
    seen: list[tuple[str, bool, list[bytes | None]]] = []

    class Copy:
        def forget(self, written: Sequence[tuple[bytes, bytes | None]]) -> None:
            seen.append(("forget", "commit" in task.producer.calls, [value for _, value in written]))

        def follow(self, written: Sequence[tuple[bytes, bytes | None]]) -> None:
            seen.append(("follow", "commit" in task.producer.calls, [value for _, value in written]))

    delivery: Any = task.session.delivery
    delivery.copy = Copy()
    task.poll("1", at=None)
    task.rounds(1)
    assert seen == [("forget", False, [None]), ("follow", True, [None])]


def test_what_a_topic_keeps_is_looked_at_before_records_go_there(task: Task) -> None:
    task.poll("1", "2", at=1)
    task.rounds(1)
    assert task.topics.ages == [("t", [None, None], 0)]


def test_topics_are_created_before_the_first_record_goes_there_and_told_once(task: Task) -> None:
    task.poll("1", at=1)
    task.poll("2", at=2)
    task.rounds(2)
    assert task.topics.topics == [("t", 0), ("t", 0)]
    assert [facts for event, facts in task.worker.told if event == "topic"] == [{"topic": "t"}]


# Failures of records and systems.


def test_failures_are_judged_and_the_rest_goes_its_way(task: Task) -> None:
    task.poll("1", "refuse", "2", at=3)
    task.rounds(1)
    assert len(task.judge.failures) == 1
    assert task.values("t") == [b"1", b"2"]
    assert task.offsets.get(FILE) == {"at": 3}


def test_a_failure_that_may_not_be_skipped_ends_the_task_before_anything_is_produced(task: Task) -> None:
    task.judge.error = TaskError("no tolerance")
    task.poll("1", "refuse", at=2)
    with pytest.raises(TaskError, match="no tolerance"):
        task.rounds(1)
    assert task.producer.calls == []


def test_letters_of_what_is_skipped_are_in_the_transaction_of_the_poll(task: Task) -> None:
    task.dead_letters()
    task.poll("1", "refuse", "2", at=3)

    def story() -> Story:
        yield
        assert [each.topic for each in task.producer.sent] == ["t", "t", "dead", "offsets"]
        assert task.values("dead") == [b'{"schema":null,"payload":"refuse"}']
        assert task.producer.calls.count("commit") == 1

    task.run(story)


def test_of_a_source_that_comes_to_an_end_the_refused_are_counted_in_the_transaction_of_their_poll(task: Task) -> None:
    task.session.ending = Ending(task.feed, 0)
    task.producer.largest = 150
    task.poll("1", "refuse", "2", "x" * 151, at=4)
    task.rounds(1)
    assert tallies.tallies_by_task([(tallies.partition(0), task.offsets.get(tallies.partition(0)) or {})]) == {
        0: Tally(4, refused=2)
    }
    assert task.producer.calls.count("commit") == 1


def test_a_poll_of_which_nothing_is_left_still_moves_the_offsets(task: Task) -> None:
    task.dead_letters()
    task.poll("refuse", at=3)
    task.rounds(1)
    assert [each.topic for each in task.producer.sent] == ["dead", "offsets"]
    assert task.offsets.get(FILE) == {"at": 3}


def test_a_record_that_is_too_large_for_the_producer_is_a_failure_like_any_other(task: Task) -> None:
    task.dead_letters()
    task.producer.largest = 40
    task.poll("1", "x" * 41, "2", at=3)
    task.rounds(1)
    (failure,) = task.judge.failures
    assert (failure.stage, failure.position, type(failure.error)) == (Stage.KAFKA_PRODUCE, 1, TooLarge)
    assert task.values("t") == [b"1", b"2"]
    assert task.values("dead") == [None]
    assert task.offsets.get(FILE) == {"at": 3}


def test_without_tolerance_a_record_that_is_too_large_fails_the_task(task: Task) -> None:
    task.judge.error = TaskError("no tolerance")
    task.producer.largest = 40
    task.poll("1", "x" * 41, at=3)
    with pytest.raises(TaskError, match="no tolerance"):
        task.rounds(1)
    task.session.delivery.abandon()
    assert task.producer.sent == []


@pytest.mark.parametrize("name", ["", ".", "..", "orders of today", "größe", "o" * 250, "orders\n"])
def test_a_record_that_a_transform_sends_to_a_topic_that_cannot_be_is_a_failure_like_any_other(
    task: Task, name: str
) -> None:
    task.dead_letters()
    task.poll(f"to {name}", "2", at=2)
    task.rounds(1)
    (failure,) = task.judge.failures
    assert (failure.stage, failure.position, type(failure.error)) == (Stage.KAFKA_PRODUCE, 0, DataError)
    assert repr(name) in str(failure.error)
    assert task.values("t") == [b"2"]
    assert len(task.values("dead")) == 1
    assert task.offsets.get(FILE) == {"at": 2}


def test_a_topic_that_cannot_be_and_that_the_source_itself_has_given_is_left_to_the_broker(task: Task) -> None:
    task.poll("1", topic="of today")
    task.rounds(1)
    assert task.judge.failures == []
    assert task.values("of today") == [b"1"]


@pytest.mark.parametrize(
    ("topic", "words"),
    [("offsets", "may not produce to their own offsets topics"), ("dead", "is the dead letter queue")],
)
def test_records_go_neither_to_the_offsets_nor_to_the_dead_letters(task: Task, topic: str, words: str) -> None:
    task.dead_letters()
    task.poll("1", at=1, topic=topic)
    with pytest.raises(TaskError, match=words):
        task.rounds(1)
    task.session.delivery.abandon()
    assert task.producer.sent == []


def test_a_poll_that_finds_a_system_away_is_made_again_after_a_wait(task: Task) -> None:
    task.feed.polls.append(RetriableError("away", after=7.0))
    task.poll("1", at=1)
    task.rounds(2)
    assert task.waits == [7.0]
    assert task.values("t") == [b"1"]


def test_the_wait_grows_and_begins_anew_after_a_poll_that_went_well(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ferryman.retry.backoff.delay", lambda attempt, longest: attempt + longest / 1000)
    task.feed.polls.extend([RetriableError("away"), RetriableError("away")])
    task.poll("1", at=1)
    task.feed.polls.append(RetriableError("away"))
    task.rounds(5)
    assert task.waits == [1.06, 2.06, 1.06]


def test_retrying_is_given_up_after_the_time_that_the_config_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(monkeypatch, give_up=60.0)
    task.feed.polls.extend([RetriableError("away", after=20.0)] * 10)
    with pytest.raises(TaskError, match=r"gave up after errors\.retry\.timeout: away"):
        task.rounds(10)
    assert task.waits == [20.0] * 3


def test_a_converter_that_finds_its_registry_away_ends_the_session_because_the_records_are_not_polled_again(
    task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(topic: str, data: Any) -> Any:
        raise RetriableError("registry away", after=3.0)

    monkeypatch.setattr(task.text, "from_data", away)
    task.poll("1", at=1)
    with pytest.raises(Indeterminate, match="registry away") as raised:
        task.rounds(1)
    assert raised.value.after == 3.0
    assert task.producer.calls == []


@pytest.mark.parametrize("error", [Indeterminate("who knows"), TaskError("no way"), ValueError("oops")])
def test_any_other_error_of_a_poll_ends_the_session(task: Task, error: Exception) -> None:
    task.feed.polls.append(error)
    with pytest.raises(type(error), match=str(error)):
        task.rounds(1)


# Pause.


def test_a_pause_commits_what_is_open_and_is_told_once_and_so_is_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(monkeypatch, interval=1000.0)
    task.poll("1", at=1)

    def story() -> Story:
        yield
        task.worker.wish("pause")
        task.poll("2", at=2)
        yield
        yield
        assert task.values("t") == [b"1"]
        assert task.worker.states == ["paused"]
        assert len(task.feed.polls) == 1
        task.worker.wish("run")
        yield
        assert task.worker.states == ["paused", "running"]
        assert len(task.feed.polls) == 0

    task.run(story)


# Commits in doubt.


def test_a_session_that_fails_with_an_open_transaction_aborts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    task = Task(monkeypatch, interval=1000.0)
    task.poll("1", at=1)
    task.feed.polls.append(TaskError("no way"))
    with pytest.raises(TaskError):
        task.rounds(2)
    task.session.delivery.abandon()
    task.session.delivery.abandon()
    assert task.producer.calls[-1] == "abort"
    assert task.producer.sent == []
    assert task.session.delivery.attempted == {}


def test_without_an_open_transaction_there_is_nothing_to_abort(task: Task) -> None:
    task.session.delivery.abandon()
    task.poll("1", at=1)
    task.rounds(1)
    task.session.delivery.abandon()
    assert "abort" not in task.producer.calls


@pytest.mark.parametrize(("abortable", "aborts"), [(True, 1), (False, 0)])
def test_after_a_commit_without_an_answer_nothing_is_aborted(task: Task, abortable: bool, aborts: int) -> None:
    error = KafkaError(KafkaError._TIMED_OUT, "no answer", txn_requires_abort=abortable)
    task.producer.fails["commit"] = KafkaException(error)
    task.poll("1", at=1)
    with pytest.raises(KafkaException):
        task.rounds(1)
    task.session.delivery.abandon()
    assert task.producer.calls.count("abort") == aborts
    assert task.session.delivery.attempted == {canonical(FILE): {"at": 1}}
    assert task.offsets.get(FILE) is None
    assert task.feed.commits == 0


def test_an_abort_that_fails_is_only_logged(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    task = Task(monkeypatch, interval=1000.0)
    task.poll("1", at=1)
    task.feed.polls.append(TaskError("no way"))
    with pytest.raises(TaskError):
        task.rounds(2)
    task.producer.fails["abort"] = failed(KafkaError._TIMED_OUT, "no answer")
    task.session.delivery.abandon()
    assert caplog.messages[-1] == "the open transaction could not be aborted: no answer"


# What an error of the producer means.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, TaskError),
        (KafkaError.INVALID_TIMESTAMP, TaskError),
        (KafkaError._INVALID_ARG, TaskError),
        (KafkaError._TIMED_OUT, Indeterminate),
        (KafkaError._FENCED, Indeterminate),
        (KafkaError.PRODUCER_FENCED, Indeterminate),
        (KafkaError.NOT_ENOUGH_REPLICAS, Indeterminate),
    ],
)
def test_what_trying_again_does_not_change_fails_the_task_and_all_else_begins_a_new_session(
    code: int, kind: type[Exception]
) -> None:
    found = classified(failed(code, "so it is"))
    assert type(found) is kind
    assert "so it is" in str(found)


# What plugins of others hand over.


def test_records_may_be_yielded_and_none_at_all_is_no_record(task: Task) -> None:
    polls: Any = task.feed.polls
    polls.append(None)
    polls.append(Record(topic="t", value=value, source_partition=FILE, source_offset={"at": 1}) for value in "12")
    task.rounds(3)
    assert task.values("t") == [b"1", b"2"]
    assert task.offsets.get(FILE) == {"at": 1}
