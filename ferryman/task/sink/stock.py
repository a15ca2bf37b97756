"""Where a sink task stands, looked at once a second: what it holds, what it has delivered, how far behind it is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from ferryman.record import TopicPartition
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.delivery import Delivery

EVERY = 1.0
"""Seconds between two looks."""


class Ends(Protocol):
    """Who knows where partitions end."""

    @property
    def met(self) -> Mapping[TopicPartition, int]:
        """Offsets at which they ended when all of them had been read."""

    def ends(self) -> Mapping[TopicPartition, int]:
        """Where they end, as far as is known."""


@dataclass
class Stock:
    """That of one session."""

    meter: SinkMeter
    backlog: Backlog
    delivery: Delivery
    _last: float = 0.0

    def take_delivered(self) -> None:
        """What the sink has taken goes into the ledger."""
        while self.backlog.delivered:
            self.delivery.delivered(*self.backlog.delivered.popleft())

    def take(self, group: Ends, now: float) -> None:
        """Looks, if it is time to; in monotonic seconds."""
        if now < self._last + EVERY:
            return
        self._last = now
        self.take_delivered()
        self.meter.partitions = len(self.delivery.partitions)
        self.meter.is_active(self.delivery.active())
        self.meter.oldest = self.backlog.oldest
        self.meter.lag.look(self.delivery.places(), group.ends(), group.met)
