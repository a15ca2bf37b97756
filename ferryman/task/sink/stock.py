"""The state of a sink task, sampled once a second: what it holds, what it has delivered, how far behind it is."""

from dataclasses import dataclass

from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.delivery import Delivery
from ferryman.task.sink.ends import Ends

EVERY = 1.0
"""Seconds between two looks."""


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

    def take(self, ends: Ends, now: float) -> None:
        """Looks, if it is time to; in monotonic seconds."""
        if now < self._last + EVERY:
            return
        self._last = now
        self.take_delivered()
        self.meter.partitions = len(self.delivery.partitions)
        self.meter.is_active(self.delivery.active())
        self.meter.oldest = self.backlog.oldest
        self.meter.lag.look(self.delivery.places(), ends.now(), ends.met)
