"""How long a run lets its live connector be after it has kept it waiting; time is played."""

import contextlib
from dataclasses import dataclass, field

import pytest

from ferryman.connectors.sql.fold.turns import LONGEST, REST, Turns
from ferryman.errors import TaskError


@dataclass
class Played:
    """A clock that only waiting and working move on."""

    now: float = 100.0
    rests: list[float] = field(default_factory=list)

    def wait(self, seconds: float) -> None:
        self.rests.append(seconds)
        self.now += seconds


@pytest.fixture
def played() -> Played:
    return Played()


@pytest.fixture
def turns(played: Played) -> Turns:
    return Turns(lambda: played.now, played.wait, moves=True)


def turn(turns: Turns, played: Played, worked: float, held: float) -> None:
    turns.rest()
    played.now += worked
    with turns.taken():
        turns.locked()
        played.now += held


def test_it_rests_a_multiple_of_the_time_in_which_live_had_to_wait(turns: Turns, played: Played) -> None:
    for _ in range(3):
        turn(turns, played, 0.0, 0.01)
    assert played.rests == pytest.approx([REST * 0.01] * 2)


def test_it_rests_at_least_as_long_as_it_has_worked(turns: Turns, played: Played) -> None:
    turn(turns, played, 0.05, 0.001)
    played.now += 0.02
    turn(turns, played, 0.05, 0.001)
    assert played.rests == pytest.approx([0.071])


def test_a_rest_is_never_long(turns: Turns, played: Played) -> None:
    turn(turns, played, 0.0, 60.0)
    turn(turns, played, 0.0, 0.01)
    assert played.rests == [LONGEST]


def test_beside_a_connector_that_does_not_move_it_does_not_rest(turns: Turns, played: Played) -> None:
    turns.moves = False
    for _ in range(3):
        turn(turns, played, 0.05, 0.05)
    assert played.rests == []


def test_a_turn_that_fails_counts_as_well(turns: Turns, played: Played) -> None:
    with contextlib.suppress(TaskError), turns.taken():
        turns.locked()
        played.now += 0.01
        raise TaskError("the database has gone")
    turn(turns, played, 0.0, 0.0)
    assert played.rests == pytest.approx([REST * 0.01])
