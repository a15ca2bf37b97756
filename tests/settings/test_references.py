"""Where a text refers to config providers, and what becomes of it."""

import pytest

from ferryman.errors import ConfigError
from ferryman.settings.references import MAX_REFERENCES, references, replaced


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("${file:/a:k}", [("file", "/a", "k")]),
        ("${env:HOME}", [("env", "", "HOME")]),
        ("x${env:A}y${env:B}z", [("env", "", "A"), ("env", "", "B")]),
        ("${a:b:c:d}", [("a", "b", "c:d")]),
        ("${a:}", [("a", "", "")]),
        ("${plain}", []),
        ("${plain${env:A}", [("plain${env", "", "A")]),
        ("${open", []),
        ("$ {a:b}", []),
        ("}${a:b}", [("a", "", "b")]),
        ("", []),
    ],
)
def test_references_are_found_from_the_left(text: str, found: list[tuple[str, str, str]]) -> None:
    assert [(each.provider, each.path, each.key) for each in references(text)] == found


def test_each_reference_is_replaced_and_the_rest_stays() -> None:
    assert replaced("a${x:1}b${no}${x:2}c", lambda found: f"<{found.text}>") == "a<${x:1}>b${no}<${x:2}>c"
    assert replaced("nothing", lambda found: "") == "nothing"


def test_what_is_put_in_is_not_looked_through_again() -> None:
    assert replaced("${x:1}", lambda found: "${x:2}") == "${x:2}"


def test_there_may_be_so_many_and_no_more() -> None:
    assert len(list(references("${a:b}" * MAX_REFERENCES))) == MAX_REFERENCES
    with pytest.raises(ConfigError, match="more than 1,000"):
        list(references("${a:b}" * (MAX_REFERENCES + 1)))
