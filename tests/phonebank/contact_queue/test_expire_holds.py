"""PostgreSQL says when a hold ends; Redis has a copy, which may be wrong, old or gone."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, text

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold, release_hold, renew_hold
from phonebank.calls.household import switch_contact
from phonebank.calls.record import record
from phonebank.calls.undo import undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.contact_queue.hold_copies import correct_hold_copies
from phonebank.contact_queue.holds import release_caller
from phonebank.contact_queue.redis_queue import HeldContact, QueueEntry, redis_queue_of
from phonebank.contact_queue.refill import ensure_built
from phonebank.core.db import db
from phonebank.core.errors import NotFoundError
from phonebank.core.redis import redis_store
from phonebank.models import Call, Caller, Campaign, ContactState, new_id
from phonebank.tallies.reconcile import differences
from tests.phone_bank import PhoneBank, call_of, come_in
from tests.phonebank.calls.recorded_calls import recorded
from tests.phonebank.contact_queue.test_holds_kept import NOON, at, only_one_person
from tests.phonebank.roster.test_remove import meanwhile

JSON = {"Accept": "application/json"}


def claimed(caller: Caller) -> Call:
    call = call_of(claim(caller))
    db.session.commit()
    return call


def renewed(caller: Caller, call_id: uuid.UUID) -> datetime:
    until = renew_hold(caller, call_id)
    db.session.commit()
    return until


def end_in_postgresql(call_id: uuid.UUID) -> datetime:
    return db.session.scalars(select(Call.expires_at).where(Call.id == call_id)).one()


def copied(bank: PhoneBank) -> list[HeldContact]:
    return redis_queue_of(bank.campaign.id).holds()


def test_what_a_renewal_promises_is_written_and_at_most_once_a_minute(
    phone_bank: PhoneBank,
) -> None:
    only_one_person(phone_bank)
    with at(0):
        call_id = claimed(phone_bank.sam).id
    ends = []
    for second in range(10, 600, 10):  # two tabs, or a caller who goes back and forth
        with at(second):
            promised = renewed(phone_bank.sam, call_id)
            ends.append(end_in_postgresql(call_id))
            assert promised == ends[-1]
            assert promised >= NOON + timedelta(seconds=second + 240), (
                "hardly any of a hold is left"
            )
            assert [held.until for held in copied(phone_bank)] == [promised]
    assert len(set(ends)) <= 10


def test_short_holds_are_renewed_in_time_too(phone_bank: PhoneBank) -> None:
    only_one_person(phone_bank)
    phone_bank.campaign.hold_seconds = 20
    db.session.commit()
    with at(0):
        call_id = claimed(phone_bank.sam).id
    for second in range(5, 120, 5):
        with at(second):
            assert expire_holds(phone_bank.campaign) == 0
            renewed(phone_bank.sam, call_id)


def test_a_yes_to_a_renewal_is_never_for_a_hold_that_is_over(phone_bank: PhoneBank) -> None:
    only_one_person(phone_bank)
    longest = phone_bank.campaign.hold_seconds_at_most
    with at(0):
        call_id = claimed(phone_bank.sam).id
    with at(longest - 1):
        assert renewed(phone_bank.sam, call_id) == NOON + timedelta(seconds=longest)
    with at(longest), pytest.raises(NotFoundError):  # holds have not been expired yet
        renew_hold(phone_bank.sam, call_id)


@pytest.mark.parametrize("ended", ["given back", "expired", "taken away", "recorded"])
def test_a_renewal_that_waited_for_the_end_of_its_call_says_no(
    phone_bank: PhoneBank, app: Flask, ended: str
) -> None:
    only_one_person(phone_bank)
    with at(0):
        call_id, caller_id = claimed(phone_bank.sam).id, phone_bank.sam.id
    with at(200):
        if ended == "given back":
            release_hold(phone_bank.sam, call_id)
        elif ended == "taken away":
            release_caller(caller_id)
        elif ended == "recorded":
            record(phone_bank.sam, call_id, "no_answer")
        else:
            db.session.execute(text("UPDATE call SET ended_at = now(), ending = 'expired'"))
        db.session.flush()
        renewing = meanwhile(
            app, lambda: renew_hold(db.session.get_one(Caller, caller_id), call_id)
        )
        db.session.commit()
        with pytest.raises(NotFoundError):
            renewing.result(timeout=10)


def test_an_expiry_that_waited_for_a_renewal_leaves_the_hold(
    phone_bank: PhoneBank, app: Flask
) -> None:
    only_one_person(phone_bank)
    campaign_id = phone_bank.campaign.id
    with at(0):
        call_id = claimed(phone_bank.sam).id
    with at(301):
        renew_hold(phone_bank.sam, call_id)
        expiring = meanwhile(app, lambda: expire_holds(db.session.get_one(Campaign, campaign_id)))
        db.session.commit()
        expiring.result(timeout=10)
    db.session.expire_all()
    assert current_hold(phone_bank.sam).call.id == call_id


def test_an_expiry_ends_a_call_and_not_the_one_that_has_its_contact_by_now(
    phone_bank: PhoneBank,
) -> None:
    only_one_person(phone_bank)
    with at(0):
        first = claimed(phone_bank.sam)
    with at(299):
        release_hold(phone_bank.sam, first.id)
        db.session.commit()
        second = claimed(phone_bank.priya)
        # What Redis still had of the first hold.
        redis_queue_of(phone_bank.campaign.id).copy_holds(
            HeldContact(first.contact_id, first.id, NOON + timedelta(seconds=300))
        )
    with at(310):
        assert expire_holds(phone_bank.campaign) == 0
        correct_hold_copies(phone_bank.campaign)
        assert current_hold(phone_bank.priya).call.id == second.id
        assert [held.call_id for held in copied(phone_bank)] == [second.id]


def test_only_the_call_that_holds_a_contact_frees_it(phone_bank: PhoneBank) -> None:
    call = claimed(phone_bank.sam)
    store = redis_queue_of(phone_bank.campaign.id)
    store.release(call.contact_id, new_id())
    assert list(store.held_until()) == [call.contact_id]
    store.release(call.contact_id, call.id)
    assert store.holds() == []


def test_a_rejected_claim_leaves_the_hold_of_the_call_that_has_the_contact(
    phone_bank: PhoneBank,
) -> None:
    person = only_one_person(phone_bank)
    with at(0):
        call = claimed(phone_bank.sam)
        redis_store().flushdb()
        store = redis_queue_of(phone_bank.campaign.id)
        # Put together from what was read before that call was committed.
        store.add([QueueEntry(person.id, 1.0, person.contact_list_id, "")])
        store.mark_built()
        with pytest.raises(NobodyToCallError):
            claim(phone_bank.priya)
        db.session.rollback()
        assert [held.call_id for held in copied(phone_bank)] == [call.id]


def lose_one(key: str, campaign_id: int) -> None:
    redis_store().delete(f"queue:{{{campaign_id}}}:{key}")


def read_back_an_old_file(_: str, campaign_id: int) -> None:
    """Restart Redis from its file. It then has the data from before the call, and a new run id."""
    store = redis_queue_of(campaign_id)
    redis_store().set(f"queue:{{{campaign_id}}}:built", "0" * 40)
    lose_one("held", campaign_id)
    lose_one("holders", campaign_id)
    contact = db.session.scalars(select(Call.contact_id)).one()
    store.add([QueueEntry(contact, 1.0, 1, "")])
    store.copy_holds(HeldContact(contact + 1, new_id(), NOON + timedelta(days=1)))


@pytest.mark.parametrize(
    ("lose", "what"),
    [
        (lambda *_: redis_store().flushdb(), "everything"),
        *((lose_one, key) for key in ("built", "held", "holders", "lanes", "lanes::")),
        (read_back_an_old_file, ""),
    ],
)
def test_who_renews_keeps_their_person_whatever_redis_loses(
    phone_bank: PhoneBank, lose: Callable[..., object], what: str
) -> None:
    person = only_one_person(phone_bank)
    with at(0):
        call = claimed(phone_bank.sam)
        lose(what, phone_bank.campaign.id)
    for second in range(0, 900, 30):
        with at(second):
            renewed(phone_bank.sam, call.id)
            with pytest.raises(NobodyToCallError):
                claim(phone_bank.priya)
            db.session.rollback()
            expire_holds(phone_bank.campaign)
            correct_hold_copies(phone_bank.campaign)
            true = HeldContact(person.id, call.id, end_in_postgresql(call.id))
            assert copied(phone_bank) == [true]
    with at(900):
        release_hold(phone_bank.sam, call.id)
        db.session.commit()
        assert claimed(phone_bank.priya).contact_id == person.id


def test_a_redis_that_was_started_again_is_not_trusted(phone_bank: PhoneBank) -> None:
    ensure_built(phone_bank.campaign)
    store = redis_queue_of(phone_bank.campaign.id)
    assert store.is_built()
    redis_store().set(f"queue:{{{phone_bank.campaign.id}}}:built", "0" * 40)
    assert not store.is_built()
    claimed(phone_bank.sam)
    assert store.is_built()


def test_another_of_the_household_is_held_as_long_as_was_promised(
    phone_bank: PhoneBank,
) -> None:
    asked_for, other = phone_bank.contacts[:2]
    other.phone = asked_for.phone
    for contact in phone_bank.contacts:
        contact.callable_at = NOON - timedelta(days=1)
        contact.state = (
            ContactState.CALLABLE if contact in (asked_for, other) else ContactState.FINISHED
        )
    db.session.commit()
    with at(0):
        call = claimed(phone_bank.sam)
        reached = other.id if call.contact_id == asked_for.id else asked_for.id
    with at(280):
        until = renewed(phone_bank.sam, call.id)
    with at(310):
        assert switch_contact(phone_bank.sam, call.id, reached).expires_at == until
        db.session.commit()
        assert copied(phone_bank) == [HeldContact(reached, call.id, until)]
        assert expire_holds(phone_bank.campaign) == 0


@pytest.mark.parametrize(("ahead", "lasts"), [(timedelta(seconds=2), 2), (timedelta(hours=-1), 0)])
def test_an_undo_promises_no_less_than_was_promised_before(
    phone_bank: PhoneBank, ahead: timedelta, lasts: int
) -> None:
    """The clock of the machine that claimed is ahead of the clock of the one that undoes."""
    only_one_person(phone_bank)
    hold_seconds = timedelta(seconds=phone_bank.campaign.hold_seconds)
    with at(0):
        call = call_of(claim(phone_bank.sam))
        call.expires_at = NOON + hold_seconds + ahead
        db.session.commit()
        record(phone_bank.sam, call.id, "no_answer")
        db.session.commit()
        undo(phone_bank.sam, call.id)
        db.session.commit()
        assert call.expires_at == NOON + hold_seconds + timedelta(seconds=lasts)


def test_a_page_that_is_reloaded_late_knows_how_long_there_is(
    phone_bank: PhoneBank, client: FlaskClient
) -> None:
    only_one_person(phone_bank)
    with at(0):
        come_in(client, phone_bank)
        call = claimed(phone_bank.sam)
    with at(290):
        renewed(phone_bank.sam, call.id)
    with at(400):
        ends = client.get("/calling/person", headers=JSON).json["person"]["expires_at"]
        assert datetime.fromisoformat(ends) == NOON + timedelta(seconds=590)
        assert '"seconds_left": 190' in client.get("/calling/person").text


def test_a_late_outcome_is_known_for_one_where_two_servers_clocks_differ(
    phone_bank: PhoneBank,
) -> None:
    only_one_person(phone_bank)
    with at(2):  # this server is two seconds ahead
        late = claimed(phone_bank.sam)
        release_hold(phone_bank.sam, late.id)
        db.session.commit()
    with at(1):
        newer = claimed(phone_bank.priya)
        assert newer.started_at < late.started_at
        assert recorded(phone_bank.priya, newer.id, "no_answer").counted
        db.session.commit()
        assert not recorded(phone_bank.sam, late.id, "no_answer").counted
        db.session.commit()
    assert differences() == []


def test_a_late_outcome_counts_nothing_once_they_came_to_the_phone_of_another_call(
    phone_bank: PhoneBank,
) -> None:
    """Sam's contact is released, and comes to the phone in Priya's call to its household."""
    first, second = phone_bank.contacts[:2]
    second.phone = first.phone
    for contact in phone_bank.contacts:
        contact.callable_at = NOON - timedelta(days=1)
        contact.state = ContactState.CALLABLE if contact is first else ContactState.FINISHED
    db.session.commit()
    with at(0):
        of_first = claimed(phone_bank.sam)
        first.state, second.state = ContactState.FINISHED, ContactState.CALLABLE
        release_hold(phone_bank.sam, of_first.id)
        db.session.commit()
        of_second = claimed(phone_bank.priya)
        assert of_second.contact_id == second.id
        first.state = ContactState.CALLABLE
        of_second.household = [first.id]
        db.session.commit()
        switch_contact(phone_bank.priya, of_second.id, first.id)
        db.session.commit()
        assert not recorded(phone_bank.sam, of_first.id, "refused").counted


def test_what_no_call_holds_is_freed_at_once_and_a_claim_on_its_way_is_not(
    phone_bank: PhoneBank,
) -> None:
    contacts = phone_bank.contacts
    call = claimed(phone_bank.sam)
    release_hold(phone_bank.sam, call.id)
    db.session.commit()
    store, until = (
        redis_queue_of(phone_bank.campaign.id),
        datetime.now(UTC) + timedelta(seconds=300),
    )
    over, on_its_way = contacts[1].id, contacts[2].id
    store.copy_holds(HeldContact(over, call.id, until), HeldContact(on_its_way, new_id(), until))
    correct_hold_copies(phone_bank.campaign)
    assert list(store.held_until()) == [on_its_way]
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=6)):
        correct_hold_copies(phone_bank.campaign)
    assert store.holds() == []
