"""Marks as they are stored, and what is none."""

import pytest

from ferryman.dead_letters import mark
from ferryman.dead_letters.mark import Mark


@pytest.mark.parametrize("found", [Mark("run", None, 5), Mark(None, "orders", 6), Mark("run", None, 5, "0-18")])
def test_a_mark_is_read_as_it_was_written(found: Mark) -> None:
    assert mark.parsed({mark.key("id", "0-17"): found.dump()}, "id") == {"0-17": found}


def test_marks_of_a_topic_that_was_created_anew_and_what_is_none_are_passed_over() -> None:
    strange = [None, b"", b"{", b"[]", b'{"run": 5, "at": 1}', b'{"run": "x", "at": "now"}', b"[" * 100_000]
    records = {mark.key("other", "0-1"): Mark("run", None, 5).dump()}
    records |= {mark.key("id", f"0-{at}"): each for at, each in enumerate(strange)}  # type: ignore[misc]
    assert mark.parsed(records, "id") == {}
