"""Text in columns that are no text: it must say what the column holds, in words that can be taken in one way only."""

from collections.abc import Callable, Iterator

import polars as pl

from ferryman.connectors.sql.column_fits import numbers, text_times
from ferryman.connectors.sql.column_fits.fit import Check, Fit, Mask
from ferryman.connectors.sql.column_fits.target import (
    Boolean,
    Bytes,
    Date,
    Enum,
    Json,
    NativeText,
    Target,
    Text,
    TimeOfDay,
    Timestamp,
)

_FEW_VALUES = 500
"""Values that Python has looked at before polars has begun."""
_BOOLEANS = r"^(?i:true|false|t|f|yes|no|y|n|on|off|1|0)$"


def text(target: Target, zone: str) -> Fit | None:
    """Text; None if the column takes none. ``zone``: whose clock columns without a zone show."""
    match target:
        case Text():
            return Fit("plain", tuple(_text_checks(target)))
        case Boolean():
            return Fit("plain", (Check(lambda values: ~values.str.contains(_BOOLEANS), "the texts true and false"),))
        case Bytes(length=length, texts=True):
            return Fit("plain", tuple(_sized(length)))
        case Date() | TimeOfDay() | Timestamp():
            return text_times.fit(target, zone)
        case Enum():
            return Fit("plain", (Check(lambda values: ~_is_label(values, target), _labels(target)),))
        case Json():
            return Fit("plain")
        case NativeText(pattern=None, echoed=echoed):
            return Fit("plain", echoed=echoed)
        case NativeText(pattern=str(pattern), takes=takes):
            return Fit("plain", (Check(lambda values: ~values.str.contains(pattern), takes),))
        case _:
            return numbers.text(target)


def _text_checks(target: Text) -> Iterator[Check]:
    if not target.nul:
        nul = _quickly(lambda text: "\0" in text, lambda values: values.str.contains("\0", literal=True))
        yield Check(nul, "texts without the character U+0000")
    if target.trimmed:
        blank = _quickly(lambda text: text.endswith(" "), lambda values: values.str.ends_with(" "))
        yield Check(blank, "texts without blanks at their end")
    length = target.length
    if length is not None:
        long = _quickly(lambda text: len(text) > length, lambda values: values.str.len_chars() > length)
        yield Check(long, f"texts of at most {length} characters")


def _quickly(one: Callable[[str], bool], all_of: Mask) -> Mask:
    """The same question asked of a text and of a whole column: the small polls of a live sink have few of each."""

    def found(values: pl.Series) -> pl.Series:
        if len(values) > _FEW_VALUES:
            return all_of(values)
        return pl.Series([None if text is None else one(text) for text in values.to_list()], dtype=pl.Boolean)

    return found


def _sized(length: int | None) -> Iterator[Check]:
    if length is not None:
        yield Check(lambda values: values.str.len_bytes() != length, f"texts of {length} bytes")


def _is_label(values: pl.Series, target: Enum) -> pl.Series:
    labels = list(target.labels)
    if not target.several:
        return values.is_in(labels)
    members = values.str.split(",")
    known = members.list.eval(pl.element().is_in(labels)).list.all()
    return (values == "") | (known & (members.list.n_unique() == members.list.len()))


def _labels(target: Enum) -> str:
    return "its members between commas" if target.several else "its labels, letter for letter"
