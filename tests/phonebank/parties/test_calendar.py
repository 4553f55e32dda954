"""The calendar file of a party, read back as a calendar would."""

from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from phonebank.core.db import db
from phonebank.models import Party
from phonebank.parties.calendar import calendar_file
from tests.phonebank.live.party_room import open_room
from tests.signing_in import sign_in

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


def test_the_host_downloads_it_with_the_link_in_it(client: FlaskClient, app: Flask) -> None:
    with app.app_context():
        room, other = open_room(title="Tuesday night"), open_room()
        db.session.commit()
        party_id, code, other_id = room.party.id, room.party.code, other.party.id
        host_id = room.host.id
    sign_in(client, host_id)
    assert f"/parties/{party_id}/invitation.ics" in client.get(f"/parties/{party_id}").text
    file = client.get(f"/parties/{party_id}/invitation.ics")
    assert file.mimetype == "text/calendar"
    assert "attachment" in file.headers["Content-Disposition"]
    event = event_of(file.data)
    assert str(event["URL"]) == f"http://localhost/join/{code}"
    assert f"type {code}" in str(event["DESCRIPTION"])
    assert client.get(f"/parties/{other_id}/invitation.ics").status_code == 404
