"""What sinks and sources count alike."""

import pytest

from ferryman.task.meters.tasks import TaskMeter


def test_a_commit_that_raises_has_failed_and_its_time_says_nothing() -> None:
    meter = TaskMeter()
    with meter.committing():
        """It goes well."""
    with pytest.raises(OSError, match="away"), meter.committing():
        raise OSError("away")
    assert (meter.committed.share, meter.committed.others) == (0.5, 0.5)
    assert sum(meter.commits.counts) == 1


def test_batches_are_counted_by_size() -> None:
    meter = TaskMeter()
    meter.batch_of(3)
    meter.batch_of(5)
    assert (meter.batch.mean, meter.batch.most) == (4.0, 5)
    assert sum(meter.batches.counts) == 2
