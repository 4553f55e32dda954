"""Undo: which contacts go, which stay, and what a second upload finds."""

import threading
from collections.abc import Callable

import pytest
import time_machine
from sqlalchemy import select, text

from phonebank.core.db import db
from phonebank.core.jobs import enqueue
from phonebank.lists import imports, undo
from phonebank.lists.jobs import undo_import
from phonebank.lists.uploads import chunks_of
from phonebank.models import Call, Campaign, Contact, ContactList, RefusedRow, Suppression, now
from phonebank.suppressions import batches
from phonebank.suppressions.entries import suppress
from tests.factories import create_caller, drama_number
from tests.phonebank.lists.upload_desk import Desk, rows


def call_to(contact: Contact) -> Call:
    """An open call, as a claim writes it."""
    campaign = db.session.get_one(Campaign, contact.campaign_id)
    return Call(
        campaign_id=campaign.id,
        contact_id=contact.id,
        caller_id=create_caller(campaign).id,
        phone=contact.phone,
        expires_at=now(),
    )


def call(desk: Desk, number: int) -> None:
    with desk.app.app_context():
        contact = db.session.scalars(
            select(Contact).where(Contact.phone == drama_number(number))
        ).one()
        contact.attempts, contact.tried, contact.last_outcome = 1, True, "no_answer"
        db.session.add(call_to(contact))
        db.session.commit()


def undo_list(desk: Desk, list_id: int) -> None:
    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        enqueue(undo_import, list_id)
    desk.work()


def test_undo_removes_who_was_never_called_and_says_who_cannot_be(desk: Desk) -> None:
    list_id = desk.bring(rows(10) + "Bad,Row,none\n")["id"]
    call(desk, 3)
    call(desk, 4)
    with desk.app.app_context():
        contact_list = db.session.get_one(ContactList, list_id)
        assert undo.preview_undo(contact_list) == (8, 2, 0)

    undo_list(desk, list_id)

    assert [c.phone for c in desk.contacts()] == [drama_number(3), drama_number(4)]
    standing = desk.standing(list_id)
    assert (standing["state"], standing["removed"], standing["rows_stored"]) == ("undone", True, 2)
    assert standing["finished_at"]
    with desk.app.app_context():
        assert db.session.query(Call).count() == 2
        assert db.session.query(RefusedRow).count() == 0


def test_what_was_undone_can_be_uploaded_again_and_calls_are_remembered(desk: Desk) -> None:
    list_id = desk.bring(rows(5))["id"]
    call(desk, 3)
    undo_list(desk, list_id)

    again = desk.bring(rows(5).replace("Voter3,", "VOTER3,"))

    assert (again["rows_stored"], again["rows_duplicate"]) == (5, 0)
    contacts = desk.contacts(again["id"])
    assert len(contacts) == len(desk.contacts()) == 5
    assert [c.attempts for c in contacts] == [0, 0, 0, 1, 0]
    assert contacts[3].last_outcome == "no_answer"
    assert {c.state for c in contacts} == {"callable"}


def test_undo_keeps_what_people_asked_for(desk: Desk) -> None:
    list_id = desk.bring(rows(5))["id"]
    with desk.app.app_context():
        suppress(drama_number(2), "call")
        db.session.commit()

    undo_list(desk, list_id)
    again = desk.bring(rows(5))

    with desk.app.app_context():
        assert db.session.scalars(select(Suppression.phone)).all() == [drama_number(2)]
    assert (again["rows_stored"], again["rows_suppressed"]) == (4, 1)


def test_undo_stops_an_import_that_is_under_way(desk: Desk) -> None:
    list_id = desk.upload(rows(1000))
    desk.confirm(list_id)

    undo_list(desk, list_id)  # its job is behind the import's in the queue

    assert desk.contacts() == []
    standing = desk.standing(list_id)
    assert (standing["state"], standing["rows_read"]) == ("undone", 0)


def test_a_person_claimed_while_the_list_is_undone_keeps_their_call(desk: Desk) -> None:
    list_id = desk.bring(rows(3))["id"]
    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        contact = db.session.scalars(select(Contact).where(Contact.phone == drama_number(1))).one()
        db.session.add(call_to(contact))
        db.session.flush()  # the claim is not committed yet

        def run() -> None:
            with desk.app.app_context():
                undo_import(list_id)

        undoing = threading.Thread(target=run)
        undoing.start()
        waits_for_us = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with db.engine.connect() as other:
            while not other.scalar(waits_for_us) and undoing.is_alive():
                other.rollback()
        db.session.commit()
        undoing.join()

    assert [c.phone for c in desk.contacts()] == [drama_number(1)]
    with desk.app.app_context():
        assert db.session.query(Call).count() == 1


def test_an_undone_list_s_file_is_forgotten(desk: Desk) -> None:
    list_id = desk.upload(rows(3))
    desk.confirm(list_id)
    undo_list(desk, list_id)
    with desk.app.app_context():
        contact_list = db.session.get_one(ContactList, list_id)
        assert list(chunks_of(contact_list.id)) == []


def test_undo_lifts_what_the_upload_suppressed_and_the_corrected_file_goes_in(desk: Desk) -> None:
    wrong = "First name,Phone,TPS\nAda,020 7946 0001,x\nBo,020 7946 0002,x\nCy,020 7946 0003,x\n"
    list_id = desk.bring(wrong)["id"]
    with desk.app.app_context():
        suppress(drama_number(2), "call")  # they have asked a caller as well
        db.session.commit()

    with desk.app.app_context():
        undo.begin_undo(db.session.get_one(ContactList, list_id), "misread", desk.account_id)
        db.session.commit()
        enqueue(undo_import, list_id)
    desk.work()

    with desk.app.app_context():
        assert db.session.scalars(select(Suppression.phone)).all() == [drama_number(2)]
        batch = undo.suppression_batch_of(db.session.get_one(ContactList, list_id))
        assert batch is not None
        assert (batch.lifted_reason, batch.lifted_by_id) == ("misread", desk.account_id)
        assert (batch.numbers, batch.lifted_numbers) == (3, 2)
    desk.bring(wrong.replace(",x", ",no"))
    assert [contact.phone for contact in desk.contacts()] == [drama_number(1), drama_number(3)]


def test_a_long_undo_is_not_begun_a_second_time_while_it_makes_progress(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = "First name,Phone,TPS\n" + "".join(
        f"Voter{n},{drama_number(n)},{'x' if n % 2 else 'no'}\n" for n in range(8)
    )
    list_id = desk.bring(file)["id"]
    began_again: list[int] = []
    with desk.app.app_context(), time_machine.travel(now(), tick=False) as clock:
        undo.begin_undo(db.session.get_one(ContactList, list_id))
        db.session.commit()
        lift, remove = undo.lift_numbers, undo.delete_uncalled_contacts

        def after_three_minutes(portion: Callable[[int], int]) -> Callable[[int], int]:
            def look_and_undo(contact_list_id: int) -> int:
                done = portion(contact_list_id)
                db.session.commit()
                began_again.extend(imports.stalled_undos())
                db.session.commit()
                clock.shift(1.5 * imports.STALLED_AFTER)
                return done

            return look_and_undo

        monkeypatch.setattr(undo, "AT_ONCE", 1)
        monkeypatch.setattr(batches, "AT_ONCE", 1)
        monkeypatch.setattr(undo, "lift_numbers", after_three_minutes(lift))
        monkeypatch.setattr(undo, "delete_uncalled_contacts", after_three_minutes(remove))
        undo_import(list_id)
        standing = desk.standing(list_id)
        assert standing["finished_at"] - standing["created_at"] > 10 * imports.STALLED_AFTER
    assert began_again == []
