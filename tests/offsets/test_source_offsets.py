"""Source offsets in memory: what a record of the topic means, and which record an offset becomes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ferryman.errors import TaskError
from ferryman.offsets.source_offsets import SourceOffsets, canonical

FILE = {"file": "a", "part": 1}


def loaded(*records: tuple[bytes | None, bytes | None]) -> SourceOffsets:
    offsets = SourceOffsets("c")
    for key, value in records:
        offsets.load(key, value)
    return offsets


def test_the_latest_offset_of_a_partition_holds() -> None:
    offsets = loaded(
        (b'["c",{"file":"a"}]', b'{"at":1}'), (b'["c",{"file":"b"}]', b'{"at":5}'), (b'["c",{"file":"a"}]', b'{"at":2}')
    )
    assert offsets.get({"file": "a"}) == {"at": 2}
    assert offsets.get({"file": "c"}) is None
    assert list(offsets.items()) == [({"file": "a"}, {"at": 2}), ({"file": "b"}, {"at": 5})]


@pytest.mark.parametrize("value", [None, b"null"])
def test_a_tombstone_forgets_the_offset(value: bytes | None) -> None:
    offsets = loaded((b'["c",{"file":"a"}]', b'{"at":1}'), (b'["c",{"file":"a"}]', value))
    assert offsets.get({"file": "a"}) is None
    assert list(offsets.items()) == []
    assert offsets.snapshot() == {}


def test_a_tombstone_of_what_nobody_knew_is_nothing() -> None:
    assert list(loaded((b'["c",{"file":"a"}]', None)).items()) == []


@pytest.mark.parametrize(
    "key", [None, b"", b"{", b'"c"', b'["c"]', b'["other",{"file":"a"}]', b'["c","a"]', b'["c",{},1]', b"[1,{}]"]
)
def test_others_records_and_malformed_keys_are_passed_over(key: bytes | None) -> None:
    assert list(loaded((key, b'{"at":1}')).items()) == []


@pytest.mark.parametrize("value", [b"", b"{", b"5", b'"x"', b"[1]", b"\xff", b"true"])
def test_an_offset_that_is_none_is_left_out_with_a_word_and_no_other_is(
    value: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    offsets = loaded((b'["c",{"p":1}]', b'{"at":1}'), (b'["c",{"p":2}]', b'{"at":2}'), (b'["c",{"p":1}]', value))
    assert list(offsets.items()) == [({"p": 2}, {"at": 2})]
    assert "connector c for partition {'p': 1}" in caplog.text


def test_a_connector_may_have_one_partition_without_a_name() -> None:
    offsets = loaded((b'["c",null]', b'{"at":1}'), (b'["c",{}]', b'{"at":2}'))
    assert (offsets.get(None), offsets.get({})) == ({"at": 1}, {"at": 2})


def test_an_offset_of_no_partition_is_not_listed_since_no_reset_would_reach_it() -> None:
    offsets = loaded((b'["c",null]', b'{"at":1}'), (b'["c",{}]', b'{"at":2}'))
    assert list(offsets.items()) == [({}, {"at": 2})]


def test_a_partition_is_known_by_its_content_and_keeps_the_bytes_it_had() -> None:
    offsets = loaded((b'["c", {"part":1,"file":"a"}]', b'{"at":1}'))
    assert offsets.get({"file": "a", "part": 1}) == {"at": 1}
    assert offsets.encode(FILE, {"at": 2}) == (b'["c", {"part":1,"file":"a"}]', b'{"at":2}')


def test_a_forgotten_partition_keeps_the_bytes_it_had() -> None:
    offsets = loaded((b'["c", {"part":1,"file":"a"}]', None))
    assert offsets.encode(FILE, None) == (b'["c", {"part":1,"file":"a"}]', None)


def test_a_new_partition_is_written_in_the_order_of_its_keys() -> None:
    assert SourceOffsets("c").encode(FILE, {"at": 2}) == (b'["c",{"file":"a","part":1}]', b'{"at":2}')


def test_bytes_are_written_as_base64_on_both_sides() -> None:
    offsets = SourceOffsets("c")
    key, value = offsets.encode({"p": b"\x01"}, {"o": b"\x02"})
    assert (key, value) == (b'["c",{"p":"AQ=="}]', b'{"o":"Ag=="}')
    offsets.load(key, value)
    assert offsets.get({"p": b"\x01"}) == {"o": "Ag=="}


@pytest.mark.parametrize(
    ("partition", "offset", "field"), [({"p": []}, {"at": 1}, "p"), ({"p": 1}, {"at": {"x": 1}}, "at")]
)
def test_only_plain_values_can_be_kept(partition: dict[str, Any], offset: dict[str, Any], field: str) -> None:
    with pytest.raises(TaskError, match=rf"field {field} contains (ARRAY|MAP)"):
        SourceOffsets("c").encode(partition, offset)


@pytest.mark.parametrize("name", ["c", "ä-€", 'a"b', "a\\b", "line\nend"])
@pytest.mark.parametrize("escaped", [True, False])
def test_a_connector_is_found_however_its_name_is_spelled_in_json(name: str, escaped: bool) -> None:
    key = json.dumps([name, {"p": 1}], ensure_ascii=escaped).encode()
    others = json.dumps([f"{name}x", {"p": 1, name: name}], ensure_ascii=escaped).encode()
    offsets = SourceOffsets(name)
    offsets.load(others, b'{"at":1}')
    assert list(offsets.items()) == []
    offsets.load(key, b'{"at":2}')
    assert offsets.get({"p": 1}) == {"at": 2}


def test_a_snapshot_stays_as_it_was() -> None:
    offsets = loaded((b'["c",{"file":"a"}]', b'{"at":1}'))
    before = offsets.snapshot()
    offsets.load(b'["c",{"file":"a"}]', b'{"at":2}')
    assert before == {canonical({"file": "a"}): {"at": 1}}
    assert offsets.snapshot() == {canonical({"file": "a"}): {"at": 2}}


PLAIN = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5)
MAPS = st.dictionaries(st.text(max_size=5), PLAIN, max_size=4)


@settings(max_examples=40)
@given(st.lists(st.tuples(MAPS, st.none() | MAPS), max_size=8))
def test_what_was_encoded_is_loaded_as_it_was(moves: list[tuple[dict[str, Any], dict[str, Any] | None]]) -> None:
    writer, reader, expected = SourceOffsets("c"), SourceOffsets("c"), dict[str, Any]()
    for partition, offset in moves:
        record = writer.encode(partition, offset)
        writer.load(*record)
        reader.load(*record)
        expected[canonical(partition)] = offset
    assert reader.snapshot() == {key: offset for key, offset in expected.items() if offset is not None}
    assert len({reader.encode(partition, None)[0] for partition, _ in moves}) == len(expected)


@pytest.mark.parametrize(
    ("partition", "offset"), [({1: "a"}, {"at": 1}), ({"file": "\udcff"}, {"at": 1}), ({"file": "a"}, {"\udcff": 1})]
)
def test_what_json_cannot_hold_is_refused_with_what_it_is(partition: dict[Any, Any], offset: dict[str, Any]) -> None:
    with pytest.raises(TaskError, match=r"partition or offset {.* cannot be kept: "):
        SourceOffsets("c").encode(partition, offset)
