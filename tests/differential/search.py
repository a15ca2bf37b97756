"""How long Hypothesis searches: always the same examples in an ordinary run, twenty times as many new ones with --long.

The seed is printed; ``--hypothesis-seed`` takes it back.
"""

from collections.abc import Callable
from random import SystemRandom
from typing import Any

from hypothesis import HealthCheck, core, seed, settings

_TIMES, _PART = 10, 2
_USUAL = 20_261_123

compared: dict[str, int] = {}
"""How many cases each test has compared: single records under single configs."""


def count(test: str, cases: int) -> None:
    """Some more cases have been compared."""
    compared[test] = compared.get(test, 0) + cases


def seed_of(long: bool) -> int:
    """The number that decides what is drawn."""
    if core.global_force_seed is not None:
        return int(core.global_force_seed)
    return _NEW if long else _USUAL


_NEW = SystemRandom().getrandbits(32)


def search(examples: int, long: bool) -> Callable[[Any], Any]:
    """Decorates a test that Hypothesis draws for."""
    configured = settings(
        max_examples=examples * _TIMES if long else examples // _PART,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    number = seed_of(long)
    print(f"seed {number}")
    return lambda test: seed(number)(configured(test))
