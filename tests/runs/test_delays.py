"""How long records wait for a live connector: told from offsets and ends alone, in simulated time."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import TopicPartition
from ferryman.runs.delays import MAX_ENDS, STILL_SECONDS, Delay, Delays

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def looked(delays: Delays, *looks: tuple[float, int, int], source: TopicPartition = A) -> Delay | None:
    found = None
    for now, position, end in looks:
        found = delays.look(now, {source: position}, {source: end})
    return found


def test_a_connector_that_has_taken_all_delays_nothing() -> None:
    assert looked(Delays(), (0, 5, 5), (1, 9, 9)) == Delay(0.0, 0.0)


def test_a_record_waits_from_when_the_partition_was_seen_to_end_behind_it() -> None:
    assert looked(Delays(), (0, 5, 5), (1, 5, 7), (2, 5, 9), (3, 6, 9)) == Delay(2.0, 2.0)
    assert looked(Delays(), (0, 5, 5), (1, 5, 7), (2, 5, 9), (3, 8, 9)) == Delay(1.0, 1.0)


def test_one_that_has_taken_no_step_reads_nothing_and_none_is_delayed_for_it() -> None:
    assert looked(Delays(), (0, 5, 900), (1, 5, 950), (100, 5, 1000)) is None


def test_one_that_stands_still_for_long_is_no_longer_waited_for_until_it_goes_on() -> None:
    delays = Delays()
    assert looked(delays, (0, 5, 5), (1, 5, 9), (STILL_SECONDS, 5, 9)) == Delay(STILL_SECONDS - 1, STILL_SECONDS - 1)
    assert looked(delays, (STILL_SECONDS + 2, 5, 9)) is None
    assert looked(delays, (STILL_SECONDS + 3, 6, 9)) == Delay(STILL_SECONDS + 2, STILL_SECONDS + 2)


def test_partitions_that_nobody_reads_do_not_hide_those_that_somebody_does() -> None:
    delays = Delays()
    delays.look(0, {A: 0, B: 3}, {A: 99, B: 3})
    assert delays.look(50, {A: 0, B: 3}, {A: 99, B: 4}) is None
    delays.look(51, {A: 0, B: 4}, {A: 99, B: 4})
    delays.look(52, {A: 0, B: 4}, {A: 99, B: 5})
    assert delays.look(54, {A: 0, B: 4}, {A: 99, B: 5}) == Delay(2.0, 2.0)


def test_offsets_that_are_committed_now_and_then_tell_of_the_delay_when_they_move() -> None:
    delays = Delays(late=60.0)
    told = [looked(delays, (float(now), 10 * (now // 60), now // 6)) for now in range(300)]
    # Committed is what was there at that moment: nobody waits, though the offset may be a minute old.
    assert max(each.longest for each in told if each is not None) == 0.0
    assert [each.news for each in told if each is not None].count(0.0) >= 4


def test_of_one_that_gathers_records_the_offset_tells_when_it_moves_however_seldom_that_is() -> None:
    delays = Delays(learns=True)
    # A record a second, committed every five minutes, all that was there a second before.
    told = [looked(delays, (float(now), max(0, 300 * (now // 300) - 1), now)) for now in range(2_000)]
    assert None not in told
    assert max(each.longest for each in told if each is not None) <= 1.0
    assert [each.news is not None for each in told if each is not None].count(True) >= 6
    # Then it gets through less than comes, and each time that it moves what follows has waited for longer.
    assert looked(delays, (2_099, 1_799, 2_099), (2_100, 1_900, 2_100)) == Delay(199.0, 199.0)
    # And then it moves no more: that is seen when it is later than it ever was, and in the end nobody is waited for.
    last = looked(delays, (2_710, 1_900, 2_710))
    assert last is not None
    assert last.news == last.longest > 199.0
    assert looked(delays, (9_000, 1_900, 9_000)) is None


def test_one_that_commits_no_more_is_late_all_the_same() -> None:
    delays = Delays(late=10.0)
    looked(delays, (0, 5, 5), (1, 5, 6))
    assert looked(delays, (20, 5, 6)) == Delay(0.0, None, is_known=False)
    assert looked(delays, (25, 5, 6)) == Delay(4.0, 4.0, is_known=False)


def test_before_its_offset_has_moved_nothing_is_known_of_one_that_commits_now_and_then() -> None:
    for delays in (Delays(late=10.0), Delays(late=10.0, learns=True)):
        assert looked(delays, (0, 5, 5)) == Delay(0.0, 0.0), "it has taken all that there is"
        assert looked(delays, (1, 5, 6)) == Delay(0.0, None, is_known=False)
        assert delays.look(2, {A: 5, B: 1}, {A: 6, B: 2}) == Delay(0.0, None, is_known=False)
        assert delays.look(3, {A: 5, B: 2}, {A: 6, B: 3}) == Delay(0.0, 0.0), "one partition speaks for the others"
    assert looked(Delays(), (0, 5, 5), (1, 5, 6)) == Delay(0.0, 0.0), "what stands beside the data tells at once"


def test_how_long_one_gathers_is_not_learned_from_a_time_of_which_only_the_end_was_seen() -> None:
    delays = Delays(late=1.0, learns=True)
    looked(delays, (0, 5, 6), (2, 6, 7))  # it may have gathered for an hour
    assert looked(delays, (14, 6, 8)) == Delay(0.0, None)
    looked(delays, (22, 7, 9))  # twenty seconds
    assert looked(delays, (63, 7, 10)) == Delay(9.0, 9.0)


def test_a_partition_without_an_end_or_an_offset_says_nothing() -> None:
    delays = Delays()
    assert delays.look(0, {A: 1}, {}) is None
    assert delays.look(0, {}, {A: 1}) is None
    assert delays.oldest(1) is None


def test_the_partition_in_which_something_waits_longest_is_named() -> None:
    delays = Delays()
    delays.look(0, {A: 1, B: 1}, {A: 1, B: 2})
    delays.look(1, {A: 1, B: 1}, {A: 2, B: 2})
    assert delays.oldest(2) == (B, 1)


@given(st.lists(st.tuples(st.floats(0.1, 5), st.integers(0, 20), st.integers(0, 20)), max_size=60))
def test_it_is_never_more_than_a_record_has_waited(steps: list[tuple[float, int, int]]) -> None:
    delays, now, position, end = Delays(), 0.0, 0, 0
    came: dict[int, float] = {}
    for passed, more, taken in steps:
        now += passed
        came |= dict.fromkeys(range(end, end + more), now)
        end += more
        position = min(end, position + taken)
        found = delays.look(now, {A: position}, {A: end})
        waits = now - came[position] if position < end else 0.0
        assert found is None or found.longest <= waits + 1e-6


def test_what_is_remembered_of_ends_does_not_grow_without_end() -> None:
    delays, ends = Delays(), range(10 * MAX_ENDS)
    for end in ends:
        delays.look(float(end), {A: 0}, {A: end})
    kept: Mapping[TopicPartition, object] = delays._partitions
    assert len(kept[A].ends) <= MAX_ENDS + 1  # type: ignore[attr-defined]
