"""Notes in shared memory: what stands there is what is being worked on, and it outlives whoever wrote it."""

import os
import signal

import pytest

from ferryman.task.crash_evidence import at_work
from ferryman.task.crash_evidence.at_work import (
    CONVERT,
    LENGTH_BYTES,
    MAX_RANGES,
    PUT,
    SHARED_BYTES,
    AtWork,
    Note,
    Offsets,
)

FIVE = Offsets("t", 0, 5, 9)


def both() -> tuple[AtWork, AtWork]:
    """The same memory, as worker and task have it."""
    descriptor = at_work.shared()
    sides = AtWork(descriptor), AtWork(descriptor)
    os.close(descriptor)
    return sides


def test_a_note_stands_there_for_as_long_as_the_work_lasts() -> None:
    worker, task = both()
    assert worker.read() is None
    with task.on(CONVERT, [FIVE]):
        assert worker.read() == Note(CONVERT, [FIVE])
    assert worker.read() is None
    with task.on("TRANSFORMATION", [FIVE._replace(last=5)], "Mask"):
        assert worker.read() == Note("TRANSFORMATION", [Offsets("t", 0, 5, 5)], "Mask")


def test_what_is_looked_through_within_other_work_is_noted_meanwhile_and_the_other_work_after_it() -> None:
    worker, task = both()
    with task.on(PUT, [FIVE]):
        with task.on(CONVERT, [FIVE._replace(first=8)]):
            assert worker.read() == Note(CONVERT, [FIVE._replace(first=8)])
        assert worker.read() == Note(PUT, [FIVE])
    assert worker.read() is None


def test_it_is_wiped_off_when_the_work_fails() -> None:
    worker, task = both()
    with pytest.raises(ValueError, match="no"), task.on(PUT, [FIVE]):
        raise ValueError("no")
    assert worker.read() is None


def test_it_outlives_the_process_that_wrote_it() -> None:
    worker, task = both()
    pid = os.fork()
    if pid == 0:
        with task.on(PUT, [FIVE, Offsets("u", 1, 0, 0)]):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert worker.read() == Note(PUT, [FIVE, Offsets("u", 1, 0, 0)])


def test_of_very_many_ranges_the_first_are_told() -> None:
    worker, task = both()
    ranges = [Offsets("t" * 249, number, 1 << 62, (1 << 62) + 1) for number in range(5000)]
    with task.on(PUT, ranges):
        assert worker.read() == Note(PUT, ranges[:MAX_RANGES])


def test_half_a_note_is_none() -> None:
    descriptor = at_work.shared()
    worker = AtWork(descriptor)
    for length in (0, SHARED_BYTES):
        os.pwrite(descriptor, length.to_bytes(LENGTH_BYTES, "big"), 0)
        assert worker.read() is None
    os.close(descriptor)


def test_without_memory_nothing_is_noted() -> None:
    nobody = AtWork()
    with nobody.on(PUT, [FIVE]):
        assert nobody.read() is None


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (Offsets("t", 0, 9, 20), True),
        (Offsets("t", 0, 0, 5), True),
        (Offsets("t", 0, 6, 7), True),
        (Offsets("t", 0, 10, 20), False),
        (Offsets("t", 0, 0, 4), False),
        (Offsets("t", 1, 5, 9), False),
        (Offsets("u", 0, 5, 9), False),
    ],
)
def test_ranges_overlap_where_a_record_may_be_in_both(other: Offsets, overlaps: bool) -> None:
    assert FIVE.overlaps(other) is other.overlaps(FIVE) is overlaps


def test_a_range_is_named_by_its_offsets() -> None:
    assert [str(FIVE), str(FIVE._replace(last=5))] == ["t-0@5..9", "t-0@5"]
