"""SimpleDateFormat in UTC."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.errors import ConfigError
from ferryman.java.gregorian_calendar import civil, day_number
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.java.simple_date_format.parser import Unparseable, parser

AT = 1700000000123


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("yyyy-MM-dd", "2023-11-14"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'", "2023-11-14T22:13:20.123Z"),
        ("EEE MMM dd HH:mm:ss zzz yyyy", "Tue Nov 14 22:13:20 UTC 2023"),
        ("EEEE, MMMM d, yy", "Tuesday, November 14, 23"),
        ("h:mm a", "10:13 PM"),
        ("k K H", "22 10 22"),
        ("D ''yy'' 'o''clock'", "318 '23' o'clock"),
        ("ssHHdd", "202214"),
        ("XXX Z", "Z +0000"),
        ("YYYY-'W'ww u", "2023-W46 2"),
        ("G W F", "AD 3 2"),
    ],
)
def test_a_pattern_writes_what_java_writes(pattern: str, expected: str) -> None:
    assert formatter(pattern)(AT) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("yyyy-MM-dd", "2023-11-14", 1699920000000),
        ("yyyy-MM-dd", "2020-13-45", 1613260800000),
        ("yyyy-MM-dd", "2023-11-14 and more", 1699920000000),
        ("yyyyMMdd", "20231114", 1699920000000),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2023-11-14 22:13:20.123456", 1699999200000 + 13 * 60000 + 20000 + 123456),
        ("yyyy-MM-dd HH:mm:ss.SSS", "2023-11-14 25:13:20.123", AT + 3 * 3600000),
        ("d MMM yyyy h:mm a", "14 nov 2023 10:13 pm", 1699999980000),
        ("yyyy-MM-dd'T'HH:mm:ssX", "2023-11-14T22:13:20+01", 1700000000000 - 3600000),
        ("yyyy-MM-dd HH:mm:ss Z", "2023-11-14 22:13:20 -0130", 1700000000000 + 5400000),
        ("yyyy-MM-dd HH:mm:ss z", "2023-11-14 22:13:20 UTC", 1700000000000),
        ("yyyy-MM-dd HH:mm:ss z", "2023-11-14 22:13:20 UTC+1:00", 1700000000000),
        ("yyyy-MM-dd HH:mm:ss z", "2023-11-14 22:13:20 GMT+1:00", 1700000000000 - 3600000),
        ("yyyy-MM-dd HH:mm:ss z", "2023-11-14 22:13:20 Pst", 1700000000000 + 8 * 3600000),
        ("EEE MMM dd HH:mm:ss zzz yyyy", "Tue Nov 14 22:13:20 CEST 2023", 1700000000000 - 2 * 3600000),
        ("yyyy D", "2023 318", 1699920000000),
        ("YYYY-'W'ww u", "2023-W46 2", 1699920000000),
        ("G y D", "BC 1 1", -62167392000000),
        ("yyyy MM W E", "2023 11 3 Tue", 1699920000000),
        ("yyyy MM F EEEE", "2023 11 -3 Tuesday", 1699920000000),
    ],
)
def test_parses_as_leniently_as_java(pattern: str, text: str, expected: int) -> None:
    assert parser(pattern)(text) == expected
    assert parser(pattern)(text) == expected


@pytest.mark.parametrize("text", ["", "2023-11", "2023/11/14", "x2023-11-14"])
def test_text_that_does_not_match_is_a_data_error(text: str) -> None:
    with pytest.raises(Unparseable):
        parser("yyyy-MM-dd")(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("HH:mm z", "10:00 GMT+1"), ("HH:mm z", "10:00 Europe/Berlin"), ("HH:mmX", "10:00z"), ("HH'T'", "10t")],
)
def test_a_zone_or_a_literal_that_java_does_not_read_is_a_data_error(pattern: str, text: str) -> None:
    with pytest.raises(Unparseable):
        parser(pattern)(text)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("yyyy 'open", "Unterminated quote"),
        ("nn", "Illegal pattern character 'n'"),
        ("XXXX", "invalid ISO 8601 format: length=4"),
    ],
)
def test_what_is_no_pattern_is_refused_in_javas_words(pattern: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        formatter(pattern)
    assert str(caught.value) == reason


@given(st.dates(min_value=date(1582, 10, 15)))
def test_the_calendar_is_pythons_since_1582(day: date) -> None:
    number = (day - date(1970, 1, 1)) // timedelta(days=1)
    assert civil(number) == (day.year, day.month, day.day)
    assert day_number(day.year, day.month, day.day) == number


def test_before_that_it_is_julian() -> None:
    assert civil(day_number(1582, 10, 15) - 1) == (1582, 10, 4)


@given(st.integers(-62_000_000_000_000, 253_402_300_799_999))
def test_what_is_formatted_is_parsed_back(at: int) -> None:
    for pattern in ("yyyy-MM-dd'T'HH:mm:ss.SSS", "SSS ss mm HH dd MM yyyy", "yyyyMMddHHmmssSSS"):
        assert parser(pattern)(formatter(pattern)(at)) == at
