"""Which timestamps a run is about."""

import pytest

from ferryman.runs.period import Period


@pytest.mark.parametrize(
    ("period", "time", "holds"),
    [
        (Period(), None, True),
        (Period(), 7, True),
        (Period(5, 9), None, False),
        (Period(5, 9), 5, True),
        (Period(5, 9), 9, False),
        (Period(5), 4, False),
        (Period(ends=9), 8, True),
    ],
)
def test_the_first_time_is_held_and_the_last_is_not(period: Period, time: int | None, holds: bool) -> None:
    assert period.holds(time) is holds
