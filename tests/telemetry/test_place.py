"""What a line of the log tells of the record that it is about."""

import hashlib
from typing import Any

import pytest

from ferryman.record import Coordinates, Record
from ferryman.telemetry import place

LIES = Coordinates("t", 3, 7)
KEY = hashlib.sha256(b"k").hexdigest()[:16]


def test_a_records_place_is_told_with_its_key_as_a_hash_and_whatever_else_is_known() -> None:
    told = place.at(LIES, b"k", stage="TASK_PUT", letter=None)["place"]
    assert told == {"topic": "t", "partition": 3, "offset": 7, "key": KEY, "stage": "TASK_PUT"}
    assert "key" not in place.at(LIES)["place"]


@pytest.mark.parametrize(
    ("record", "told"),
    [
        ({"origin": LIES, "key": "k"}, {"topic": "t", "partition": 3, "offset": 7, "key": KEY}),
        (
            {"origin": Coordinates("dlq", 0, 1), "original_coordinates": LIES},
            {"topic": "t", "partition": 3, "offset": 7},
        ),
        ({"key": b"k"}, {"topic": "to", "key": KEY}),
        ({"key": {"id": 5}, "partition": 2}, {"topic": "to", "partition": 2}),
    ],
)
def test_of_a_record_is_told_where_it_was_read_or_of_a_sources_where_it_goes(
    record: dict[str, Any], told: dict[str, Any]
) -> None:
    assert place.of(Record(topic="to", value=None, **record))["place"] == told


@pytest.mark.parametrize(
    ("told", "message", "words"),
    [
        (place.at(LIES), "bad", " (record t-3@7)"),
        (place.at(LIES, b"k"), "record t-3@7 is bad", f" (key {KEY})"),
        (place.at(LIES), "record t-3@7 is bad", ""),
        (place.of_topic("t", letter="dlq-0@1"), "bad", " (record t, letter dlq-0@1)"),
        ({"place": {}}, "bad", ""),
    ],
)
def test_in_words_nothing_is_said_twice(told: dict[str, Any], message: str, words: str) -> None:
    assert place.words(told["place"], message) == words
