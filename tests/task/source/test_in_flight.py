"""Offsets that may be committed while records are on their way: in any order of answers, none passes a record that the
broker has not."""

import random
from collections.abc import Mapping

import pytest

from ferryman.task.source.delivery import Progress
from ferryman.task.source.in_flight import InFlight, Poll


def progress(**offsets: int) -> Progress:
    return {name: ({"p": name}, {"at": at}) for name, at in offsets.items()}


def offsets(found: Progress) -> Mapping[str, int]:
    return {name: (offset or {})["at"] for name, (_, offset) in found.items()}


def handed(flight: InFlight, count: int, **behind: int) -> Poll:
    poll = flight.opened()
    poll.handed, poll.progress = count, progress(**behind)
    return poll


def test_an_offset_waits_for_all_records_of_its_poll() -> None:
    flight = InFlight()
    poll = handed(flight, 2, a=5)
    poll.acknowledged = 1
    assert flight.committable() == {}
    poll.acknowledged = 2
    assert offsets(flight.committable()) == {"a": 5}
    assert flight.committable() == {}, "it is given once"


def test_a_poll_that_is_still_handed_over_is_not_there() -> None:
    flight = InFlight()
    flight.opened()
    assert flight.committable() == {}
    assert flight.polls == 1


def test_a_poll_of_which_nothing_was_left_is_there_at_once() -> None:
    flight = InFlight()
    handed(flight, 0, a=5)
    assert offsets(flight.committable()) == {"a": 5}


def test_a_record_that_is_stuck_holds_back_its_own_partitions_only() -> None:
    flight = InFlight()
    stuck = handed(flight, 1, a=1)
    handed(flight, 0, a=2, b=2)
    handed(flight, 0, b=3)
    assert offsets(flight.committable()) == {"b": 3}
    stuck.acknowledged = 1
    assert offsets(flight.committable()) == {"a": 2}
    assert flight.polls == 0


def test_a_poll_that_names_no_partition_holds_back_all_that_comes_after_it() -> None:
    flight = InFlight()
    stuck = handed(flight, 1)
    handed(flight, 0, a=2)
    assert flight.committable() == {}
    stuck.acknowledged = 1
    assert offsets(flight.committable()) == {"a": 2}


@pytest.mark.parametrize("seed", range(300))
def test_in_any_order_of_answers_what_is_committed_is_a_prefix_of_each_partition(seed: int) -> None:
    print("seed", seed)
    chance, flight = random.Random(seed), InFlight()
    names: str = "abc"[: chance.randint(1, 3)]
    made: list[Poll] = []
    naming: list[tuple[Poll, dict[str, int]]] = []
    behind, committed = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for _ in range(chance.randint(1, 80)):
        if chance.random() < 0.4:
            mentioned = chance.sample(names, chance.randint(1, len(names)))
            for name in mentioned:
                behind[name] += 1
            now = {name: behind[name] for name in mentioned}
            made.append(handed(flight, chance.randint(0, 3), **now))
            naming.append((made[-1], now))
        elif made:
            poll = chance.choice(made)
            poll.acknowledged = min(poll.handed, poll.acknowledged + 1)
        if chance.random() < 0.3:
            for name, at in offsets(flight.committable()).items():
                assert at > committed[name], "an offset goes forward"
                committed[name] = at
                before = [poll for poll, named in naming if named.get(name, at + 1) <= at]
                assert all(poll.acknowledged == poll.handed for poll in before)
    for poll in made:
        poll.acknowledged = poll.handed
    committed.update(offsets(flight.committable()))
    assert committed == behind, "in the end nothing is held back"
    assert flight.polls == 0
