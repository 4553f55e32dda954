"""Makes calendar files (RFC 5545) of parties and of other events. Pure functions."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event

from phonebank.models import Party
from phonebank.rules.time_zones import time_zone

# A usual evening takes two hours. Parties may be longer or shorter.
LASTS = timedelta(hours=2)
REMINDS_BEFORE = timedelta(minutes=30)


def calendar_file(party: Party, link: str, words: str, host: str, at: datetime) -> bytes:
    """Return the bytes of a party's calendar file. The file has one event, with a reminder half an
    hour before the start.

    `link` is the address for joining the party, `words` is the invitation, `host` is this site's
    host name, and `at` is the current time (aware). The event's identifier is made from the party's
    id. So if the party's time changes, a new file moves the event that an earlier file put into a
    calendar.
    """
    return event_file(
        CalendarEvent(
            uid=f"party-{party.id}@{host}",
            title=party.title,
            starts_at=party.starts_at,
            time_zone=party.time_zone,
            words=words,
            location=link,
            link=link,
        ),
        at,
    )


@dataclass(frozen=True)
class CalendarEvent:
    """An event for a calendar. `uid` is the same in all files for this event. A file with a higher
    `sequence` replaces the event that an earlier file put into a calendar (RFC 5545 section
    3.8.7.4)."""

    uid: str
    title: str
    starts_at: datetime
    time_zone: str
    words: str
    location: str
    link: str
    sequence: int = 0
    is_cancelled: bool = False


def event_file(wanted: CalendarEvent, at: datetime) -> bytes:
    """Return the bytes of a calendar file with one event. An event that is not cancelled has a
    reminder half an hour before its start. `at` is the current time (aware)."""
    calendar = Calendar()
    calendar.add("prodid", "-//Phonebank//Phone parties//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if wanted.is_cancelled else "PUBLISH")
    event = Event()
    event.add("uid", wanted.uid)
    event.add("sequence", wanted.sequence)
    event.add("status", "CANCELLED" if wanted.is_cancelled else "CONFIRMED")
    event.add("dtstamp", at.astimezone(UTC))
    starts = wanted.starts_at.astimezone(time_zone(wanted.time_zone))
    event.add("dtstart", starts)
    event.add("dtend", starts + LASTS)
    event.add("summary", wanted.title)
    event.add("description", wanted.words)
    event.add("location", wanted.location)
    event.add("url", wanted.link)
    if not wanted.is_cancelled:
        reminder = Alarm()
        reminder.add("action", "DISPLAY")
        reminder.add("trigger", -REMINDS_BEFORE)
        reminder.add("description", wanted.title)
        event.add_component(reminder)
    calendar.add_component(event)
    # The file contains the rules of the time zone, because some calendars do not know the zone by
    # its name.
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
