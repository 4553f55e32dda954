"""Answers give people tags, and take them back again."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import claim
from phonebank.calls.correct import Correction, correct, version_of
from phonebank.calls.hold import Hold, release_hold
from phonebank.calls.record import record
from phonebank.calls.set_aside import begin, bring_back
from phonebank.calls.set_aside_worker import take_step
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.exports.people import people_table
from phonebank.inbox.jobs import read_marked_answers
from phonebank.models import Account, Answer, Call, CallEnding, Contact, ContactTag, RoleName, now
from phonebank.persons.tags import Tags, set_tags, tags_of
from phonebank.privacy.erase import erase_contacts
from phonebank.privacy.person import Person
from phonebank.privacy.subject_access import subject_access_text
from tests.factories import create_account, create_script
from tests.phone_bank import PhoneBank
from tests.phonebank.inbox.test_inbox import MARKED, browser_of


@pytest.fixture
def bank(phone_bank: PhoneBank) -> PhoneBank:
    create_script(phone_bank.campaign, MARKED)
    db.session.commit()
    return phone_bank


def call(bank: PhoneBank, **answers: object) -> Hold:
    """Sam calls the next person, who gives these answers."""
    hold = claim(bank.sam)
    db.session.commit()
    record_with(bank, hold, **answers)
    return hold


def record_with(bank: PhoneBank, hold: Hold, **answers: object) -> None:
    for step_id, answer in answers.items():
        save_answer(bank.sam, hold.call.id, step_id, answer)
    record(bank.sam, hold.call.id, "talked")
    db.session.commit()


def tags(contact_id: int) -> Tags:
    read_marked_answers()
    read_marked_answers()  # a second run changes nothing
    return tags_of(db.session.get_one(Contact, contact_id))


def ada() -> Account:
    account = create_account(RoleName.ORGANISER, name="Ada")
    db.session.commit()
    return account


def test_answers_give_tags_until_they_are_corrected_undone_or_set_aside(bank: PhoneBank) -> None:
    hold = call(bank, vote="other", topics=["health", "bills"])
    person, call_id = hold.contact.id, hold.call.id
    assert tags(person) == Tags([], ["needs visit", "worried"])
    organiser = ada()

    def correct_with(**answers: object) -> None:
        made = db.session.get_one(Call, call_id)
        correct(made, version_of(made), Correction("talked", "", answers), organiser)
        db.session.commit()

    correct_with(vote="ours")
    assert tags(person).answered == ["ours", "worried"]
    set_aside = begin(bank.sam, organiser, "", now())
    while take_step(set_aside):
        db.session.commit()
    db.session.commit()
    assert tags(person).answered == []
    bring_back(set_aside, organiser, "", now())
    while take_step(set_aside):
        db.session.commit()
    db.session.commit()
    assert tags(person).answered == ["ours", "worried"]


def test_an_undone_call_takes_its_tags_back(bank: PhoneBank) -> None:
    hold = call(bank, vote="other")
    assert tags(hold.contact.id).answered == ["needs visit"]
    undo(bank.sam, hold.call.id)
    db.session.commit()
    assert tags(hold.contact.id).answered == []
    record_with(bank, hold, vote="ours")
    assert tags(hold.contact.id).answered == ["ours"]
    undo(bank.sam, hold.call.id)
    release_hold(bank.sam, hold.call.id)  # before the job has seen the open call
    db.session.commit()
    assert tags(hold.contact.id).answered == []


def test_the_newest_answer_to_a_question_counts(bank: PhoneBank) -> None:
    first = call(bank, vote="other", topics=["bills"])
    person = first.contact.id
    again = Call(
        campaign_id=bank.campaign.id,
        contact_id=person,
        caller_id=bank.priya.id,
        script_version_id=first.call.script_version_id,
        phone=first.call.phone,
        expires_at=now(),
        ended_at=now(),
        ending=CallEnding.RECORDED,
        outcome="talked",
        recorded_at=now(),
    )
    db.session.add(again)
    db.session.flush()
    save_answer_directly(again, "vote", "ours")
    assert tags(person).answered == ["ours", "worried"]
    again.set_aside_at = again.organiser_changed_at = now()
    db.session.commit()
    assert tags(person).answered == ["needs visit", "worried"]


def save_answer_directly(made: Call, step_id: str, value: str) -> None:
    db.session.add(Answer(call_id=made.id, step_id=step_id, value=value))
    db.session.commit()


def test_an_answer_never_takes_an_organisers_tag(bank: PhoneBank) -> None:
    hold = call(bank, vote="other")
    contact = db.session.get_one(Contact, hold.contact.id)
    assert tags(contact.id) == Tags([], ["needs visit"])
    organiser = ada()
    set_tags(contact, bank.campaign, "Needs visit; helper", organiser)
    db.session.commit()
    undo(bank.sam, hold.call.id)
    db.session.commit()
    assert tags(contact.id) == Tags(["helper", "needs visit"], [])
    record_with(bank, hold, vote="other")
    set_tags(contact, bank.campaign, "helper", organiser)
    db.session.commit()
    assert tags(contact.id) == Tags(["helper"], ["needs visit"])
    assert len(db.session.scalars(select(ContactTag)).all()) == 2


def test_the_persons_page_their_text_and_the_people_file_show_all_tags(
    app: Flask, bank: PhoneBank
) -> None:
    hold = call(bank, vote="other")
    contact = db.session.get_one(Contact, hold.contact.id)
    set_tags(contact, bank.campaign, "helper", ada())
    db.session.commit()
    read_marked_answers()
    client = browser_of(app, "Otto")
    shown = client.get(f"/campaigns/{bank.campaign.id}/person/{contact.id}").text
    assert 'value="helper"' in shown
    assert "This person's answers give them this tag: needs visit." in shown
    table = people_table(bank.campaign)
    column = list(table.header).index("tags")
    driver: Any = db.session.connection().connection.driver_connection
    rows = driver.execute(table.query, table.values).fetchall()
    assert {row[column] for row in rows} == {"helper | needs visit", None}
    person = Person((contact.phone,), contact.name_key, (bank.campaign.id,))
    assert "Tags: helper, needs visit" in subject_access_text(person, [contact])


def test_nobody_who_is_erased_gets_a_tag(bank: PhoneBank) -> None:
    hold = call(bank, vote="other")
    erase_contacts([hold.contact.id])
    db.session.commit()
    assert tags(hold.contact.id) == Tags([], [])
