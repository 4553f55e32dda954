"""A number that is not in service is dropped for everybody, in other campaigns too."""

from uuid import UUID

import pytest
from sqlalchemy import select

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.models import Caller, Contact, ContactState, DeadNumber, now
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.phone_bank import PhoneBank

NUMBER, MOBILE = "+442079460777", "+447700900777"


@pytest.fixture
def dead(phone_bank: PhoneBank) -> Contact:
    """The one person to call, on a number that is not in service."""
    for contact in phone_bank.contacts:
        contact.state = ContactState.FINISHED
    contact = create_contact(phone_bank.contact_list, phone=NUMBER)
    db.session.commit()
    return contact


def elsewhere(**person: object) -> tuple[Caller, Contact]:
    """A caller of another campaign, and the one person in it."""
    campaign = create_campaign()
    contact = create_contact(create_list(campaign), **person)
    caller = create_caller(campaign, None, first_name="Ola")
    db.session.commit()
    return caller, contact


def hear_that_it_is_dead(phone_bank: PhoneBank) -> UUID:
    call_id = claim(phone_bank.sam).call.id
    db.session.commit()
    record(phone_bank.sam, call_id, "disconnected")
    db.session.commit()
    db.session.expire_all()
    return call_id


def test_another_campaign_calls_the_next_number_or_nobody(
    phone_bank: PhoneBank, dead: Contact
) -> None:
    ola, alone = elsewhere(phone=NUMBER)
    ada, has_mobile = elsewhere(phone=NUMBER, other_phones=[MOBILE])
    _, second = elsewhere(phone=MOBILE + "1", other_phones=[NUMBER])
    call_id = hear_that_it_is_dead(phone_bank)
    assert (dead.state, alone.state) == ("unusable", "unusable")
    with pytest.raises(NobodyToCallError):
        claim(ola)
    db.session.rollback()
    assert claim(ada).call.phone == MOBILE
    db.session.rollback()
    assert second.state == "callable"
    undo(phone_bank.sam, call_id)
    db.session.commit()
    db.session.expire_all()
    assert (alone.state, alone.phone) == ("callable", NUMBER)
    assert (has_mobile.phone, has_mobile.other_phones) == (NUMBER, [MOBILE])
    assert db.session.scalars(select(DeadNumber)).all() == []


@pytest.mark.parametrize("outcome", ["wrong_number", "line_fault"])
def test_a_dead_second_number_is_passed_over_when_the_first_is_of_no_use(
    phone_bank: PhoneBank, dead: Contact, outcome: str
) -> None:
    ola, person = elsewhere(phone="+442079460778", other_phones=[NUMBER, MOBILE])
    hear_that_it_is_dead(phone_bank)
    call_id = claim(ola).call.id
    db.session.commit()
    ola.campaign.retry_rules = {"outcomes": {"line_fault": {"retries_at_most": 0}}}
    db.session.commit()
    record(ola, call_id, outcome)
    db.session.commit()
    assert (person.phone, person.other_phones) == (MOBILE, [])


def test_faults_on_one_number_do_not_count_against_the_next(phone_bank: PhoneBank) -> None:
    """The retry rules give up a number at the third fault on it."""
    _, *others = phone_bank.contacts
    for contact in others:
        contact.state = ContactState.FINISHED
    person = phone_bank.contacts[0]
    first, person.other_phones = person.phone, [MOBILE]
    db.session.commit()
    seen = []
    for _ in range(5):
        call_id = claim(phone_bank.sam).call.id
        record(phone_bank.sam, call_id, "line_fault")
        db.session.commit()
        db.session.expire_all()
        seen.append((person.phone, person.state))
        person.callable_at = now()
        db.session.commit()
    stays, moves = (first, "callable"), (MOBILE, "callable")
    assert seen == [stays, stays, moves, moves, moves]
