"""Date patterns that are allowed and hardly ever meant are told of; those that people mean are not."""

import logging

import pytest

from ferryman.java.date_patterns import warnings
from tests.transforms.test_sided import transform
from tests.transforms.test_unsided import transform as unsided


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("YYYY-MM-dd", "Y is the year of the week"),
        ("yyyy-MM-DD", "D is the day of the year"),
        ("MM/DD", "D is the day of the year"),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSSSS", "SSSSSS is the milliseconds"),
        ("yyyy-mm-dd", "m is the minute"),
        ("yyyy-MM-dd HH:MM:ss", "M is the month"),
        ("yyyy-MM-dd hh:mm:ss", "h counts twelve hours"),
        ("yyyy-MM-dd KK:mm", "K counts twelve hours"),
    ],
)
def test_a_letter_that_is_hardly_meant_is_told_of(pattern: str, words: str) -> None:
    (found,) = warnings(pattern)
    assert found.startswith(words)


@pytest.mark.parametrize(
    "pattern",
    [
        "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'",
        "yyyy-MM-dd hh:mm:ss a",
        "YYYY-'W'ww",
        "yyyyDDD",
        "'YYYY-DD'yyyy",
        "yyyyMMdd",
        "HH:mm",
        "yyyy''MM",
        "",
    ],
)
def test_what_people_mean_is_not(pattern: str) -> None:
    assert list(warnings(pattern)) == []


def test_jodas_letters_mean_other_things() -> None:
    assert list(warnings("'year'=YYYY/'month'=MM/'day'=dd/HH-mm-ss.SSSSSS", joda=True)) == []
    assert [each[:28] for each in warnings("YYYY/MM/DD", joda=True)] == ["D is the day of the year; th"]


def test_transforms_warn_when_they_are_made(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        transform("TimestampConverter", {"target.type": "string", "format": "YYYY-MM-dd", "field": "at"})
        unsided("TimestampRouter", {"timestamp.format": "yyyyMMDD"})
        unsided("TimestampRouter", {"timestamp.format": "yyyyMMdd"})
    assert [each.message.partition(":")[0] for each in caplog.records] == [
        "format=YYYY-MM-dd",
        "timestamp.format=yyyyMMDD",
    ]
