"""Read days and times that people wrote by hand and somebody else then typed in. Pure functions."""

import re
from calendar import isleap
from datetime import date, time

from phonebank.core.errors import InvalidInputError

# In this country people write the month before the day.
MONTH_FIRST = "US"
_NUMBERS = re.compile(r"\d+")
_TIME = re.compile(r"(\d{1,2})(?:[:.h ]?([0-5]\d))?\s*([ap])?\.?m?\.?", re.IGNORECASE)


def example_day(country: str) -> str:
    """Return 14 January in digits, with the day and the month in the order that is usual in this
    country."""
    return "1/14" if country == MONTH_FIRST else "14/1"


def read_day(text: str, country: str, today: date) -> date | None:
    """Return the day that a text such as “14/1”, “14.1.” or “2027-01-14” means, or None for an
    empty text. If the year comes first, the month follows it. Otherwise the month comes before the
    day if `country` is "US", and after the day in any other country. If the text has no year, the
    day is in this year, or in the next year if it would be before `today`.

    Only the numbers in the text are read. Raises InvalidInputError if the numbers do not make a
    day. Also raises InvalidInputError for 29 February without a year, unless this year has that day
    and it has not passed.
    """
    numbers = [int(number) for number in _NUMBERS.findall(text)]
    if not text.strip():
        return None
    try:
        if len(numbers) == 3 and numbers[0] > 31:
            return date(*numbers)
        if len(numbers) in (2, 3):
            month, day = numbers[:2] if country == MONTH_FIRST else numbers[1::-1]
            if len(numbers) == 3:
                year = numbers[2] + (2000 if numbers[2] < 100 else 0)
                return date(year, month, day)
            # 29 February may be eight years away: 2100 has none.
            for year in range(today.year, today.year + 9):
                if (month, day) == (2, 29) and not isleap(year):
                    continue
                if date(year, month, day) >= today:
                    return date(year, month, day)
    except ValueError:
        pass
    raise InvalidInputError("That isn't a day.", f"Type it like this: {example_day(country)}.")


def read_time(text: str) -> time | None:
    """Return the time that a text such as “19:30”, “1930”, “19” or “7.30pm” means, or None for an
    empty text. Raises InvalidInputError for any other text."""
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found:
        hour, half = int(found[1]), (found[3] or "").lower()
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        if hour < 24:
            return time(hour, int(found[2] or 0))
    raise InvalidInputError("That isn't a time.", "Type it like this: 19:30.")
