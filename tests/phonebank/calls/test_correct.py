"""An organiser corrects a call: people, do-not-call list and tallies follow."""

import itertools
import time
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from phonebank.calls import set_aside
from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.correct import Corrected, Correction, correct, version_of
from phonebank.calls.jobs import continue_set_aside
from phonebank.calls.record import record
from phonebank.calls.undo import CannotUndoError, undo
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, InvalidInputError
from phonebank.models import (
    Account,
    AuditEntry,
    Call,
    CallCorrection,
    Contact,
    ContactState,
    Suppression,
    SuppressionOrigin,
    now,
)
from phonebank.rules.outcomes import OUTCOMES
from phonebank.scripts.versions import script_of
from phonebank.suppressions.entries import is_suppressed, lift, suppress
from phonebank.tallies.reconcile import differences
from scripts_library.library import source_of
from tests.at_once import at_once
from tests.factories import create_account, create_contact, create_script
from tests.phone_bank import PhoneBank
from tests.phonebank.calls.recorded_calls import counts, party, record_call, recorded, walk_to

STATUS = [
    "state", "tried", "callable_at", "rested_at", "attempts", "attempts_that_day", "attempts_on",
    "last_outcome", "last_called_at", "callback_at", "other_phones", "language",
]  # fmt: skip


@pytest.fixture
def organiser(phone_bank: PhoneBank) -> Account:
    account = create_account("organiser")
    db.session.commit()
    return account


def put_right(call: Call, account: Account, outcome: str = "", **answers: Any) -> Corrected:
    said = Correction(outcome or call.outcome or "", call.note, answers)
    corrected = correct(call, version_of(call), said, account)
    db.session.commit()
    db.session.expire_all()
    assert not differences()
    return corrected


def status_of(contact_id: int) -> dict[str, Any]:
    contact = db.session.get_one(Contact, contact_id, populate_existing=True)
    return {name: getattr(contact, name) for name in STATUS} | {
        "suppressed": contact.suppressed_at is not None
    }


WAS = itertools.cycle(["no_answer", "do_not_call", "disconnected", "talked", "bad_time"])


def test_a_corrected_call_leaves_everything_as_if_it_had_ended_so(
    phone_bank: PhoneBank, organiser: Account
) -> None:
    people = phone_bank.contact_list
    with time_machine.travel(now(), tick=False):
        for index, (outcome, was) in enumerate(zip(OUTCOMES, WAS, strict=False)):
            pairs = []
            for side, first in enumerate((was, outcome)):
                phone = f"+4411349{60000 + 100 * index + side:05d}"
                further = [f"+4411349{61000 + 1000 * side + index:05d}"]
                pair = [
                    create_contact(people, phone=phone, other_phones=further),
                    create_contact(people, phone=phone),
                ]
                db.session.flush()
                caller = phone_bank.sam
                call = Call(
                    campaign_id=people.campaign_id, contact_id=pair[0].id, caller_id=caller.id,
                    party_id=phone_bank.party.id, phone=phone, expires_at=now(),
                    household=[pair[1].id], started_at=now() - timedelta(minutes=2),
                )  # fmt: skip
                db.session.add(call)
                db.session.commit()
                record(caller, call.id, first)
                db.session.commit()
                pairs.append((pair, call))
            (corrected, call), (as_recorded, other) = pairs
            recorded_at, number = call.recorded_at, call.recorded_no
            put_right(call, organiser, outcome)
            for one, another in zip(corrected, as_recorded, strict=True):
                left, right = status_of(one.id), status_of(another.id)
                if left["other_phones"] and right["other_phones"]:
                    del left["other_phones"], right["other_phones"]
                assert left == right, (was, outcome)
            assert is_suppressed(call.phone) == is_suppressed(other.phone)
            for value in ("outcome", "counted", "reached", "conversation", "yes", "late", "ending"):
                assert getattr(call, value) == getattr(other, value), (was, outcome, value)
            assert (call.recorded_at, call.recorded_no) == (recorded_at, number)


def test_a_corrected_answer_changes_the_totals_and_the_old_one_is_kept(
    phone_bank: PhoneBank, organiser: Account
) -> None:
    version = create_script(phone_bank.campaign, source_of("get-out-the-vote", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    script = script_of(version.id)
    assert script is not None
    call = db.session.get_one(Call, hold.call.id)
    main = script.main_question
    walk_to(main, script, phone_bank.sam, call)
    yes = script.yes[main][0]
    no = next(one.key for one in script.step(main).choices if one.key not in script.yes[main])
    save_answer(phone_bank.sam, call.id, main, yes)
    record(phone_bank.sam, call.id, "talked", note="Loves dogs")
    db.session.commit()
    assert counts(party(phone_bank)) == (1, 1, 1, 1)

    assert put_right(call, organiser, **{main: no}) == Corrected(changed=True)
    assert counts(party(phone_bank)) == (1, 1, 1, 0)
    assert answers_of(call)[main] == no
    assert put_right(call, organiser, **{main: ""}).changed
    assert counts(party(phone_bank)) == (1, 1, 0, 0)
    assert put_right(call, organiser, **{main: ""}) == Corrected(changed=False)
    kept = db.session.query(CallCorrection).order_by(CallCorrection.id).all()
    assert [(one.before, one.after) for one in kept] == [
        ({"answers": {main: yes}}, {"answers": {main: no}}),
        ({"answers": {main: no}}, {"answers": {main: None}}),
    ]
    audited = db.session.query(AuditEntry).first()
    assert audited is not None
    assert audited.action == "call corrected"
    assert audited.after == {"changed": [main]}
    with pytest.raises(InvalidInputError, match="Choose one"):
        put_right(call, organiser, **{main: "nonsense"})


def test_a_correction_of_a_call_that_has_changed_is_refused(
    phone_bank: PhoneBank, organiser: Account
) -> None:
    call = record_call(phone_bank, "no_answer")
    seen = version_of(call)
    put_right(call, organiser, "refused")
    with pytest.raises(ConflictError, match="changed since you opened"):
        correct(call, seen, Correction("talked", ""), organiser)
    db.session.rollback()
    with pytest.raises(CannotUndoError, match="An organiser has corrected"):
        undo(phone_bank.sam, call.id)
    db.session.rollback()
    act = set_aside.begin(phone_bank.sam, organiser, "", now())
    db.session.commit()
    continue_set_aside(act.id, 10)
    db.session.expire_all()
    assert status_of(call.contact_id)["attempts"] == 0
    with pytest.raises(ConflictError, match="set aside"):
        correct(call, version_of(call), Correction("talked", ""), organiser)


def test_of_two_corrections_at_once_one_is_refused(
    app: Flask, phone_bank: PhoneBank, organiser: Account
) -> None:
    call = record_call(phone_bank, "no_answer")
    call_id, account_id, seen = call.id, organiser.id, version_of(call)
    db.session.rollback()

    def correct_to(outcome: str) -> str:
        with app.app_context():
            said = Correction(outcome, "")
            account = db.session.get_one(Account, account_id)
            try:
                correct(db.session.get_one(Call, call_id), seen, said, account)
            except ConflictError:
                return "refused"
            time.sleep(0.1)  # the other one waits for the row
            db.session.commit()
            return outcome

    done = at_once(lambda: correct_to("talked"), lambda: correct_to("moved"))
    assert sorted(done) in (["moved", "refused"], ["refused", "talked"])
    db.session.expire_all()
    assert db.session.get_one(Call, call_id).outcome in done
    assert not differences()
    assert counts(party(phone_bank))[0] == 1


def test_a_person_who_was_called_since_stays_as_they_are(
    phone_bank: PhoneBank, organiser: Account
) -> None:
    call = record_call(phone_bank, "no_answer")
    contact = db.session.get_one(Contact, call.contact_id)
    contact.callable_at = now()
    for other in phone_bank.contacts:
        if other.id != contact.id:
            other.state = ContactState.FINISHED
    db.session.commit()
    hold = claim(phone_bank.priya)
    assert hold.contact.id == contact.id
    db.session.commit()
    before = status_of(contact.id)
    assert put_right(call, organiser, "talked") == Corrected(True, person_stays=True)
    assert status_of(contact.id) == before
    assert counts(party(phone_bank)) == (1, 1, 1, 0)
    # Never again holds from any call.
    put_right(call, organiser, "do_not_call")
    assert is_suppressed(call.phone)
    recorded(phone_bank.priya, hold.call.id, "no_answer")
    db.session.commit()
    put_right(call, organiser, "talked")
    assert not is_suppressed(call.phone)


def test_a_number_stays_on_the_list_if_others_put_it_there_too(
    phone_bank: PhoneBank, organiser: Account
) -> None:
    call = record_call(phone_bank, "do_not_call")
    suppress(call.phone, SuppressionOrigin.ORGANISER)
    db.session.commit()
    put_right(call, organiser, "talked")
    assert is_suppressed(call.phone)
    assert status_of(call.contact_id)["suppressed"]
    # A note corrected later does not put a number on the list again that an organiser has lifted.
    another = record_call(phone_bank, "do_not_call", phone_bank.priya)
    lift(another.phone)
    db.session.commit()
    correct(another, version_of(another), Correction("do_not_call", "A note"), organiser)
    db.session.commit()
    assert db.session.get(Suppression, another.phone) is None
