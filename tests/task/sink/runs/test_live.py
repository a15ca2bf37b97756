"""What a run makes of what it sees of its live connector: whom it asks, and what it takes for a record."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.errors import RetriableError
from ferryman.record import TopicPartition
from ferryman.runs.yielding import FIRST_SHARE, Yielding
from ferryman.task.sink.runs.live import BLIND_SECONDS, Live, Positions
from tests.task.sink.hand_driven import A


@dataclass
class Topics:
    """A partition in memory."""

    end: int = 0
    records_end: int | None = None
    """Behind it there are only marks of transactions."""
    peeks: int = 0
    members: int = 1
    asked: int = 0

    def is_read(self) -> bool:
        self.asked += 1
        return self.members > 0

    def ends(self, sources: Positions) -> Positions:
        return dict.fromkeys(sources, self.end)

    def behind(self, source: TopicPartition, offset: int) -> int | None:
        self.peeks += 1
        return self.end if self.records_end is not None and offset >= self.records_end else None

    def close(self) -> None: ...


@dataclass
class Beside:
    """A run's view of its live connector."""

    topics: Topics = field(default_factory=Topics)
    stored: dict[TopicPartition, int] = field(default_factory=dict)
    group: dict[TopicPartition, int] = field(default_factory=dict)
    trouble: Exception | None = None
    now: float = 100.0

    def __post_init__(self) -> None:
        self.live = Live(self._stored, lambda: self.group, 60.0, self.topics, Yielding())

    def _stored(self) -> Positions:
        if self.trouble is not None:
            raise self.trouble
        return self.stored

    def go(self, seconds: float, each: Callable[[], None] = lambda: None) -> float:
        """The share after so many seconds."""
        until = self.now + seconds
        while self.now < until:
            self.now += 0.5
            each()
            self.live.look(self.now)
        return self.live.yielding.share


def test_what_stands_beside_the_data_is_believed_before_the_group() -> None:
    beside = Beside(stored={A: 5}, group={A: 0})
    beside.topics.end = 5
    assert beside.go(200) == 1.0
    beside.topics.end = 9  # and nothing is taken any more
    assert beside.go(8) < 1.0


def test_where_nothing_stands_beside_the_data_the_group_is_asked_and_given_its_time() -> None:
    beside = Beside(group={A: 5})
    beside.topics.end = 5
    beside.go(10)
    beside.topics.end = 9
    assert beside.go(100) == FIRST_SHARE  # two commits may not be due yet
    assert beside.go(30) < FIRST_SHARE


def test_nobody_is_given_way_to_where_the_group_has_no_members_and_whoever_joins_is_waited_for() -> None:
    beside = Beside(group={A: 5}, topics=Topics(end=9, members=0))
    assert beside.go(10) == 1.0
    beside.topics.members = 1
    assert beside.go(3) == FIRST_SHARE
    asked = beside.topics.asked
    beside.group = {A: 9}
    assert FIRST_SHARE < beside.go(30) <= 1.0
    assert beside.topics.asked == asked, "what it commits says more"


def test_one_that_has_never_committed_anything_may_be_gathering_its_first_records() -> None:
    beside = Beside(topics=Topics(end=9))
    assert beside.go(30) == FIRST_SHARE
    beside.topics.members = 0
    assert beside.go(3) == 1.0


def test_marks_of_transactions_are_no_records_that_wait() -> None:
    beside = Beside(stored={A: 5})
    beside.topics.end, beside.topics.records_end = 6, 5
    beside.go(3)
    beside.topics.end = beside.topics.records_end = 7
    beside.stored = {A: 7}

    def transaction() -> None:
        if beside.now % 10 == 0:
            beside.topics.end += 2
            beside.topics.records_end = beside.topics.end - 1
            beside.stored = {A: beside.topics.records_end}

    assert beside.go(100, transaction) == 1.0
    assert beside.topics.peeks < 25


def test_a_record_that_waits_is_looked_for_once() -> None:
    beside = Beside(stored={A: 5}, topics=Topics(end=5))
    beside.go(1)
    beside.topics.end = 9
    beside.go(10)
    assert beside.topics.peeks == 1


@pytest.mark.parametrize("trouble", [RetriableError("away"), KafkaException(KafkaError(KafkaError._TRANSPORT))])
def test_a_run_goes_on_about_whose_live_connector_nobody_tells(trouble: Exception) -> None:
    beside = Beside(stored={A: 5}, topics=Topics(end=5))
    beside.go(1)
    beside.topics.end = 9
    held = beside.go(10)
    assert held < 1.0
    beside.trouble = trouble
    assert beside.go(BLIND_SECONDS - 2) == held
    assert beside.go(5) == 1.0
