"""java.util.GregorianCalendar in UTC, lenient, its weeks those of the US: days since 1970 from fields and back.

Java's switch from the Julian calendar in 1582 is reproduced, and so is the choice among fields that contradict each
other, which depends on the order in which they were set.
"""

from collections.abc import Mapping

CUTOVER = -141_427
"""The day number of 15 October 1582, the first of the Gregorian calendar."""
_SUNDAY = 1
Fields = Mapping[str, int]
"""Values, or the times at which they were set, by SimpleDateFormat's letter; E is a day of the week, Sunday being 1."""


def civil(days: int) -> tuple[int, int, int]:
    """Year (0 is 1 BC), month and day of a day number since 1970."""
    if days >= CUTOVER:
        era, day_of_era = divmod(days + 719_468, 146_097)
        year_of_era = (day_of_era - day_of_era // 1460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
        day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
        year = year_of_era + era * 400
    else:
        cycle, day_of_cycle = divmod(days + 719_470, 1461)
        year_of_cycle = (day_of_cycle - day_of_cycle // 1460) // 365
        day_of_year = day_of_cycle - 365 * year_of_cycle
        year = year_of_cycle + cycle * 4
    shifted = (5 * day_of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    return year + (month <= 2), month, day_of_year - (153 * shifted + 2) // 5 + 1


def day_number(year: int, month: int, day: int) -> int:
    """The day number since 1970 of a date whose month and day may lie outside their ranges."""
    gregorian = _counted(year, month, day, julian=False)
    return gregorian if gregorian >= CUTOVER else _counted(year, month, day, julian=True)


def _counted(year: int, month: int, day: int, julian: bool) -> int:
    years, month = divmod(month - 1, 12)
    year += years - (month < 2)
    offset = (153 * ((month - 2) % 12) + 2) // 5 + day - 1
    days = 365 * year + year // 4 + offset
    return days - 719_470 if julian else days - year // 100 + year // 400 - 719_468


def day_of_week(days: int) -> int:
    """1 for Sunday to 7 for Saturday."""
    return (days + 4) % 7 + 1


def _on_or_before(days: int, weekday: int) -> int:
    return days - (day_of_week(days) - weekday) % 7


def week_year(days: int) -> int:
    """The year that a day's week belongs to. Weeks begin on Sunday; a year's first is the one with 1 January."""
    year = civil(days)[0]
    return year + 1 if days >= _on_or_before(day_number(year + 1, 1, 1), _SUNDAY) else year


def week_of_year(days: int) -> int:
    """The week's number in its week year, from 1."""
    return _weeks(day_number(week_year(days), 1, 1), days)


def week_of_month(days: int) -> int:
    """The week's number in the month, from 1."""
    year, month, _ = civil(days)
    return _weeks(day_number(year, month, 1), days)


def _weeks(first: int, days: int) -> int:
    return (days - _on_or_before(first, _SUNDAY)) // 7 + 1


def resolved(values: Fields, set_at: Fields) -> int:
    """The day that fields stand for; ``set_at`` says when each was set, from 1."""
    if set_at.get("Y", 0) > set_at.get("y", 0):
        return _week_date(values)
    year = values.get("y", 1970)
    if values.get("G") == 0:
        year = 1 - year
    kind = _best(set_at)
    gregorian = _day(kind, year, values, julian=False)
    # The field's year decides, also where its months or days reach over to the other calendar.
    if year > 1582 or (year == 1582 and kind not in "Dw"):
        return gregorian if gregorian >= CUTOVER else _day(kind, year, values, julian=True)
    return _day(kind, year, values, julian=True)


def _day(kind: str, year: int, values: Fields, julian: bool) -> int:
    month = values.get("M", 1)
    if kind == "D":
        return _counted(year, 1, 1, julian) + values["D"] - 1
    if kind == "w":
        return _in_week(_counted(year, 1, 1, julian), values.get("w", 1), values)
    if kind == "d":
        return _counted(year, month, 1, julian) + values.get("d", 1) - 1
    first = _counted(year, month, 1, julian)
    if kind == "W":
        return _in_week(first, values["W"], values)
    return _nth_weekday(first, _counted(year, month + 1, 1, julian), values)


def _week_date(values: Fields) -> int:
    week, weekday = values.get("w", 1), values.get("E", _SUNDAY)
    if not 1 <= weekday <= 7:
        # Outside of their range days are those of ISO 8601, Monday being 1.
        weeks, day = divmod(weekday - 1, 7)
        week, weekday = week + weeks, (day + 1) % 7 + 1
    return _on_or_before(day_number(values["Y"], 1, 1), _SUNDAY) + 7 * (week - 1) + weekday - 1


def _in_week(first: int, week: int, values: Fields) -> int:
    """A day of a week counted from the one that holds a year's or month's first day."""
    start = _on_or_before(first, _SUNDAY)
    return (_on_or_before(start + 6, values["E"]) if "E" in values else start) + 7 * (week - 1)


def _nth_weekday(first: int, following: int, values: Fields) -> int:
    """The nth of a weekday in a month, counted from its end if n is negative."""
    weekday, count = values.get("E", _SUNDAY), values.get("F", 1)
    if count >= 0:
        return _on_or_before(first + 7 * count - 1, weekday)
    return _on_or_before(following + 7 * (count + 1) - 1, weekday)


def _best(set_at: Fields) -> str:
    """Which fields count, as Calendar.selectFields chooses: those completed last; the letter that stands for them."""
    weekday = set_at.get("E", 0)

    def complete(letter: str) -> int:
        return max(set_at[letter], weekday) if weekday and letter in set_at else 0

    found = {letter: set_at.get(letter, 0) for letter in "dD"} | {letter: complete(letter) for letter in "WFw"}
    best = max(found.values())
    if not best:
        found = {"W": set_at.get("W", 0), "F": max(set_at.get("F", 0), weekday), "w": set_at.get("w", 0), "d": 0}
        best = max(found.values())
        if not best:
            return "d"
    if best == found["d"]:
        return "d"
    week = set_at.get("w", 0)
    of_month = best == found["W"] and set_at.get("W", 0) >= week
    if of_month or (best == found["F"] and set_at.get("F", 0) >= week):
        if found["W"] == found["F"]:
            return "W" if set_at.get("W", 0) >= set_at.get("F", 0) and "W" in set_at else "F"
        return "W" if best == found["W"] else "F"
    return "D" if best == found.get("D") else "w"
