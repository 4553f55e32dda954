"""Two transactions wait for each other: the caller's tap is done all the same."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text

from phonebank.calls.claim import claim
from phonebank.core.db import db
from phonebank.models import Call, CallEnding, Caller, CallerState, ContactState
from phonebank.tallies.reconcile import differences
from tests.factories import create_contact, create_party
from tests.phone_bank import PhoneBank, come_in
from tests.signing_in import sign_in

TOUCH_CONTACT = text("UPDATE contact SET created_at = created_at WHERE id = :id")
TOUCH_CALL = text("UPDATE call SET started_at = started_at WHERE id = :id")
TOUCH_CALLER = text("UPDATE caller SET created_at = created_at WHERE id = :id")
# Not asked of pg_stat_activity, which within one transaction always tells the same.
WAITS_FOR_US = text(
    "SELECT count(*) FROM pg_locks WHERE NOT granted"
    " AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
)


@contextmanager
def crossing(first: Any, first_id: object, then: Any, then_id: object) -> Iterator[Callable]:
    """Another who has locked the one row, and once the tap that is given to what this yields waits
    for it, wants the other."""
    with db.engine.connect() as elsewhere, ThreadPoolExecutor() as taps:
        # So that it is the tap's transaction which PostgreSQL takes back.
        elsewhere.execute(text("SET LOCAL deadlock_timeout = '30s'"))
        elsewhere.execute(first, {"id": first_id})

        def cross(tap: Callable, *args: Any, **kwargs: Any) -> Any:
            answer = taps.submit(tap, *args, **kwargs)
            _wait_until_somebody_waits_for(elsewhere)
            elsewhere.execute(then, {"id": then_id})
            elsewhere.commit()
            return answer.result()

        yield cross


def _wait_until_somebody_waits_for(elsewhere: Connection) -> None:
    give_up = time.monotonic() + 20
    while not elsewhere.scalar(WAITS_FOR_US):
        assert time.monotonic() < give_up, "the tap met nobody"
        time.sleep(0.01)


def test_an_outcome_is_recorded_although_it_met_another_in_the_household(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    called, call_id = hold.contact.id, hold.call.id
    other = create_contact(phone_bank.contact_list, phone=hold.call.phone).id
    db.session.commit()
    come_in(client, phone_bank)
    db.session.rollback()
    with crossing(TOUCH_CONTACT, other, TOUCH_CONTACT, called) as cross:
        answer = cross(
            client.post,
            f"/calling/person/{call_id}/outcome?turn=0",
            json={"outcome": "refused", "next": False},
        )
    assert answer.status_code == 200
    assert db.session.get_one(Call, call_id).outcome == "refused"
    assert differences() == []


def test_an_outcome_was_recorded_although_the_claim_after_it_met_another(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    """The answer about the outcome says what the first run did."""
    call_id = claim(phone_bank.sam).call.id
    db.session.commit()
    come_in(client, phone_bank)
    next_id = min(c.id for c in phone_bank.contacts if c.id != _held(call_id))
    sam_id = phone_bank.sam.id
    for contact in phone_bank.contacts:
        if contact.id not in (next_id, _held(call_id)):
            contact.state = ContactState.FINISHED
    db.session.commit()
    with crossing(TOUCH_CALLER, sam_id, TOUCH_CONTACT, next_id) as cross:
        answer = cross(
            client.post,
            f"/calling/person/{call_id}/outcome?turn=0",
            json={"outcome": "no_answer"},
            headers={"Accept": "application/json"},
        )
    assert answer.json["changed"] is True
    assert answer.json["person"] is not None
    assert differences() == []


def _held(call_id: object) -> int:
    return db.session.get_one(Call, call_id).contact_id


@pytest.mark.parametrize("who", ["the host", "the caller"])
def test_a_hold_is_taken_away_although_that_met_an_outcome(
    phone_bank: PhoneBank, app: Flask, client: FlaskClient, who: str
) -> None:
    """A host removes a caller, or the caller goes to another party."""
    call_id, sam_id = claim(phone_bank.sam).call.id, phone_bank.sam.id
    elsewhere = create_party(phone_bank.campaign, phone_bank.host, door_open=True)
    db.session.commit()
    if who == "the host":
        # Apart from the test's own app context, as `sign_in` asks.
        with ThreadPoolExecutor() as apart:
            apart.submit(sign_in, client, phone_bank.host.id).result()
        page, data = f"/parties/{phone_bank.party.id}/callers/{sam_id}/remove", {}
    else:
        come_in(client, phone_bank)
        page, data = f"/join/{elsewhere.code}", {"first_name": "Sam"}
    elsewhere_id = elsewhere.id
    db.session.rollback()
    with crossing(TOUCH_CALL, call_id, TOUCH_CALLER, sam_id) as cross:
        answer = cross(client.post, page, data=data)
    assert answer.status_code == 303
    assert db.session.get_one(Call, call_id).ending == CallEnding.TAKEN_AWAY
    sam = db.session.get_one(Caller, sam_id)
    assert (
        (sam.state == CallerState.REMOVED) if who == "the host" else (sam.party_id == elsewhere_id)
    )
