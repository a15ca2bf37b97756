"""Where a sink stands: what it was not given yet is its lag."""

from types import SimpleNamespace
from typing import Any

from ferryman.record import TopicPartition
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.offset_ledger import OffsetLedger
from ferryman.task.sink.sink_gauges import LOOK_SECONDS, SinkGauges

A = TopicPartition("t", 0)


def test_a_look_counts_what_was_delivered_and_the_next_comes_a_second_later() -> None:
    ledger, meter = OffsetLedger(), SinkMeter()
    ledger.assigned({A: 0}, {A: None})
    ledger.polled(A, 8)
    backlog: Any = SimpleNamespace(oldest=123)
    ends: Any = SimpleNamespace(now=lambda: {A: 10}, met={})
    ledger.delivered(A, 5)
    gauges = SinkGauges(meter, backlog, ledger)
    gauges.take(ends, 100.0)
    assert (meter.lag.total, meter.active, meter.partitions, meter.oldest) == (5, 8, 1, 123)
    ledger.delivered(A, 8)
    gauges.take(ends, 100.0 + LOOK_SECONDS / 2)
    assert meter.lag.total == 5
    gauges.take(ends, 100.0 + LOOK_SECONDS)
    assert meter.lag.total == 2
