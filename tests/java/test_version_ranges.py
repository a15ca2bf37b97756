"""Ranges of versions mean what Maven's VersionRange makes of them."""

import re

import pytest

from ferryman.java.version_ranges import parse


@pytest.mark.parametrize(
    ("text", "printed", "inside", "outside"),
    [
        ("9.9", "[9.9,9.9]", ["9.9", "9.9.0", "9.9-final"], ["9.8", "9.10", "9.9.1", "9.9-rc1"]),
        (" 4.3.1 ", "[4.3.1,4.3.1]", ["4.3.1"], ["4.3"]),
        ("[4.0,5.0)", "[4.0,5.0)", ["4.0", "4.10", "5.0-alpha"], ["5.0", "3.9", "4.0-rc1"]),
        ("(,1.0],[4,)", "(,1.0],[4,)", ["0.1", "1.0", "4", "10"], ["1.0.1", "3.9"]),
        ("(1.0,)", "(1.0,)", ["1.0.1", "1.0-sp1"], ["1.0", "1.0-snapshot"]),
        ("", "[,]", [], ["", "1.0"]),
        (",", "[,]", ["", "1.0", "0.1.0.dev4"], []),
        ("(,)", "(,)", ["1.0"], []),
        ("[]", None, [], ["", "1.0"]),
        ("LATEST", "[LATEST,LATEST]", [], ["1.0"]),
        ("[0.1.0,0.1.0.dev4]", None, [], []),
    ],
)
def test_a_range_holds_what_maven_would_find_in_it(
    text: str, printed: str | None, inside: list[str], outside: list[str]
) -> None:
    found = parse(text)
    assert found is not None
    assert printed in (None, str(found))
    assert [version for version in inside if version not in found] == []
    assert [version for version in outside if version in found] == []


def test_the_latest_is_whatever_there_is() -> None:
    assert parse("latest") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[4.0,", "Unbounded range: [4.0,"),
        ("[5,4]", "Range defies version ordering: [5,4]"),
        ("(4.0]", "Single version must be surrounded by []: (4.0]"),
        ("[1,3],[2,4]", "Ranges overlap: [1,3],[2,4]"),
        ("[1,2],3", "Only fully-qualified sets allowed in multiple set scenario: [1,2],3"),
    ],
)
def test_what_is_no_range_is_refused_in_mavens_words(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse(text)
