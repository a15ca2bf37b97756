"""Records that were found guilty are parted from the others, and are failures without being touched."""

from ferryman.task.crash_evidence.guilty import Guilty, parted
from tests.chain.parts import polled

HOW = "was killed by SIGSEGV"


def guilty(offset: int, topic: str = "t", partition: int = 0) -> Guilty:
    return Guilty(topic, partition, offset, "TRANSFORMATION", "Mask", HOW)


def test_where_none_is_known_all_stay_as_they_are() -> None:
    given = polled(b"a", b"b", first=7)
    for known in ([], [guilty(6)], [guilty(9)], [guilty(7, topic="u")], [guilty(7, partition=1)]):
        innocent, failures = parted(given, known)
        assert innocent is given
        assert failures == []


def test_the_guilty_are_failures_of_the_step_that_dies_of_them() -> None:
    given = polled(b"a", b"b", b"c", b"d", first=7)
    innocent, failures = parted(given, [guilty(8), guilty(10)])
    assert innocent is not None
    assert (innocent.offsets, innocent.values) == ([7, 9], [b"a", b"c"])
    assert [str(failure.coordinates) for failure in failures] == ["t-0@8", "t-0@10"]
    assert {(failure.stage, failure.plugin) for failure in failures} == {("TRANSFORMATION", "Mask")}
    assert HOW in str(failures[0].error)
    assert failures[0].origin is given  # whose bytes go to the dead letter queue


def test_nothing_is_left_where_all_are_guilty() -> None:
    innocent, failures = parted(polled(b"a", b"b"), [guilty(0), guilty(1)])
    assert innocent is None
    assert len(failures) == 2
