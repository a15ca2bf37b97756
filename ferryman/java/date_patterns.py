"""Letters of a date pattern that are allowed and hardly ever meant: the week's year, the day of the year, and such.

They are obeyed, as Java obeys them; who writes the config is told.
"""

from collections.abc import Iterator
from itertools import groupby, pairwise

_HOURS = frozenset("HhKk")


def warnings(pattern: str, joda: bool = False) -> Iterator[str]:
    """What of a SimpleDateFormat pattern, or of Joda-Time's, probably means something else; a sentence for each."""
    runs = list(_letters(pattern))
    there = {letter for letter, _ in runs}
    if "Y" in there and not joda and "w" not in there:
        yield "Y is the year of the week, which differs around New Year; the calendar's is y"
    if "D" in there and there & {"M", "d"}:
        yield "D is the day of the year; the day of the month is d"
    if not joda and (longest := max((count for letter, count in runs if letter == "S"), default=0)) > 3:
        yield f"{'S' * longest} is the milliseconds with zeros before them, not a smaller fraction; S has three digits"
    if "m" in there and not there & _HOURS and there & {"y", "Y", "d", "D"}:
        yield "m is the minute; the month is M"
    if any(one in _HOURS and other == "M" for (one, _), (other, _) in pairwise(runs)):
        yield "M is the month; the minute is m"
    if there & {"h", "K"} and "a" not in there:
        yield f"{'h' if 'h' in there else 'K'} counts twelve hours, and no a tells which half of the day; H counts 24"


def _letters(pattern: str) -> Iterator[tuple[str, int]]:
    """The pattern's letters with their counts; what stands in quotes is text."""
    bare = "".join(part for index, part in enumerate(pattern.split("'")) if index % 2 == 0)
    for letter, run in groupby(bare):
        if letter.isascii() and letter.isalpha():
            yield letter, len(list(run))
