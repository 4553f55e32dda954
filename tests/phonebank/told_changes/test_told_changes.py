"""Tests what callers were told about people: the form, and an organiser's decision."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError, NotFoundError, PhonebankError
from phonebank.models import (
    AuditEntry,
    Call,
    Contact,
    ContactState,
    RoleName,
    SuppressionOrigin,
    ToldChange,
)
from phonebank.suppressions.entries import suppress
from phonebank.told_changes import decide
from phonebank.told_changes.tell import tell
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)
from tests.phone_bank import PhoneBank, come_in, contact_of
from tests.signing_in import sign_in

NEW_NUMBER = "+442079460950"


@pytest.fixture
def told(phone_bank: PhoneBank) -> Callable[..., tuple[Contact, ToldChange]]:
    """Sam calls somebody, writes what they say, and records an outcome."""

    def call_and_tell(outcome: str | None = "talked", **said: str) -> tuple[Contact, ToldChange]:
        hold = claim(phone_bank.sam)
        db.session.commit()
        tell(phone_bank.sam, hold.call.id, said)
        if outcome:
            record(phone_bank.sam, hold.call.id, outcome)
        db.session.commit()
        return contact_of(hold), decide.undecided(phone_bank.campaign)[0].change

    return call_and_tell


def test_a_number_changes_the_person_only_once_it_is_accepted(
    app: Flask, phone_bank: PhoneBank, told: Any
) -> None:
    for other in phone_bank.contacts[1:]:
        other.state = ContactState.FINISHED
    contact, change = told("wrong_number", number="020 7946 0950")
    wrong = contact.phone
    assert contact.state == ContactState.UNUSABLE
    organiser = app.test_client()
    account = create_account(RoleName.ORGANISER)
    db.session.commit()
    sign_in(organiser, account.id)
    page = f"/campaigns/{phone_bank.campaign.id}"
    assert "During calls, people asked for <strong>a change</strong>" in organiser.get(page).text
    assert "020 7946 0950" in organiser.get(f"{page}/told").text
    answer = organiser.post(f"{page}/told/{change.id}/accept", follow_redirects=True)
    assert "You accepted the change." in answer.text
    db.session.expire_all()
    assert (contact.phone, contact.other_phones) == (NEW_NUMBER, [])
    assert claim(phone_bank.priya).call.phone == NEW_NUMBER
    assert wrong != NEW_NUMBER
    entry = db.session.query(AuditEntry).filter_by(action="told change accepted").one()
    assert entry.subject_id == str(contact.id)
    assert "0950" not in str(entry.after)


def test_a_number_on_the_do_not_call_list_is_not_accepted(phone_bank: PhoneBank, told: Any) -> None:
    contact, change = told(number="020 7946 0950")
    before = contact.phone
    suppress(NEW_NUMBER, SuppressionOrigin.ORGANISER)
    db.session.commit()
    with pytest.raises(ConflictError, match="do-not-call list"):
        decide.accept(phone_bank.campaign, change.id, phone_bank.host)
    db.session.rollback()
    assert (contact.phone, decide.undecided_count(phone_bank.campaign)) == (before, 1)


def test_nobody_gets_the_person_while_they_change(phone_bank: PhoneBank, told: Any) -> None:
    _, change = told(None, first_name="Ana")
    with pytest.raises(ConflictError, match="on a caller's screen"):
        decide.accept(phone_bank.campaign, change.id, phone_bank.host)


def test_accepting_can_be_taken_back_until_something_else_changes(
    phone_bank: PhoneBank, told: Any
) -> None:
    contact, change = told(first_name="ANA")
    campaign, host = phone_bank.campaign, phone_bank.host
    old = contact.first_name
    decide.accept(campaign, change.id, host)
    assert (contact.first_name, contact.name_key) == ("Ana", "ana example")
    with pytest.raises(ConflictError, match="no longer as your page shows it"):
        decide.refuse(campaign, change.id, host)
    decide.take_back(campaign, change.id, host)
    assert (contact.first_name, decide.undecided_count(campaign)) == (old, 1)
    decide.accept(campaign, change.id, host)
    contact.first_name = "Bea"
    db.session.flush()
    with pytest.raises(ConflictError, match="has changed since"):
        decide.take_back(campaign, change.id, host)


def test_nobody_comes_onto_the_list_twice(phone_bank: PhoneBank, told: Any) -> None:
    contact, change = told(first_name="Ana")
    create_contact(
        phone_bank.contact_list, phone=contact.phone, first_name="Ana", name_key="ana example"
    )
    db.session.commit()
    with pytest.raises(ConflictError, match="another person with this name"):
        decide.accept(phone_bank.campaign, change.id, phone_bank.host)


def test_who_has_moved_is_called_by_the_clock_of_the_new_place(app_context: Flask) -> None:
    campaign = create_campaign(country="US", allow_drama_numbers=True)
    contact_list = create_list(campaign, zone_keys=["America/New_York"])
    contact = create_contact(
        contact_list, zone_key="America/New_York", postcode="10001", fields={"town": "New York"}
    )
    sam = create_caller(campaign)
    db.session.commit()
    hold = claim(sam)
    tell(sam, hold.call.id, {"place": "90210"})
    record(sam, hold.call.id, "no_answer")
    account = create_account(RoleName.ORGANISER)
    change = decide.undecided(campaign)[0].change
    decide.accept(campaign, change.id, account)
    db.session.refresh(contact_list)
    assert (contact.postcode, contact.fields) == ("90210", {})
    assert contact.zone_key == "America/Los_Angeles"
    assert contact_list.zone_keys == ["America/New_York", "America/Los_Angeles"]


def test_an_undo_does_not_take_an_accepted_number_away(phone_bank: PhoneBank, told: Any) -> None:
    contact, change = told("no_answer", number="020 7946 0950")
    decide.accept(phone_bank.campaign, change.id, phone_bank.host)
    db.session.commit()
    with pytest.raises(PhonebankError):
        undo(phone_bank.sam, change.call_id)
    db.session.rollback()
    assert contact.phone == NEW_NUMBER
    # Nobody calls it sooner than the wait after the last try allows.
    for other in phone_bank.contacts:
        if other.id != contact.id:
            other.state = ContactState.FINISHED
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.priya)


def test_what_is_not_accepted(phone_bank: PhoneBank, told: Any) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    for said in ({}, {"number": " "}, {"number": "12"}, {"number": "+33 1 99 00 12 34"},
                 {"place": "x" * 81}, {"first_name": "N/A"}):  # fmt: skip
        with pytest.raises(InvalidInputError):
            tell(phone_bank.sam, hold.call.id, said)
    with pytest.raises(NotFoundError):
        tell(phone_bank.priya, hold.call.id, {"number": "020 7946 0950"})
    with pytest.raises(NotFoundError):
        decide.accept(create_campaign(), 1, phone_bank.host)
    assert decide.undecided_count(phone_bank.campaign) == 0


def test_a_caller_sends_it_from_the_call_page(client: FlaskClient, phone_bank: PhoneBank) -> None:
    come_in(client, phone_bank)
    client.post("/calling/next")
    call_id: uuid.UUID = db.session.query(Call.id).scalar()
    url = f"/calling/person/{call_id}/told"
    assert "Correct their details" in client.get("/calling/person").text
    assert url in client.get("/calling/told").text
    part = client.get("/calling/told", headers={"X-Phonebank-Screen": "told"}).text
    assert part.lstrip().startswith("<div data-beside-call>")
    refused = client.post(url, data={"number": "12", "first_name": "Ana"})
    assert refused.status_code == 422
    assert 'value="Ana"' in refused.text
    sent = client.post(url, data={"place": "Leeds"}, headers={"Accept": "application/json"})
    assert sent.json == {"message": "Sent. An organiser will decide what to change."}
    # Sending again replaces what was sent before.
    client.post(url, data={"place": "CF10 1EP"})
    changes = db.session.query(ToldChange).all()
    assert [change.said for change in changes] == [{"postcode": "CF10 1EP"}]
