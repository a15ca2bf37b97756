"""The wish to end reaches a program once, and is not lost where an exception is."""

import os
import signal

import pytest

from ferryman.stack.runtime.interruption import SIGNALS, Interruption


@pytest.mark.parametrize("number", SIGNALS, ids=lambda each: each.name)
def test_a_signal_ends_what_is_going_on(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with Interruption().heard() as interruption:
        interruption.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        for each in SIGNALS:
            os.kill(os.getpid(), each)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
    assert signal.getsignal(number) == before


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_signal_that_comes_while_a_destructor_runs_is_seen_by_the_next_who_checks() -> None:
    class Last:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGTERM)

    with Interruption().heard() as interruption:
        last = Last()
        del last
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
