"""Does the same to several things at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def each(pool: Executor, act: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """What ``act`` gives for each. All are waited for, and then the first error is raised: an error of one must not
    leave others at work behind the next try's back."""
    if len(things) < 2:
        return [act(thing) for thing in things]
    waiting = [pool.submit(act, thing) for thing in things]
    errors = [error for one in waiting if (error := one.exception()) is not None]
    if errors:
        raise errors[0]
    return [one.result() for one in waiting]
