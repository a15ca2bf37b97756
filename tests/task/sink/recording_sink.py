"""A sink that keeps what it takes, tells what it was asked, and fails as it is told."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ferryman.api import Assigned, Committed, Sink, SinkContext
from ferryman.connector import SinkConfig
from ferryman.errors import DataError
from ferryman.record import Batch, TopicPartition


class RecordingSink(Sink[SinkConfig]):
    """Takes one batch at a time, or what ``outcomes`` says: so many, or an error. Never takes the value ``poison``."""

    atomic = True

    def __init__(self, context: SinkContext | None = None) -> None:
        given: Any = context
        super().__init__(SinkConfig.parse({"name": "c", "connector.class": "x", "topics": "t"}), given)
        self.taken: list[tuple[TopicPartition, int, Any]] = []
        """Partition, offset and value of each record."""
        self.offered: list[int] = []
        """How many batches came together, by put."""
        self.outcomes: deque[int | Exception] = deque()
        self.during_put: Callable[[], object] = lambda: None
        self.calls: list[tuple[str, Any]] = []
        """What the loop told or asked: open, flush, committed, close."""
        self.starts: dict[TopicPartition, int] = {}
        self.errors: dict[str, Exception] = {}
        """Raised by the call of that name, each time."""

    def put_batches(self, batches: Sequence[Batch]) -> int:
        self.offered.append(len(batches))
        self.during_put()
        outcome = self.outcomes.popleft() if self.outcomes else 1
        if isinstance(outcome, Exception):
            raise outcome
        for number, batch in enumerate(batches[:outcome]):
            records = list(batch.records())
            if any(record.value == "poison" for record in records):
                if number == 0:
                    raise DataError("it tastes bitter")
                return number
            self.taken += [(batch.source, record.offset or 0, record.value) for record in records]
        return min(outcome, len(batches))

    def values(self) -> list[Any]:
        """The values taken, in order."""
        return [value for _, _, value in self.taken]

    def open(self, partitions: Sequence[Assigned]) -> Mapping[TopicPartition, int]:
        self._called("open", [each.source for each in partitions])
        return self.starts

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        self._called("close", list(partitions))

    def _called(self, name: str, facts: Any) -> None:
        self.calls.append((name, facts))
        if name in self.errors:
            raise self.errors[name]


class FlushingSink(RecordingSink):
    """The same; it has a part in commits: what it keeps is durable when it was flushed."""

    def __init__(self, context: SinkContext | None = None) -> None:
        super().__init__(context)
        self.wanted: Callable[[Mapping[TopicPartition, int]], Mapping[TopicPartition, Committed]] | None = None
        """What it says instead of all that it was asked about."""

    def pre_commit(self, offsets: Mapping[TopicPartition, int]) -> Mapping[TopicPartition, Committed]:
        self._called("pre_commit", dict(offsets))
        return (
            {source: Committed(offset) for source, offset in offsets.items()}
            if self.wanted is None
            else self.wanted(offsets)
        )

    def committed(self, offsets: Mapping[TopicPartition, Committed]) -> None:
        self._called("committed", dict(offsets))
