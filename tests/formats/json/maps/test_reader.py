"""JSON objects without a schema read as columns are what they are as rows: kinds of numbers, order of keys, digits."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferryman.formats.json.maps import reader as maps_reader
from ferryman.formats.json.text import loads_good
from ferryman.record import Maps

NAMES = ["id", "a b", "ü", "f0", 'quo"te', "back\\slash", "__class__", "column_0", "", "\0text", '":', "日本"]
INTEGERS = ["0", "-0", "7", "-12", "9223372036854775807", "-9223372036854775808"]
WIDE = ["9223372036854775808", "-9223372036854775809", "18446744073709551616", "1" * 40]
FLOATS = ["0.0", "-0.0", "1.0", "2.50", "1e3", "1E-3", "12345678901234.5", "0.1234567890123456789", "1e400", "5e-324"]
TEXTS = ['"x"', '"é"', '"\\u00e9"', '"a\\"id\\":1"', '"\\\\"', '"\\ud800"', '"日本, \\"f0\\":"', '"\x7f"', '""']
KINDS: list[list[str]] = [
    INTEGERS,
    FLOATS,
    TEXTS,
    ["true", "false"],
    ["null"],
    ["[]", "[1]", "[1, 2]", "null", "[null]", '["a"]'],
    ["[1.5]", "[1.5, 2]", "[]", "[0.12345678901234567890]"],
    ['{"x": 1}', '{"x": null}', '{"x": "1"}', '{"id": 1.0}', '{"x": 2, "y": 1}', "{}", "null", '{"x": {"z": true}}'],
    ['{"id": 1, "x": {"id": 2}}', '{"id": 1, "x": null}', '{"x": {"id": 2}, "id": 1}', "null"],
    ['[{"id": 1}, {"id": 2}]', '[{"id": 1, "x": 2}]', "[]", "[null]", '[{"id": 1}, null]', "null", '[{"id": 1.5}]'],
    ['[{"a1": 1.5, "a2": 2.5}]', '[{"a2": 1.5, "a1": 2.5}]', '[{"a1": 1, "a2": 0.12345678901234567890}]', "[]"],
    ["[[1], [2, 3], []]", "[[]]", "[[null], null]", "[]", "[[1.5]]", "[[9223372036854775808]]"],
]
ANY = [*(text for kind in KINDS for text in kind), *WIDE]


@pytest.fixture(autouse=True)
def a_frame_for_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps_reader, "MIN_OBJECTS", 64)


@st.composite
def objects(draw: st.DrawFn) -> list[bytes]:
    """Objects that mostly have the same keys and kinds of values, spelled in several ways; a few are broken."""
    kinds = draw(st.dictionaries(st.sampled_from(NAMES), st.sampled_from(KINDS), min_size=1, max_size=5))
    return draw(st.lists(one(kinds), min_size=1, max_size=8))


@st.composite
def one(draw: st.DrawFn, kinds: dict[str, list[str]]) -> bytes:
    names, harm = list(kinds), draw(st.integers(0, 14))
    members = [(name, draw(st.sampled_from(kinds[name]))) for name in names]
    blank, escaped = draw(st.sampled_from(["", "", "", " ", "  ", "\n"])), False
    if harm == 0:
        members = draw(st.permutations(members))
    elif harm == 1:
        members = members[1:]
    elif harm == 2:
        members.append((draw(st.sampled_from(NAMES)), draw(st.sampled_from(ANY))))
    elif harm == 3:
        place = draw(st.integers(0, len(members) - 1))
        members[place] = (members[place][0], draw(st.sampled_from(ANY)))
    elif harm == 4:
        escaped = True
    pairs = [f"{json.dumps(name, ensure_ascii=escaped)}:{blank}{value}" for name, value in members]
    if harm == 5:
        pairs = [pair.replace('":', '" :', 1) for pair in pairs]
    text = ("{" + f",{blank}".join(pairs) + "}").encode()
    if harm == 6:
        at = draw(st.integers(0, len(text)))
        return text[:at] + draw(st.sampled_from([b'"', b"\xff", b",", b"}", b"0", b"\\"])) + text[at + 1 :]
    return b"null" if harm == 7 else text


def together(payloads: Sequence[bytes | None]) -> tuple[dict[int, Any], list[int]]:
    """What the payloads are as columns, and which of them are none."""
    found, odd = maps_reader.maps(payloads)
    values = {at: value for places, maps in found for at, value in zip(places, maps.values, strict=True)}
    assert sorted([*values, *odd]) == list(range(len(payloads)))
    return values, list(odd)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects())
def test_columns_hold_what_rows_hold_to_the_kind_of_a_number_and_the_order_of_keys(payloads: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps_reader, "MIN_OBJECTS", 1)
        values, odd = together(payloads)
    places, rows, _ = loads_good(payloads)
    assert {at: repr(value) for at, value in values.items()} == {
        at: repr(value) for at, value in zip(places, rows, strict=True) if at not in odd
    }


def order(number: int, **more: Any) -> bytes:
    return json.dumps({"id": number, "who": "x", "sum": number + 0.5, **more}).encode()


def test_objects_that_are_alike_become_one_piece() -> None:
    values, odd = together([order(number) for number in range(200)])
    assert odd == []
    assert [value["sum"] for value in values.values()] == [number + 0.5 for number in range(200)]


@pytest.mark.parametrize(
    "other",
    [
        b'{"who":"x","id":7,"sum":7.5}',
        b'{"id":7,"who":"x","sum":7}',
        b'{"id":7,"who":"x"}',
        b'{"id":7,"who":"x","sum":7.5,"more":1}',
        b'{"id":7.0,"who":"x","sum":7.5}',
        b'{"id":9223372036854775808,"who":"x","sum":7.5}',
        b'{"id":7,"who":"x","sum":7.12345678901234567890}',
        b'{"id":7,"who":"x","sum":1e-400}',
        b'{"id":7,"who":"x","sum":7.5,"sum":7.12345678901234567890}',
        b'{"id":7,"who":{"name":"x"},"sum":7.5}',
        b'{"id":true,"who":"x","sum":7.5}',
        b'{"id":7,"who":"\\ud800","sum":7.5}',
        b'{"i\\u0064":7,"who":"x","sum":7.5}',
        b'{"id" :7,"who":"x","sum":7.5}',
        b'{"id":7,"who":"x","sum" :7.12345678901234567890}',
        b'{"id":7,"who":"x","sum":7.5',
        b"[]",
        b"null",
        b"",
        None,
    ],
)
def test_one_that_is_unlike_the_others_is_left_to_the_rows_and_keeps_none_of_them(other: bytes | None) -> None:
    payloads: list[bytes | None] = [order(number) for number in range(100)]
    payloads[7] = other
    values, odd = together(payloads)
    assert odd == [7]
    assert len(values) == 99


@pytest.mark.parametrize(
    "alike",
    [
        b'{"id":null,"who":"x","sum":7.5}',
        b'{"id":7,"who":null,"sum":null}',
        b' { "id": 7, "who": "x", "sum": 7.123456789 } ',
        '{"id":7,"who":"\\"id\\":, \\"sum\\": é","sum":7.1234567890123}'.encode(),
        b'{"id":7,"who":"x","sum":0.30000000000000004}',
        b'{"id":1,"id":7,"who":"x","sum":7.5}',
        b'{"id":7,"who":\t"x","sum":75e-1}',
        b'{"id":7,"who":"\\u00e9\\/","sum":7.50}',
    ],
)
def test_nulls_and_another_spelling_make_an_object_no_other(alike: bytes) -> None:
    payloads = [order(number) for number in range(100)]
    payloads[7] = alike
    values, odd = together(payloads)
    assert odd == []
    assert repr(values[7]) == repr(loads_good([alike])[1][0])


def test_each_of_several_shapes_in_a_poll_has_its_columns() -> None:
    whole = [json.dumps({"id": number, "sum": 5}).encode() for number in range(100)]
    fraction = [json.dumps({"id": number, "sum": 5.5}).encode() for number in range(100)]
    found, odd = maps_reader.maps([each for pair in zip(whole, fraction, strict=True) for each in pair])
    assert [(list(places), maps.values[0]["sum"]) for places, maps in found] == [
        (list(range(0, 200, 2)), 5),
        (list(range(1, 200, 2)), 5.5),
    ]
    assert list(odd) == []


def test_objects_of_which_hardly_two_are_alike_are_rows() -> None:
    payloads = [json.dumps({f"key{number}": number}).encode() for number in range(1000)]
    assert maps_reader.maps(payloads) == ([], list(range(1000)))


def test_what_is_null_in_the_first_object_has_the_kind_that_it_has_in_another() -> None:
    payloads = [json.dumps({"a": None if number < 3 else number, "b": [] if number < 9 else [1]}).encode()
                for number in range(100)]  # fmt: skip
    ((places, maps),) = maps_reader.maps(payloads)[0]
    assert len(places) == 100
    assert [value["a"] for value in maps.values[:5]] == [None, None, None, 3, 4]


def event(number: int, **more: Any) -> dict[str, Any]:
    """What has one key in several objects, what may be null, and lists of objects."""
    before = None if number % 3 else {"id": number, "sum": 1.5}
    return {
        "id": number,
        "before": before,
        "after": {"id": number, "sum": 2.5},
        "items": [{"id": 1, "n1": 1, "n2": 2}] * (number % 3),
    } | more


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
def test_what_is_nested_in_any_way_becomes_columns(separators: tuple[str, str]) -> None:
    events = [event(number, text="é", lists=[[number], []]) for number in range(100)]
    values, odd = together([json.dumps(each, separators=separators).encode() for each in events])
    assert odd == []
    assert list(values.values()) == events


@pytest.mark.parametrize(
    "other",
    [
        b'{"id":7,"before":null,"after":{"sum":2.5,"id":7},"items":[]}',
        b'{"id":7,"before":{"sum":1.5,"id":7},"after":{"id":7,"sum":2.5},"items":[]}',
        b'{"id":7,"before":null,"after":{"id":7,"sum":2},"items":[]}',
        b'{"id":7,"before":{"id":7,"sum":1},"after":{"id":7,"sum":2.5},"items":[]}',
        b'{"id":7,"before":null,"after":{"id":7,"sum":0.12345678901234567890},"items":[]}',
        b'{"id":7,"before":null,"after":{"id":7,"sum" : 0.12345678901234567890},"items":[]}',
        b'{"id":7,"before":null,"after":{"id":7,"sum":2.5},"items":[{"id":1,"n2":1,"n1":2}]}',
        b'{"id":7,"before":null,"after":{"id":7,"sum":2.5},"items":[{"id":1,"n1":1,"n2":9223372036854775808}]}',
        b'{"id":7,"before":null,"after":{"id":7,"id":8,"sum":2.5},"items":[{"id":1,"n2":1,"n1":2}]}',
        b'{"id":7,"before":null,"after":null,"items":[{"id":1,"n1":1}]}',
        b'{"id":7,"items":[],"before":null,"after":null}',
    ],
)
def test_what_is_unlike_the_others_anywhere_inside_is_left_to_the_rows(other: bytes) -> None:
    payloads = [json.dumps(event(number)).encode() for number in range(100)]
    payloads[7] = other
    values, odd = together(payloads)
    assert odd == [7]
    assert len(values) == 99


def test_digits_that_a_double_would_change_are_found_where_a_name_is_that_of_several_members() -> None:
    payloads = [json.dumps({"sum": number / 8, "in": {"sum": 0.5}}).encode() for number in range(100)]
    payloads[7] = b'{"sum": 0.5, "in": {"sum" : 0.12345678901234567890}}'
    assert together(payloads)[1] == [7]


def test_maps_can_be_cut_and_chosen_from_as_rows_can() -> None:
    ((_, maps),) = maps_reader.maps([order(number) for number in range(100)])[0]
    assert isinstance(maps, Maps)
    assert maps.slice(3, 5).values == list(maps.values)[3:5]
    assert maps.take([1, 50]).rows().values == [maps.values[1], maps.values[50]]
