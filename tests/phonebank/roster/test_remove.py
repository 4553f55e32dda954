"""Tests the moment when a caller is removed, or moved to a lobby, while they claim a contact."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from phonebank.calls.claim import claim
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.core.errors import NotAllowedError
from phonebank.models import Call, CallEnding, Caller, CallerState
from phonebank.roster.remove import remove as remove_caller
from phonebank.roster.remove import remove_anywhere
from tests.phone_bank import PhoneBank


def meanwhile(app: Flask, act: Callable[[], Any]) -> "Future[Any]":
    """Start the act in another transaction, and return when it waits for this one."""

    def elsewhere() -> None:
        with app.app_context():
            act()
            db.session.commit()

    pool = ThreadPoolExecutor()
    done = pool.submit(elsewhere)
    pool.shutdown(wait=False)
    with db.engine.connect() as looking:
        give_up_at = time.monotonic() + 10
        while not looking.scalar(text("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")):
            assert not done.done(), "it did not wait"
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
            looking.rollback()
    return done


def open_calls() -> int:
    return len(db.session.scalars(select(Call).where(Call.ended_at.is_(None))).all())


@pytest.mark.parametrize("state", [CallerState.REMOVED, CallerState.WAITING])
def test_a_caller_removed_before_a_claim_gets_no_contact(
    phone_bank: PhoneBank, app: Flask, state: CallerState
) -> None:
    caller_id, campaign_id = phone_bank.sam.id, phone_bank.campaign.id
    phone_bank.sam.state = state
    db.session.flush()
    # The caller is read before the removal is committed, as at the start of their request.
    claiming = meanwhile(app, lambda: claim(db.session.get_one(Caller, caller_id)))
    db.session.commit()
    with pytest.raises(NotAllowedError):
        claiming.result()
    assert open_calls() == 0
    assert redis_queue_of(campaign_id).held_count() == 0


@pytest.mark.parametrize("state", [CallerState.REMOVED, CallerState.WAITING])
def test_an_undo_brings_no_contact_back_for_a_removed_caller(
    phone_bank: PhoneBank, app: Flask, state: CallerState
) -> None:
    caller_id, campaign_id = phone_bank.sam.id, phone_bank.campaign.id
    call_id = claim(phone_bank.sam).call.id
    record(phone_bank.sam, call_id, "no_answer")
    db.session.commit()
    phone_bank.sam.state = state
    db.session.flush()
    undoing = meanwhile(app, lambda: undo(db.session.get_one(Caller, caller_id), call_id))
    db.session.commit()
    with pytest.raises(NotAllowedError):
        undoing.result()
    assert open_calls() == 0
    assert db.session.get_one(Call, call_id).outcome == "no_answer"
    assert redis_queue_of(campaign_id).held_count() == 0


@pytest.mark.parametrize("undone", [False, True])
@pytest.mark.parametrize("by", ["organiser", "host"])
def test_a_caller_removed_after_a_claim_loses_the_contact(
    phone_bank: PhoneBank, app: Flask, by: str, undone: bool
) -> None:
    caller_id, campaign_id = phone_bank.sam.id, phone_bank.campaign.id
    call_id = claim(phone_bank.sam).call.id
    if undone:
        record(phone_bank.sam, call_id, "no_answer")
        db.session.commit()
        undo(phone_bank.sam, call_id)

    def remove_now() -> None:
        caller = db.session.get_one(Caller, caller_id)
        if by == "host":
            remove_caller(caller)
        else:
            remove_anywhere(caller)

    removing = meanwhile(app, remove_now)
    db.session.commit()
    removing.result()
    assert open_calls() == 0
    assert db.session.get_one(Call, call_id).ending == CallEnding.TAKEN_AWAY
    # The contact is free for the next caller at once, and not only after expired holds are looked
    # for.
    assert redis_queue_of(campaign_id).held_count() == 0
