"""The e-mails to guests: each once, at the right hour of the event's own time zone."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from flask import Flask
from sqlalchemy import select, update

from phonebank.core.db import db
from phonebank.core.mail import MailNotSentError, Message, MessagePutOffError
from phonebank.listings import alerts, guests, jobs, listings, send
from phonebank.listings.times import reminder_times
from phonebank.models import (
    AddressSight,
    Guest,
    GuestMail,
    GuestState,
    Listing,
    ListingState,
    MailKind,
    NearAlert,
    Place,
)
from phonebank.parties.services import end_party
from phonebank.rules.time_zones import time_zone
from tests.phonebank.listings.conftest import STREET, Evening, make_evening
from tests.phonebank.listings.zones import ZONES


def come(listing: Listing, name: str = "Sam") -> Guest:
    guest = guests.ask(listing, name, f"{name.lower()}@example.org")
    if not listing.by_video:
        guests.confirm(guest)
        guests.let_come(listing, guest.id)
    db.session.commit()
    return guest


def send_all(at: datetime, sent: list[Message]) -> list[str]:
    """Send what is due at this moment. Return the subjects."""
    before = len(sent)
    while send.send_next(at, sent.append):
        pass
    return [message.subject for message in sent[before:]]


def event_in(message: Message) -> Any:
    [file] = message.attachments
    calendar = icalendar.Calendar.from_ical(file.content)
    [event] = calendar.walk("VEVENT")
    return event


def test_a_guest_gets_four_mails_each_once_and_the_address_in_them(evening: Evening) -> None:
    sent: list[Message] = []
    listing = evening.listing
    guest = come(listing)
    starts = listing.starts_at
    at = datetime.now(UTC)
    subjects = []
    while at < starts + timedelta(days=3):
        subjects += send_all(at, sent)
        at += timedelta(minutes=30)
    title = listing.title
    assert subjects == [
        f"You're coming: {title}", f"Tomorrow: {title}", f"Soon: {title}",
        f"Thank you: {title}",
    ]  # fmt: skip
    assert {message.to for message in sent} == {"sam@example.org"}
    with_street = [message.subject for message in sent if "17 Marmalade" in message.text]
    assert with_street == subjects[:3]
    assert len({message.id for message in sent}) == 4
    assert db.session.query(AddressSight).filter_by(guest_id=guest.id, how="mail").count() == 3
    event = event_in(sent[0])
    assert event["location"] == STREET.replace("\n", ", ")
    assert event["sequence"] == 0


def test_moving_and_cancelling_tell_every_guest_and_correct_their_calendars(
    evening: Evening,
) -> None:
    sent: list[Message] = []
    listing = evening.listing
    come(listing, "Ann")
    come(listing, "Bob")
    asking = guests.ask(listing, "Cem", "cem@example.org")
    guests.confirm(asking)  # full, so Cem is on the waiting list
    db.session.commit()
    send_all(datetime.now(UTC), sent)
    uid = event_in(sent[0])["uid"]

    later = listing.starts_at + timedelta(days=3)
    listings.move(listing, later)
    db.session.commit()
    sent.clear()
    assert send_all(datetime.now(UTC), sent) == [f"It has changed: {listing.title}"] * 3
    [to_cem] = [message for message in sent if message.to == "cem@example.org"]
    assert "Your request is still open" in to_cem.text
    assert (to_cem.attachments, "Marmalade" in to_cem.text) == ((), False)
    event = event_in(next(message for message in sent if message.to == "ann@example.org"))
    assert (event["uid"], event["sequence"], event["dtstart"].dt) == (uid, 1, later)
    assert evening.party.starts_at == later
    # The reminders are for the new day: none on the old one.
    sent.clear()
    old_day = reminder_times(later - timedelta(days=3), listing.time_zone)
    assert send_all(old_day[MailKind.SOON], sent) == []
    new_day = reminder_times(later, listing.time_zone)
    assert len(send_all(new_day[MailKind.DAY_BEFORE], sent)) == 2

    listings.cancel(listing)
    db.session.commit()
    sent.clear()
    send_all(datetime.now(UTC), sent)
    assert sorted(message.to for message in sent) == [
        "ann@example.org", "bob@example.org", "cem@example.org",
    ]  # fmt: skip
    event = event_in(sent[0])
    assert (event["uid"], event["sequence"], event["status"]) == (uid, 2, "CANCELLED")
    assert all("Marmalade" not in message.text for message in sent)
    # Cem never had a file for a calendar.
    with_file = {m.to for m in sent if m.attachments and "out" in m.text}
    assert with_file == {"ann@example.org", "bob@example.org"}
    assert send_all(later + timedelta(days=2), sent) == []


def test_one_tap_stops_the_reminders_but_not_the_news_of_a_change(evening: Evening) -> None:
    sent: list[Message] = []
    guest = come(evening.listing)
    send_all(datetime.now(UTC), sent)
    guests.stop_reminders(guest)
    db.session.commit()
    sent.clear()
    assert send_all(evening.listing.starts_at - timedelta(minutes=1), sent) == []
    listings.move(evening.listing, evening.listing.starts_at + timedelta(hours=1))
    db.session.commit()
    assert len(send_all(datetime.now(UTC), sent)) == 1
    assert send_all(evening.listing.starts_at + timedelta(days=2), sent) == []


def test_a_refused_guest_is_told_and_a_blocked_one_is_not(evening: Evening) -> None:
    sent: list[Message] = []
    for name, answer in (("Ann", guests.refuse), ("Bob", guests.block)):
        guest = guests.ask(evening.listing, name, f"{name.lower()}@example.org")
        guests.confirm(guest)
        answer(evening.listing, guest.id)
    db.session.commit()
    assert send_all(datetime.now(UTC), sent) == [f"{evening.listing.title}: not this time"]
    assert [message.to for message in sent] == ["ann@example.org"]


def test_a_blocked_person_gets_the_mails_of_a_guest_who_waits(evening: Evening) -> None:
    sent: list[Message] = []
    guest = come(evening.listing)
    guests.block(evening.listing, guest.id)
    video = make_evening(campaign=evening.campaign, by_video=True).listing
    guests.ask(video, "Sam", "sam@example.org")
    db.session.commit()
    title = video.title
    assert send_all(datetime.now(UTC), sent) == [f"You're on the waiting list: {title}"]
    listings.move(video, video.starts_at + timedelta(hours=1))
    db.session.commit()
    assert send_all(datetime.now(UTC), sent) == [f"It has changed: {title}"]
    assert "Your request is still open" in sent[-1].text
    listings.cancel(video)
    listings.cancel(evening.listing)
    db.session.commit()
    assert sorted(send_all(datetime.now(UTC), sent)) == [f"Cancelled: {title}"] * 2
    assert all("Marmalade" not in message.text and not message.attachments for message in sent)


def test_a_mail_server_that_is_away_delays_a_mail_and_loses_none(evening: Evening) -> None:
    sent: list[Message] = []
    come(evening.listing)

    def away(_: Message) -> None:
        raise MailNotSentError("The mail server didn't accept the e-mail.")

    with pytest.raises(MailNotSentError):
        send.send_next(datetime.now(UTC), away)
    db.session.rollback()
    assert db.session.query(AddressSight).count() == 0
    assert len(send_all(datetime.now(UTC), sent)) == 1
    # A mailbox that refuses everything does not hold the others up for ever.
    listings.move(evening.listing, evening.listing.starts_at + timedelta(hours=1))
    db.session.commit()
    assert send.send_next(datetime.now(UTC) + send.TRIED_FOR, away)
    assert not db.session.query(GuestMail).filter_by(kind=MailKind.CHANGED, done_at=None).count()


def test_a_mail_that_the_server_does_not_take_now_holds_up_no_other(evening: Evening) -> None:
    first, second = come(evening.listing, "Ann"), come(evening.listing, "Bob")
    tried: list[str] = []
    greylisted = {first.email}

    def take(message: Message) -> None:
        tried.append(message.to)
        if message.to in greylisted:
            raise MessagePutOffError("not now")

    at = datetime.now(UTC)
    while send.send_next(at, take):
        pass
    assert tried == [first.email, second.email]
    assert db.session.query(AddressSight).count() == 1, "only Bob has read the address"
    assert not send.send_next(at + send.PUT_OFF_FOR / 2, take)
    greylisted.clear()
    assert send.send_next(at + send.PUT_OFF_FOR, take)
    assert tried[2:] == [first.email]
    assert not send.send_next(at + send.PUT_OFF_FOR, take)


def test_a_guest_who_cancels_and_is_let_come_again_is_told_again(evening: Evening) -> None:
    sent: list[Message] = []
    for _ in range(2):
        guest = come(evening.listing)
        send_all(datetime.now(UTC), sent)
        guests.cancel(guest)
        db.session.commit()
    first, second = sent
    assert first.subject == second.subject
    assert first.id != second.id, "a mailbox would show only one"
    assert "Marmalade" in second.text


def test_the_party_that_is_ended_before_it_began_is_cancelled(
    evening: Evening, sent: list[Message]
) -> None:
    come(evening.listing)
    end_party(evening.party)
    db.session.commit()
    jobs.send_due_reminders()
    db.session.refresh(evening.listing)
    assert evening.listing.state == ListingState.CANCELLED
    assert [message.subject for message in sent] == [f"Cancelled: {evening.listing.title}"]


def test_the_host_is_asked_once_whether_everything_is_still_right(
    evening: Evening, sent: list[Message]
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=30)
    yesterday = datetime.now(UTC) - timedelta(days=2)
    db.session.execute(update(Listing).values(starts_at=soon, created_at=yesterday))
    db.session.commit()
    jobs.send_due_reminders()
    jobs.send_due_reminders()
    [message] = sent
    assert message.to == evening.host.email
    assert message.subject.startswith("Still right?")
    assert "/near/still-right/" in message.text
    assert "/use-link" in message.text or "/sign-in/" in message.text


def test_a_person_who_waits_for_an_event_gets_one_mail_and_is_forgotten(
    evening: Evening, sent: list[Message]
) -> None:
    by_code = {place.code: place for place in db.session.query(Place)}
    alerts.wait_for_event("near@example.org", by_code["SE5"])
    alerts.wait_for_event("near@example.org", by_code["SE5"])
    alerts.wait_for_event("far@example.org", by_code["M1"])
    db.session.commit()
    jobs.send_due_reminders()
    jobs.send_due_reminders()
    assert [message.to for message in sent] == ["near@example.org"]
    assert f"/near/event/{evening.listing.id}" in sent[0].text
    assert "Marmalade" not in sent[0].text
    assert [alert.email for alert in db.session.query(NearAlert)] == ["far@example.org"]
    send.send_alerts(datetime.now(UTC) + send.ALERT_LIVES_FOR * 2, sent.append)
    assert db.session.query(NearAlert).count() == 0


def test_addresses_are_erased_a_week_after_and_guests_with_the_campaigns_people(
    evening: Evening,
) -> None:
    come(evening.listing)
    newer = make_evening(campaign=evening.campaign).listing
    week_ago = datetime.now(UTC) - jobs.ADDRESS_KEPT_FOR - timedelta(hours=1)
    evening.listing.starts_at = week_ago
    db.session.commit()
    jobs.erase_old_addresses()
    db.session.expire_all()
    assert evening.listing.address is None
    assert newer.address is not None
    assert db.session.query(Guest).count() == 1
    evening.campaign.erasing_since = datetime.now(UTC)
    db.session.commit()
    jobs.erase_old_addresses()
    db.session.expire_all()
    assert newer.address is None
    assert db.session.query(Guest).count() == 0


def test_reminders_come_at_eleven_in_every_zone_and_season() -> None:
    for name in ZONES:
        zone = time_zone(name)
        for day in range(0, 366, 3):
            local = datetime(2026, 1, 1, 19, 30, tzinfo=zone) + timedelta(days=day)
            due = reminder_times(local.astimezone(UTC), name)
            before, after = (
                due[kind].astimezone(zone) for kind in (MailKind.DAY_BEFORE, MailKind.THANKS)
            )
            assert (before.hour, before.minute, after.hour, after.minute) == (11, 0, 11, 0)
            assert (local.date() - before.date()).days == (after.date() - local.date()).days == 1
            assert due[MailKind.SOON] == local.astimezone(UTC) - timedelta(hours=2)


class Killed(BaseException):
    """The worker was killed at this moment."""


def test_a_worker_that_is_killed_at_random_sends_each_mail_once(
    app_context: Flask, some_places: None
) -> None:
    """Eighteen guests of six events in six zones, over weeks; every third e-mail meets a kill."""
    dice = random.Random(7)
    got: Counter[tuple[str, str]] = Counter()
    for number, zone in enumerate(ZONES[::7]):
        starts = datetime.now(UTC).replace(microsecond=0) + timedelta(days=3 + number, hours=number)
        listing = make_evening(starts_at=starts, time_zone=zone, by_video=True, places=9).listing
        for guest in range(3):
            come(listing, f"Guest{number}x{guest}")

    def take(message: Message) -> None:
        if dice.random() < 0.35:
            raise Killed
        got[message.to, message.subject.split(":")[0]] += 1

    at, end = datetime.now(UTC), datetime.now(UTC) + timedelta(days=12)
    while at < end:
        try:
            while send.send_next(at, take):
                pass
        except Killed:
            db.session.rollback()  # PostgreSQL does this for a connection that is gone
            continue
        at += timedelta(hours=2)
    assert set(got.values()) == {1}
    assert len(got) == 18 * 4
    left = db.session.scalars(select(GuestMail.kind).where(GuestMail.done_at.is_(None))).all()
    assert left == []
    assert db.session.query(Guest).filter_by(state=GuestState.ACCEPTED).count() == 18


def test_tomorrow_is_not_said_on_the_day(evening: Evening) -> None:
    sent: list[Message] = []
    evening.listing.starts_at = evening.listing.starts_at.replace(hour=19)
    come(evening.listing)
    send_all(datetime.now(UTC), sent)
    due = reminder_times(evening.listing.starts_at, evening.listing.time_zone)
    half_past_midnight = due[MailKind.DAY_BEFORE] + timedelta(hours=13, minutes=30)
    assert send_all(half_past_midnight, sent) == []


def test_who_has_said_that_they_come_is_not_asked_again(evening: Evening) -> None:
    sent: list[Message] = []
    guest = come(evening.listing)
    send_all(datetime.now(UTC), sent)
    guests.say_coming(guest)
    db.session.commit()
    due = reminder_times(evening.listing.starts_at, evening.listing.time_zone)
    send_all(due[MailKind.DAY_BEFORE], sent)
    assert "You've said that you're coming" in sent[-1].text
    assert "tap “Yes, I'm still coming”" not in sent[-1].text
