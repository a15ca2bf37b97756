"""How far a run is, and when it will be through."""

from ferryman.record import TopicPartition
from ferryman.runs.keys import RunKeys, SourceRunKeys
from ferryman.runs.progress import SourceWatch, Watch
from ferryman.runs.progress_text import sentence
from ferryman.runs.ranges import Range, Ranges
from ferryman.runs.tallies import Tally

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


def test_a_source_is_complete_when_each_of_its_tasks_has_said_so() -> None:
    keys = SourceRunKeys.of({"ferryman.run.of": "live", "ferryman.run.span": '{"records":100}'})
    watch = SourceWatch(keys)
    refused = watch.look({0: Tally(10, refused=1), 1: Tally(5, refused=2)}, 2, 0.0).refused
    assert refused == 3, "over all tasks"
    watch = SourceWatch(keys)
    first = watch.look({0: Tally(10)}, 2, 0.0)
    assert (first.of, first.records_done, first.records_total, first.complete) == ("live", 10, 100, False)
    second = watch.look({0: Tally(50, True), 1: Tally(10)}, 2, 10.0)
    assert (second.tasks_done, second.tasks_total, second.rate, second.left) == (1, 2, 5.0, 8.0)
    assert watch.look({0: Tally(50, True), 1: Tally(50, True)}, 2, 20.0).complete


def test_tasks_that_the_config_no_longer_allows_do_not_keep_a_stopped_source_from_being_complete() -> None:
    tallies = {0: Tally(3, True), 1: Tally(4, True), 2: Tally(5, False)}
    assert not SourceWatch(None, most=3).look(tallies, 0, 1.0).complete
    lowered = SourceWatch(None, most=2).look(tallies, 0, 1.0)
    assert (lowered.complete, lowered.records_done, lowered.tasks_total) == (True, 12, 2)


def test_it_tells_how_many_were_refused() -> None:
    keys = RunKeys.of({"ferryman.run.ranges": Ranges({"t": "i"}, {A: Range(0, 10)}).dump()})
    assert keys is not None
    told = Watch(keys).look({A: 5}, 1.0, refused=3)
    assert told.refused == 3
    assert sentence(told, "") == "50 %, 5 of 10 records; 3 refused"


def test_a_source_that_is_stopped_is_what_its_tasks_have_left() -> None:
    watch = SourceWatch(None)
    assert not watch.look({}, 0, 0.0).complete
    assert not watch.look({0: Tally(1, True), 1: Tally(1)}, 0, 1.0).complete
    found = watch.look({0: Tally(1, True), 1: Tally(1, True)}, 0, 2.0)
    assert (found.complete, found.of, found.records_done, found.records_total) == (True, "", 2, None)
