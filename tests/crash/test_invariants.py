"""The soak's questions to the database: each finds the fault it asks for."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from phonebank.models import Call, Campaign, Contact, now
from phonebank.models.call import RECORDED
from phonebank.stores import db
from tests.crash import invariants
from tests.crash.world import World
from tests.factories import create_caller, create_campaign, create_contact, create_list


@pytest.fixture
def contact(app_context: Flask) -> Contact:
    contact = create_contact(create_list(create_campaign()))
    db.session.commit()
    return contact


def call_of(contact: Contact, at: datetime, **values: object) -> Call:
    caller = create_caller(db.session.get_one(Campaign, contact.campaign_id))
    started = {"started_at": at, "expires_at": at, "ended_at": at + timedelta(minutes=2)}
    call = Call(
        campaign_id=contact.campaign_id,
        contact_id=contact.id,
        caller_id=caller.id,
        phone=contact.phone,
        ending=RECORDED,
        **started | values,
    )
    db.session.add(call)
    db.session.flush()
    return call


def test_a_call_counted_and_not_in_attempts_or_tallies_is_found(contact: Contact) -> None:
    assert list(invariants.miscounted()) == []
    call_of(contact, now(), outcome="busy", recorded_at=now(), counted=True)
    found = " ".join(invariants.miscounted())
    assert "attempts differ" in found
    assert "a tally differs" in found


def test_an_outcome_that_should_have_counted_is_found(contact: Contact) -> None:
    call_of(contact, now(), outcome="busy", recorded_at=now(), counted=False)
    assert "counted wrongly" in " ".join(invariants.miscounted())
    call = call_of(contact, now(), outcome="skipped", recorded_at=now(), counted=False)
    assert str(call.id) not in " ".join(invariants.miscounted())


def test_two_calls_on_one_number_at_once_are_found(contact: Contact) -> None:
    at = now()
    one = call_of(contact, at)
    call_of(contact, at + timedelta(minutes=3))
    assert invariants.overlapping(set()) == []
    two = call_of(contact, at + timedelta(minutes=1))
    assert len(invariants.overlapping(set())) == 1
    assert invariants.overlapping({str(one.id), str(two.id)}) == []


def test_a_call_outside_the_hours_of_any_of_its_zones_is_found(contact: Contact) -> None:
    contact.zone_key = "America/Chicago|America/New_York"
    at = datetime.fromisoformat("2026-05-05T18:30:00+00:00")  # 13:30 and 14:30
    call_of(contact, at)
    for opening, faults in (((780, 960), 0), ((840, 960), 1), ((900, 960), 2), ((780, 870), 1)):
        world = World(0, contact.campaign_id, opening, 1, [], "", "")
        assert len(invariants.out_of_hours(world, at - timedelta(days=1))) == faults


def test_a_call_after_never_again_is_found(contact: Contact) -> None:
    at = now()
    call_of(contact, at)
    assert invariants.rung_after({contact.phone: at.timestamp() + 1}) == []
    assert len(invariants.rung_after({contact.phone: at.timestamp() - 1})) == 1
