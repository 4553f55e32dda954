"""Outcomes, as callers, boards and the people who were called would notice them."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from redis import Redis
from sqlalchemy import select, text

from phonebank.calls.answers import save_answer
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold, release_hold
from phonebank.calls.last_call import last_call_of
from phonebank.calls.record import record
from phonebank.calls.undo import CannotUndoError, undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError, NotFoundError
from phonebank.models import (
    Call,
    Caller,
    Contact,
    ContactState,
    Suppression,
    SuppressionOrigin,
    Tally,
    now,
)
from phonebank.suppressions.entries import is_suppressed, lift, suppress, suppress_all
from phonebank.tallies.reconcile import differences, recount_tallies, repair
from phonebank.tallies.totals import caller_totals, campaign_totals
from tests.conftest import NO_REDIS
from tests.factories import create_campaign, create_contact, create_list
from tests.phone_bank import PhoneBank, call_of, contact_of
from tests.phonebank.calls.recorded_calls import counts, party, record_call, recorded


def test_an_outcome_is_on_record_and_on_the_board(phone_bank: PhoneBank) -> None:
    call = record_call(phone_bank, "talked")
    assert (call.outcome, call.ending, call.late) == ("talked", "recorded", False)
    assert counts(party(phone_bank)) == (1, 1, 1, 0)
    assert counts(campaign_totals(phone_bank.campaign.id)) == (1, 1, 1, 0)
    assert [c.first_name for c in caller_totals(phone_bank.party.id)] == ["Sam"]
    assert differences() == []


def test_the_page_after_it_shows_the_totals_that_are_stored(phone_bank: PhoneBank) -> None:
    """Recording returns them, so that the page need not read them."""
    for outcome in ("no_answer", "talked", "skipped", "call_back"):
        call_id = claim(phone_bank.sam).call.id
        db.session.commit()
        at = now() + timedelta(days=1) if outcome == "call_back" else None
        recorded = record(phone_bank.sam, call_id, outcome, callback_at=at)
        db.session.commit()
        assert recorded.last == last_call_of(phone_bank.sam.id, phone_bank.party.id)
    assert recorded.last
    assert (recorded.last.calls, recorded.last.conversations, recorded.last.team) == (3, 1, 1)


def test_postgresql_keeps_the_plans_of_a_cycle(phone_bank: PhoneBank) -> None:
    """Planning a statement takes longer than executing it."""
    for _ in range(12):
        create_contact(phone_bank.contact_list)
    db.session.commit()
    with db.engine.connect():  # the session gets another connection, on which nothing is planned
        for _ in range(12):
            record(phone_bank.sam, claim(phone_bank.sam, has_no_hold=True).call.id, "no_answer")
        plans = db.session.execute(
            text("SELECT statement, generic_plans FROM pg_prepared_statements")
        ).all()
    kept = [row.statement for row in plans if row.generic_plans]
    for words in ("SELECT CAST(call.xmin", "WITH locked AS", "AS called_elsewhere", "unchanged AS"):
        assert any(words in statement for statement in kept), words


def test_sent_again_it_changes_nothing_whatever_it_says(phone_bank: PhoneBank) -> None:
    call = record_call(phone_bank, "no_answer")
    before = party(phone_bank)
    for outcome in ("no_answer", "talked", "do_not_call"):
        assert not record(phone_bank.sam, call.id, outcome).changed
        db.session.commit()
    assert call.outcome == "no_answer"
    assert party(phone_bank) == before
    assert not is_suppressed(call.phone)


def test_somebody_elses_call_cannot_be_recorded(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    for act in (
        lambda: record(phone_bank.priya, hold.call.id, "talked"),
        lambda: save_answer(phone_bank.priya, hold.call.id, "opening", "yes"),
        lambda: undo(phone_bank.priya, hold.call.id),
        lambda: record(phone_bank.sam, uuid.uuid4(), "talked"),
    ):
        with pytest.raises(NotFoundError):
            act()
        db.session.rollback()
    assert call_of(current_hold(phone_bank.sam)).outcome is None


def test_an_unknown_outcome_and_an_overlong_note_are_refused(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    with pytest.raises(InvalidInputError, match="danced"):
        record(phone_bank.sam, hold.call.id, "danced")
    with pytest.raises(InvalidInputError, match="2000"):
        record(phone_bank.sam, hold.call.id, "talked", note="x" * 2001)
    assert counts(party(phone_bank)) == (0, 0, 0, 0)


def test_no_answer_makes_the_contact_wait(phone_bank: PhoneBank) -> None:
    call = record_call(phone_bank, "no_answer")
    contact = db.session.get_one(Contact, call.contact_id)
    assert (contact.state, contact.attempts, contact.tried) == ("callable", 1, True)
    assert contact.callable_at > datetime.now(UTC) + timedelta(hours=1)


def test_attempts_come_to_an_end(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    at = datetime.now(UTC)
    for _ in range(20):
        at += timedelta(days=3)
        with time_machine.travel(at):
            try:
                record_call(phone_bank, "no_answer")
            except NobodyToCallError:
                break
    contact = phone_bank.contacts[0]
    assert contact.state == "finished"
    assert 2 <= contact.attempts <= 4  # at most four tries


def test_do_not_call_holds_in_every_campaign_at_once_and_for_later_uploads(
    phone_bank: PhoneBank,
) -> None:
    elsewhere = create_list(create_campaign(name="Another"))
    twins = [create_contact(elsewhere, phone=c.phone) for c in phone_bank.contacts]
    db.session.commit()
    call = record_call(phone_bank, "do_not_call")
    twin = next(c for c in twins if c.phone == call.phone)
    assert twin.suppressed_at is not None
    assert db.session.get(Suppression, call.phone).source == "call"


def test_who_asked_twice_not_to_be_called_is_not_called_though_one_of_them_is_undone(
    phone_bank: PhoneBank,
) -> None:
    hers, his = phone_bank.contacts[0].phone, phone_bank.contacts[1].phone
    first, second = (
        record_call(phone_bank, "do_not_call"),
        record_call(phone_bank, "do_not_call", phone_bank.priya),
    )
    assert {first.phone, second.phone} == {hers, his}
    suppress(first.phone, SuppressionOrigin.ORGANISER)
    suppress_all([second.phone], SuppressionOrigin.LIST)
    db.session.commit()
    for caller, call_id in ((phone_bank.sam, first.id), (phone_bank.priya, second.id)):
        with pytest.raises(CannotUndoError):
            undo(caller, call_id)
        db.session.rollback()
    assert is_suppressed(hers)
    assert is_suppressed(his)


@pytest.mark.parametrize("hour", [12, 20])
def test_the_longer_rest_of_a_household_counts_also_where_both_end_with_the_next_opening(
    phone_bank: PhoneBank, hour: int
) -> None:
    """Ten minutes before closing both come to the next morning, unless the hours are changed."""
    with time_machine.travel(datetime(2026, 11, 25, hour, 50, tzinfo=UTC)):
        called, *strangers = phone_bank.contacts
        for stranger in strangers:
            stranger.state = ContactState.FINISHED
        called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
        create_contact(
            phone_bank.contact_list,
            phone=called.phone,
            callable_at=called.callable_at + timedelta(1),
        )
        db.session.commit()
        record_call(phone_bank, "skipped")
        rested_at = called.rested_at
        record_call(phone_bank, "no_answer", phone_bank.priya)
        db.session.refresh(called)
        assert called.rested_at > rested_at


def test_a_late_outcome_counts_when_nobody_called_since(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    with time_machine.travel(hold.expires_at + timedelta(seconds=5)):
        expire_holds(phone_bank.campaign)
        call = recorded(phone_bank.sam, hold.call.id, "refused")
        db.session.commit()
    assert call.late
    assert call.counted
    assert contact_of(hold).state == "finished"
    assert counts(party(phone_bank)) == (1, 1, 0, 0)


def test_a_late_outcome_for_a_reassigned_contact_is_kept_and_counts_nothing(
    phone_bank: PhoneBank,
) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    late = claim(phone_bank.sam)
    db.session.commit()
    with time_machine.travel(late.expires_at + timedelta(seconds=5)):
        expire_holds(phone_bank.campaign)
        newer = claim(phone_bank.priya)
        db.session.commit()
        assert contact_of(newer).id == late.contact.id
        record(phone_bank.priya, newer.call.id, "call_back",
               callback_at=datetime.now(UTC) + timedelta(days=1))  # fmt: skip
        db.session.commit()
        promised = contact_of(newer).callback_at
        call = recorded(phone_bank.sam, late.call.id, "refused")
        db.session.commit()
    assert (call.outcome, call.late, call.counted) == ("refused", True, False)
    assert contact_of(newer).callback_at == promised
    assert contact_of(newer).state == "callable"
    assert counts(party(phone_bank)) == (1, 1, 0, 0)
    assert differences() == []


def test_a_late_wrong_number_costs_nobody_a_number_it_was_not_about(
    phone_bank: PhoneBank,
) -> None:
    called, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    called.callable_at = datetime.now(UTC) - timedelta(days=2)  # the first
    called.other_phones = ["+442079460999", "+442079460998"]
    other = create_contact(phone_bank.contact_list, phone=called.phone)
    db.session.commit()
    dark = claim(phone_bank.sam)
    db.session.commit()
    assert dark.contact.id == called.id
    release_hold(phone_bank.sam, dark.call.id)
    called.callable_at = datetime.now(UTC) + timedelta(hours=1)
    db.session.commit()
    assert record_call(phone_bank, "disconnected", phone_bank.priya).contact_id == other.id
    db.session.refresh(called)
    assert called.phone == "+442079460999"
    record(phone_bank.sam, dark.call.id, "wrong_number")
    db.session.commit()
    assert (called.phone, called.other_phones) == ("+442079460999", ["+442079460998"])


def test_a_late_do_not_call_holds_all_the_same(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    late = claim(phone_bank.sam)
    db.session.commit()
    with time_machine.travel(late.expires_at + timedelta(seconds=5)):
        expire_holds(phone_bank.campaign)
        newer = claim(phone_bank.priya)
        db.session.commit()
        record(phone_bank.sam, late.call.id, "do_not_call")
        db.session.commit()
    assert is_suppressed(newer.call.phone)


def test_a_callback_is_first_for_the_caller_who_promised_it(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    db.session.commit()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).replace(hour=14, minute=0)
    call = record_call(phone_bank, "call_back", callback_at=tomorrow)
    due = db.session.get_one(Contact, call.contact_id).callback_at
    with time_machine.travel(due + timedelta(minutes=1)):
        with pytest.raises(NobodyToCallError):
            claim(phone_bank.priya)
        db.session.rollback()
        assert claim(phone_bank.sam).contact.id == call.contact_id
        db.session.rollback()
        from phonebank.contact_queue.redis_queue import redis_queue_of

        redis_queue_of(phone_bank.campaign.id).clear()
    with time_machine.travel(due + timedelta(minutes=11)):
        assert claim(phone_bank.priya).contact.id == call.contact_id


def test_another_language_waits_for_a_caller_who_speaks_it(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    phone_bank.priya.languages = ["en", "cy"]
    db.session.commit()
    call = record_call(phone_bank, "language_barrier", language="cy")
    rested = db.session.get_one(Contact, call.contact_id).callable_at
    with time_machine.travel(rested + timedelta(minutes=1)):
        with pytest.raises(NobodyToCallError):
            claim(phone_bank.sam)
        db.session.rollback()
        assert claim(phone_bank.priya).contact.id == call.contact_id


def test_only_a_language_that_was_offered_is_put_down(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    for made_up in ("a:b,c", "<b>", "xx"):
        with pytest.raises(InvalidInputError):
            record(phone_bank.sam, hold.call.id, "language_barrier", language=made_up)
        db.session.rollback()
    assert record(phone_bank.sam, hold.call.id, "language_barrier", language="und").changed


def test_a_break_tapped_while_the_outcome_is_on_its_way_does_not_touch_it(
    phone_bank: PhoneBank, app
) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    caller_id, call_id = phone_bank.sam.id, hold.call.id
    record(phone_bank.sam, call_id, "talked")
    db.session.flush()

    def other_tab() -> None:
        with app.app_context():
            release_hold(db.session.get_one(Caller, caller_id), call_id)
            db.session.commit()

    with ThreadPoolExecutor() as tabs:
        tapped = tabs.submit(other_tab)
        time.sleep(0.5)  # by now it waits for the first tab's transaction
        db.session.commit()
        tapped.result()
    db.session.expire_all()
    assert db.session.get_one(Call, call_id).ending == "recorded"


def test_a_wrong_number_moves_on_to_the_next_number(phone_bank: PhoneBank) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    contact = phone_bank.contacts[0]
    contact.other_phones = ["+442079460999"]
    db.session.commit()
    record_call(phone_bank, "wrong_number")
    assert (contact.phone, contact.state) == ("+442079460999", "callable")
    db.session.commit()
    contact.callable_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    record_call(phone_bank, "wrong_number")
    assert contact.state == "unusable"


@pytest.mark.parametrize("further", [[], ["+442079460998"]])
def test_a_further_number_that_is_not_to_be_called_is_theirs_again_once_that_is_lifted(
    phone_bank: PhoneBank, further: list[str]
) -> None:
    for contact in phone_bank.contacts[1:]:
        contact.state = ContactState.FINISHED
    contact, barred = phone_bank.contacts[0], "+442079460999"
    contact.other_phones = [barred, *further]
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    suppress(barred, SuppressionOrigin.ORGANISER)  # while they are on the phone
    record(phone_bank.sam, hold.call.id, "wrong_number")
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(phone_bank.sam)
    lift(barred)
    db.session.commit()
    assert {claim(phone_bank.sam).call.phone, *contact.other_phones} == {barred, *further}


def test_a_skip_is_no_call(phone_bank: PhoneBank) -> None:
    call = record_call(phone_bank, "skipped")
    assert counts(party(phone_bank)) == (0, 0, 0, 0)
    assert db.session.get_one(Contact, call.contact_id).attempts == 0


def test_a_tally_is_one_caller_in_one_party_in_one_hour(phone_bank: PhoneBank) -> None:
    on_the_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    for minutes, caller in ((1, "sam"), (59, "sam"), (59, "priya"), (61, "sam")):
        with time_machine.travel(on_the_hour + timedelta(minutes=minutes), tick=False):
            record_call(phone_bank, "no_answer", getattr(phone_bank, caller))
    rows = db.session.scalars(select(Tally).order_by(Tally.hour, Tally.caller_id))
    hours = [on_the_hour, on_the_hour, on_the_hour + timedelta(hours=1)]
    callers = [phone_bank.sam.id, phone_bank.priya.id, phone_bank.sam.id]
    assert [(row.hour, row.caller_id, row.party_id, row.calls) for row in rows] == [
        (hour, caller_id, phone_bank.party.id, calls)
        for hour, caller_id, calls in zip(hours, callers, (2, 1, 1), strict=True)
    ]


def test_a_tally_that_differs_is_found_and_repaired(phone_bank: PhoneBank) -> None:
    for outcome in ("talked", "no_answer", "refused"):
        record_call(phone_bank, outcome)
    row = db.session.scalars(select(Tally)).one()
    row.calls, row.conversations = 7, 0
    db.session.commit()
    found = differences()
    assert [(d.calls, d.conversations) for d in found] == [(-4, 1)]
    version = party(phone_bank).version
    recount_tallies()
    assert counts(party(phone_bank)) == (3, 2, 1, 0)
    assert party(phone_bank).version > version
    assert differences() == []
    db.session.delete(row)
    db.session.commit()
    repair(differences()[0])
    db.session.commit()
    assert differences() == []


def test_an_outcome_is_saved_while_redis_is_away(phone_bank: PhoneBank, app) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    there = app.extensions["redis"]
    app.extensions["redis"] = Redis.from_url(NO_REDIS)
    try:
        assert record(phone_bank.sam, hold.call.id, "talked").changed
        db.session.commit()
    finally:
        app.extensions["redis"] = there
    assert db.session.get_one(Call, hold.call.id).outcome == "talked"
    assert counts(party(phone_bank)) == (1, 1, 1, 0)
