"""The page on which an organiser erases a person or makes the file of what is stored about them."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.models import (
    AuditEntry,
    Campaign,
    Contact,
    ContactChange,
    ContactState,
    DeadNumber,
    Erasure,
    RoleName,
    ScopedRole,
)
from phonebank.suppressions.files import enter_file, store_file
from tests.factories import create_account, create_caller, create_contact, create_list
from tests.phonebank.exports.room import create_room
from tests.signing_in import sign_in

NUMBER = "020 7946 0777"


@pytest.fixture
def person(app: Flask, organiser: FlaskClient) -> str:
    """The address of the page of a campaign in which Zora was called, and Bo has her number."""
    with app.app_context():
        room = create_room()
        zora = {"first_name": "Zora", "last_name": "Quill", "name_key": "zora quill"}
        create_contact(room.contact_list, phone="+442079460777", fields={"town": "Rhyl"}, **zora)
        hold = claim(room.caller)
        save_answer(room.caller, hold.call.id, "vote", "ours")
        save_answer(room.caller, hold.call.id, "why", "the bus")
        record(room.caller, hold.call.id, "talked", note="Likes marmalade")
        create_contact(create_list(create_room().campaign), phone="+442079460777", **zora)
        bo = {"first_name": "Bo", "last_name": "Quill", "name_key": "bo quill"}
        create_contact(room.contact_list, phone="+442079460777", **bo)
        db.session.commit()
        return f"/campaigns/{room.campaign.id}/one-person"


def test_a_person_is_found_by_number_and_gets_a_file_of_what_is_stored(
    app: Flask, organiser: FlaskClient, person: str
) -> None:
    assert "Enter a" not in organiser.get(person).text
    found = organiser.post(person, data={"number": NUMBER}).text
    assert found.count("<h2>Zora Quill</h2>") == 1, "one person in two campaigns"
    assert "<h2>Bo Quill</h2>" in found
    assert "Nobody has" in organiser.post(person, data={"number": "020 7946 0999"}).text
    assert organiser.post(person, data={"number": "%"}).status_code == 422

    sent = organiser.post(f"{person}/file", data={"contact_id": "1"})
    assert "Zora" not in sent.headers["Content-Disposition"]
    told = sent.text
    assert told.count("== Riverside: vote! ==") == 2
    for line in (
        "Responsible for your data: The Kitchen Table Campaign",
        "First name: Zora",
        "Number: +442079460777",
        "town: Rhyl",
        "How it ended: We talked",
        "Note: Likes marmalade",
        "How will they vote?: Jo Bloggs",
        "Why?: the bus",
        "+442079460777 is not on it.",
        "You are in no other stored file.",
    ):
        assert line in told, told
    assert "Bo" not in told.replace("Jo Bloggs", "")
    assert "Sam" not in told, "a volunteer is not named"
    with app.app_context():
        done = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)).all()
        assert done == ["looked up a number"] * 2 + ["made a person's file"]


def test_the_file_names_what_waits_and_what_an_undo_would_restore(
    app: Flask, organiser: FlaskClient, person: str
) -> None:
    with app.app_context():
        zora = db.session.get_one(Contact, 1)
        waiting = b"Name,Phone\nBo Quill,020 7946 0777\n"
        others = b"Name,Phone\nAda,020 7946 0001\n"
        by = create_account().id
        for name, data in {"waits.csv": waiting, "others.csv": others}.items():
            store_file(data, name, "GB", "asked", by)
        store_file(b'Phone\n"020 7946 0777\n', "broken.csv", "GB", "asked", by)
        entered = store_file(waiting, "entered.csv", "GB", "asked", by)
        enter_file(entered.id, ["+442079460999"], [1])
        changed = create_list(db.session.get_one(Campaign, zora.campaign_id))
        changed.filename = "July.csv"
        before = {"postcode": "LL18 1AA", "fields": {"town": "Prestatyn", "ward": "East"}}
        after = {"postcode": None, "fields": {"town": "Rhyl", "ward": "East"}}
        change = {"contact_id": 1, "before": before, "after": after}
        db.session.add(ContactChange(contact_list_id=changed.id, **change))
        db.session.add(DeadNumber(phone="+442079460777", reported_at=zora.created_at))
        db.session.commit()
    told = organiser.post(f"{person}/file", data={"contact_id": "1"}).text
    waits = "Your number is in the do-not-call file {}. Its numbers are not on the list yet."
    for line in (
        waits.format("waits.csv"),
        waits.format("broken.csv"),
        "Postcode until the file July.csv changed it: LL18 1AA",
        "town until the file July.csv changed it: Prestatyn",
        "+442079460777 was not in service on ",
    ):
        assert line in told, told
    assert "You are in no other stored file" not in told
    for unsaid in ("Bo Quill", "others.csv", "entered.csv", "East"):
        assert unsaid not in told


def test_erasing_asks_first_if_the_person_is_on_a_screen(
    app: Flask, organiser: FlaskClient, person: str
) -> None:
    with app.app_context():
        zora = db.session.get_one(Contact, 1)
        zora.state, zora.callable_at = ContactState.CALLABLE, zora.created_at
        db.session.get_one(Contact, 3).state = ContactState.FINISHED
        db.session.commit()
        campaign = db.session.get_one(Campaign, zora.campaign_id)
        caller = create_caller(campaign, first_name="Nia")
        db.session.commit()
        claim(caller)
        db.session.commit()
    asked = organiser.post(f"{person}/erase", data={"contact_id": "1", "never_again": "y"})
    assert asked.status_code == 409
    assert "Nia has had this person on the screen since" in asked.text
    assert "End the call and erase the person" in asked.text
    data = {"contact_id": "1", "never_again": "y", "ends_calls": "yes"}
    assert "is erased" in organiser.post(f"{person}/erase", data=data, follow_redirects=True).text
    found = organiser.post(person, data={"number": NUMBER}).text
    assert "Zora" not in found
    assert "Bo Quill" in found
    assert organiser.post(f"{person}/erase", data=data).status_code == 404, "pressed twice"
    with app.app_context():
        assert db.session.scalars(select(Erasure.account_id)).all() != []
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "erased a person"))
        assert entry.one().after == {"contacts": [1, 2], "never_again": True, "ended_a_call": True}


def test_an_organiser_of_another_campaign_finds_and_erases_nobody(
    app: Flask, client: FlaskClient, organiser: FlaskClient, person: str
) -> None:
    with app.app_context():
        account = create_account()
        db.session.add(ScopedRole(account_id=account.id, role=RoleName.ORGANISER, campaign_id=2))
        db.session.commit()
        account_id = account.id
    other = app.test_client()
    sign_in(other, account_id)
    assert other.get(person).status_code == 404
    theirs = person.replace("/1/", "/2/")
    assert "Zora Quill" in other.post(theirs, data={"number": NUMBER}).text, "in their campaign"
    assert other.post(f"{theirs}/erase", data={"contact_id": "1"}).status_code == 404
    assert other.post(f"{theirs}/erase", data={"contact_id": "2"}).status_code == 302
    with app.app_context():
        assert db.session.get_one(Contact, 1).first_name == "Zora"
        assert db.session.get(Contact, 2) is None


def test_the_campaigns_page_announces_it(app: Flask, organiser: FlaskClient) -> None:
    with app.app_context():
        campaign = create_room().campaign
        address = f"/campaigns/{campaign.id}"
        campaign.erasure_due_at = datetime(2027, 6, 1, 9, 30, tzinfo=UTC)
        campaign.lawful_basis = ""
        db.session.commit()
    page = organiser.get(address).text
    assert "We will start to erase them at 2027-06-02 09:30 UTC" in page
    link = f'href="{address}/data-protection">let the campaign end on a later day'
    assert link in page
    assert "Choose the legal ground" in organiser.get(f"{address}/settings").text
    with app.app_context():
        campaign = db.session.get_one(Campaign, 1)
        campaign.erasing_since = campaign.erased_at = datetime(2027, 6, 2, 9, 31, tzinfo=UTC)
        db.session.commit()
    page = organiser.get(address).text
    assert "on this campaign's lists were erased on 2027-06-02. The figures stay." in page
    assert "Reopen" not in page
    assert "Choose the legal ground" not in organiser.get(f"{address}/settings").text
    assert organiser.post(f"{address}/data-protection", data={}).status_code == 409
