"""What a sink counts, above all when its records count as delivered."""

import time
from collections.abc import Sequence

from ferryman.record import Batch, Polled, Rows, TopicPartition
from ferryman.task.meters.sinks import SinkMeter

A = TopicPartition("t", 0)


def batch(start: int, timestamps: Sequence[int | None]) -> Batch:
    count = len(timestamps)
    offsets = range(start, start + count)
    polled = Polled("t", 0, offsets, timestamps, [None] * count, [b"x"] * count)
    rows = Rows(None, ["x"] * count)
    return Batch(
        topic="t", partition=0, key=rows, value=rows, timestamps=timestamps, origin=polled, positions=range(count)
    )


def ago(seconds: float) -> int:
    return int((time.time() - seconds) * 1000)


def delivered(meter: SinkMeter) -> int:
    return sum(meter.task.latency.counts)


def test_what_a_sink_has_taken_is_counted_and_its_age_taken_at_once() -> None:
    meter = SinkMeter()
    meter.took([batch(0, [ago(45)] * 3)])
    assert meter.sent.total == 3
    assert delivered(meter) == 3
    assert meter.task.latency.sum >= 3 * 45


def test_of_records_of_very_different_ages_each_age_has_its_part() -> None:
    meter = SinkMeter()
    meter.took([batch(0, [ago(1)] * 500 + [ago(100)] * 500)])
    assert delivered(meter) == 1000
    young = sum(
        count for bound, count in zip(meter.task.latency.bounds, meter.task.latency.counts, strict=False) if bound < 60
    )
    assert young <= 600


def test_records_without_a_timestamp_have_no_age() -> None:
    meter = SinkMeter()
    meter.took([batch(0, [None, None])])
    assert (meter.sent.total, delivered(meter)) == (2, 0)


def test_of_a_great_batch_every_record_is_counted() -> None:
    meter = SinkMeter()
    meter.took([batch(0, [ago(1)] * 12_345)])
    assert delivered(meter) == 12_345


def test_of_a_sink_that_keeps_records_back_they_count_when_their_offset_is_committed() -> None:
    meter = SinkMeter(keeps_back=True)
    meter.took([batch(0, [ago(1)] * 3), batch(3, [ago(1)] * 2)])
    assert delivered(meter) == 0
    meter.durable({A: 3})
    assert delivered(meter) == 3
    meter.durable({A: 5})
    assert delivered(meter) == 5


def test_what_was_given_up_before_it_was_durable_does_not_count() -> None:
    meter = SinkMeter(keeps_back=True)
    meter.took([batch(0, [ago(1)] * 3)])
    meter.gone([A])
    meter.durable({A: 3})
    assert delivered(meter) == 0
