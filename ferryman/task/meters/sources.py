"""What a source task counts (Kafka Connect's SourceTaskMetricsGroup and TransactionMetricsGroup, and more)."""

import time
from dataclasses import dataclass, field

from ferryman.metrics.windows import Recent
from ferryman.task.meters.counted import Counted
from ferryman.task.meters.tasks import TaskMeter


@dataclass(slots=True)
class SourceMeter:
    """What one source task counts, over all its sessions."""

    task: TaskMeter = field(default_factory=TaskMeter)
    polled: Counted = field(init=False)
    written: Counted = field(init=False)
    poll: Recent = field(init=False)
    """Milliseconds."""
    active: int = 0
    activity: Recent = field(init=False)
    transaction: Recent = field(init=False)
    """Records in one, or without transactions in what a commit of offsets covers."""
    _handed: int = 0
    _polls: list[tuple[float, int]] = field(default_factory=list)
    """When polls returned that are not committed yet, in monotonic seconds, with their records."""

    def __post_init__(self) -> None:
        sampling = self.task.sampling
        self.polled, self.written = Counted(sampling), Counted(sampling)
        self.poll, self.activity, self.transaction = (Recent(sampling) for _ in range(3))

    def began(self) -> None:
        """A session begins: what the last one left behind comes again."""
        self._handed, self._polls = 0, []
        self._is_active(0)

    def returned(self, records: int, seconds: float) -> None:
        """A poll has handed records over."""
        self.poll.record(1000 * seconds)
        self.polled.add(records)
        self.task.batch_of(records)
        self._polls.append((time.monotonic(), records))
        self._is_active(self.active + records)

    def handed(self, records: int) -> None:
        """The producer was handed records, after transforms."""
        self._handed += records

    def committed(self) -> None:
        """All that was handed over is in Kafka, with its offsets."""
        now = time.monotonic()
        if self._handed:
            self.transaction.record(self._handed)
            self.written.add(self._handed)
        for when, records in self._polls:
            self.task.latency.observe(now - when, records)
        self._handed, self._polls = 0, []
        self._is_active(0)

    def _is_active(self, records: int) -> None:
        self.active = records
        self.activity.record(records)
