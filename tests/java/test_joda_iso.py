"""Joda's ISODateTimeFormat.dateTimeParser: which texts are times."""

from datetime import UTC, datetime

import pytest

from ferryman.java.joda_iso import instant


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2024-03-11T02:31:52.345Z", "2024-03-11T02:31:52.345"),
        ("2024-03-11T02:31:52,345678901z", "2024-03-11T02:31:52.345"),
        ("2024-03-11T04:31+02:00", "2024-03-11T02:31"),
        ("2024-03-11T04:31+0200", "2024-03-11T02:31"),
        ("2024-03-11T00:01:30-02:30:30", "2024-03-11T02:32"),
        ("2024-03-11", "2024-03-11T00:00"),
        ("2024-03-11 02:31", "2024-03-11T02:31"),
        ("2024-3-1T2:3:4", "2024-03-01T02:03:04"),
        ("2024-03", "2024-03-01T00:00"),
        ("2024-03-11T", "2024-03-11T00:00"),
        ("2024-03-11 02:31:52.1234567", "2024-03-11T02:31:52.123"),
        ("2024-03-11T02.5", "2024-03-11T02:30"),
        ("2024-03-11T02:31.5", "2024-03-11T02:31:30"),
        ("2024-061", "2024-03-01T00:00"),
        ("2024-W11-1T02", "2024-03-11T02:00"),
        ("2024-W11", "2024-03-11T00:00"),
        ("T02:31Z", "1970-01-01T02:31"),
    ],
)
def test_a_text_is_read_as_the_instant_that_joda_reads_in_utc(text: str, at: str) -> None:
    assert instant(text) == int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "T",
        " 02:31",
        "soon",
        "20240311",
        "20240311T023152Z",
        "2024-02-30",
        "2024-400",
        "2024-W60",
        "2024-03-11T25:00",
        "2024-03-11T02:61",
        "2024-03-11T02:31:52+99:00",
        "2024-03-11T02:31:52 Z",
        "2024W111",
        "0000-01-01",
        "17101231123456.5",
    ],
)
def test_texts_that_are_no_times(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        instant(text)
