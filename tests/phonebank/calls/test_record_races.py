"""Outcomes that are recorded at the same moment as another outcome, or as another change between
their reading and their writing."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from phonebank.calls import record as recording
from phonebank.calls.answers import save_answer
from phonebank.calls.call_rows import write_rows
from phonebank.calls.claim import claim
from phonebank.calls.hold import release_hold, renew_hold
from phonebank.calls.household import switch_contact
from phonebank.calls.last_call import LastCall
from phonebank.calls.record import RecordResult, record
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import autocommit, db
from phonebank.models import Call, Caller, Contact, ContactState
from phonebank.rules.outcomes import NOT_AN_ATTEMPT, OUTCOMES
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals
from tests.at_once import at_once
from tests.factories import create_caller, create_contact, create_script
from tests.phone_bank import PhoneBank, call_of, come_in
from tests.phonebank.calls.test_answers import TWO_YESES
from tests.phonebank.calls.test_claim_after_waiting import asked
from tests.phonebank.core.test_db import sent_to_postgresql

__all__ = ["asked"]  # a fixture

Meanwhile = Callable[[Callable[[], object]], None]


@pytest.fixture
def meanwhile(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Meanwhile]:
    """Takes what another request does and commits just before the next outcome is written."""
    waiting: list[Callable[[], object]] = []

    def write(*args: Any) -> LastCall | None:
        if waiting:
            act = waiting.pop()
            with app.app_context():
                act()
                db.session.commit()
        return write_rows(*args)

    monkeypatch.setattr(recording, "write_rows", write)
    yield waiting.append
    assert waiting == []


@pytest.fixture(params=["one statement", "in a transaction"])
def record_and_commit(request: pytest.FixtureRequest) -> Callable[..., RecordResult]:
    def act(*args: Any, **kwargs: Any) -> RecordResult:
        result = record(*args, **kwargs)
        db.session.commit()
        return result

    return autocommit(act) if request.param == "one statement" else act


def caller_again(caller_id: int) -> Caller:
    return db.session.get_one(Caller, caller_id)


def open_call(bank: PhoneBank) -> Call:
    call = call_of(claim(bank.sam))
    db.session.commit()
    return call


def test_a_change_of_the_contact_between_reading_and_writing_counts_too(
    phone_bank: PhoneBank, meanwhile: Meanwhile, record_and_commit: Callable[..., RecordResult]
) -> None:
    call = open_call(phone_bank)
    contact_id = call.contact_id

    def attempt() -> None:
        db.session.get_one(Contact, contact_id).attempts += 1

    meanwhile(attempt)
    assert record_and_commit(phone_bank.sam, call.id, "no_answer").changed
    db.session.expire_all()
    contact = db.session.get_one(Contact, contact_id)
    assert (contact.attempts, contact.last_outcome) == (2, "no_answer")
    assert differences() == []


def test_a_renewal_between_reading_and_writing_keeps_nobody_from_recording(
    phone_bank: PhoneBank, meanwhile: Meanwhile, record_and_commit: Callable[..., RecordResult]
) -> None:
    call = open_call(phone_bank)
    call_id, sam_id = call.id, phone_bank.sam.id
    call.expires_at -= timedelta(minutes=2)
    db.session.commit()
    meanwhile(lambda: renew_hold(caller_again(sam_id), call_id))
    assert record_and_commit(phone_bank.sam, call_id, "busy").changed
    db.session.expire_all()
    assert (call.outcome, call.ending, call.late) == ("busy", "recorded", False)
    assert redis_queue_of(call.campaign_id).held_count() == 0


def test_an_answer_between_reading_and_writing_makes_the_conversation(
    phone_bank: PhoneBank, meanwhile: Meanwhile, record_and_commit: Callable[..., RecordResult]
) -> None:
    create_script(phone_bank.campaign, TWO_YESES)
    db.session.commit()
    call_id, sam_id = open_call(phone_bank).id, phone_bank.sam.id
    meanwhile(lambda: save_answer(caller_again(sam_id), call_id, "vote", "yes"))
    record_and_commit(phone_bank.sam, call_id, "talked")
    totals = campaign_totals(phone_bank.campaign.id)
    assert (totals.calls, totals.conversations, totals.yeses) == (1, 1, 1)


def test_a_hold_that_ends_between_reading_and_writing_makes_the_outcome_late(
    phone_bank: PhoneBank, meanwhile: Meanwhile, record_and_commit: Callable[..., RecordResult]
) -> None:
    """Another caller has got the contact in the meantime, so the outcome is in no total."""
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    call = open_call(phone_bank)
    call_id, sam_id, priya_id = call.id, phone_bank.sam.id, phone_bank.priya.id

    def pass_on() -> None:
        release_hold(caller_again(sam_id), call_id)
        db.session.commit()
        claim(caller_again(priya_id))

    meanwhile(pass_on)
    record_and_commit(phone_bank.sam, call_id, "refused")
    db.session.expire_all()
    assert (call.outcome, call.ending, call.late, call.counted) == (
        "refused", "given_back", True, False
    )  # fmt: skip
    assert db.session.get_one(Contact, call.contact_id).state == ContactState.CALLABLE
    assert differences() == []


def test_the_person_who_came_to_the_phone_last_is_recorded(
    phone_bank: PhoneBank, meanwhile: Meanwhile, record_and_commit: Callable[..., RecordResult]
) -> None:
    call = open_call(phone_bank)
    other = create_contact(phone_bank.contact_list, phone=call.phone)
    call.household = [other.id]
    db.session.commit()
    first, second, call_id, sam_id = call.contact_id, other.id, call.id, phone_bank.sam.id
    meanwhile(lambda: switch_contact(caller_again(sam_id), call_id, second))
    record_and_commit(phone_bank.sam, call_id, "refused")
    db.session.expire_all()
    assert db.session.get_one(Contact, second).state == ContactState.FINISHED
    assert db.session.get_one(Contact, first).state == ContactState.CALLABLE


def test_every_outcome_sent_six_times_at_once_changes_one_call_once(
    phone_bank: PhoneBank, app: Flask
) -> None:
    calls = []
    more = ("no_answer", "answerphone", "busy", "talked", "refused", "call_back")
    for outcome in (*OUTCOMES, *more):
        caller = create_caller(phone_bank.campaign, phone_bank.party)
        create_contact(phone_bank.contact_list)
        db.session.commit()
        phones = [app.test_client() for _ in range(6)]
        for phone in phones:
            come_in(phone, phone_bank, caller)
        calls.append((outcome, claim(caller).call.id, phones))
        db.session.commit()

    def send(outcome: str, call_id: uuid.UUID, phone: FlaskClient) -> bool:
        answer = phone.post(
            f"/calling/person/{call_id}/outcome?turn=0",
            json={"outcome": outcome, "next": False},
            headers={"Accept": "application/json"},
        )
        assert answer.json["outcome"] == outcome
        return bool(answer.json["changed"])

    for outcome, call_id, phones in calls:
        changed = at_once(*(partial(send, outcome, call_id, phone) for phone in phones))
        assert sorted(changed) == [False] * 5 + [True], outcome
    attempts = sum(outcome not in NOT_AN_ATTEMPT for outcome, *_ in calls)
    assert campaign_totals(phone_bank.campaign.id).calls == attempts
    assert differences() == []
    tried = db.session.scalars(select(Contact.attempts).where(Contact.last_outcome.is_not(None)))
    assert sum(tried) == attempts
    assert redis_queue_of(phone_bank.campaign.id).held_count() == 0


def test_an_outcome_asks_no_more_than_it_needs(
    phone_bank: PhoneBank, client: FlaskClient, asked: list[str]
) -> None:
    come_in(client, phone_bank)
    call_id = open_call(phone_bank).id
    client.post(f"/calling/person/{call_id}/renew")  # the process reads campaign and party once
    db.session.rollback()
    asked.clear()
    address = f"/calling/person/{call_id}/outcome?turn=0"
    messages = sent_to_postgresql(
        lambda: client.post(address, json={"outcome": "busy", "next": False})
    )
    # Who asks and how things stand; write; then free the contact and mark the board in one message.
    assert asked == ["SELECT", "WITH", "EVAL SET"]
    assert not {"BEGIN", "COMMIT", "ROLLBACK"} & set(messages)
    assert differences() == []
