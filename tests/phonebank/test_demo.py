"""The demonstration works for the first person who tries it, and disturbs nobody."""

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from phonebank import demo, demo_events
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import Account, Contact, Listing, ListingState, Party, now
from phonebank.phones.drama_numbers import is_drama_number
from phonebank.roster.pace import PacePausedError
from tests.factories import create_account, create_caller
from tests.some_places import ensure_places


def test_everyone_in_it_is_on_a_number_that_nobody_has(app_context: Flask) -> None:
    demo.load()
    phones = db.session.scalars(select(Contact.phone)).all()
    assert len(phones) == demo.PEOPLE == len(set(phones))
    assert all(is_drama_number(phone) for phone in phones)


def test_a_caller_can_ring_at_once_whatever_the_hour(app_context: Flask) -> None:
    campaign = demo.load()
    party = db.session.scalars(select(Party)).one()
    assert party.door_open
    hold = claim(create_caller(campaign, party))
    assert hold.call.script_version_id is not None


def test_it_lets_people_try_and_no_script_read_it(app_context: Flask) -> None:
    campaign = demo.load()
    by_hand, script = create_caller(campaign), create_caller(campaign)
    at = now()
    for number in range(40):
        with time_machine.travel(at + timedelta(seconds=5 * number)):
            record(by_hand, claim(by_hand).call.id, "no_answer")
            db.session.commit()
    for _ in range(campaign.people_a_minute):
        record(script, claim(script).call.id, "no_answer")
        db.session.commit()
    with pytest.raises(PacePausedError):
        claim(script)


def test_it_is_loaded_only_where_there_is_nothing(app_context: Flask) -> None:
    assert demo.is_empty()
    create_account("organiser")
    assert not demo.is_empty()
    demo.load()
    assert not demo.is_empty()
    roles = {a.email: a.roles[0].name for a in db.session.scalars(select(Account))}
    assert roles["organiser@example.org"] == "organiser"
    assert roles["host@example.org"] == "host"


def test_it_has_events_in_three_countries(app_context: Flask) -> None:
    ensure_places()
    demo.load()
    demo_events.load()
    db.session.commit()
    listings = db.session.scalars(select(Listing)).all()
    countries = {"GB", "DE"} if len(listings) < 300 else {"GB", "DE", "IE"}
    assert {listing.country for listing in listings} == countries
    assert {listing.state for listing in listings} == {ListingState.SHOWN}
    assert all(listing.starts_at > now() for listing in listings)
