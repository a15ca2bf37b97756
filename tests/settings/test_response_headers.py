"""The operator's headers: what no answer can have is refused before there is any."""

import pytest

from ferryman.settings.response_headers import parse


@pytest.mark.parametrize(
    "rule",
    [
        "set X-A: \u20ac",
        "set X(A): b",
        "set X-A: a\x01b",
        "add X-\u00c4: b",
        "set Content-Length: 0",
        "add transfer-encoding: chunked",
        "setDate Expires: 999999999999999999",
        "addDate Expires: -99999999999999999",
    ],
)
def test_a_header_that_no_answer_can_have_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r"header|answer|calendar"):
        parse(f"set X-Frame-Options: DENY, {rule}")


def test_what_an_answer_can_have_is_taken() -> None:
    rules = parse('set X-A: \u00e9\tb, "add Cache-Control: no-cache, no-store", setDate Expires: 31536000000')
    assert [each.name for each in rules] == ["X-A", "Cache-Control", "Expires"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('set X-A: "q", set X-B: a"b', ['"q"', 'a"b']),
        (r'"set X-A: {\"a\": 1, \"b\": \\\\}", set X-B: "c"', [r'{"a": 1, "b": \\}', '"c"']),
        (r"set X-A: a\b", [r"a\b"]),
    ],
)
def test_quotes_within_a_rule_are_its_own(text: str, values: list[str]) -> None:
    assert [each.value for each in parse(text)] == values


def test_an_action_may_be_written_in_any_case() -> None:
    rules = parse("SET X-A: b, ADD X-A: c, setdate X-B: 1, AddDATE X-B: 2")
    assert [(each.action, each.replaces, each.dated) for each in rules] == [
        ("set", True, False),
        ("add", False, False),
        ("setDate", True, True),
        ("addDate", False, True),
    ]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("set X-A: b, nope X-B: c, set X-C: d", "'nope X-B: c' is none"),
        ("set X-A: b, set X-B", "'set X-B' is none"),
        ("set X-A: b,, set X-B: c", "', set X-B: c' is none"),
        ('set X-A: b, "set X-B: c', "'\"set X-B: c' is none"),
    ],
)
def test_the_rule_that_is_none_is_shown(text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=f"setDate, addDate; {wrong}$"):
        parse(text)
