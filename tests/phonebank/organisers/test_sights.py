"""Every page on which an organiser sees a person is in the access ledger."""

import re

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from phonebank.core.db import db
from phonebank.models import Contact, ContactSight, SightKind
from phonebank.privacy import ledger, subject_access
from tests.signing_in import sign_in
from tests.whole_evening import ADDRESSES, begin_evening

# Nothing else on any page has this name.
NAME = "Zebulon"


def sights() -> int:
    return db.session.scalar(select(func.count()).select_from(ContactSight)) or 0


def test_every_page_that_shows_a_person_is_recorded(app_context: Flask) -> None:
    evening = begin_evening()
    db.session.execute(update(Contact).values(first_name=NAME))
    contact = db.session.get_one(Contact, evening.talked_contact_id)
    number = contact.phone
    db.session.commit()
    client = app_context.test_client()
    sign_in(client, evening.accounts["organiser"])
    shown, unseen = set(), set()
    for endpoint, address_of in ADDRESSES.items():
        if not address_of(evening).startswith("/campaigns/"):
            continue
        before = sights()
        text = client.get(address_of(evening)).text
        db.session.rollback()
        if NAME in text or number in text:
            shown.add(endpoint)
            if sights() == before:
                unseen.add(endpoint)
    assert shown >= {
        "person.show",
        "correct.form",
        "inbox.index",
        "inbox.show",
        "told_changes.index",
    }
    assert unseen == set()
    form = {"number": number}
    before = sights()
    page = client.post(f"/campaigns/{evening.campaign_id}/one-person", data=form).text
    assert NAME in page
    assert sights() == before + 1
    file = {"contact_id": str(evening.talked_contact_id)}
    client.post(f"/campaigns/{evening.campaign_id}/one-person/file", data=file)
    assert sights() == before + 2


@pytest.mark.parametrize("kind", SightKind)
def test_every_kind_of_sight_has_words(kind: SightKind) -> None:
    assert kind in subject_access.SIGHTS
    assert re.search(f"WHEN '{kind}' THEN", ledger._SIGHTS)
