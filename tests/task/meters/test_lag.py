"""How far a sink is behind, whatever marks of transactions stand at the end."""

from ferryman.record import TopicPartition
from ferryman.task.meters.lag import Lag
from tests.clock import Clock

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def test_the_lag_is_what_was_not_delivered() -> None:
    lag = Lag()
    lag.look([(A, 5, 8), (B, 1, 1)], {A: 10, B: 2}, {})
    assert (lag.total, lag.most) == (6, 5)


def test_marks_of_transactions_behind_the_last_record_are_none() -> None:
    lag = Lag()
    lag.look([(A, 9, 9)], {A: 10}, {A: 10})
    assert lag.total == 0


def test_an_end_that_was_met_says_nothing_while_records_are_not_delivered() -> None:
    lag = Lag()
    lag.look([(A, 5, 9)], {A: 10}, {A: 10})
    assert lag.total == 5


def test_what_nobody_knows_the_end_of_has_no_lag() -> None:
    lag = Lag()
    lag.look([(A, 5, 5)], {}, {})
    assert (lag.total, lag.most, lag.seconds) == (0, 0, 0.0)


def test_a_lag_has_lasted_since_it_was_seen_first_and_until_it_is_gone() -> None:
    clock = Clock()
    lag = Lag(clock.monotonic)
    lag.look([(A, 5, 5)], {A: 6}, {})
    clock.pass_(30)
    lag.look([(A, 6, 6)], {A: 9}, {})
    assert lag.seconds == 30
    lag.look([(A, 9, 9)], {A: 9}, {})
    assert lag.seconds == 0
