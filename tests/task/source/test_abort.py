"""Which transactions a source's session aborts when it ends: those that are open, and none that may be committed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from ferryman.api import Source
from ferryman.chain import builder
from ferryman.connector import SourceConfig
from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.record import Record
from ferryman.retry.outage import Outage, Patience
from ferryman.task.errors.error_tolerance import Tolerance
from ferryman.task.outages import Outages
from ferryman.task.setup.control import Control
from ferryman.task.source.loop import SourceSession
from ferryman.task.source.outbox import Outbox
from ferryman.task.source.transactions import Transactions

TEXT = {f"{side}.converter": "org.apache.kafka.connect.storage.StringConverter" for side in ("key", "value")}
UNKNOWN = KafkaError(KafkaError._TIMED_OUT, retriable=True)
REFUSED = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE, txn_requires_abort=True)


@dataclass
class Producer:
    """Notes what becomes of its transactions; a commit may be answered with an error."""

    answer: KafkaError | None = None
    events: list[str] = field(default_factory=list)

    def __len__(self) -> int:
        return 0

    def poll(self, seconds: float) -> int:
        return 0

    def begin_transaction(self) -> None:
        self.events.append("begin")

    def produce(self, topic: str, *about: Any, **more: Any) -> None:
        self.events.append(f"produce to {topic}")

    def flush(self, wait: float) -> int:
        return 0

    def commit_transaction(self, wait: float) -> None:
        if self.answer is not None:
            raise KafkaException(self.answer)
        self.events.append("commit")

    def abort_transaction(self, wait: float) -> None:
        self.events.append("abort")


class Once(Source[SourceConfig]):
    """One record, then trouble."""

    polls = 0

    def poll(self) -> list[Record]:
        self.polls += 1
        if self.polls > 1:
            raise ValueError("broken")
        return [Record(topic="t", value="1", source_partition={"a": 1}, source_offset={"n": 1})]


class Anywhere:
    """Every topic is there, and keeps what it gets."""

    def ensure(self, topic: str) -> None:
        """Nothing is to be created."""

    def look(self, topic: str, timestamps: Sequence[int | None]) -> None:
        """Nothing is too old."""


def session(producer: Producer, interval: float | None) -> SourceSession:
    config = SourceConfig.parse({"name": "s", "connector.class": "x"})
    control = Control(lambda event, facts: None)
    context: Any = None
    outbox = Outbox(producer, control, grace=3.0, patience=0.0)  # type: ignore[arg-type]
    return SourceSession(
        chain=builder.chain(TEXT, {}),
        tolerance=Tolerance(config, 0),
        control=control,
        source=Once(config, context),
        delivery=Transactions(outbox, SourceOffsets("s"), "offsets", interval),
        offsets_topic="offsets",
        topics=Anywhere(),
        ages=Anywhere(),
        outages=Outages(Outage(Patience(longest_wait=1.0)), control.tell),
    )


def ended(producer: Producer, interval: float | None) -> list[str]:
    made = session(producer, interval)
    with pytest.raises((ValueError, KafkaException)):
        made.run()
    made.delivery.abandon()
    return producer.events


def test_what_is_open_when_a_source_fails_is_aborted() -> None:
    assert ended(Producer(), 60.0) == ["begin", "produce to t", "abort"]


def test_after_a_commit_nothing_is_open() -> None:
    assert ended(Producer(), None) == ["begin", "produce to t", "produce to offsets", "commit"]


def test_a_commit_without_an_answer_is_left_alone_since_it_may_have_been_made() -> None:
    assert ended(Producer(UNKNOWN), None) == ["begin", "produce to t", "produce to offsets"]


def test_a_commit_that_was_refused_for_good_is_aborted() -> None:
    assert ended(Producer(REFUSED), None) == ["begin", "produce to t", "produce to offsets", "abort"]
