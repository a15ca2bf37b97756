"""Lets a state machine make so many steps, in one random life after the other."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, run_state_machine_as_test

MOST = 40
"""Steps of one life."""
AT_ONCE = 1000
"""Lives that Hypothesis remembers, so that it repeats none of them; a longer memory costs more than it saves."""


def made(steps: int, machine: type[RuleBasedStateMachine]) -> int:
    """The steps that it has made, at least so many; AssertionError with the shortest life that goes wrong."""
    counted = 0

    class Counted(machine):  # type: ignore[misc, valid-type]
        begun = False

        @invariant()
        def one_more(self) -> None:
            nonlocal counted
            counted += self.begun
            self.begun = True

    while counted < steps:
        lives = min(AT_ONCE, -(-(steps - counted) // MOST))
        run_state_machine_as_test(Counted, settings=settings(max_examples=lives, stateful_step_count=MOST))
    return counted
