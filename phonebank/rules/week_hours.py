"""Hours for each day of a week, in the local time of the person who is called.

The hours are stored as JSON: {"mon": ["09:00", "21:00"], ..., "sat": ["10:00", "20:00"], "sun": []}

Each day has one period of calling hours, or none. The end is the first closed minute: if the end is
21:00, a person may be called at 20:59 but not at 21:00. Both a country's permitted hours and a
campaign's own hours are WeekHours.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SUNDAY = 6

# Minutes after local midnight: the first open minute and the first closed minute.
Opening = tuple[int, int]

_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{2})")
_MINUTES_IN_A_DAY = 24 * 60


class WeekHoursError(ValueError):
    """The error for hours that cannot be used.

    `faults` has a sentence about each fault. The person who typed the hours can read these
    sentences. A key of `faults` is a day's key ("mon"), a key that is not a day, or "" for the week
    as a whole.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True)
class WeekHours:
    """The calling hours of each day, starting with Monday. The hours of a closed day are None."""

    days: tuple[Opening | None, ...]

    @classmethod
    def parse(cls, data: object, permitted: "WeekHours | None" = None, country: str = "") -> Self:
        """Return the hours that the JSON in `data` describes. A missing day is closed.

        Raises WeekHoursError if there is a fault. The error names every day at fault, and not only
        the first. It is a fault if no day has hours. If `permitted` (the hours that `country`
        permits) is given, hours outside the permitted hours are also a fault.
        """
        if not isinstance(data, Mapping):
            raise WeekHoursError({"": "The calling hours must give a start and an end for days."})
        faults: dict[str, str] = {}
        days: list[Opening | None] = []
        for day, name in zip(DAYS, DAY_NAMES, strict=True):
            try:
                days.append(_opening(data.get(day, [])))
            except ValueError as fault:
                days.append(None)
                faults[day] = f"{name}: {fault}"
        for key in data.keys() - set(DAYS):
            faults[str(key)] = f"“{key}” is not a day: the days are {', '.join(DAYS)}."
        hours = cls(tuple(days))
        if not faults and not any(days):
            faults[""] = "No day has calling hours. Set hours for at least one day."
        if permitted is not None:
            faults = hours.outside(permitted, country) | faults
        if faults:
            raise WeekHoursError(faults)
        return hours

    def outside(self, permitted: "WeekHours", country: str) -> dict[str, str]:
        """Return the days that have hours outside the permitted hours. The result maps the key of
        each such day to a sentence about the fault.

        `country` is the country's name, which the sentences mention.
        """
        faults = {}
        for day, name, own, allowed in zip(DAYS, DAY_NAMES, self.days, permitted.days, strict=True):
            if own is None:
                continue
            if allowed is None:
                faults[day] = f"{name}: no calls are permitted on a {name} ({country})."
            elif own[0] < allowed[0] or own[1] > allowed[1]:
                faults[day] = (
                    f"{name}: {span(own)} goes outside {span(allowed)}, "
                    f"the hours permitted on a {name} ({country})."
                )
        return faults

    def to_json(self) -> dict[str, list[str]]:
        """Return the hours in the form that `parse` reads."""
        return {
            day: [clock(minutes) for minutes in opening] if opening else []
            for day, opening in zip(DAYS, self.days, strict=True)
        }


def clock(minutes: int) -> str:
    """Format minutes after midnight as a time: 545 is "09:05"."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def span(opening: Opening) -> str:
    """Return an Opening (a start and an end) in words, such as "09:00 to 21:00"."""
    return f"{clock(opening[0])} to {clock(opening[1])}"


def _opening(value: object) -> Opening | None:
    if value is None or value == []:
        return None
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("give a start and an end, or neither.")
    start, end = (_minutes(part) for part in value)
    if start >= end:
        raise ValueError(f"the end, {clock(end)}, must be later than the start, {clock(start)}.")
    return start, end


def _minutes(text: object) -> int:
    found = _CLOCK.fullmatch(text.strip()) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"“{text}” is not a time: write it as 09:00.")
    minutes = int(found[1]) * 60 + int(found[2])
    if int(found[2]) > 59 or minutes > _MINUTES_IN_A_DAY:
        raise ValueError(f"“{text}” is not a time: a day runs from 00:00 to 24:00.")
    return minutes
