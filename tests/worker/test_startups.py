"""How starts went: well when something comes to any state but FAILED."""

from ferryman.facts.states import State
from ferryman.worker.startups import Startups


def starts(*states: State) -> Startups:
    found = Startups()
    for state in states:
        found.shows("one", state)
    return found


def test_a_start_is_over_with_the_first_state_that_says_so() -> None:
    found = starts(State.UNASSIGNED, State.RUNNING, State.PAUSED, State.RUNNING, State.FAILED)
    assert (found.attempts, found.succeeded, found.failed) == (1, 1, 0)


def test_what_fails_before_it_runs_has_not_been_started() -> None:
    found = starts(State.UNASSIGNED, State.FAILED)
    assert (found.attempts, found.failed, found.recent.others) == (1, 1, 1.0)


def test_what_cannot_even_begin_counts_as_a_start_that_failed() -> None:
    assert starts(State.FAILED).failed == 1


def test_a_restart_is_another_start() -> None:
    found = starts(State.UNASSIGNED, State.FAILED, State.RESTARTING, State.RUNNING)
    assert (found.attempts, found.succeeded, found.failed, found.recent.share) == (2, 1, 1, 0.5)


def test_what_is_gone_and_comes_back_is_started_anew() -> None:
    found = starts(State.UNASSIGNED, State.RUNNING)
    found.gone("one")
    found.shows("one", State.RUNNING)
    assert found.succeeded == 2
