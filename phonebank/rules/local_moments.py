"""A day and a time on somebody's clock, as a moment. Pure functions."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


class NoSuchTimeError(ValueError):
    """The error for a time that the clocks skip on that day."""


def moment_at(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which clocks in this zone show this time. If they show it twice,
    return the first.

    Raises NoSuchTimeError if the clocks skip it.
    """
    there = datetime.combine(day, at, zone)
    moment = there.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != there.replace(tzinfo=None):
        raise NoSuchTimeError(f"clocks in {zone.key} skip {at} on {day}")
    return moment
