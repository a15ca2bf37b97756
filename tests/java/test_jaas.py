"""JAAS login configurations."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.java import jaas

FILE = """
// who may use Connect
KafkaConnect {
  org.example.One required
    file="/etc/a b.properties" // the first
    debug=true;
  /* and; another */ org.example.Two SUFFICIENT;
};
KafkaClient { org.example.Three optional password='it\\'s';};
"""


def test_entries_have_modules_with_options() -> None:
    found = jaas.entries(FILE)
    assert list(found) == ["KafkaConnect", "KafkaClient"]
    one, two = found["KafkaConnect"]
    assert (one.name, one.flag, one.options) == (
        "org.example.One",
        "required",
        {"file": "/etc/a b.properties", "debug": "true"},
    )
    assert (two.name, two.flag, two.options) == ("org.example.Two", "sufficient", {})
    assert found["KafkaClient"][0].options == {"password": "it's"}
    assert "it's" not in repr(found)


def test_a_line_is_one_module() -> None:
    assert jaas.module('a.B required x=1=2 y="";').options == {"x": "1=2", "y": ""}
    with pytest.raises(ValueError, match="more than one"):
        jaas.module("a.B required; a.C required;")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("A {", "the class of a login module is expected in line 1"),
        ("A", "{ is expected in line 1"),
        ("A {\n b.C required\n};", "an option, or a semicolon, is expected in line 3"),
        (
            "A { b.C perhaps; };",
            "one of optional, required, requisite, sufficient is expected in line 1, after the class",
        ),
        ("A { b.C required; }", "; is expected"),
        ('A { b.C required x="secret; };', "the value of x is expected"),
        ("A { b.C required x; };", "= is expected"),
    ],
)
def test_what_is_expected_where_is_said_without_values(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        jaas.entries(text)
    assert "secret" not in str(caught.value)


@given(st.text(alphabet=" \n\"'\\;{}=/*ab", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (jaas.entries, jaas.module):
        with contextlib.suppress(ValueError):
            read(text)
