"""A number that is not in service is dropped for everybody, in other campaigns too."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from phonebank.calls import set_aside
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import release_hold
from phonebank.calls.jobs import continue_set_aside
from phonebank.calls.record import record
from phonebank.calls.undo import CannotUndoError, undo
from phonebank.core.db import db
from phonebank.models import Call, Caller, Contact, ContactState, DeadNumber, now
from phonebank.models.call import REPORTS_DEAD
from phonebank.rules.outcomes import OUTCOMES
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)
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


@pytest.fixture
def heard_twice(phone_bank: PhoneBank, dead: Contact) -> tuple[Call, Call]:
    """Sam's call and Ola's, who both heard that the number is dead. Sam said so late, after Ola."""
    late_id = claim(phone_bank.sam).call.id
    release_hold(phone_bank.sam, late_id)
    db.session.commit()
    ola, _ = elsewhere(phone=NUMBER, other_phones=[MOBILE])
    elsewhere(phone=NUMBER, first_name="Zoe")
    other_id = claim(ola).call.id
    db.session.commit()
    for caller, call_id in ((ola, other_id), (phone_bank.sam, late_id)):
        record(caller, call_id, "disconnected")
        db.session.commit()
    db.session.expire_all()
    return db.session.get_one(Call, late_id), db.session.get_one(Call, other_id)


def withdraw_by(how: str, call: Call) -> None:
    """Let an organiser correct the call, or set aside all calls of its caller."""
    organiser = create_account("organiser")
    if how == "corrected":
        correct(call, version_of(call), Correction("no_answer", ""), organiser)
    else:
        caller = db.session.get_one(Caller, call.caller_id)
        act = set_aside.begin(caller, organiser, "made up", now())
        db.session.commit()
        continue_set_aside(act.id, 60)
    db.session.commit()
    db.session.expire_all()


@pytest.mark.parametrize("how", ["corrected", "set aside"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_number_stays_dead_as_long_as_one_call_says_so(
    phone_bank: PhoneBank, heard_twice: tuple[Call, Call], how: str, first: int
) -> None:
    withdrawn, stays = heard_twice[first], heard_twice[1 - first]
    caller = db.session.get_one(Caller, withdrawn.caller_id)
    with pytest.raises(CannotUndoError, match="isn't in service"):
        undo(caller, withdrawn.id)
    db.session.rollback()
    withdraw_by(how, withdrawn)
    [report] = db.session.scalars(select(DeadNumber)).all()
    assert (report.phone, report.call_id) == (NUMBER, stays.id)
    assert abs(report.reported_at - stays.recorded_at) < timedelta(seconds=5)
    callable_now = select(Contact.phone).where(Contact.state == ContactState.CALLABLE)
    assert db.session.scalars(callable_now).all() == [MOBILE]
    withdraw_by(how, stays)
    assert db.session.scalars(select(DeadNumber)).all() == []


def test_a_newer_report_begins_the_year_again(phone_bank: PhoneBank, dead: Contact) -> None:
    earlier = now() - timedelta(days=300)
    call_id = hear_that_it_is_dead(phone_bank)
    report = db.session.scalars(select(DeadNumber)).one()
    report.reported_at = db.session.get_one(Call, call_id).recorded_at = earlier
    dead.state = ContactState.CALLABLE
    db.session.commit()
    newer_id = hear_that_it_is_dead(phone_bank)
    db.session.refresh(report)
    assert report.call_id == newer_id
    assert report.reported_at > now() - timedelta(minutes=1)


def test_a_call_that_is_set_aside_gives_nobody_a_dead_number_back(
    phone_bank: PhoneBank, dead: Contact
) -> None:
    call_id = claim(phone_bank.sam).call.id
    record(phone_bank.sam, call_id, "refused")
    db.session.add(DeadNumber(phone=NUMBER))
    db.session.commit()
    with pytest.raises(CannotUndoError, match="isn't in service"):
        undo(phone_bank.sam, call_id)
    db.session.rollback()
    withdraw_by("set aside", db.session.get_one(Call, call_id))
    assert dead.state == ContactState.UNUSABLE


def test_the_index_has_every_outcome_of_a_dead_number() -> None:
    dead = [outcome.key for outcome in OUTCOMES.values() if outcome.number_dead]
    assert f"outcome = '{' '.join(dead)}'" == REPORTS_DEAD


@pytest.mark.parametrize("how", ["undone", "corrected", "set aside"])
def test_a_number_comes_back_although_a_dead_one_was_passed_over(
    phone_bank: PhoneBank, dead: Contact, how: str
) -> None:
    known_dead = "+442079460779"
    ola, _ = elsewhere(phone=known_dead)
    record(ola, claim(ola).call.id, "disconnected")
    _, other = elsewhere(phone=NUMBER, other_phones=[known_dead, MOBILE])
    call_id = hear_that_it_is_dead(phone_bank)
    assert (other.phone, other.other_phones) == (MOBILE, [])
    if how == "undone":
        undo(phone_bank.sam, call_id)
        db.session.commit()
        db.session.expire_all()
    else:
        withdraw_by(how, db.session.get_one(Call, call_id))
    assert (other.state, other.phone) == ("callable", NUMBER)
    assert other.other_phones == [known_dead, MOBILE]
