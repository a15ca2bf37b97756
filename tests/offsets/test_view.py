"""What a topic of offsets adds up to, whoever has written it and wherever its records lie."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.offsets.source_offsets import SourceOffsets
from ferryman.offsets.view import View

KEY = b'["c",{"a":1,"b":2}]'


def view(*records: tuple[int, int, bytes | None, bytes | None]) -> View:
    made = View()
    for record in records:
        made.load(*record)
    return made


def test_each_connector_has_its_own_and_the_latest_holds() -> None:
    found = view((0, 1, KEY, b"1"), (0, 2, KEY, b"2"), (1, 1, b'["d",{"a":1,"b":2}]', b"3"))
    assert found.of("c") == [(KEY, b"2")]
    assert found.of("d") == [(b'["d",{"a":1,"b":2}]', b"3")]
    assert found.of("e") == []


def test_a_key_keeps_the_bytes_that_it_was_written_with_last() -> None:
    spaced = b'["c", {"b":2, "a":1}]'
    assert view((0, 1, KEY, b"1"), (0, 2, spaced, b"2")).of("c") == [(spaced, b"2")]


def test_of_a_key_in_several_partitions_the_latest_record_holds_whichever_is_read_last() -> None:
    assert view((0, 5, KEY, b"new"), (1, 4, KEY, b"old")).of("c") == [(KEY, b"new")]
    assert view((1, 4, KEY, b"old"), (0, 5, KEY, b"new")).of("c") == [(KEY, b"new")]
    assert view((0, 5, KEY, b"first"), (0, 4, KEY, b"second")).of("c") == [(KEY, b"second")], "clocks go wrong"


def test_what_is_forgotten_does_not_come_back_from_another_partition() -> None:
    found = view((0, 5, KEY, None), (1, 4, KEY, b"old"))
    assert found.of("c") == []
    found.complete()
    assert found.of("c") == []
    found.load(1, 6, KEY, b"new")
    found.load(1, 7, KEY, b"null")
    assert found.of("c") == []


def test_what_is_no_key_of_an_offset_is_passed_over() -> None:
    keys = (None, b"", b"no json", b'"c"', b'["c"]', b'[1,{"a":1}]', b'["c",[]]')
    assert view(*((0, 1, key, b"1") for key in keys)).of("c") == []


PLACES = st.dictionaries(st.sampled_from("ab"), st.integers(0, 2), min_size=1)


@given(st.lists(st.tuples(st.sampled_from(["c", "d", 'c"']), PLACES, st.none() | st.integers(0, 9))))
def test_it_adds_up_to_what_a_reader_of_the_whole_topic_has(
    records: list[tuple[str, dict[str, int], int | None]],
) -> None:
    writer, read, found = SourceOffsets("c"), SourceOffsets("c"), View()
    for when, (connector, place, at) in enumerate(records):
        writer = SourceOffsets(connector)
        key, value = writer.encode(place, None if at is None else {"at": at})
        read.load(key, value)
        found.load(0, when, key, value)
    answered = SourceOffsets("c")
    for key, value in found.of("c"):
        answered.load(key, value)
    assert answered.snapshot() == read.snapshot()


STATUS = Path("/proc/self/status")


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux tells how much memory a process takes")
def test_an_offset_takes_some_hundred_bytes() -> None:
    def taken() -> int:
        return next(
            int(line.split()[1]) * 1024 for line in STATUS.read_text().splitlines() if line.startswith("RssAnon")
        )

    before, found = taken(), View()
    for number in range(50_000):
        found.load(
            0, number, b'["c",{"filename":"/data/incoming/file-%07d.txt"}]' % number, b'{"position":%d}' % number
        )
    assert taken() - before < 50_000 * 1000
