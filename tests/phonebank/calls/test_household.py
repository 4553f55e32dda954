"""One number, several people: who came to the phone."""

from datetime import timedelta

import pytest
from flask import Flask

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold
from phonebank.calls.household import others_in_household, switch_contact
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, NotFoundError
from phonebank.models import Caller, Contact, ContactState, now
from phonebank.tallies.reconcile import differences
from tests.factories import create_contact, create_list
from tests.phone_bank import PhoneBank, call_of
from tests.phonebank.roster.test_remove import meanwhile


@pytest.fixture
def home(phone_bank: PhoneBank) -> list[Contact]:
    """Three people on one number, and nobody else to call."""
    for contact in phone_bank.contacts:
        contact.state = ContactState.FINISHED
    people = [create_contact(phone_bank.contact_list, phone="+442079460900") for _ in range(3)]
    db.session.commit()
    return people


def test_the_one_who_came_to_the_phone_is_the_one_recorded(
    phone_bank: PhoneBank, home: list[Contact]
) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    others = others_in_household(hold.call)
    assert {hold.contact.id, *(c.id for c in others)} == {c.id for c in home}
    reached = others[0]
    assert switch_contact(phone_bank.sam, hold.call.id, reached.id).contact.id == reached.id
    db.session.commit()
    assert claim(phone_bank.sam).contact.id == reached.id
    record(phone_bank.sam, hold.call.id, "refused")
    db.session.commit()
    outcomes = {contact.id: (contact.last_outcome, contact.state) for contact in home}
    assert outcomes[reached.id] == ("refused", "finished")
    assert outcomes[hold.contact.id] == (None, "callable")
    with pytest.raises(NobodyToCallError) as nobody:
        claim(phone_bank.priya)  # the rest of the household is left in peace
    assert nobody.value.next_at is not None
    assert differences() == []


def test_undo_leads_back_to_the_one_who_was_reached(
    phone_bank: PhoneBank, home: list[Contact]
) -> None:
    hold = claim(phone_bank.sam)
    reached = others_in_household(hold.call)[0]
    switch_contact(phone_bank.sam, hold.call.id, reached.id)
    record(phone_bank.sam, hold.call.id, "do_not_call")
    db.session.commit()
    assert all(contact.suppressed_at for contact in home)
    undo(phone_bank.sam, hold.call.id)
    db.session.commit()
    assert claim(phone_bank.sam).contact.id == reached.id
    assert all(contact.suppressed_at for contact in home)  # until there is another outcome
    record(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    db.session.expire_all()
    assert not any(contact.suppressed_at for contact in home)


def test_nobody_from_elsewhere_can_be_named(phone_bank: PhoneBank, home: list[Contact]) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    stranger = create_contact(phone_bank.contact_list, phone="+442079460901")
    db.session.commit()
    for contact_id in (stranger.id, hold.contact.id, 0):
        with pytest.raises(NotFoundError):
            switch_contact(phone_bank.sam, hold.call.id, contact_id)
        db.session.rollback()
    with pytest.raises(NotFoundError):
        switch_contact(phone_bank.priya, hold.call.id, home[1].id)
    db.session.rollback()
    record(phone_bank.sam, hold.call.id, "no_answer")
    db.session.commit()
    with pytest.raises(ConflictError):
        switch_contact(phone_bank.sam, hold.call.id, home[1].id)


def test_nobody_of_a_paused_list_is_offered(phone_bank: PhoneBank, home: list[Contact]) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    assert len(others_in_household(hold.call)) == 2
    phone_bank.contact_list.removed = True
    db.session.commit()
    assert others_in_household(hold.call) == []


def test_no_call_goes_on_with_a_contact_whose_number_an_undo_is_changing(
    phone_bank: PhoneBank, app: Flask, home: list[Contact]
) -> None:
    called, other = home[:2]
    other.other_phones = [phone_bank.contacts[0].phone]
    called.callable_at = now() - timedelta(days=2)  # the first
    home[2].state = ContactState.FINISHED
    db.session.commit()
    dead = claim(phone_bank.sam).call
    record(phone_bank.sam, dead.id, "disconnected")
    neighbour = phone_bank.contacts[0]
    neighbour.state = ContactState.CALLABLE
    other.callable_at = now() + timedelta(hours=1)
    db.session.commit()
    hold = claim(phone_bank.priya)
    others = [person.id for person in others_in_household(hold.call)]
    assert (hold.contact.id, others) == (neighbour.id, [other.id])
    db.session.commit()
    call_id, priya_id, other_id = hold.call.id, phone_bank.priya.id, other.id
    undo(phone_bank.sam, dead.id)
    going_on = meanwhile(
        app, lambda: switch_contact(db.session.get_one(Caller, priya_id), call_id, other_id)
    )
    db.session.commit()
    with pytest.raises(NotFoundError):
        going_on.result()
    assert other.phone == called.phone == dead.phone
    assert call_of(hold).contact_id == neighbour.id


def test_a_claim_reads_the_others_that_may_be_asked_for(
    phone_bank: PhoneBank, home: list[Contact]
) -> None:
    paused = create_list(phone_bank.campaign, removed=True)
    create_contact(paused, phone=home[0].phone)
    create_contact(phone_bank.contact_list, phone=home[0].phone, suppressed_at=now())
    db.session.commit()
    hold = claim(phone_bank.sam)
    others = {contact.id for contact in home} - {hold.contact.id}
    assert {other.id for other in hold.others or ()} == others
    assert len(hold.call.household) == 4
    db.session.commit()
    assert [person.id for person in others_in_household(hold.call)] == sorted(others)


def test_somebody_living_alone_has_no_others(phone_bank: PhoneBank) -> None:
    assert list(others_in_household(claim(phone_bank.sam).call)) == []


def test_the_call_page_offers_the_others_by_first_name(
    app: Flask, phone_bank: PhoneBank, home: list[Contact]
) -> None:
    with app.test_client() as browser:
        with browser.session_transaction() as session:
            session["caller"] = {"id": phone_bank.sam.id, "token": phone_bank.sam.device_token}
        page = browser.post("/calling/next", follow_redirects=True).text
        call = current_hold(phone_bank.sam).call
        others = others_in_household(call)
        assert len(others) == 2
        for other in others:
            assert f">{other.first_name}</button>" in page
        chosen = others[1]
        page = browser.post(
            f"/calling/person/{call.id}/reached",
            data={"contact_id": chosen.id},
            follow_redirects=True,
        ).text
        assert f"{chosen.first_name} {chosen.last_name}" in page
        assert (
            browser.post(f"/calling/person/{call.id}/reached", data={"contact_id": "x"}).status_code
            == 422
        )
