"""Objects of one text a record are cut at their separators, whatever the pieces in which they are unpacked."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.s3.restore.text_files import texts

SEPARATORS = st.sampled_from([b"\n", b"\r\n", b"aba", b"aaa", b"abcd"])


@given(st.text("abcd\r\n", max_size=30), st.lists(st.integers(0, 30)), SEPARATORS)
def test_any_bytes_in_pieces_of_any_size_are_cut_at_the_same_places(
    text: str, cuts: list[int], separator: bytes
) -> None:
    data = text.encode()
    bounds = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    found = [each for chunk in texts((data[a:b] for a, b in pairwise(bounds)), separator) for each in chunk]
    *whole, rest = data.split(separator)
    assert found == ([*whole, rest] if rest else whole)


def test_a_separator_that_comes_in_more_pieces_than_two_is_seen() -> None:
    pieces = iter([b"one", b"\r", b"\n", b"-", b"-", b"two"])
    assert [*texts(pieces, b"\r\n--")] == [[b"one"], [b"two"]]
