"""Parts of sources' histories: written and read as a key's value, told to people."""

import pytest

from ferryman.runs.span import SourceRun, Span, iso


@pytest.mark.parametrize("span", [Span(), Span(begins=0, ends=5), Span(first=0, behind=9, records=3)])
def test_it_is_read_as_it_was_written(span: Span) -> None:
    assert Span.parse(span.dump()) == span


@pytest.mark.parametrize("text", ["", "[]", "{", '{"from": 1}', '{"first": "1"}', '{"first": -1}', '{"first": true}'])
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must be|not JSON"):
        Span.parse(text)


def test_it_says_what_it_is() -> None:
    assert str(Span()) == "everything there is"
    assert str(Span(begins=0, ends=1500)) == "from 1970-01-01T00:00:00Z up to 1970-01-01T00:00:01.500Z"
    assert str(Span(first=3, behind=9)) == "positions from 3 up to 9"
    assert iso(1 << 62) == str(1 << 62)


def test_a_poll_is_no_larger_than_a_seconds_records() -> None:
    assert [SourceRun(Span(), rate).most(100) for rate in (0.0, 0.5, 7.0, 1000.0)] == [100, 1, 7, 100]
