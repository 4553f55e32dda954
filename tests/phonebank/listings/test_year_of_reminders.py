"""A year of events in forty time zones, while the process that sends the e-mails is killed again
and again. `make soak` runs it.

The year passes as fast as the e-mails are sent. The process that sends them is a real one, ended by
SIGKILL at random moments, and a real mail server takes the messages. Meanwhile hosts move and
cancel their events.
"""

import multiprocessing
import os
import random
import signal
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select

from phonebank.app import create_app
from phonebank.core import mail
from phonebank.core.config import Config
from phonebank.core.db import db
from phonebank.listings import guests, listings, send
from phonebank.listings.mail_queue import REMINDERS
from phonebank.models import Guest, GuestMail, Listing, ListingState, MailKind
from phonebank.rules.time_zones import time_zone
from tests.factories import create_account, create_campaign
from tests.mail_server import MailServer, mail_server
from tests.phonebank.listings.conftest import make_evening
from tests.phonebank.listings.zones import ZONES

pytestmark = [pytest.mark.load, pytest.mark.timeout(900)]

EVENTS = int(os.environ.get("YEAR_EVENTS", "5"))  # in each zone, besides those at clock changes
GUESTS = 2
# Events begin in these hours of their zone, so two hours before is not at night.
FIRST_HOUR, LAST_HOUR = 9, 21
# The clock starts the job every minute.
TICK = timedelta(minutes=1)
# An event is moved or cancelled at least this long before its day.
AHEAD = timedelta(days=4)


@dataclass
class Story:
    """What happened to an event."""

    zone: str
    was_moved: bool = False
    was_cancelled: bool = False


def starts_in_year(zone_name: str, dice: random.Random) -> list[datetime]:
    """The starts of a zone's events in the year that begins in two days: on random days, and on the
    day of each clock change and the day after it."""
    zone = time_zone(zone_name)
    first = datetime.now(zone).date() + timedelta(days=2)
    days = [first + timedelta(days=number) for number in range(365)]
    noons = [datetime(day.year, day.month, day.day, 12, tzinfo=zone) for day in days]
    chosen = dice.sample(range(365), EVENTS)
    for number in range(1, 364):
        if noons[number].utcoffset() != noons[number - 1].utcoffset():
            chosen += [number, number + 1]
    return [
        noons[number].replace(
            hour=dice.randint(FIRST_HOUR, LAST_HOUR), minute=dice.choice((0, 15, 30))
        )
        for number in chosen
    ]


def store_year(dice: random.Random) -> dict[int, Story]:
    """Store the events with their guests. Return the story of each by its id."""
    campaign, host = create_campaign(), create_account("host", name="Ada Lovelace")
    stories: dict[int, Story] = {}
    for zone in ZONES:
        for starts_at in starts_in_year(zone, dice):
            listing = make_evening(
                campaign=campaign, host=host, starts_at=starts_at.astimezone(UTC), time_zone=zone,
                by_video=True, places=GUESTS,
            ).listing  # fmt: skip
            for number in range(GUESTS):
                guests.ask(listing, "Sam", f"guest{listing.id}x{number}@example.org")
            db.session.commit()
            stories[listing.id] = Story(zone)
    return stories


def simulated_now() -> datetime:
    """How far the year has come: to the moment of the last e-mail."""
    last = db.session.scalar(select(func.max(GuestMail.done_at)))
    db.session.rollback()
    return last or datetime.now(UTC)


def send_the_rest_of_the_year(app: Flask) -> None:
    """The process that is killed: what the worker does every minute, from e-mail to e-mail."""
    with app.app_context(), mail.batch() as batch:
        at = simulated_now()
        while True:
            due = db.session.scalar(
                select(func.min(GuestMail.due_at)).where(GuestMail.done_at.is_(None))
            )
            db.session.rollback()
            if due is None:
                return
            at = max(at, due + TICK * random.random())  # the minute begins at some moment
            while send.send_next(at, batch.send):
                pass


def change_an_event(stories: dict[int, Story], dice: random.Random) -> None:
    """Move or cancel an event that is some days away, once every guest has read that they come."""
    query = select(func.count()).where(
        GuestMail.kind == MailKind.ACCEPTED, GuestMail.done_at.is_(None)
    )
    if db.session.scalar(query):
        db.session.rollback()
        return
    at = simulated_now()
    waiting = [
        listing_id
        for listing_id, starts_at in db.session.execute(
            select(Listing.id, Listing.starts_at).where(
                Listing.state == ListingState.SHOWN, Listing.starts_at > at + AHEAD
            )
        )
        if not stories[listing_id].was_moved
    ]
    if not waiting:
        db.session.rollback()
        return
    listing = db.session.get_one(Listing, dice.choice(waiting))
    story = stories[listing.id]
    if dice.random() < 0.3:
        listings.cancel(listing)
        story.was_cancelled = True
    else:
        listings.move(listing, listing.starts_at + timedelta(days=dice.randint(1, 9)))
        story.was_moved = True
    db.session.commit()


def kill_until_done(app: Flask, stories: dict[int, Story], dice: random.Random) -> int:
    """Let the year pass. Return how often the process was killed."""
    kills = 0
    forked = multiprocessing.get_context("fork")
    while True:
        process = forked.Process(target=send_the_rest_of_the_year, args=(app,))
        process.start()
        process.join(dice.uniform(0.2, 2.0))
        if process.exitcode is not None:
            assert process.exitcode == 0
            return kills
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kills += 1
        for _ in range(3):
            change_an_event(stories, dice)


def test_a_year_of_events_in_forty_zones_reminds_everybody_once_and_never_at_night(
    app_context: Flask, config: Config, some_places: None
) -> None:
    seed = int(os.environ.get("YEAR_SEED", "7"))
    dice = random.Random(seed)
    began = time.monotonic()
    with mail_server() as server:
        stories = store_year(dice)
        db.session.close()
        db.engine.dispose()  # the forked processes must not share this one's connections
        sending = replace(
            config, mail_server="127.0.0.1", mail_port=server.port, mail_sender="b@example.org"
        )
        kills = kill_until_done(create_app(sending), stories, dice)
        check_messages(server, stories, kills)
    check_moments(stories)
    moved, cancelled = (
        sum(getattr(story, how) for story in stories.values())
        for how in ("was_moved", "was_cancelled")
    )
    again = len(server.messages) - len({(m["To"], m["Message-ID"]) for m in server.messages})
    print(
        f"\n{len(stories)} events in {len(ZONES)} zones, {moved} moved and {cancelled} cancelled; "
        f"{len(server.messages):,} e-mails, {again} of them a second time with the same Message-ID;"
        f" {kills} kills in {time.monotonic() - began:.0f} s (seed {seed}, load average "
        f"{os.getloadavg()[0]:.1f})",
        file=sys.stderr,
    )
    assert kills > 5


def check_messages(server: MailServer, stories: dict[int, Story], kills: int) -> None:
    """Each guest's mailbox shows each e-mail once. A mailbox shows two messages with one Message-ID
    as one, and only a kill makes a second."""
    ids: dict[str, list[str]] = defaultdict(list)
    for message in server.messages:
        ids[str(message["To"])].append(str(message["Message-ID"]))
    assert sum(len(each) - len(set(each)) for each in ids.values()) <= kills
    for listing_id, story in stories.items():
        for number in range(GUESTS):
            kinds = Counter(
                id.split("-")[2] for id in set(ids[f"guest{listing_id}x{number}@example.org"])
            )
            if story.was_cancelled:
                wanted = {MailKind.ACCEPTED, MailKind.CANCELLED}
            else:
                wanted = {MailKind.ACCEPTED, *REMINDERS}
                wanted |= {MailKind.CHANGED} if story.was_moved else set()
            assert kinds == dict.fromkeys(wanted, 1), (story, kinds)


def check_moments(stories: dict[int, Story]) -> None:
    """Each reminder was sent on the right day of its event's own calendar, and by day."""
    query = (
        select(GuestMail, Listing)
        .join(Guest, Guest.id == GuestMail.guest_id)
        .join(Listing, Listing.id == Guest.listing_id)
        .where(GuestMail.kind.in_(REMINDERS), GuestMail.was_sent)
    )
    rows = db.session.execute(query).all()
    assert len(rows) == 3 * GUESTS * sum(not story.was_cancelled for story in stories.values())
    for row, listing in rows:
        zone = time_zone(listing.time_zone)
        sent, starts = row.done_at.astimezone(zone), listing.starts_at.astimezone(zone)
        days = (starts.date() - sent.date()).days
        where = f"{row.kind} of an event at {starts} was sent at {sent}"
        if row.kind == MailKind.SOON:
            ahead = listing.starts_at - row.done_at
            assert timedelta(hours=1, minutes=58) < ahead <= timedelta(hours=2), where
        else:
            assert days == (1 if row.kind == MailKind.DAY_BEFORE else -1), where
            assert sent.hour == 11, where
            assert sent.minute < 2, where
        assert 7 <= sent.hour < 22, where
