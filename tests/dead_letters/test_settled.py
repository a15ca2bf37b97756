"""Which letters need no replay, since another letter of the same refusal has had one."""

from dataclasses import replace
from typing import Any

import pytest

from ferryman.dead_letters.mark import Mark
from ferryman.dead_letters.settled import Settled
from ferryman.record import Coordinates
from tests.dead_letters.test_letter import JVM, letter

ONE = replace(letter(JVM), at=Coordinates("dlq", 0, 1), refused_at=40)
OTHER = replace(ONE, at=Coordinates("dlq", 1, 9))


def test_nothing_is_settled_before_a_letter_is_marked() -> None:
    assert not Settled().covers(ONE)


@pytest.mark.parametrize(
    ("changes", "settled"),
    [
        ({}, True),
        ({"refused_at": 50}, True),
        ({"refused_at": 51}, False),
        ({"refused_at": None}, False),
        ({"attempts": 1}, False),
        ({"key": b"of another record"}, False),
        ({"origin": None}, False),
    ],
)
def test_another_letter_of_a_refusal_is_settled_and_one_of_a_later_refusal_is_not(
    changes: dict[str, Any], settled: bool
) -> None:
    found = Settled()
    found.add(ONE, Mark("run", None, 50))
    found.add(replace(ONE, origin=None), Mark("run", None, 99))
    assert found.covers(replace(OTHER, **changes)) == settled


def test_of_several_replays_of_a_record_the_one_of_its_latest_refusal_counts() -> None:
    found = Settled()
    for attempts, at in ((1, 60), (0, 50)):
        found.add(replace(ONE, attempts=attempts), Mark("run", None, at))
    assert found.covers(replace(OTHER, attempts=1, refused_at=60))
    assert not found.covers(replace(OTHER, attempts=2, refused_at=60))
