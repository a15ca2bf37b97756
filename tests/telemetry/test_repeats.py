"""A client library that repeats itself."""

import logging

from ferryman.telemetry.repeats import MAX_TEXTS, Repeats


def record(text: str, when: float) -> logging.LogRecord:
    made = logging.LogRecord("librdkafka", logging.WARNING, "", 0, text, None, None)
    made.created = when
    return made


def test_what_differs_in_numbers_only_is_said_once_a_minute_and_counted() -> None:
    repeats = Repeats()
    lines = [record(f"connect to 127.0.0.1:{number} failed after {number} ms", number * 0.05) for number in range(1300)]
    shown = [line.getMessage() for line in lines if repeats.filter(line)]
    assert shown == [
        "connect to 127.0.0.1:0 failed after 0 ms",
        "connect to 127.0.0.1:1200 failed after 1200 ms (and 1199 more like it)",
    ]


def test_other_texts_are_not_held_back_and_not_remembered_for_ever() -> None:
    repeats = Repeats()
    texts = [f"text {'x' * number}" for number in range(450)] * 3
    assert sum(repeats.filter(record(text, 0.0)) for text in texts) == 450
    assert len(repeats._said) <= MAX_TEXTS
