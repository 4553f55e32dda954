"""Tests the soak's questions to the database: each finds the fault that it asks for."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from phonebank.core.db import db
from phonebank.models import Call, CallEnding, Campaign, Contact, now
from tests.crash import invariants
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
        **{"ending": CallEnding.RECORDED} | started | values,
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
