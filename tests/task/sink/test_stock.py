"""Where a sink stands: what it took goes into the ledger, and what is left is its lag."""

from collections import deque
from types import SimpleNamespace
from typing import Any

from ferryman.record import TopicPartition
from ferryman.task.meters.sinks import SinkMeter
from ferryman.task.sink.delivery import Delivery
from ferryman.task.sink.stock import EVERY, Stock

A = TopicPartition("t", 0)


def test_a_look_counts_what_was_delivered_and_the_next_comes_a_second_later() -> None:
    delivery, meter = Delivery(), SinkMeter()
    delivery.assigned({A: 0}, {A: None})
    delivery.polled(A, 8)
    backlog: Any = SimpleNamespace(delivered=deque([(A, 5)]), oldest=123)
    ends: Any = SimpleNamespace(now=lambda: {A: 10}, met={})
    stock = Stock(meter, backlog, delivery)
    stock.take(ends, 100.0)
    assert (meter.lag.total, meter.active, meter.partitions, meter.oldest) == (5, 8, 1, 123)
    backlog.delivered.append((A, 8))
    stock.take(ends, 100.0 + EVERY / 2)
    assert meter.lag.total == 5
    stock.take(ends, 100.0 + EVERY)
    assert meter.lag.total == 2
