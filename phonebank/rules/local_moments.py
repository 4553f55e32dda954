"""Turns a day and a clock time into a moment, and a moment into words. Pure functions."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from phonebank.rules.time_zones import time_zone


class NoSuchTimeError(ValueError):
    """The error for a time that the clocks in a zone skip on the given day."""


def moment_at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which clocks in this zone show this time on this day. If the
    clocks show the time twice, return the first moment.

    Raises NoSuchTimeError if the clocks skip this time.
    """
    there = datetime.combine(day, at, zone)
    moment = there.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != there.replace(tzinfo=None):
        raise NoSuchTimeError(f"clocks in {zone.key} skip {at} on {day}")
    return moment


def describe_moment(moment: datetime, zone: str) -> str:
    """Return the day and time of a moment (aware) in words, such as “Tuesday 13 January, 19:30”.
    `zone` is the IANA name of the time zone whose clocks are used."""
    there = moment.astimezone(time_zone(zone))
    return f"{there:%A} {there.day} {there:%B}, {there:%H:%M}"


def midnight_of(day: date, zone: ZoneInfo) -> datetime:
    """Return the midnight (aware) at which this day begins in this zone."""
    return datetime.combine(day, time(), zone)


def describe_moment_anywhere(moment: datetime, zone: str) -> str:
    """Return the text of `describe_moment`, followed by the city of the time zone: “Tuesday 13
    January, 19:30 (time in London)”. The text is for people who may be in another time zone."""
    city = zone.rpartition("/")[2].replace("_", " ")
    return f"{describe_moment(moment, zone)} (time in {city})"


def last_midnight(at: datetime, zone: ZoneInfo) -> datetime:
    """Return the midnight at which the day of `at` (aware) began in this zone."""
    return midnight_of(at.astimezone(zone).date(), zone)
