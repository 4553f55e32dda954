"""Tests the soak's ledger: it says who changed what, and from what to what."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from phonebank.core.db import db
from phonebank.models import Call, CallEnding, SuppressionOrigin, now
from phonebank.suppressions import entries as suppressions
from tests.crash import ledger
from tests.factories import create_caller, create_campaign, create_contact, create_list


@pytest.fixture
def kept(app_context: Flask) -> Iterator[None]:
    ledger.install()
    yield
    db.session.rollback()
    db.session.execute(text("DROP SCHEMA soak CASCADE"))
    db.session.commit()


def entries(what: str) -> list[dict[str, Any]]:
    # These tests do not use `read`, because their PostgreSQL keeps no commit times.
    rows = db.session.execute(
        text("SELECT * FROM soak.ledger WHERE what = :what ORDER BY no"), {"what": what}
    )
    return [dict(row) for row in rows.mappings()]


def test_a_claim_is_noted_with_the_contact_and_changes_with_their_actor(kept: None) -> None:
    campaign = create_campaign()
    contact = create_contact(create_list(campaign))
    caller = create_caller(campaign)
    call = Call(
        campaign_id=contact.campaign_id,
        contact_id=contact.id,
        caller_id=caller.id,
        phone=contact.phone,
        expires_at=now(),
    )
    db.session.add(call)
    db.session.commit()
    ledger.act_as("host of 3")
    caller.first_name = "Ottilie"
    caller.help_seen = True
    call.ended_at, call.ending = now(), CallEnding.EXPIRED
    db.session.commit()
    call.note = "of no interest here"
    caller.hidden = True
    db.session.commit()

    given, ended = entries("call")
    assert (given["key"], given["before"]) == (str(call.id), None)
    assert given["beside"]["list_id"] == contact.contact_list_id
    assert (ended["before"]["ending"], ended["after"]["ending"]) == (None, "expired")
    _, renamed, hidden = entries("caller")
    assert (renamed["actor"], renamed["after"]["first_name"]) == ("host of 3", "Ottilie")
    assert (hidden["actor"], hidden["after"]["hidden"]) == ("", True)


def test_a_number_that_comes_and_goes_is_noted_under_itself(kept: None) -> None:
    suppressions.suppress("+441134960001", SuppressionOrigin.ORGANISER)
    db.session.commit()
    db.session.execute(text("DELETE FROM suppression"))
    db.session.commit()
    came, went = entries("suppression")
    assert came["key"] == went["key"] == "+441134960001"
    assert (came["before"], went["after"]) == (None, None)
