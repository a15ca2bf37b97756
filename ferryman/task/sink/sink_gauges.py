"""The state of a sink task, sampled once a second: what it holds, what it has delivered, how far behind it is."""

from dataclasses import dataclass

from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.backlog import Backlog
from ferryman.task.sink.ends import Ends
from ferryman.task.sink.offset_ledger import OffsetLedger

LOOK_SECONDS = 1.0
"""Seconds between two looks."""


@dataclass
class SinkGauges:
    """The state of one session."""

    meter: SinkMeter
    backlog: Backlog
    ledger: OffsetLedger
    _last: float = 0.0

    def take(self, ends: Ends, now: float) -> None:
        """Looks, if it is time to; in monotonic seconds."""
        if now < self._last + LOOK_SECONDS:
            return
        self._last = now
        self.meter.partitions = len(self.ledger.partitions)
        self.meter.is_active(self.ledger.active())
        self.meter.oldest = self.backlog.oldest
        self.meter.lag.look(self.ledger.places(), ends.now(), ends.met)
