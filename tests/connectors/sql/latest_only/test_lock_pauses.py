"""How long a run lets its live connector be after it has kept it waiting; time is played."""

import contextlib
from dataclasses import dataclass, field

import pytest

from ferryman.connectors.sql.latest_only.lock_pauses import LONGEST_PAUSE_SECONDS, PAUSE_PER_LOCK_TIME, LockPauses
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
def pauses(played: Played) -> LockPauses:
    return LockPauses(lambda: played.now, played.wait, live_moves=True)


def turn(pauses: LockPauses, played: Played, worked: float, held: float) -> None:
    pauses.rest()
    played.now += worked
    with pauses.locking():
        pauses.on_locked()
        played.now += held


def test_it_rests_a_multiple_of_the_time_in_which_live_had_to_wait(pauses: LockPauses, played: Played) -> None:
    for _ in range(3):
        turn(pauses, played, 0.0, 0.01)
    assert played.rests == pytest.approx([PAUSE_PER_LOCK_TIME * 0.01] * 2)


def test_it_rests_at_least_as_long_as_it_has_worked(pauses: LockPauses, played: Played) -> None:
    turn(pauses, played, 0.05, 0.001)
    played.now += 0.02
    turn(pauses, played, 0.05, 0.001)
    assert played.rests == pytest.approx([0.071])


def test_a_rest_is_never_long(pauses: LockPauses, played: Played) -> None:
    turn(pauses, played, 0.0, 60.0)
    turn(pauses, played, 0.0, 0.01)
    assert played.rests == [LONGEST_PAUSE_SECONDS]


def test_beside_a_connector_that_does_not_move_it_does_not_rest(pauses: LockPauses, played: Played) -> None:
    pauses.live_moves = False
    for _ in range(3):
        turn(pauses, played, 0.05, 0.05)
    assert played.rests == []


def test_a_turn_that_fails_counts_as_well(pauses: LockPauses, played: Played) -> None:
    with contextlib.suppress(TaskError), pauses.locking():
        pauses.on_locked()
        played.now += 0.01
        raise TaskError("the database has gone")
    turn(pauses, played, 0.0, 0.0)
    assert played.rests == pytest.approx([PAUSE_PER_LOCK_TIME * 0.01])
