"""A party as a calendar file (RFC 5545) for the people who are invited. Pure functions."""

from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from phonebank.models import Party
from phonebank.rules.time_zones import time_zone

# A usual evening takes two hours. Parties may be longer or shorter.
LASTS = timedelta(hours=2)
REMINDS_BEFORE = timedelta(minutes=30)


def calendar_file(party: Party, link: str, words: str, host: str, at: datetime) -> bytes:
    """Return the bytes of the file. It has one event, with a reminder half an hour before.

    `link` is the address to join by, `words` the invitation, `host` this site's host name, and `at`
    the current time (aware). The party's id identifies the event. So if the time changes, a new
    file moves the event in the calendar.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Phonebank//Phone parties//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    event = Event()
    event.add("uid", f"party-{party.id}@{host}")
    event.add("dtstamp", at.astimezone(UTC))
    starts = party.starts_at.astimezone(time_zone(party.time_zone))
    event.add("dtstart", starts)
    event.add("dtend", starts + LASTS)
    event.add("summary", party.title)
    event.add("description", words)
    event.add("location", link)
    event.add("url", link)
    reminder = Alarm()
    reminder.add("action", "DISPLAY")
    reminder.add("trigger", -REMINDS_BEFORE)
    reminder.add("description", party.title)
    event.add_component(reminder)
    calendar.add_component(event)
    # The file contains the rules of the time zone, because some calendars do not know the zone by
    # its name.
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
