"""Many numbers go on the list as one batch, and come off it unless something else names them."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import (
    BatchState,
    Call,
    Campaign,
    Contact,
    Suppression,
    SuppressionBatch,
    SuppressionOrigin,
    now,
)
from phonebank.suppressions.batches import (
    batch_for_list,
    begin_lifting,
    count_numbers_to_lift,
    suppress_batch,
)
from phonebank.suppressions.entries import (
    is_suppressed,
    lift,
    lift_of_call,
    suppress,
    suppress_all,
    suppressed_among,
)
from phonebank.suppressions.jobs import lift_batch
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    drama_number,
)

PHONES = [drama_number(n) for n in range(6)]


def make_batch(source: str = SuppressionOrigin.LIST) -> SuppressionBatch:
    batch = SuppressionBatch(source=source, reason="register")
    db.session.add(batch)
    db.session.flush()
    return batch


def open_call(contact: Contact) -> Call:
    campaign = db.session.get_one(Campaign, contact.campaign_id)
    call = Call(
        campaign_id=campaign.id,
        contact_id=contact.id,
        caller_id=create_caller(campaign).id,
        phone=contact.phone,
        expires_at=now(),
    )
    db.session.add(call)
    db.session.flush()
    return call


def take_back(batch: SuppressionBatch) -> None:
    begin_lifting(batch.id, "misread", None)
    db.session.commit()
    lift_batch(batch.id)
    db.session.add(batch)
    db.session.refresh(batch)


@pytest.fixture
def in_app(app: Flask, clean_stores: None) -> object:
    with app.app_context():
        yield


@pytest.mark.usefixtures("in_app")
def test_what_only_one_batch_named_comes_off_and_its_people_come_back() -> None:
    contact = create_contact(create_list(create_campaign()), phone=PHONES[0])
    first, second = make_batch(), make_batch()
    suppress_batch(PHONES[:4], first)
    suppress_batch(PHONES[1:2], second)
    suppress(PHONES[2], SuppressionOrigin.CALL)
    suppress_all([PHONES[3]], SuppressionOrigin.ORGANISER)
    db.session.commit()
    db.session.refresh(contact)
    assert contact.suppressed_at is not None
    assert (first.numbers, count_numbers_to_lift(first)) == (4, 1)

    take_back(first)
    assert suppressed_among(PHONES) == set(PHONES[1:4])
    db.session.refresh(contact)
    assert contact.suppressed_at is None
    assert (first.state, first.lifted_numbers, first.lifted_reason) == ("lifted", 1, "misread")

    take_back(second)
    assert suppressed_among(PHONES) == set(PHONES[2:4])


@pytest.mark.usefixtures("in_app")
def test_a_batch_is_taken_back_once() -> None:
    batch = make_batch()
    suppress_batch(PHONES, batch)
    take_back(batch)
    with pytest.raises(ConflictError):
        begin_lifting(batch.id, "misread", None)


@pytest.mark.usefixtures("in_app")
def test_a_list_does_not_say_that_people_asked_not_to_be_called() -> None:
    assert batch_for_list(create_list(create_campaign())).reason == "other"


@pytest.mark.usefixtures("in_app")
def test_an_entry_by_a_person_is_what_is_shown() -> None:
    suppress_batch(PHONES[:1], make_batch())
    suppress(PHONES[0], SuppressionOrigin.ORGANISER, "deceased")
    entry = db.session.get_one(Suppression, PHONES[0], populate_existing=True)
    assert (entry.source, entry.reason, entry.entered_singly) == (
        SuppressionOrigin.ORGANISER,
        "deceased",
        True,
    )


SAYS = st.lists(
    st.sampled_from(["call", "organiser", "batch 0", "batch 1", "undo", "back 0", "lift"])
)


@settings(max_examples=40, deadline=None)
@given(says=SAYS)
def test_a_number_is_on_the_list_while_anything_names_it(app: Flask, says: list[str]) -> None:
    """In any order in which a call, an organiser and two files name it and take it back."""
    phone = PHONES[5]
    with app.app_context():
        call = open_call(create_contact(create_list(create_campaign()), phone=phone))
        db.session.commit()
        batches = [make_batch(), make_batch(SuppressionOrigin.ORGANISER)]
        saying: set[str] = set()
        for what in says:
            match what.split():
                case ["call"] if "call" not in saying:
                    suppress(phone, SuppressionOrigin.CALL, call_id=call.id)
                    saying.add("call")
                case ["organiser"]:
                    suppress(phone, SuppressionOrigin.ORGANISER)
                    saying.add("organiser")
                case ["batch", n] if batches[int(n)].state == BatchState.ENTERED:
                    suppress_batch([phone], batches[int(n)])
                    saying.add(what)
                case ["back", n] if batches[int(n)].state == BatchState.ENTERED:
                    take_back(batches[int(n)])
                    saying.discard(f"batch {n}")
                case ["undo"]:
                    lift_of_call(call.id)
                    saying.discard("call")
                case ["lift"]:
                    lift(phone)
                    saying.clear()
            assert is_suppressed(phone) is bool(saying), (what, saying)
        db.session.rollback()
        db.session.execute(delete(Suppression).where(Suppression.phone == phone))
        db.session.execute(delete(Call).where(Call.id == call.id))
        db.session.commit()


def test_who_names_a_number_while_it_is_lifted_keeps_it_on_the_list(
    app: Flask, clean_stores: None
) -> None:
    with app.app_context():
        first, second = make_batch(), make_batch()
        suppress_batch(PHONES, first)
        db.session.commit()
        first_id, second_id = first.id, second.id
    together = threading.Barrier(2)

    def lift_first() -> None:
        with app.app_context():
            begin_lifting(first_id, "misread", None)
            db.session.commit()
            together.wait()
            lift_batch(first_id)

    def name_them_too() -> None:
        with app.app_context():
            batch = db.session.get_one(SuppressionBatch, second_id)
            together.wait()
            suppress_batch(PHONES, batch)
            db.session.commit()

    with ThreadPoolExecutor() as both:
        for done in [both.submit(lift_first), both.submit(name_them_too)]:
            done.result()
    with app.app_context():
        assert suppressed_among(PHONES) == set(PHONES)
        contacts = db.session.scalars(select(Contact).where(Contact.phone.in_(PHONES))).all()
        assert all(contact.suppressed_at for contact in contacts)
