"""What a reader asks of its cluster: which partitions its topic has, where they begin, where they end."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)
from confluent_kafka.admin import OffsetSpec  # type: ignore[attr-defined]

from ferryman.errors import RetriableError
from ferryman.kafka.admin import Admin
from ferryman.kafka.clients import LOG, QUIET
from ferryman.kafka.permissions import Heard, refusal
from ferryman.offset_reader.reading_progress import Ends

ANSWER_SECONDS = 10.0
"""Seconds that the cluster has to answer."""
POLL_SECONDS = 0.2
"""Seconds that records which are known to be there are waited for at once."""
MAX_EMPTY_POLLS = 50
"""Polls without a record before whoever looks through begins anew."""
PASSING = frozenset({KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN})
"""What a reader does not mind: it joins no group, though its client asks for the coordinator, and brokers come back."""
AT_ONCE = 5000
"""Records that are asked of the client at once."""
_BY_ITSELF: dict[str, Any] = {"enable.partition.eof": True, "auto.offset.reset": "error"}
"""For readers that are told where to begin. That a partition has ended is told when a fetch has waited in vain, as it
does behind the last commit of each transaction; so none waits for long."""


@dataclass(frozen=True, slots=True)
class Topic:
    """What there is of the topic."""

    id: str
    """Another one, when it was deleted and made again; empty if there is none."""
    ends: Ends


class Brokers:
    """Asked on behalf of one topic. All calls block; they raise RefusedError or RetriableError."""

    def __init__(self, topic: str, config: Mapping[str, Any]) -> None:
        self._topic = topic
        self.heard = Heard()
        self._config = {**LOG, **config, "error_cb": self.heard.by("consumer")}
        quiet: dict[str, Any] = {**config, **QUIET, "error_cb": self.heard.by("consumer")}
        self._admin = Admin(quiet)

    def consumer(self) -> Consumer:
        """A reader of what is committed, without an assignment."""
        return Consumer({**self._config, **_BY_ITSELF, "isolation.level": "read_committed", "fetch.wait.max.ms": 100})

    def look(self) -> Topic:
        """What there is now, and where it ends, committed or not."""
        try:
            self.heard.refusals.clear()
            topic = self._admin.described([self._topic], ANSWER_SECONDS).get(self._topic)
        except KafkaException as error:
            raise self.failure(error.args[0]) from error
        if topic is None:
            return Topic("", {})
        return Topic(str(topic.topic_id), self._offsets([each.id for each in topic.partitions], _latest()))

    def beginnings(self, partitions: Iterable[int]) -> Ends:
        """The first offset of each."""
        return self._offsets(partitions, _earliest())

    def _offsets(self, partitions: Iterable[int], which: Any) -> Ends:
        wanted = {TopicPartition(self._topic, number): which for number in partitions}
        if not wanted:
            return {}
        try:
            found = self._admin.offsets(wanted, IsolationLevel.READ_UNCOMMITTED, ANSWER_SECONDS)
        except KafkaException as error:
            raise self.failure(error.args[0]) from error
        return {each.partition: offset for each, offset in found.items()}

    def uncommitted(self, ranges: Mapping[int, tuple[int, int]]) -> Iterator[Message | tuple[int, int]]:
        """All records in these ranges, committed or not, and, when a range is through, its partition and its end."""
        left = dict(ranges)
        more = {**_BY_ITSELF, "isolation.level": "read_uncommitted", "fetch.wait.max.ms": 10}
        with closing(Consumer({**self._config, **more})) as consumer:
            consumer.assign([TopicPartition(self._topic, number, begins) for number, (begins, _) in left.items()])
            silent = 0
            while left:
                found = consumer.consume(AT_ONCE, POLL_SECONDS)
                silent = 0 if found else silent + 1
                if silent > MAX_EMPTY_POLLS:
                    raise RetriableError("the broker does not answer")
                for message in found:
                    error, number, offset = message.error(), message.partition() or 0, message.offset() or 0
                    if error is None:
                        yield message
                        offset += 1
                    elif error.code() in PASSING:
                        continue
                    elif error.code() != KafkaError._PARTITION_EOF:
                        raise self.failure(error)
                    if number in left and offset >= left[number][1]:
                        yield number, left.pop(number)[1]

    def failure(self, error: KafkaError) -> RetriableError:
        """What an error of the client means; why it cannot log in, it has reported by ``error_cb``."""
        return refusal(error, "consumer") or self.heard.refusal() or RetriableError(error.str())


def _latest() -> Any:
    return OffsetSpec.latest()  # type: ignore[no-untyped-call]


def _earliest() -> Any:
    return OffsetSpec.earliest()  # type: ignore[no-untyped-call]
