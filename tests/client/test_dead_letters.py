"""Dead letters as commands print them."""

import pytest

from ferryman.client import dead_letters


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (None, ""),
        (1_793_491_200_000, "2026-11-01T00:00:00Z"),
        (1_793_491_200_000_000, "1793491200000000"),
        ((1 << 63) - 1, str((1 << 63) - 1)),
    ],
)
def test_a_time_that_no_calendar_has_is_shown_as_its_number(milliseconds: int | None, text: str) -> None:
    assert dead_letters.time(milliseconds) == text
