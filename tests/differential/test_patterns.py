"""Date patterns and regular expressions against Java's own classes."""

import re
from typing import Any

import jpype
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ferryman.errors import ConfigError, DataError
from ferryman.java.regex import compiled, expanded
from ferryman.java.simple_date_format import DAY, Unparseable, formatter, parser
from tests.differential.jvm import java, raised
from tests.differential.search import count, search
from tests.differential.strategies import MILLIS

FIRST, LAST = -62_135_596_800_000, 253_402_300_799_999
CUTOVER_YEAR = range(-12_244_089_600_000, -12_212_553_600_000)
"""1582, of which Java's weeks are its own."""
_LETTERS = """
yyyy yy y M MM MMM MMMM LL d dd H HH k h hh K m mm s ss S SSS a E EEEE z Z X XX XXX
G Y YYYY YY w ww W D DDD F u 'T' ''
"""
LETTERS = _LETTERS.split()
PATTERN = st.lists(
    st.tuples(st.sampled_from(LETTERS), st.sampled_from(["-", " ", ":", "", "/"])), min_size=1, max_size=6
).map(lambda parts: "".join(letter + separator for letter, separator in parts))
CHANGES = st.lists(st.tuples(st.integers(0, 40), st.sampled_from("0123456789-+ :aZ.") | st.just("")), max_size=2)
_ATOMS = r"""
a b o . \. - _ [a-c] [^a] [\w-] \d \w \W \s \S \D ( (?: ) ) * + ? *? +? ++ {2} {1,2} {0,} | ^ $ \b
(?<n> \k<n> (?= (?! (?<= (?<! (?i) (?s) (?> \p{Alpha} \P{Digit} \h \v \Q.\E \x61 \u0061 \t []a] [^]a]
[a\]] [.$] \A \z \Z \x{61} [\p{Lower}] [\h] é (?i: \Qa
"""
ATOMS = _ATOMS.split()
TOPICS = ["top", "a-b", "a.b", "orders", "ab", "aab", "o_o1", "A-B", "é1", "a b", "1", "a\nb", "-", "]a", "[", "aa"]
REPLACEMENTS = ["$0", "x$1", "${n}", r"\$", "$12", "${1}"]


def simple_date_format(pattern: str) -> Any:
    """Java's, in UTC; None if it refuses the pattern."""
    try:
        made = java("java.text.SimpleDateFormat")(pattern)
    except jpype.JException:
        return None
    made.setTimeZone(java("java.util.TimeZone").getTimeZone("UTC"))
    return made


def changed(text: str, changes: list[tuple[int, str]]) -> str:
    """The text with some letters replaced, or removed."""
    for place, letter in changes:
        text = text[:place] + letter + text[place + 1 :]
    return text


@pytest.mark.timeout(1800)
def test_dates_are_written_and_read_as_java_does(long: bool) -> None:
    @search(500, long)
    @given(PATTERN, st.lists(st.tuples(MILLIS, CHANGES), min_size=1, max_size=6))
    def run(pattern: str, cases: list[tuple[int, list[tuple[int, str]]]]) -> None:
        theirs = simple_date_format(pattern)
        try:
            write, read = formatter(pattern), parser(pattern)
        except ConfigError:
            assert theirs is None
            return
        assert theirs is not None
        count("dates", len(cases))
        for millis, changes in cases:
            text = str(theirs.format(java("java.util.Date")(millis)))
            if millis not in CUTOVER_YEAR or not re.search("[wWYF]", pattern):
                assert write(millis) == text
            compare_parsed(theirs, read, pattern, changed(text, changes))

    run()


def compare_parsed(theirs: Any, read: Any, pattern: str, text: str) -> None:
    """Fails unless both read the same from a text, except for what no config can mean."""
    assume(len(re.findall("z+|Z+|X+", pattern)) <= 1)
    try:
        expected = int(theirs.parse(text).getTime())
    except jpype.JException:
        with pytest.raises(Unparseable):
            read(text)
        return
    if FIRST + DAY <= expected <= LAST - DAY and expected not in CUTOVER_YEAR:
        assert read(text) == expected, (pattern, text)


@pytest.mark.timeout(1800)
def test_topics_match_and_are_replaced_as_in_java(long: bool) -> None:
    @search(500, long)
    @given(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=5).map("".join))
    def run(pattern: str) -> None:
        try:
            ours = compiled(pattern)
        except ConfigError:
            return
        try:
            theirs = java("java.util.regex.Pattern").compile(pattern)
        except jpype.JException as error:
            pytest.fail(f"Java refuses {pattern}: {raised(error)}")
        count("expressions", len(TOPICS))
        for topic in TOPICS:
            matches = ours.fullmatch(topic) is not None
            assert bool(theirs.matcher(topic).matches()) == matches, topic
            for replacement in REPLACEMENTS if matches else []:
                assert replaced(ours, topic, replacement) == replaced_by_java(theirs, topic, replacement)

    run()


def replaced(pattern: re.Pattern[str], topic: str, replacement: str) -> str:
    """The topic with its first match replaced, or the error's class and message."""
    found = pattern.search(topic)
    assert found
    try:
        return topic[: found.start()] + expanded(found, replacement) + topic[found.end() :]
    except DataError as error:
        return f"{error.java} {error}"


def replaced_by_java(pattern: Any, topic: str, replacement: str) -> str:
    """The same by Java."""
    try:
        return str(pattern.matcher(topic).replaceFirst(replacement))
    except jpype.JException as error:
        return f"{raised(error).kind} {raised(error).message}"
