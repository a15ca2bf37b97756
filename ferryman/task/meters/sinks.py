"""What a sink task counts (Kafka Connect's SinkTaskMetricsGroup, and more)."""

import time
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from ferryman.metrics.windows import Recent
from ferryman.record import Batch, TopicPartition
from ferryman.task.meters.counted import Counted
from ferryman.task.meters.lag import Lag
from ferryman.task.meters.tasks import TaskMeter

MAX_TIMESTAMPS = 20
"""Timestamps that are remembered of a batch until it is durable."""
MOST_KEPT = 10_000
"""Batches of which timestamps are remembered; of more the oldest are forgotten, and not counted."""


@dataclass(slots=True)
class _Undurable:
    source: TopicPartition
    following: int
    records: int
    timestamps: Sequence[int]


@dataclass(slots=True)
class SinkMeter:
    """One sink task, over its sessions. Its loop counts what it reads and commits, the sink's thread what is put."""

    task: TaskMeter = field(default_factory=TaskMeter)
    keeps_back: bool = False
    """Whether a record is durable only when its offset is committed."""
    read: Counted = field(init=False)
    sent: Counted = field(init=False)
    put: Recent = field(init=False)
    """Milliseconds."""
    partitions: int = 0
    commits: int = 0
    """The number of the last commit."""
    completed: Counted = field(init=False)
    skipped: Counted = field(init=False)
    active: int = 0
    activity: Recent = field(init=False)
    lag: Lag = field(default_factory=Lag)
    oldest: int | None = None
    """The timestamp of the oldest record that was read and not delivered, in milliseconds."""
    _undurable: deque[_Undurable] = field(default_factory=lambda: deque(maxlen=MOST_KEPT))

    def __post_init__(self) -> None:
        sampling = self.task.sampling
        self.read, self.sent, self.completed, self.skipped = (Counted(sampling) for _ in range(4))
        self.put, self.activity = Recent(sampling), Recent(sampling)

    def is_active(self, records: int) -> None:
        """So many records were read whose offsets are not committed."""
        self.active = records
        self.activity.record(records)

    def puts(self, batches: Sequence[Batch]) -> float:
        """The sink is about to be given these batches; the moment, in monotonic seconds."""
        self.task.batch_of(sum(map(len, batches)))
        return time.monotonic()

    def has_put(self, began: float) -> None:
        """It has come back from what began then, without an error."""
        self.put.record(1000 * (time.monotonic() - began))

    def took(self, batches: Iterable[Batch]) -> None:
        """The sink has taken these."""
        now = time.time()
        for batch in batches:
            self.sent.add(len(batch))
            if self.keeps_back:
                known = _spread(batch.timestamps, MAX_TIMESTAMPS)
                self._undurable.append(_Undurable(batch.source, batch.offsets[-1] + 1, len(batch), known))
            else:
                self._taken(now, batch.timestamps)

    def durable(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The group has these offsets."""
        if not self._undurable:
            return
        now, left = time.time(), deque[_Undurable](maxlen=MOST_KEPT)
        for _ in range(len(self._undurable)):
            each = self._undurable.popleft()
            if each.following <= offsets.get(each.source, 0):
                self._delivered(now, each.timestamps, each.records)
            else:
                left.append(each)
        self._undurable.extendleft(reversed(left))

    def gone(self, sources: Sequence[TopicPartition]) -> None:
        """Partitions were given up; what is not durable of them is another task's now."""
        for _ in range(len(self._undurable)):
            each = self._undurable.popleft()
            if each.source not in sources:
                self._undurable.append(each)

    def _taken(self, now: float, timestamps: Sequence[int | None]) -> None:
        """Records of these timestamps are there. What was written together is mostly in one bucket, and then no record
        is looked at by itself."""
        if None not in timestamps:
            known = cast(Sequence[int], timestamps)
            youngest, oldest = (max(0.0, now - when / 1000) for when in (max(known), min(known)))
            if self.task.latency.observe_between(youngest, oldest, len(known)):
                return
        self._delivered(now, _spread(timestamps, MAX_TIMESTAMPS), len(timestamps))

    def _delivered(self, now: float, timestamps: Sequence[int], records: int) -> None:
        """``records`` are there, of which these are timestamps, in milliseconds."""
        for place, when in enumerate(timestamps):
            count = (records * (place + 1)) // len(timestamps) - (records * place) // len(timestamps)
            self.task.latency.observe(max(0.0, now - when / 1000), count)


def _spread(timestamps: Sequence[int | None], most: int) -> list[int]:
    """So many of them at most, evenly spread; without those that are missing."""
    step = max(1, -(-len(timestamps) // most))
    return [when for when in timestamps[::step] if when is not None]
