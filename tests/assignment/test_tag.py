"""Ferryman's messages are known by their tag, and nobody else's are."""

from hypothesis import given
from hypothesis import strategies as st

from ferryman.assignment.protocol import Assignment, Metadata, Work, encode_assignment, encode_metadata
from ferryman.assignment.tag import is_tagged

DELAYS = st.integers(0, 24 * 3600 * 1000)


@given(st.text(st.characters(codec="utf-8"), max_size=9), DELAYS, st.integers(0, 2**40))
def test_no_message_of_the_jvms_bears_the_mark(text: str, delay: int, offset: int) -> None:
    held = Assignment(0, text + "ferryman", text + "ferryman", offset, Work((text + "ferryman",)), Work(), delay)
    for payload in (
        encode_assignment(held, 0),
        encode_assignment(held, 2),
        encode_metadata(Metadata(text + "ferryman", offset, held), 1),
        encode_metadata(Metadata(text + "ferryman", offset), 0),
    ):
        assert not is_tagged(payload)
