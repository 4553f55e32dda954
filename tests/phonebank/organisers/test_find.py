"""Finding a person, their page, and correcting their calls, as an organiser's browser does it."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.accounts.roles import Scope, give_role
from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.contact_queue.status_counts import buckets_of
from phonebank.core.db import db
from phonebank.models import (
    AuditEntry,
    Call,
    Contact,
    ContactSight,
    ContactState,
    RoleName,
    now,
)
from phonebank.persons.actions import version_of
from phonebank.persons.search import SHOWN_AT_MOST, find_people
from phonebank.persons.status import status_of
from phonebank.suppressions.entries import is_suppressed
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals
from tests.factories import (
    create_account,
    create_campaign,
    create_contact,
    create_list,
    create_script,
)
from tests.phone_bank import PhoneBank
from tests.phonebank.calls.recorded_calls import record_call
from tests.phonebank.exports.room import SCRIPT
from tests.signing_in import browser_of, sign_in


@pytest.fixture
def browser(app: Flask, phone_bank: PhoneBank) -> FlaskClient:
    return browser_of(app, RoleName.ORGANISER)


def named(bank: PhoneBank, first: str, last: str, **values: Any) -> Contact:
    key = f"{first} {last}".lower()
    return create_contact(
        bank.contact_list, first_name=first, last_name=last, name_key=key, **values
    )


def found(bank: PhoneBank, typed: str) -> list[str]:
    return [one.first_name for one in find_people(typed, [bank.campaign]).people]


def test_people_are_found_by_number_name_and_id(phone_bank: PhoneBank) -> None:
    named(phone_bank, "Ann", "Smith", phone="+442079460801", other_phones=["+441134960801"])
    named(phone_bank, "Mary Ann", "O'Neil-Smith", external_id="100%")
    named(phone_bank, "Percent", "100% Sure")
    named(phone_bank, "Cher", "")
    elsewhere = create_list(create_campaign(name="Another"))
    create_contact(elsewhere, first_name="Hidden", last_name="Smith", phone="+442079460801")
    db.session.commit()
    for typed, names in {
        "020 7946 0801": ["Ann"],
        "+44 113 496 0801": ["Ann"],
        "smi": ["Ann"],
        "SMITH, ann": ["Ann"],
        "Ann  Smith": ["Ann"],
        "mary ann o'neil-smith": ["Mary Ann"],
        "100%": ["Percent", "Mary Ann"],
        "cher": ["Cher"],
        "%%": [],
        "__": [],
        "%smith": [],
        "020 7946 0802": [],
    }.items():
        assert found(phone_bank, typed) == names, typed


def test_a_search_that_finds_many_says_that_there_are_more(phone_bank: PhoneBank) -> None:
    for number in range(SHOWN_AT_MOST + 2):
        named(phone_bank, f"Ann{number}", "Smith")
    db.session.commit()
    result = find_people("smith", [phone_bank.campaign])
    assert (len(result.people), result.more) == (SHOWN_AT_MOST, True)


def test_every_search_and_every_page_is_kept_as_a_sight(
    phone_bank: PhoneBank, browser: FlaskClient
) -> None:
    person = phone_bank.contacts[0]
    campaign_id, person_id = phone_bank.campaign.id, person.id
    page = browser.post("/find", data={"typed": person.phone})
    assert f"/person/{person_id}" in page.text
    assert browser.post("/find", data={"typed": "%"}).status_code == 422
    assert "We found nobody" in browser.post("/find", data={"typed": "%%"}).text
    page = browser.get(f"/campaigns/{campaign_id}/person/{person_id}")
    assert "found them in a search" in page.text
    assert "opened this page" in page.text
    sights = db.session.scalars(select(ContactSight).order_by(ContactSight.id)).all()
    assert [(one.contact_id, one.kind) for one in sights] == [
        (person_id, "found"),
        (person_id, "opened"),
    ]
    audit = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(one.action, one.after) for one in audit] == [
        ("people searched", {"found": 1}),
        ("people searched", {"found": 0}),
    ]


def test_an_organiser_acts_on_a_person(phone_bank: PhoneBank, browser: FlaskClient) -> None:
    call = record_call(phone_bank, "refused")
    campaign_id, person_id = phone_bank.campaign.id, call.contact_id
    address = f"/campaigns/{campaign_id}/person/{person_id}"
    page = browser.get(address).text
    assert "Finished" in page
    assert "t want to talk”, nobody is called again in this campaign." in page
    assert "An organiser has finished" not in page
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    sent = {"version": version[1]}
    assert "can be called again" in follow(browser, f"{address}/put-back", sent)
    person = db.session.get_one(Contact, person_id, populate_existing=True)
    assert person.state == ContactState.CALLABLE
    assert person.callable_at <= now()
    # The page that was opened before shows a state that is no longer so.
    assert browser.post(f"{address}/finish", data=sent).status_code == 409
    assert "Nobody will call this person in this campaign" in follow(
        browser, f"{address}/finish", {"version": version_of(person)}
    )
    person = db.session.get_one(Contact, person_id, populate_existing=True)
    assert person.state == ContactState.FINISHED
    page = browser.get(address).text
    assert "An organiser has finished with them." in page
    assert "After the outcome" not in page
    page = follow(browser, f"{address}/do-not-call", {})
    assert "has been on the do-not-call list since" in page
    assert "They asked not to be called" not in page, "the organiser gave no reason"
    assert is_suppressed(call.phone)
    actions = db.session.scalars(
        select(AuditEntry.action).where(AuditEntry.subject_kind == "person")
    )
    assert list(actions) == [
        "person put back",
        "person finished",
        "person put on do-not-call",
    ]


def test_who_is_put_back_into_a_paused_list_is_not_said_to_be_callable(
    phone_bank: PhoneBank, browser: FlaskClient
) -> None:
    call = record_call(phone_bank, "refused")
    phone_bank.contact_list.removed = True
    db.session.commit()
    person = db.session.get_one(Contact, call.contact_id)
    address = f"/campaigns/{phone_bank.campaign.id}/person/{person.id}"
    page = follow(browser, f"{address}/put-back", {"version": version_of(person)})
    assert "This person is put back. Their status is “In a paused list”." in page
    assert "This person can be called again." not in page


def follow(browser: FlaskClient, address: str, data: dict[str, str]) -> str:
    page = browser.post(address, data=data, follow_redirects=True)
    assert page.status_code == 200, page.text
    return page.text


def test_nobody_acts_on_a_person_who_is_on_a_screen(
    phone_bank: PhoneBank, browser: FlaskClient
) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    address = f"/campaigns/{phone_bank.campaign.id}/person/{hold.contact.id}"
    assert "This person is on a caller's screen" in (page := browser.get(address).text)
    assert "“Put back”" not in page, "there is no such button now"
    version = db.session.scalar(select(Contact.__table__.c.id).where(Contact.id == hold.contact.id))
    assert browser.post(f"{address}/finish", data={"version": version}).status_code == 409


def test_a_call_is_corrected_on_its_page(phone_bank: PhoneBank, browser: FlaskClient) -> None:
    create_script(phone_bank.campaign, SCRIPT)
    db.session.commit()
    call = record_call(phone_bank, "no_answer")
    campaign_id = phone_bank.campaign.id
    address = f"/campaigns/{campaign_id}/calls/{call.id}/correct"
    page = browser.get(address).text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version is not None
    data = {"version": version[1], "outcome": "talked", "note": "<b>Rang</b> back"}
    page = follow(browser, address, data)
    assert "Corrected. The totals are up to date." in page
    assert "The outcome was “No answer” before" in page
    assert "&lt;b&gt;Rang&lt;/b&gt; back" in page
    assert campaign_totals(campaign_id).reached == 1
    assert not differences()
    again = browser.post(address, data=data)
    assert again.status_code == 409
    assert "changed since you opened the page" in again.text
    refused = browser.post(address, data=data | {"outcome": "nonsense"})
    assert refused.status_code == 422
    page = browser.get(f"/campaigns/{campaign_id}/callers/{phone_bank.sam.id}/calls").text
    assert "We talked" in page
    assert address in page


def test_a_call_is_corrected_to_a_call_back_at_a_promised_time(
    phone_bank: PhoneBank, browser: FlaskClient
) -> None:
    with time_machine.travel(datetime(2027, 7, 7, 12, tzinfo=UTC), tick=False):  # a Wednesday
        call = record_call(phone_bank, "no_answer")
        address = f"/campaigns/{phone_bank.campaign.id}/calls/{call.id}/correct"

        def send(day: str, clock: str) -> int:
            version = re.search(r'name="version" value="(\d+)"', browser.get(address).text)
            assert version is not None
            data = {"version": version[1], "outcome": "call_back", "date": day, "time": clock}
            return browser.post(address, data=data).status_code

        def promised() -> datetime | None:
            return db.session.get_one(Contact, call.contact_id, populate_existing=True).callback_at

        assert send("2027-07-06", "18:30") == 422
        assert send("tomorrow", "") == 422
        assert promised() is None
        assert send("2027-07-08", "18:30") == 302
        assert promised() == datetime(2027, 7, 8, 17, 30, tzinfo=UTC)  # London's summer time
        assert send("2027-07-09", "10:00") == 302
        assert promised() == datetime(2027, 7, 9, 9, tzinfo=UTC)
        assert send("", "") == 302  # nothing was changed, so the promise stays
        assert promised() == datetime(2027, 7, 9, 9, tzinfo=UTC)
    assert not differences()


def test_other_campaigns_people_and_calls_are_not_found(
    app: Flask, phone_bank: PhoneBank, browser: FlaskClient
) -> None:
    call = record_call(phone_bank, "no_answer")
    other = create_campaign(name="Another")
    db.session.commit()
    for address in (f"person/{call.contact_id}", f"calls/{call.id}/correct"):
        assert browser.get(f"/campaigns/{other.id}/{address}").status_code == 404
    assert browser_of(app, RoleName.HOST).get("/find").status_code == 403


def test_an_organiser_finds_people_only_in_their_own_campaigns(
    app: Flask, organiser: FlaskClient
) -> None:
    with app.app_context():
        mine, other = create_campaign(name="Mine"), create_campaign(name="Another")
        for campaign in (mine, other):
            create_contact(create_list(campaign), first_name="Ann", last_name="Quillfeather")
        local = create_account(name="Lena")
        scope = Scope(campaign_id=mine.id)
        give_role(local, RoleName.ORGANISER, scope, create_account("organiser"))
        db.session.commit()
        local_id, mine_id = local.id, mine.id
    local_browser = app.test_client()
    sign_in(local_browser, local_id)
    page = local_browser.post("/find", data={"typed": "quill"}).text
    assert "One person found" in page
    assert f"/campaigns/{mine_id}/person/" in page
    assert "2 people found" in organiser.post("/find", data={"typed": "quill"}).text


def test_a_person_stands_where_contact_status_counts_them(phone_bank: PhoneBank) -> None:
    later = create_list(phone_bank.campaign, removed=True)
    create_contact(later)
    for outcome in ("no_answer", "refused", "do_not_call", "language_barrier", "call_back"):
        extra = create_contact(phone_bank.contact_list)
        db.session.commit()
        assert extra.id
        hold = claim(phone_bank.sam)
        db.session.commit()
        record(phone_bank.sam, hold.call.id, outcome)
        db.session.commit()
    claim(phone_bank.priya)
    db.session.commit()
    db.session.expire_all()
    counted: dict[str, int] = {}
    for person in db.session.scalars(select(Contact)):
        bucket = status_of(person, phone_bank.campaign).bucket
        counted[bucket] = counted.get(bucket, 0) + 1
    status = {one.key: one.contacts for one in buckets_of(phone_bank.campaign) if one.contacts}
    assert counted == status
    assert len(status) >= 6
    assert db.session.scalar(select(Call.id).limit(1))
