"""Dates and times as text: what looks like one, and the instant that it means if it has an offset from UTC."""

import polars as pl

from ferryman.connectors.sql.column_fits.fit import Check, Fit
from ferryman.connectors.sql.column_fits.target import Date, TimeOfDay, Timestamp

_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_MIDNIGHT = r"00:00(:00(\.0+)?)?"
_SPAN = r"-?[0-9]{1,3}:[0-5][0-9](:[0-5][0-9](\.[0-9]+)?)?"
_OFFSET = r"([Zz]|[+-]([01][0-9]|2[0-3])(:?[0-5][0-9])?)"
_SECOND_MICROS = 1_000_000
"""In microseconds, as all durations below."""


def fit(target: Date | TimeOfDay | Timestamp, zone: str) -> Fit:
    """Text in a column for dates or times."""
    match target:
        case Date(endless=endless):
            return _day_fit(endless)
        case TimeOfDay():
            return Fit("plain", (*_clock(target), _fine(target.digits)))
        case Timestamp():
            return _moment(target, zone)


def _clock(target: TimeOfDay) -> tuple[Check, ...]:
    shape, takes = (_SPAN if target.long else _CLOCK), "times, as 23:59:58"
    if target.zoned:
        shape, takes = f"{_CLOCK} ?{_OFFSET}", "times with their offset, as 23:59:58+01:00"
    return (Check(lambda values: ~values.str.contains(f"^{shape}$"), takes),)


def _fine(digits: int) -> Check:
    takes = f"seconds with at most {digits} digits after the point" if digits else "whole seconds"
    return Check(lambda values: values.str.contains(rf"\.[0-9]{{{digits}}}[0-9]*[1-9]"), takes)


def _day_fit(endless: bool) -> Fit:
    def no_date(values: pl.Series) -> pl.Series:
        return _no_date(values) & ~_is_endless(values, endless)

    def said(values: pl.Series) -> pl.Series:
        return values.zip_with(_is_endless(values, endless), values.str.slice(0, 10))

    return Fit("plain", (Check(no_date, "dates, as 2024-02-29"),), said)


def _is_endless(values: pl.Series, endless: bool) -> pl.Series:
    """Which of the texts are the ends of time, as Debezium sends them."""
    return values.is_in(["infinity", "-infinity"] if endless else [])


def _no_date(values: pl.Series) -> pl.Series:
    shaped = values.str.contains(f"^{_DATE}([ T]{_MIDNIGHT})?$")
    return (~shaped | _day(values).is_null()) & values.is_not_null()


def _day(values: pl.Series) -> pl.Series:
    """The date at the beginning of a text; null where there is none."""
    found = values.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return found.set(found.dt.year() < 1, None)


def _moment(target: Timestamp, zone: str) -> Fit:
    shape = f"^{_DATE}([ T]{_CLOCK}( ?{_OFFSET})?)?$"
    checks = (
        Check(
            lambda values: ~(values.str.contains(shape) | _is_endless(values, target.endless)),
            "timestamps, as 2024-02-29 23:59:58",
        ),
        _fine(target.digits),
        Check(
            lambda values: _as_the_column_reads(values, target, zone).is_null() & values.is_not_null(),
            "timestamps that the clock shows, and shows once, in the years 1 to 9999",
        ),
    )
    return Fit("text", checks, lambda values: _as_the_column_reads(values, target, zone))


def _as_the_column_reads(values: pl.Series, target: Timestamp, zone: str) -> pl.Series:
    """The same moments as the column is to read them; null for what is none."""
    clock = _day(values).cast(pl.Datetime("us")) + _since_midnight(values)
    offset = _offset(values)
    instants = (clock - offset).dt.replace_time_zone("UTC")
    if target.zoned:
        local = clock.dt.replace_time_zone(zone, ambiguous="null", non_existent="null").dt.convert_time_zone("UTC")
        found = instants.zip_with(offset.is_not_null(), local).dt.replace_time_zone(None)
    else:
        local = instants.dt.convert_time_zone(zone).dt.replace_time_zone(None)
        found = local.zip_with(offset.is_not_null(), clock)
    found = found.set((found.dt.year() < 1) | (found.dt.year() > 9999), None)
    return values.zip_with(_is_endless(values, target.endless), _text(found, target))


def _text(moments: pl.Series, target: Timestamp) -> pl.Series:
    whole = moments.dt.to_string("%Y-%m-%d %H:%M:%S%.6f")
    cut = whole.str.slice(0, 20 + target.digits if target.digits else 19)
    return cut + target.suffix if target.zoned and target.suffix else cut


def _since_midnight(values: pl.Series) -> pl.Series:
    hours, minutes, seconds = (_number(values.str.slice(start, 2)) for start in (11, 14, 17))
    seconds = seconds.zip_with(values.str.contains(r":[0-9][0-9]:[0-9][0-9]"), seconds * 0)
    fraction = _number(values.str.extract(r"\.([0-9]{1,6})").fill_null("0").str.pad_end(6, "0"))
    return ((hours * 60 + minutes) * 60 * _SECOND_MICROS + seconds * _SECOND_MICROS + fraction).cast(pl.Duration("us"))


def _offset(values: pl.Series) -> pl.Series:
    """The offset from UTC that a text ends with; null if it has none."""
    tail = values.str.slice(11).str.extract(f"({_OFFSET})$")
    hours, minutes = _number(tail.str.slice(1, 2)), _number(tail.str.extract(r"([0-9][0-9])$"))
    minutes = minutes.zip_with(tail.str.len_chars() > 3, minutes * 0)
    size = (hours * 60 + minutes) * 60 * _SECOND_MICROS
    signed = size.zip_with(~tail.str.starts_with("-"), -size)
    return signed.set(tail.is_null(), None).cast(pl.Duration("us"))


def _number(texts: pl.Series) -> pl.Series:
    """A number of digits, 0 for none."""
    return texts.cast(pl.Int64, strict=False).fill_null(0)
