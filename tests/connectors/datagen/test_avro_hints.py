"""Datagen's values: every hint is obeyed, and what cannot be obeyed is refused by name."""

import json
import re
from datetime import date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.connectors.datagen.avro_hints import HintError, blueprint
from ferryman.connectors.datagen.random_texts import pattern


def made(kind: Any, count: int = 300) -> list[Any]:
    plan = blueprint(json.dumps({"type": "record", "name": "R", "fields": [{"name": "f", "type": kind}]}))
    random = Random(1)
    return [plan.make(random, number)["f"] for number in range(count)]


def hinted(kind: str, hints: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "arg.properties": hints, **more}


def test_iterations_wrap_at_restart() -> None:
    assert made(hinted("int", {"iteration": {"start": 1, "restart": 4}}), 7) == [1, 2, 3, 1, 2, 3, 1]
    assert made(hinted("int", {"iteration": {"start": 4, "restart": 1}}), 5) == [4, 3, 2, 4, 3]
    assert made(hinted("long", {"iteration": {"start": 0, "restart": 10, "step": 4, "initial": 8}}), 4) == [8, 2, 6, 0]
    assert made(hinted("double", {"iteration": {"start": 0.5}}), 3) == [0.5, 1.5, 2.5]
    assert made(hinted("boolean", {"iteration": {"start": True}}), 3) == [True, False, True]


def test_numbers_lie_in_their_range() -> None:
    assert set(made(hinted("int", {"range": {"min": -2, "max": 2}}))) == {-2, -1, 0, 1}
    assert all(0.1 <= value < 10 for value in made(hinted("double", {"range": {"min": 0.1, "max": 10.0}})))
    assert all(value >= 2**62 for value in made(hinted("long", {"range": {"min": 2**62}})))
    assert all(-(2**31) <= value < 2**31 for value in made("int"))


def test_logical_types_become_their_python_values() -> None:
    decimal = {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}
    prices = made({**decimal, "arg.properties": {"range": {"min": 1, "max": 2.5}}})
    assert all(Decimal(1) <= price < Decimal("2.5") and price.as_tuple().exponent == -2 for price in prices)
    assert isinstance(made(decimal)[0], Decimal)
    assert made({**decimal, "arg.properties": {"options": [1.5]}}, 1) == [Decimal("1.50")]
    assert isinstance(made({"type": "int", "logicalType": "date"})[0], date)
    assert isinstance(made({"type": "int", "logicalType": "time-millis"})[0], time)
    moments = made({"type": "long", "logicalType": "timestamp-millis"})
    assert all(isinstance(moment, datetime) and 2020 <= moment.year < 2030 for moment in moments)


def test_texts_and_bytes_have_their_length() -> None:
    assert {len(value) for value in made("string")} == set(range(8, 16))
    assert {len(value) for value in made(hinted("string", {"length": 3}))} == {3}
    assert {len(value) for value in made(hinted("bytes", {"length": {"min": 1, "max": 3}}))} == {1, 2}
    framed = {"length": 2, "prefix": "id-", "suffix": "!"}
    assert all(re.fullmatch("id-[a-z0-9]{2}!", value) for value in made(hinted("string", framed)))
    assert {len(value) for value in made({"type": "fixed", "name": "F", "size": 4})} == {4}


def test_maps_arrays_enums_and_references_are_made_of_their_parts() -> None:
    keys = {"length": 5, "keys": {"options": ["a", "b"]}}
    assert all(value.keys() <= {"a", "b"} for value in made({**hinted("map", keys), "values": "int"}))
    assert {len(value) for value in made({**hinted("array", {"length": 2}), "items": "boolean"})} == {2}
    assert set(made({"type": "enum", "name": "E", "symbols": ["A", "B"]})) == {"A", "B"}
    inner = {"type": "record", "name": "Inner", "fields": [{"name": "a", "type": hinted("int", {"options": [1]})}]}
    pair = {"type": "record", "name": "Pair", "fields": [{"name": "x", "type": inner}, {"name": "y", "type": "Inner"}]}
    assert made(pair, 1) == [{"x": {"a": 1}, "y": {"a": 1}}]
    interests = {**hinted("array", {"options": [["Game", "News"]]}), "items": "string"}
    assert made(interests, 1) == [["Game", "News"]]


def test_odds_weigh_a_boolean() -> None:
    assert set(made(hinted("boolean", {"odds": 1.0}))) == {True}
    assert 20 < made(hinted("boolean", {"odds": 0.2})).count(True) < 100


REFUSED = [
    (hinted("string", {"kind": "email"}), "R.f: the hint kind is not supported for string"),
    (hinted("string", {"range": {"min": 1}}), "R.f: the hint range is not supported for string"),
    (hinted("string", {"regex": "a", "length": 3}), "regex and length together are not supported"),
    (hinted("string", {"regex": "(?=a)"}), "the group at position 2 of regex '(?=a)' is not supported"),
    (hinted("string", {"options": {"file": "x", "encoding": "json"}}), "not from a file"),
    (hinted("string", {"options": [1]}), "the option 1 is not a STRING"),
    (hinted("int", {"range": {"min": 3, "max": 3}}), "must have a max above its min"),
    (hinted("int", {"range": {"least": 3}}), "must be an object with min, max or both"),
    (hinted("int", {"iteration": {"start": 1, "by": 2}}), "the hint iteration has no by"),
    (hinted("int", {"iteration": {"start": 1, "restart": 1}}), "a restart other than its start"),
    (hinted("int", {"range": {"min": 0, "max": 2**40}}), "wider than the type"),
    ({"type": "array", "items": hinted("int", {"iteration": {"start": 1}})}, "R.f[]: the hint iteration"),
    ({"type": "int", "arg.unknown": 1}, "R.f: arg.unknown is not supported"),
    (["int", "string"], "R.f: a union of several types is not supported"),
]


@pytest.mark.parametrize(("kind", "message"), REFUSED)
def test_what_cannot_be_made_is_refused_by_name(kind: Any, message: str) -> None:
    with pytest.raises(HintError, match=re.escape(message)):
        made(kind)


def test_a_hint_beside_the_type_is_refused() -> None:
    field = {"name": "f", "type": "int", "arg.properties": {"options": [1]}}
    with pytest.raises(HintError, match="belongs inside the field's type"):
        blueprint(json.dumps({"type": "record", "name": "R", "fields": [field]}))


PATTERNS = [
    "Item_[1-9][0-9]{0,2}",
    r"\d{3}-\d+",
    "(MALE|FEMALE|OTHER)",
    "User_[1-9]?",
    "[^a-z]*x+",
    r"[\w.]{2,5}@(?:a|bc)\.com",
    "a{2,}",
    "",
    "[-+]?[]x]",
    r"\(.\)",
]


@given(st.sampled_from(PATTERNS), st.integers())
def test_a_drawn_text_matches_its_pattern(expression: str, seed: int) -> None:
    text = pattern(expression)(Random(seed))
    assert re.fullmatch(expression, text)


@pytest.mark.parametrize("expression", ["^a", "a$", "(a", "a)", "[a", "a**", "a+?", r"\b", r"\1", "a{x}", "[a-z&&[b]]"])
def test_a_pattern_beyond_the_plain_kind_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="regex"):
        pattern(expression)
