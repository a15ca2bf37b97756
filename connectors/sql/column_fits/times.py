"""Connect's Date, Time and Timestamp in columns: nothing of the day or the time is dropped on the way."""

from collections.abc import Iterator, Mapping

import polars as pl

from ferryman.connectors.sql.column_fits.fit import Check, Fit
from ferryman.connectors.sql.column_fits.target import Date, Target, Text, TimeOfDay, Timestamp
from ferryman.connectors.sql.records.values import TEMPORAL, TIMESTAMP_FORMAT, Form, Zones, iso_text, wall
from ferryman.schema import DATE, TIME, Schema

_FRACTION_DIGITS = 3
"""Digits of a second's fraction that Connect's times have."""
_LENGTHS: Mapping[Form, int] = {"date": 10, "time": 12, "timestamp": 23}
"""Characters of a text of each form."""
YEARS = "the years 1 to 9999"
_FIRST_DAY, _LAST_DAY = -719_000, 2_932_000
"""Days since 1970 of which none is near the year 1 or 9999's end."""


def fit(schema: Schema, target: Target, zones: Zones) -> Fit | None:
    """A date, time or timestamp; None if the column takes none."""
    form = TEMPORAL[schema.name or ""]
    if isinstance(target, Text):
        if target.is_shorter_than(_LENGTHS[form]):
            return None
        return Fit("text", tuple(_years(form, zones)), lambda values: _iso(values, form, zones))
    if schema.name == TIME:
        return _time(target, zones)
    return _date(target, zones) if schema.name == DATE else _timestamp(target, zones)


def _iso(values: pl.Series, form: Form, zones: Zones) -> pl.Series:
    return values.alias("v").to_frame().select(iso_text(pl.col("v"), form, zones)).to_series()


def _years(form: Form, zones: Zones) -> Iterator[Check]:
    if form != "time":
        yield Check(lambda values: _beyond_years(values, form, zones), YEARS)


def _beyond_years(values: pl.Series, form: Form, zones: Zones) -> pl.Series:
    """Nearly all times are so far within that no zone matters, and then the least and the greatest are enough."""
    per_day = 1 if form == "date" else 86_400_000
    numbers = values.cast(pl.Int64)
    least, most = numbers.min(), numbers.max()
    if least is None or _FIRST_DAY * per_day <= least <= most <= _LAST_DAY * per_day:  # type: ignore[operator]
        return pl.Series([False]).new_from_index(0, len(values))
    return ~_on_the_wall(values, form, zones).dt.year().is_between(1, 9999)


def _on_the_wall(values: pl.Series, form: Form, zones: Zones) -> pl.Series:
    return values.alias("v").to_frame().select(wall(pl.col("v"), form, zones)).to_series()


def _time(target: Target, zones: Zones) -> Fit | None:
    if not isinstance(target, TimeOfDay):
        return None
    if target.zoned:
        return Fit("text", tuple(_coarse(target.digits)), lambda values: values.dt.to_string("%H:%M:%S%.3f") + "+00")
    return Fit("time", tuple(_coarse(target.digits)))


def _coarse(digits: int) -> Iterator[Check]:
    step = 10 ** (3 - digits)
    if digits < _FRACTION_DIGITS:
        takes = f"seconds with at most {digits} digits after the point" if digits else "whole seconds"
        yield Check(lambda values: values.dt.millisecond() % step != 0, takes)


def _date(target: Target, zones: Zones) -> Fit | None:
    years = tuple(_years("date", zones))
    match target:
        case Date() | Timestamp(zoned=False):
            return Fit("date", years)
        case Timestamp(suffix=suffix):
            return Fit("text", (*years, _begun(zones)), lambda values: _midnights(values, zones, suffix))
        case _:
            return None


def _begun(zones: Zones) -> Check:
    def never(values: pl.Series) -> pl.Series:
        return _midnights(values, zones, "").is_null() & values.is_not_null()

    return Check(never, "days that begin at midnight")


def _midnights(values: pl.Series, zones: Zones, suffix: str) -> pl.Series:
    """Where the days begin, in UTC."""
    days = _on_the_wall(values, "date", zones).cast(pl.Datetime("ms"))
    local = days.dt.replace_time_zone(zones.dates, ambiguous="null", non_existent="null")
    return local.dt.convert_time_zone("UTC").dt.to_string(TIMESTAMP_FORMAT) + suffix


def _timestamp(target: Target, zones: Zones) -> Fit | None:
    match target:
        case Timestamp(digits=digits, zoned=zoned):
            form: Form = "zoned" if zoned else "timestamp"
            return Fit(form, (*_years(form, zones), *_coarse(digits)))
        case Date():
            dated = Check(lambda values: _clock(values, zones) != 0, "timestamps at midnight in db.timezone")
            return Fit("text", (*_years("timestamp", zones), dated), lambda values: _dates(values, zones))
        case _:
            return None


def _clock(values: pl.Series, zones: Zones) -> pl.Series:
    """Milliseconds since midnight."""
    return _on_the_wall(values, "timestamp", zones).dt.epoch("ms") % 86_400_000


def _dates(values: pl.Series, zones: Zones) -> pl.Series:
    return _on_the_wall(values, "timestamp", zones).dt.to_string("%Y-%m-%d")
