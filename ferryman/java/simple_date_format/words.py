"""The words of dates in US English."""

from collections.abc import Mapping, Sequence

from ferryman.java.simple_date_format.pattern import PatternPart

MONTHS = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split()  # noqa: SIM905
ERAS = ("BC", "AD")

_TEXTS: Mapping[str, Sequence[str]] = {
    "a": ("AM", "PM"),
    "G": ERAS,
    "E": [*DAYS, *(day[:3] for day in DAYS)],
    "M": [*MONTHS, *(month[:3] for month in MONTHS)],
}


def words_of(part: PatternPart) -> Sequence[str] | None:
    """The words that a part stands for; None for numbers, literals and zones."""
    if part.letter in "ML" and part.letter:
        return _TEXTS["M"] if part.width >= 3 else None
    return _TEXTS.get(part.letter)
