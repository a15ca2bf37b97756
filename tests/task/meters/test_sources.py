"""What a source counts: what it handed over, and what of that is in Kafka."""

from ferryman.task.meters.sources import SourceMeter


def test_what_was_polled_is_on_its_way_until_it_is_committed() -> None:
    meter = SourceMeter()
    meter.began()
    meter.returned(10, 0.5)
    meter.handed(8)
    assert (meter.polled.total, meter.active, meter.written.total) == (10, 10, 0)
    meter.committed()
    assert (meter.active, meter.written.total) == (0, 8)
    assert sum(meter.task.latency.counts) == 10
    assert meter.transaction.most == 8


def test_what_the_last_session_left_behind_comes_again_and_counts_once_as_written() -> None:
    meter = SourceMeter()
    meter.began()
    meter.returned(10, 0.5)
    meter.handed(10)
    meter.began()
    assert meter.active == 0
    meter.returned(10, 0.5)
    meter.handed(10)
    meter.committed()
    assert (meter.polled.total, meter.written.total) == (20, 10)
