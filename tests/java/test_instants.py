"""Moments in UTC as text."""

from datetime import UTC, datetime

from ferryman.java.instants import utc_text


def test_a_moment_ends_with_a_z_and_has_as_many_digits_as_are_asked_for() -> None:
    moment = datetime(2026, 11, 1, 2, 3, 4, 5678, tzinfo=UTC)
    assert utc_text(moment) == "2026-11-01T02:03:04.005Z"
    assert utc_text(moment, "seconds") == "2026-11-01T02:03:04Z"
