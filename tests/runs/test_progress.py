"""How far a run is, and when it will be through."""

from ferryman.record import TopicPartition
from ferryman.runs.keys import RunKeys
from ferryman.runs.progress import Watch

A, B = TopicPartition("t", 0), TopicPartition("t", 1)
KEYS = RunKeys.of({"ferryman.run.ranges": '{"t":{"id":"i","partitions":{"0":[10,110],"1":[0,100]}}}'})


def test_it_counts_what_is_done_and_estimates_the_rest() -> None:
    assert KEYS is not None
    watch = Watch(KEYS)
    first = watch.look({A: 10}, 0.0)
    assert (first.records_done, first.records_total, first.rate, first.left) == (0, 200, None, None)
    second = watch.look({A: 60}, 5.0)
    assert (second.records_done, second.rate, second.left) == (50, 10.0, 15.0)
    assert not second.complete
    last = watch.look({A: 110, B: 100}, 20.0)
    assert (last.records_done, last.partitions_done, last.complete, last.left) == (200, 2, True, None)
    assert watch.latest == last


def test_offsets_that_are_moved_back_begin_the_count_anew() -> None:
    assert KEYS is not None
    watch = Watch(KEYS)
    watch.look({A: 100}, 0.0)
    assert watch.look({A: 20}, 1.0).rate is None
    assert watch.look({A: 30}, 2.0).rate == 10.0
