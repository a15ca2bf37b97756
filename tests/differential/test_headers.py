"""SimpleHeaderConverter against Kafka's own: what texts mean, and what is written of values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferryman.schema import Schema
from tests.differential.search import count, search
from tests.differential.strategies import LITERALS, TEXT, side
from tests.differential.test_primitives import Both, same

HEADERS = "org.apache.kafka.connect.storage.SimpleHeaderConverter"
_PIECES = """
[ ] { } , : " \\ 1 - + 0 12 300 1.5 1e3 1e400 null true false a é 2020-01-01 12:34:56.789Z 2020-01-01T12:34:56.789Z
2020-13-45 99999999999 9223372036854775808 \\" \\: NaN ٣ _ . T Z e5 E 1: 12:34:56.78 1,2 +.5 -.5 1e0000000012 16777217
1.00000017881393432617187499 3.4028236e38 true:1 2147483648 1E40 -1 \\\\
"""
PIECES = [*_PIECES.split(), " ", "\t", "\n", "\x00", "\xa0", "\u2003", "\x1c"]
LEAVES = """
1 300 1.5 1e40 null true "a" "1" "2020-01-01" 12:34:56.789Z 2020-01-01 99999999999 9223372036854775808 1e400 a 1e5
"2020-01-01T12:34:56.789Z" "" " " ",x" "12:34:56.789Z"
"""


def _listed(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.lists(inner, max_size=3).map(lambda items: "[" + ",".join(items) + "]")
    entries = st.lists(st.tuples(inner, inner).map(":".join), max_size=2)
    return lists | entries.map(lambda items: "{" + ",".join(items) + "}")


HOSTILE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=9).map("".join)
NESTED = st.recursive(st.sampled_from(LEAVES.split()), _listed, max_leaves=5)
ONCE_DIFFERENT = {
    "a blank before what is no list stands for all": [" [", " { ", "\n{300"],
    "a blank is what trim takes away": ["\x001", "\x002020-01-01", "\xa0300", "true\u2003", "null\xa0", "\x1c1"],
    "of two lists the later one's schema counts": ["[[],[1]]", '[["1"],[1]]', "[[1],[]]", "[{1:1},{}]"],
    "a number among dates is a date": [
        "[1,2020-01-01]",
        "[2020-01-01,1]",
        "[12:34:56.789Z,5]",
        "[12:34:56.789Z,86400001]",
    ],
    "but not if its type is the list's": ["[2020-01-01,99999]", "[99999,2020-01-01]", "[1.5,2020-01-01]"],
    "commas in maps may be left out": ['{"a":1 "b":2}', '{"a":1,,"b":2}', '{,"a":1}', '{"a":1,}'],
    "a quoted text without an end": ['["a', '{"a":"b'],
    "blanks at delimiters in a quoted text are lost": ['["  "]', '[" ,b"]', '["a, "]'],
    "a number may start with its point": ["+.5", "-.5", ".5", "+.", "-"],
    "an exponent with many zeros": ["1e0000000000012", "1e-0000000000012"],
    "a number on the border of 32 bits is rounded once": ["1.00000017881393432617187499", "3.4028236e38"],
    "a map without a value": ['{"a":', '{"a"', "{1:null}", "{1:null,2:3}"],
}


def compare(texts: list[str]) -> None:
    """Fails unless texts mean the same to both, but for lists that are keys, which no value of ours can have."""
    both = Both(HEADERS, {}, "header")
    count("headers", len(texts))
    for text in texts:
        payload = text.encode("utf-8", "surrogatepass")
        try:
            expected = both.read_by_java(payload)
        except TypeError:
            continue
        assert both.read(payload) == expected, text


@pytest.mark.parametrize("texts", [pytest.param(texts, id=name) for name, texts in ONCE_DIFFERENT.items()])
def test_what_was_once_different_in_headers_is_the_same(texts: list[str]) -> None:
    compare(texts)


@pytest.mark.timeout(1800)
def test_texts_of_headers_mean_what_they_mean_to_kafka(long: bool) -> None:
    @search(700, long)
    @given(st.lists(TEXT | LITERALS | HOSTILE | HOSTILE | NESTED | NESTED, min_size=4, max_size=10))
    def run(texts: list[str]) -> None:
        compare(texts)

    run()


@pytest.mark.timeout(1800)
def test_headers_are_written_as_kafka_does(long: bool) -> None:
    @search(200, long)
    @given(side(4))
    def run(given: tuple[Schema | None, list[Any]]) -> None:
        both = Both(HEADERS, {}, "header")
        count("headers", len(given[1]))
        for value in given[1]:
            expected, found = both.written_by_java(given[0], value), both.written(given[0], value)
            assert same(expected, found), f"{given[0]} {value!r}\nKafka: {expected!r}\nours:  {found!r}"

    run()
