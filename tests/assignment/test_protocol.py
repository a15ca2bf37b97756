"""The bytes of the group's protocol are read back as they were written, and broken ones are refused in one way."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.assignment.protocol import (
    Assignment,
    Metadata,
    ProtocolError,
    Version,
    Work,
    decode_assignment,
    decode_metadata,
    encode_assignment,
    encode_metadata,
)
from ferryman.assignment.tag import is_tagged, tagged_assignment, tagged_metadata

COOPERATIVE: list[Version] = [1, 2]
HELD = Assignment(0, "m-1", "http://a:8083/", 7, Work(("c",), (("c", 0), ("d", 3))), Work(("e",), (("e", 1),)), 250)


@st.composite
def works(draw: st.DrawFn) -> Work:
    """Some work in the order in which bytes have it."""
    found = draw(st.dictionaries(st.text(st.characters(codec="utf-8")), st.lists(st.integers(0, 99)), max_size=4))
    runs = {name: draw(st.booleans()) for name in found}
    return Work(
        tuple(name for name in found if runs[name]),
        tuple((name, number) for name in sorted(found, key=lambda each: not runs[each]) for number in found[name]),
    )


@given(works(), works(), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**31 - 1), st.sampled_from(COOPERATIVE))
def test_what_is_written_is_read_back(given_: Work, revoked: Work, offset: int, delay: int, version: Version) -> None:
    assignment = Assignment(1, "member", "http://[::1]:8083/", offset, given_, revoked, delay)
    assert decode_assignment(encode_assignment(assignment, version)) == assignment
    metadata = Metadata("url", offset, assignment)
    assert decode_metadata(encode_metadata(metadata, version)) == metadata


def test_version_0_knows_neither_what_was_run_nor_what_is_revoked() -> None:
    assert decode_metadata(encode_metadata(Metadata("url", 7, HELD), 0)) == Metadata("url", 7)
    assert decode_assignment(encode_assignment(HELD, 0)) == Assignment(0, "m-1", "http://a:8083/", 7, HELD.assigned)


@pytest.mark.parametrize("version", [0, *COOPERATIVE])
def test_a_marked_message_says_the_same_as_one_without_the_mark(version: Version) -> None:
    metadata, assignment = encode_metadata(Metadata("url", 7, HELD), version), encode_assignment(HELD, version)
    assert not is_tagged(metadata)
    assert not is_tagged(assignment)
    tagged = tagged_metadata(Metadata("url", 7, HELD), version), tagged_assignment(HELD, version)
    assert all(map(is_tagged, tagged))
    assert decode_metadata(tagged[0]) == Metadata("url", 7, HELD)
    assert decode_assignment(tagged[1]) == decode_assignment(assignment)


@given(st.binary())
def test_any_bytes_are_read_or_refused_with_one_error(payload: bytes) -> None:
    for decode in (decode_metadata, decode_assignment):
        with suppress(ProtocolError):
            decode(payload)


def test_every_cut_of_a_message_is_refused_unless_a_whole_field_is_missing() -> None:
    whole = encode_assignment(HELD, 1)
    needed = len(encode_assignment(HELD, 0))
    for end in range(len(whole)):
        if end < len(whole) and end not in {needed - len(_assigned()), needed, len(whole) - 4}:
            with pytest.raises(ProtocolError, match="bytes are expected at"):
                decode_assignment(whole[:end])


def _assigned() -> bytes:
    """How the last of the fields that version 0 has is written."""
    empty = encode_assignment(Assignment(0, "m-1", "http://a:8083/", 7), 0)
    return encode_assignment(HELD, 0)[len(empty) - 4 :]


def test_a_negative_version_is_refused_as_kafka_connect_says_it() -> None:
    with pytest.raises(ProtocolError, match="Unsupported subscription version: -1"):
        decode_metadata(b"\xff\xff\0\0\0\0\0\0\0\0\0\0")


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        (Metadata("a" * 32_768, 0), "32768 bytes is longer than 32767"),
        (Metadata("\ud800", 0), "cannot be written as UTF-8"),
        (Metadata("a", 2**63), "out of bounds"),
    ],
)
def test_what_has_no_bytes_is_refused(metadata: Metadata, message: str) -> None:
    with pytest.raises(ProtocolError, match=message):
        encode_metadata(metadata, 1)


def test_work_is_added_and_subtracted_in_its_order() -> None:
    first, second = Work(("b", "a"), (("b", 1), ("a", 0))), Work(("a", "c"), (("a", 0), ("a", 1)))
    assert first.plus(second) == Work(("b", "a", "c"), (("b", 1), ("a", 0), ("a", 1)))
    assert first.minus(second) == Work(("b",), (("b", 1),))
    assert first.both(second) == Work(("a",), (("a", 0),))
    assert not first.minus(first)
