"""Date patterns and regular expressions against Java's own classes."""

import re
from collections.abc import Iterator
from typing import Any

import jpype
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ferryman.errors import ConfigError, DataError
from ferryman.java.instants import DAY
from ferryman.java.regex.parser import parsed
from ferryman.java.regex.replacement import Found
from ferryman.java.regex.targets import for_python
from ferryman.java.simple_date_format.formatter import formatter
from ferryman.java.simple_date_format.parser import Unparseable, parser
from ferryman.regex.pattern import Pattern, compiled
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
[a\]] [.$] \A \z \Z \x{61} [\p{Lower}] [\h] é (?i: \Qa (?m) (?-i) [A-b] [^B] \B \1 \2 ) ) ( ( \0141 \cA
[\W_] [^\P{Upper}] {0} {2,}? {1,2}+ ?+ ] } \u212a K [k-k] \x{1F600} \uD83D\uDE00 \V \H (?s:.) \Qa*\E
"""
ATOMS = _ATOMS.split()
TOPICS = ["top", "a-b", "a.b", "orders", "ab", "aab", "o_o1", "A-B", "é1", "a b", "1", "a\nb", "-", "]a", "[", "aa"]
TOPICS += [
    "",
    "a\n",
    "\r\n",
    "b\r",
    "a\r\nb",
    "o\u2028",
    "\u212a",
    "k",
    "a\x85",
    "\U0001f600",
    "\x01",
    "a*",
    "aaab",
    "abab",
]
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


OFFSETS = """
GMT+1 GMT+1:00 GMT+01:00 GMT+0100 GMT-23:59 GMT+24:00 GMT+3:60 GMT+ GMT- GMTX GMT gmt+2:00 utc UTC+1:00 UTC-01:00
+01 +0100 +01:00 -1 +1:00 -2359 +2400 +0160 +010 +\u0661\u06610000 Z z ZZ
Europe/Berlin America/Los_Angeles EST5EDT W WES Gulf P A \u0131st
"""


@pytest.mark.parametrize("pattern", ["HH:mm%s", "HH:mm %s", "HH:mm%s yyyy", "HH:mm%s'X'", "%s HH"])
@pytest.mark.parametrize("letter", ["z", "zzzz", "Z", "X", "XX", "XXX"])
def test_zones_are_read_as_java_does(pattern: str, letter: str) -> None:
    """All names that Java shows, and what is nearly one."""
    symbols = java("java.text.DateFormatSymbols").getInstance(java("java.util.Locale").US)
    names = {str(name) for row in symbols.getZoneStrings() for name in row if name} if letter == "z" else set[str]()
    for zone in sorted(names | {"PST", "Pacific Standard Time", "CEST"} | set(OFFSETS.split())):
        for text in (f"10:00{zone}", f"10:00 {zone}", f"10:00  {zone.lower()} 2026", f"{zone} 10"):
            whole = f"2026 {text}"
            # Anew each time: a name that was read stays the format's own zone.
            theirs = java("java.text.SimpleDateFormat")("yyyy " + pattern % letter, java("java.util.Locale").US)
            theirs.setTimeZone(java("java.util.TimeZone").getTimeZone("UTC"))
            try:
                expected = int(theirs.parse(whole).getTime())
            except jpype.JException:
                expected = None
            try:
                found = parser("yyyy " + pattern % letter)(whole)
            except Unparseable:
                found = None
            assert found == expected, (pattern % letter, whole)


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
    @search(1000, long)
    @given(st.lists(st.sampled_from(ATOMS), min_size=1, max_size=6).map("".join))
    def run(pattern: str) -> None:
        try:
            ours = compiled(pattern)
        except ConfigError:
            return
        try:
            theirs = java("java.util.regex.Pattern").compile(pattern)
        except jpype.JException as error:
            pytest.fail(f"Java refuses {pattern}: {raised(error)}")
        for topic in TOPICS:
            matches = bool(theirs.matcher(topic).matches())
            for engine, whole, found in answers(ours, topic):
                count(engine, 1)
                assert whole in (None, matches), (pattern, topic, engine)
                if matches and found:
                    compare_replaced(theirs, found, topic)

    run()


def compare_replaced(theirs: Any, found: Found, topic: str) -> None:
    """Fails unless both make the same of every replacement."""
    for replacement in REPLACEMENTS:
        assert replaced(found, replacement) == replaced_by_java(theirs, topic, replacement), (str(theirs), topic)


def answers(pattern: Pattern, topic: str) -> Iterator[tuple[str, bool | None, Found | None]]:
    """What each engine says: whether the whole topic matches, and the first match, None if it is not asked."""
    tree = parsed(pattern.text)
    python = re.compile(for_python(tree), re.ASCII)
    first = python.search(topic)
    found = None if first is None else Found(topic, first.regs, tree.names)
    yield "backtracking", python.fullmatch(topic) is not None, found
    if (linear := pattern.linear) is None:
        return
    whole = linear.spans("fullmatch", topic) is not None if linear.answers("fullmatch", topic) else None
    spans = linear.spans("search", topic) if linear.answers("search", topic) else None
    yield "linear", whole, None if spans is None else Found(topic, spans, tree.names)


def replaced(found: Found, replacement: str) -> str:
    """The topic with its first match replaced, or the error's class and message."""
    try:
        return found.replaced(replacement)
    except DataError as error:
        return f"{error.java} {error}"


def replaced_by_java(pattern: Any, topic: str, replacement: str) -> str:
    """The same by Java."""
    try:
        return str(pattern.matcher(topic).replaceFirst(replacement))
    except jpype.JException as error:
        return f"{raised(error).kind} {raised(error).message}"
