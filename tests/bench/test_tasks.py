"""The bench of a worker with more and more tasks: a cell of its table for each head, and what is done meanwhile."""

import threading

from bench.tasks import HEAD, Found, repeated


def test_each_figure_has_its_head() -> None:
    assert len(Found("Ferryman", 10, 1.0, 250.0, 3.0, 1.0, 2.0).row()) == len(HEAD)


def test_what_is_repeated_is_over_when_its_block_is() -> None:
    thrice, count = threading.Event(), 0

    def act() -> None:
        nonlocal count
        count += 1
        if count == 3:
            thrice.set()

    with repeated(act, 0.001):
        assert thrice.wait(60)
    assert "repeated" not in {each.name for each in threading.enumerate()}
