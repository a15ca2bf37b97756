"""The ranges of a run: written and read again, refused where they are none, and when they are over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.record import TopicPartition
from ferryman.runs import ranges
from ferryman.runs.ranges import Range, Ranges

A, B = TopicPartition("orders", 0), TopicPartition("orders", 1)
BOUNDS = st.tuples(st.integers(0, 2**62), st.integers(0, 2**62)).map(lambda pair: Range(min(pair), max(pair)))
SOURCES = st.builds(TopicPartition, st.sampled_from(["a", "b.c", "ü"]), st.integers(0, 999))


@given(st.dictionaries(SOURCES, BOUNDS, max_size=9))
def test_what_was_written_is_read_again(of: dict[TopicPartition, Range]) -> None:
    found = Ranges({source.topic: f"id of {source.topic}" for source in of}, of)
    assert ranges.parse(found.dump()) == found


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "must be an object"),
        ('{"t": 1}', "the value for topic t must be an object"),
        ('{"t": {"partitions": {}}}', "topic t has no id"),
        ('{"t": {"id": "i"}}', "the partitions of topic t must be an object"),
        ('{"t": {"id": "i", "partitions": {"-1": [0, 1]}}}', "no partition -1"),
        ('{"t": {"id": "i", "partitions": {"0": [1, 0]}}}', "the range of t-0"),
        ('{"t": {"id": "i", "partitions": {"0": [0, true]}}}', "the range of t-0"),
        ('{"t": {"id": "i", "partitions": {"0": [0, 9e3]}}}', "the range of t-0"),
        ('{"t": {"id": "i", "partitions": {"0": [0]}}}', "the range of t-0"),
    ],
)
def test_what_is_none_is_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        ranges.parse(text)


def test_ranges_are_over_when_each_was_read_to_its_end() -> None:
    found = Ranges({"orders": "i"}, {A: Range(10, 20), B: Range(5, 5)})
    assert found.size == 10
    assert not found.are_over({})
    assert not found.are_over({A: 19})
    assert found.are_over({A: 20})
    assert Range(10, 20).done(None) == Range(10, 20).done(3) == 0
    assert Range(10, 20).done(14) == 4
    assert Range(10, 20).done(99) == 10
