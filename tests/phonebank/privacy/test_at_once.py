"""A person is erased while a caller claims them, or says how their call ended."""

import threading
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select, text, true

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.core.db import db, retry_on_deadlock
from phonebank.core.errors import PhonebankError
from phonebank.models import Account, Call, Caller, Contact
from phonebank.privacy.erase import erase_person
from phonebank.privacy.person import person_of
from phonebank.tallies.reconcile import differences
from tests.factories import create_account, create_contact
from tests.phonebank.exports.room import Room, create_room

ROUNDS = 4


@retry_on_deadlock
def _erase(contact_id: int, account_id: int) -> None:
    person, contacts = person_of(db.session.get_one(Contact, contact_id), true())
    account = db.session.get_one(Account, account_id)
    erase_person(person, [one.id for one in contacts], account, True, ends_calls=True)
    db.session.commit()


def _in_a_thread(
    app: Flask, act: Callable[[], object], faults: list[Exception]
) -> threading.Thread:
    def run() -> None:
        with app.app_context():
            try:
                act()
            except PhonebankError:
                pass  # refused, with a sentence
            except Exception as fault:
                faults.append(fault)

    return threading.Thread(target=run)


@pytest.mark.parametrize("is_called", [False, True])
def test_nothing_of_the_person_is_left_in_either_order(app_context: Flask, is_called: bool) -> None:
    room: Room = create_room()
    account_id = create_account("organiser").id
    db.session.commit()
    for n in range(ROUNDS):
        contact_id = create_contact(room.contact_list, phone=f"+4420794601{n:02d}").id
        db.session.commit()
        caller_id = room.caller.id
        held = claim(room.caller).call.id if is_called else None
        db.session.commit()

        def act(caller_id: int = caller_id, held: uuid.UUID | None = held) -> None:
            caller = db.session.get_one(Caller, caller_id)
            if held is None:
                claim(caller)
            else:
                record(caller, held, "talked", note="Likes marmalade")
            db.session.commit()

        faults: list[Exception] = []
        both = [
            _in_a_thread(app_context, act, faults),
            _in_a_thread(app_context, partial(_erase, contact_id, account_id), faults),
        ]
        for one in both if n % 2 else reversed(both):
            one.start()
        for one in both:
            one.join()
        assert faults == []
        db.session.rollback()
        left = text(
            "SELECT count(*) FROM contact LEFT JOIN call ON call.contact_id = contact.id"
            " WHERE contact.phone <> '' OR call.note <> '' OR call.phone <> ''"
            " OR call.ended_at IS NULL AND call.id IS NOT NULL"
        )
        assert db.session.scalar(left) == 0
        db.session.rollback()
    assert differences() == []
    assert db.session.scalars(select(Call.id)).all() or not is_called
