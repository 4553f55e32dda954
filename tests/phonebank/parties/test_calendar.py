"""The calendar file of a party, read back as a calendar would."""

from datetime import UTC, datetime, timedelta

from icalendar import Calendar

from phonebank.models import Party
from phonebank.parties.calendar import calendar_file

AT = datetime(2026, 1, 2, tzinfo=UTC)


def event_of(file: bytes) -> dict:
    return Calendar.from_ical(file).walk("VEVENT")[0]


def test_the_time_is_the_partys_own_in_summer_and_winter() -> None:
    for month, hour in ((1, 19), (7, 20)):
        party = Party(
            id=7,
            title="Tea, cake; and phones",
            starts_at=datetime(2026, month, 13, 19, 0, tzinfo=UTC),
            time_zone="Europe/London",
        )
        event = event_of(calendar_file(party, "https://x.org/join/A", "Come.", "x.org", AT))
        starts = event["DTSTART"].dt
        assert (starts.hour, str(starts.tzinfo)) == (hour, "Europe/London")
        assert event["DTEND"].dt - starts == timedelta(hours=2)
        assert str(event["SUMMARY"]) == "Tea, cake; and phones"
        assert str(event["UID"]) == "party-7@x.org"
