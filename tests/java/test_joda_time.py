"""Joda's patterns: what path.format makes of an instant."""

import pytest

from ferryman.errors import DataError
from ferryman.java.joda_time import formatter, has_words, zone

AT = 1_700_000_000_123
"""2023-11-14T22:13:20.123Z, a Tuesday."""


@pytest.mark.parametrize(
    ("pattern", "zone_name", "text"),
    [
        ("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "UTC", "year=2023/month=11/day=14/hour=22"),
        ("'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH", "Europe/Zurich", "year=2023/month=11/day=14/hour=23"),
        ("'year'=YYYY/'month'=MM/'day'=dd", "+05:30", "year=2023/month=11/day=15"),
        ("'date='yyyy-MM-dd/'hour='HH", "UTC", "date=2023-11-14/hour=22"),
        ("'orders'/yyyy/MM/dd/HH", "UTC", "orders/2023/11/14/22"),
        ("YYYY-MM-dd/HH/mm", "America/New_York", "2023-11-14/17/13"),
        ("yy M d H m s", "UTC", "23 11 14 22 13 20"),
        ("YY", "UTC", "23"),
        ("xxxx-'W'ww-e", "UTC", "2023-W46-2"),
        ("D C", "UTC", "318 20"),
        ("S SS SSS SSSS", "UTC", "1 12 123 1230"),
        ("h K k a", "UTC", "10 10 22 PM"),
        ("MMM MMMM EEE EEEE G", "UTC", "Nov November Tue Tuesday AD"),
        ("Z ZZ ZZZ", "Europe/Zurich", "+0100 +01:00 Europe/Zurich"),
        ("Z ZZ", "-03:30", "-0330 -03:30"),
        ("z", "Europe/Zurich", "CET"),
        ("z", "+02:00", "+02:00"),
        ("'it''s' ''", "UTC", "it's '"),
        ("'", "UTC", None),
        ("'open", "UTC", None),
        ("yyyy-q", "UTC", None),
        ("", "UTC", None),
    ],
)
def test_a_pattern_writes_what_joda_writes_or_is_refused(pattern: str, zone_name: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(ValueError, match=r"pattern"):
            formatter(pattern, zone_name)
    else:
        assert formatter(pattern, zone_name)(AT) == text


def test_the_year_of_a_week_is_not_the_year_of_its_days() -> None:
    assert formatter("xxxx-ww YYYY", "UTC")(1_735_603_200_000) == "2025-01 2024"


def test_an_instant_beyond_the_years_is_a_data_error() -> None:
    with pytest.raises(DataError, match="outside the years 1 to 9999"):
        formatter("yyyy", "UTC")(10**18)


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "+99:99:99", "../../etc/passwd"])
def test_a_name_of_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not recognised"):
        zone(name)


def test_names_are_told_from_numbers() -> None:
    assert has_words("yyyy/MMM")
    assert has_words("EEE")
    assert not has_words("'MMM'yyyy/MM/dd/HH")
