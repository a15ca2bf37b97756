"""What is no JSON or YAML is said to be none, whatever is wrong with it."""

from typing import Literal

import pytest

from ferryman.files.documents import NoDocumentError, loads


def test_documents_are_read_as_plain_values() -> None:
    assert loads(b'{"a": [1, null]}') == loads("a: [1, null]", "YAML") == {"a": [1, None]}


@pytest.mark.parametrize(
    ("content", "syntax", "why"),
    [
        (b"", "JSON", "this is not JSON: Expecting value"),
        (b"\xff\xfe", "JSON", "this is not JSON: "),
        (b"[" * 100_000, "JSON", "nested too deeply"),
        (b"[" * 3_000, "YAML", "nested too deeply"),
        (b"a: 2026-13-45", "YAML", "this is not YAML: month must be in 1..12"),
        (b"!!python/object/apply:os.getpid []", "YAML", "could not determine a constructor"),
        (b"a: 1\n---\nb: 2", "YAML", "expected a single document"),
    ],
)
def test_what_is_none_says_why(content: bytes, syntax: Literal["JSON", "YAML"], why: str) -> None:
    with pytest.raises(NoDocumentError, match=why):
        loads(content, syntax)
