"""Outcomes, answers and undo, as callers, boards and the people rung would notice them."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from redis import Redis
from sqlalchemy import select

from callers.views.page_data import last_calls
from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import current_hold, release_hold
from phonebank.calls.record import record
from phonebank.calls.undo import last_recorded_id, undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.core.db import db
from phonebank.core.errors import ConflictError, HoldLostError, InvalidInputError, NotFoundError
from phonebank.models import (
    Call,
    Caller,
    Contact,
    ContactState,
    Suppression,
    SuppressionOrigin,
    Tally,
)
from phonebank.scripts.versions import script_of
from phonebank.suppressions.entries import is_suppressed, lift, suppress, suppress_all
from phonebank.tallies.reconcile import differences, recount_tallies, repair
from phonebank.tallies.totals import Totals, caller_totals, campaign_totals, party_totals
from scripts_library.engine import path
from scripts_library.library import source_of
from tests.conftest import NO_REDIS
from tests.factories import create_campaign, create_contact, create_list, create_script
from tests.phone_bank import PhoneBank

TWO_YESES = """
slug: two-yeses
language: en
title: Two yeses
purpose: To try out.
provenance: Written for this test.
licence: CC0-1.0
identification: This is {{ caller_name }} for {{ on_behalf_of }}.
main_question: vote
yes: {vote: ["yes"], help: ["yes"]}
steps:
  - {id: vote, kind: question, title: Vote, words: Will you vote?, answer: choice,
     choices: [{key: "yes", label: Yes}, {key: "no", label: No}], next: help}
  - {id: help, kind: question, title: Help, words: Will you help?, answer: choice,
     choices: [{key: "yes", label: Yes}, {key: "no", label: No}], next: end}
  - {id: end, kind: close, title: End, words: Goodbye.}
"""


def counts(totals: Totals) -> tuple[int, int, int, int]:
    return totals.calls, totals.reached, totals.conversations, totals.yeses


def ring(bank: PhoneBank, outcome: str, caller=None, **values):
    caller = caller or bank.sam
    hold = claim(caller)
    db.session.commit()
    recorded = record(caller, hold.call.id, outcome, **values)
    db.session.commit()
    return recorded.call


def walk_to(step_id: str, script, caller, call) -> None:
    """Answer the script, always with the first choice, until it stands at this step."""
    while (step := path(script, answers_of(call), {})[-1]).id != step_id:
        save_answer(caller, call.id, step.id, step.choices[0].key if step.choices else None)


def party(bank: PhoneBank) -> Totals:
    return party_totals([bank.party.id])[bank.party.id]


def test_an_outcome_is_on_record_and_on_the_board(phone_bank: PhoneBank) -> None:
    call = ring(phone_bank, "talked")
    assert (call.outcome, call.ending, call.late) == ("talked", "recorded", False)
    assert counts(party(phone_bank)) == (1, 1, 1, 0)
    assert counts(campaign_totals(phone_bank.campaign.id)) == (1, 1, 1, 0)
    assert [c.first_name for c in caller_totals(phone_bank.party.id)] == ["Sam"]
    assert differences() == []


def test_sent_again_it_changes_nothing_whatever_it_says(phone_bank: PhoneBank) -> None:
    call = ring(phone_bank, "no_answer")
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
    assert current_hold(phone_bank.sam).call.outcome is None


def test_an_unknown_outcome_and_an_overlong_note_are_refused(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    with pytest.raises(InvalidInputError, match="danced"):
        record(phone_bank.sam, hold.call.id, "danced")
    with pytest.raises(InvalidInputError, match="2000"):
        record(phone_bank.sam, hold.call.id, "talked", note="x" * 2001)
    assert counts(party(phone_bank)) == (0, 0, 0, 0)


def test_no_answer_rests_the_person(phone_bank: PhoneBank) -> None:
    call = ring(phone_bank, "no_answer")
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
                ring(phone_bank, "no_answer")
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
    call = ring(phone_bank, "do_not_call")
    twin = next(c for c in twins if c.phone == call.phone)
    assert twin.suppressed_at is not None
    assert db.session.get(Suppression, call.phone).source == "call"


def test_who_asked_twice_not_to_be_called_is_not_called_though_one_of_them_is_undone(
    phone_bank: PhoneBank,
) -> None:
    hers, his = phone_bank.contacts[0].phone, phone_bank.contacts[1].phone
    first, second = (
        ring(phone_bank, "do_not_call"),
        ring(phone_bank, "do_not_call", phone_bank.priya),
    )
    assert {first.phone, second.phone} == {hers, his}
    suppress(first.phone, SuppressionOrigin.ORGANISER)
    suppress_all([second.phone], SuppressionOrigin.LIST)
    db.session.commit()
    for caller, call_id in ((phone_bank.sam, first.id), (phone_bank.priya, second.id)):
        with pytest.raises(HoldLostError):
            undo(caller, call_id)
        db.session.rollback()
    assert is_suppressed(hers)
    assert is_suppressed(his)


def test_undo_gives_back_exactly_what_was(phone_bank: PhoneBank) -> None:
    for outcome in ("no_answer", "do_not_call", "talked", "wrong_number", "skipped", "line_fault"):
        hold = claim(phone_bank.sam)
        db.session.commit()
        contact = hold.contact
        before = {c.name: getattr(contact, c.name) for c in Contact.__table__.columns}
        board = counts(party(phone_bank))
        record(phone_bank.sam, hold.call.id, outcome)
        db.session.commit()
        undo(phone_bank.sam, hold.call.id)
        db.session.commit()
        db.session.refresh(contact)
        after = {c.name: getattr(contact, c.name) for c in Contact.__table__.columns}
        assert after == before, outcome
        assert counts(party(phone_bank)) == board
        assert not is_suppressed(hold.call.phone)
        assert current_hold(phone_bank.sam).call.id == hold.call.id
        assert differences() == []


@pytest.mark.parametrize("outcome", ["no_answer", "wrong_number", "do_not_call"])
def test_undo_puts_nobody_on_a_screen_who_is_not_to_be_called(
    phone_bank: PhoneBank, outcome: str
) -> None:
    phone_bank.contacts[0].other_phones = ["+447700900111"]
    call = ring(phone_bank, outcome)
    suppress(call.phone, SuppressionOrigin.ORGANISER)
    db.session.commit()
    with pytest.raises(HoldLostError):
        undo(phone_bank.sam, call.id)
    db.session.rollback()
    assert current_hold(phone_bank.sam) is None


def test_undo_puts_nobody_on_a_screen_another_of_whose_numbers_is_not_to_be_called(
    phone_bank: PhoneBank,
) -> None:
    phone_bank.contacts[0].other_phones = ["+447700900111"]
    call = ring(phone_bank, "wrong_number")
    suppress("+447700900111", SuppressionOrigin.ORGANISER)
    db.session.commit()
    with pytest.raises(HoldLostError):
        undo(phone_bank.sam, call.id)


def test_undoing_a_dead_number_gives_back_the_whole_household(phone_bank: PhoneBank) -> None:
    rung = phone_bank.contacts[0]
    other = create_contact(phone_bank.contact_list, phone=rung.phone, first_name="Zoe")
    settled = create_contact(
        phone_bank.contact_list, phone=rung.phone, name_key="settled", state="finished"
    )
    mobile = "+447700900123"
    has_mobile = create_contact(
        phone_bank.contact_list, phone=rung.phone, name_key="mob", other_phones=[mobile]
    )
    db.session.commit()
    call = ring(phone_bank, "disconnected")
    db.session.expire_all()
    assert (rung.state, other.state) == ("unusable", "unusable")
    assert (has_mobile.state, has_mobile.phone) == ("callable", mobile)
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert (rung.state, other.state, settled.state) == ("callable", "callable", "finished")
    assert (has_mobile.phone, has_mobile.other_phones) == (rung.phone, [mobile])


@pytest.mark.parametrize("since", ["handed out", "uploaded again"])
def test_undoing_a_dead_number_leaves_whoever_is_on_a_screen_or_was_uploaded_again(
    phone_bank: PhoneBank, since: str
) -> None:
    rung, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
    mobile = "+442079460999"
    other = create_contact(
        phone_bank.contact_list, phone=rung.phone, name_key="zoe", other_phones=[mobile]
    )
    db.session.commit()
    call = ring(phone_bank, "disconnected")
    if since == "handed out":
        assert claim(phone_bank.priya).call.phone == mobile
    else:
        create_contact(phone_bank.contact_list, phone=rung.phone, name_key="zoe")
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert (rung.state, other.phone, other.other_phones) == ("callable", mobile, [])


@pytest.mark.parametrize("outcome", ["no_answer", "refused", "wrong_number", "call_back"])
def test_undo_wakes_the_rest_of_the_household(phone_bank: PhoneBank, outcome: str) -> None:
    rung = phone_bank.contacts[0]
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
    others = [
        create_contact(phone_bank.contact_list, phone=rung.phone, callable_at=at, rested_at=rested)
        for at, rested in (
            (datetime.now(UTC) - timedelta(days=1), None),
            (datetime.now(UTC) + timedelta(minutes=5), datetime.now(UTC) - timedelta(hours=9)),
            (datetime.now(UTC) + timedelta(days=30), datetime.now(UTC) + timedelta(days=30)),
        )
    ]
    before = [(other.callable_at, other.rested_at) for other in others]
    db.session.commit()
    call = ring(phone_bank, outcome)
    db.session.expire_all()
    assert [other.callable_at > at for other, (at, _) in zip(others, before, strict=True)] == [
        True,
        True,
        False,
    ]
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert [(other.callable_at, other.rested_at) for other in others] == before


def test_undo_leaves_whoever_of_the_household_was_given_another_time_since(
    phone_bank: PhoneBank,
) -> None:
    rung = phone_bank.contacts[0]
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)
    other = create_contact(phone_bank.contact_list, phone=rung.phone)
    db.session.commit()
    call = ring(phone_bank, "no_answer")
    next_week = datetime.now(UTC) + timedelta(days=7)
    other.callable_at = next_week
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    db.session.expire_all()
    assert other.callable_at == next_week


@pytest.mark.parametrize("hour", [12, 20])
def test_the_longer_rest_of_a_household_counts_also_where_both_end_with_the_next_opening(
    phone_bank: PhoneBank, hour: int
) -> None:
    """Ten minutes before closing both come to the next morning, unless the hours are changed."""
    with time_machine.travel(datetime(2026, 11, 25, hour, 50, tzinfo=UTC)):
        rung, *strangers = phone_bank.contacts
        for stranger in strangers:
            stranger.state = ContactState.FINISHED
        rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
        create_contact(
            phone_bank.contact_list, phone=rung.phone, callable_at=rung.callable_at + timedelta(1)
        )
        db.session.commit()
        ring(phone_bank, "skipped")
        rested_at = rung.rested_at
        ring(phone_bank, "no_answer", phone_bank.priya)
        db.session.refresh(rung)
        assert rung.rested_at > rested_at


@pytest.mark.parametrize("further", [[], ["+442079460999"]])
@pytest.mark.parametrize("outcome", ["no_answer", "disconnected"])
def test_undo_stands_back_once_somebody_else_on_the_number_has_been_rung(
    phone_bank: PhoneBank, outcome: str, further: list[str]
) -> None:
    rung, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
    rung.other_phones = further
    other = create_contact(phone_bank.contact_list, phone=rung.phone)
    db.session.commit()
    skipped = ring(phone_bank, "skipped")
    assert ring(phone_bank, outcome, phone_bank.priya).contact_id == other.id
    left = (rung.state, rung.phone, rung.callable_at)
    with pytest.raises(HoldLostError, match="Someone on their number"):
        undo(phone_bank.sam, skipped.id)
    db.session.rollback()
    assert (rung.state, rung.phone, rung.callable_at) == left
    assert current_hold(phone_bank.sam) is None
    # Once hers is undone, his can be.
    for caller in (phone_bank.priya, phone_bank.sam):
        undo(caller, last_recorded_id(caller))
        release_hold(caller, current_hold(caller).call.id)
        db.session.commit()
    assert skipped.outcome is None


def test_undoing_a_dead_number_leaves_whoever_lost_their_other_number_since(
    phone_bank: PhoneBank,
) -> None:
    rung, neighbour, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
    mobile = neighbour.phone
    other = create_contact(phone_bank.contact_list, phone=rung.phone, other_phones=[mobile])
    neighbour.callable_at = datetime.now(UTC) - timedelta(days=1)
    db.session.commit()
    call = ring(phone_bank, "disconnected")
    assert ring(phone_bank, "disconnected", phone_bank.priya).contact_id == neighbour.id
    assert (other.state, other.phone) == ("unusable", mobile)
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert (rung.state, other.state, other.phone) == ("callable", "unusable", mobile)


def test_undo_gives_the_next_person_back_first(phone_bank: PhoneBank) -> None:
    call = ring(phone_bank, "no_answer")
    following = claim(phone_bank.sam)
    db.session.commit()
    undo(phone_bank.sam, call.id)
    db.session.commit()
    assert current_hold(phone_bank.sam).call.id == call.id
    assert following.call.ending == "given_back"


def test_late_copies_of_an_undo_and_of_what_was_undone_change_nothing(
    phone_bank: PhoneBank,
) -> None:
    call = ring(phone_bank, "do_not_call", turn=0)
    undo(phone_bank.sam, call.id, turn=0)
    db.session.commit()
    assert not record(phone_bank.sam, call.id, "do_not_call", turn=0).changed
    db.session.commit()
    assert current_hold(phone_bank.sam).call.id == call.id
    assert record(phone_bank.sam, call.id, "busy", turn=1).changed
    db.session.commit()
    following = claim(phone_bank.sam)
    db.session.commit()
    undo(phone_bank.sam, call.id, turn=0)
    db.session.commit()
    assert call.outcome == "busy"
    assert current_hold(phone_bank.sam).call.id == following.call.id


def test_a_late_copy_of_an_answer_from_before_the_undo_changes_nothing(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    call = claim(phone_bank.sam).call
    db.session.commit()
    assert save_answer(phone_bank.sam, call.id, "rating_before", "1", turn=0) == 1
    record(phone_bank.sam, call.id, "talked", turn=0)
    undo(phone_bank.sam, call.id, turn=0)
    assert save_answer(phone_bank.sam, call.id, "rating_before", "8", turn=1) == 8
    assert save_answer(phone_bank.sam, call.id, "rating_before", "1", turn=0) == 8
    assert answers_of(call)["rating_before"] == 8


def test_a_late_copy_of_an_answer_that_was_changed_since_changes_nothing(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    call = claim(phone_bank.sam).call
    db.session.commit()

    def answer(raw: str, seq: int | None) -> int:
        return save_answer(phone_bank.sam, call.id, "rating_before", raw, turn=0, seq=seq)

    assert answer("1", 100) == 1
    assert answer("8", 101) == 8
    assert answer("1", 100) == 8
    assert answer("8", 101) == 8
    assert answer("5", None) == 5  # the plain form
    assert answer("8", 101) == 5
    assert answer("6", 102) == 6
    assert answers_of(call)["rating_before"] == 6


def test_undo_is_for_the_last_call_and_for_a_while(phone_bank: PhoneBank) -> None:
    first, second = ring(phone_bank, "no_answer"), ring(phone_bank, "busy")
    with pytest.raises(ConflictError):
        undo(phone_bank.sam, first.id)
    db.session.rollback()
    with (
        time_machine.travel(datetime.now(UTC) + timedelta(minutes=11)),
        pytest.raises(HoldLostError),
    ):
        undo(phone_bank.sam, second.id)


def test_the_last_call_is_the_last_also_where_an_older_release_recorded_it(
    phone_bank: PhoneBank,
) -> None:
    ring(phone_bank, "no_answer")
    second = claim(phone_bank.sam).call
    db.session.commit()
    handed_out = second.recorded_no  # which an older release leaves as it is
    record(phone_bank.sam, second.id, "busy")
    second.recorded_no = handed_out
    db.session.commit()
    assert last_recorded_id(phone_bank.sam) == second.id


def test_the_last_call_is_the_last_also_where_the_clock_was_set_back(
    phone_bank: PhoneBank,
) -> None:
    for contact in phone_bank.contacts:
        contact.callable_at = datetime.now(UTC) - timedelta(hours=1)
    first = ring(phone_bank, "no_answer")
    with time_machine.travel(datetime.now(UTC) - timedelta(minutes=5)):
        second = ring(phone_bank, "busy")
        assert [call.id for call in last_calls(phone_bank.sam)] == [str(second.id), str(first.id)]
        with pytest.raises(ConflictError):
            undo(phone_bank.sam, first.id)
        db.session.rollback()
        undo(phone_bank.sam, second.id)
        db.session.commit()
    assert current_hold(phone_bank.sam).call.id == second.id


def test_a_late_outcome_counts_when_nobody_rang_since(phone_bank: PhoneBank) -> None:
    hold = claim(phone_bank.sam)
    db.session.commit()
    with time_machine.travel(hold.expires_at + timedelta(seconds=5)):
        expire_holds(phone_bank.campaign)
        call = record(phone_bank.sam, hold.call.id, "refused").call
        db.session.commit()
    assert call.late
    assert call.counted
    assert hold.contact.state == "finished"
    assert counts(party(phone_bank)) == (1, 1, 0, 0)


def test_a_late_outcome_for_a_person_handed_on_is_kept_and_counts_nothing(
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
        assert newer.contact.id == late.contact.id
        record(phone_bank.priya, newer.call.id, "call_back",
               callback_at=datetime.now(UTC) + timedelta(days=1))  # fmt: skip
        db.session.commit()
        promised = newer.contact.callback_at
        call = record(phone_bank.sam, late.call.id, "refused").call
        db.session.commit()
    assert (call.outcome, call.late, call.counted) == ("refused", True, False)
    assert newer.contact.callback_at == promised
    assert newer.contact.state == "callable"
    assert counts(party(phone_bank)) == (1, 1, 0, 0)
    assert differences() == []


def test_a_late_wrong_number_costs_nobody_a_number_it_was_not_about(
    phone_bank: PhoneBank,
) -> None:
    rung, *strangers = phone_bank.contacts
    for stranger in strangers:
        stranger.state = ContactState.FINISHED
    rung.callable_at = datetime.now(UTC) - timedelta(days=2)  # the foremost
    rung.other_phones = ["+442079460999", "+442079460998"]
    other = create_contact(phone_bank.contact_list, phone=rung.phone)
    db.session.commit()
    dark = claim(phone_bank.sam)
    db.session.commit()
    assert dark.contact.id == rung.id
    release_hold(phone_bank.sam, dark.call.id)
    rung.callable_at = datetime.now(UTC) + timedelta(hours=1)
    db.session.commit()
    assert ring(phone_bank, "disconnected", phone_bank.priya).contact_id == other.id
    db.session.refresh(rung)
    assert rung.phone == "+442079460999"
    record(phone_bank.sam, dark.call.id, "wrong_number")
    db.session.commit()
    assert (rung.phone, rung.other_phones) == ("+442079460999", ["+442079460998"])


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
    call = ring(phone_bank, "call_back", callback_at=tomorrow)
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
    call = ring(phone_bank, "language_barrier", language="cy")
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
    ring(phone_bank, "wrong_number")
    assert (contact.phone, contact.state) == ("+442079460999", "callable")
    db.session.commit()
    contact.callable_at = datetime.now(UTC) - timedelta(seconds=1)
    db.session.commit()
    ring(phone_bank, "wrong_number")
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


def test_answers_are_kept_as_given_and_decide_what_is_a_conversation(
    phone_bank: PhoneBank,
) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    script = script_of(hold.call.script_version_id)
    rating = script.first_rating
    assert script.main_question == rating
    with pytest.raises(InvalidInputError):
        save_answer(phone_bank.sam, hold.call.id, rating, "eleven")
    with pytest.raises(InvalidInputError):
        save_answer(phone_bank.sam, hold.call.id, "no-such-step", "1")
    walk_to(rating, script, phone_bank.sam, hold.call)
    assert save_answer(phone_bank.sam, hold.call.id, rating, "4") == 4
    assert save_answer(phone_bank.sam, hold.call.id, rating, "5") == 5
    db.session.commit()
    call = record(phone_bank.sam, hold.call.id, "partial").call
    db.session.commit()
    assert call.conversation
    assert answers_of(call)[rating] == 5
    with pytest.raises(ConflictError):
        save_answer(phone_bank.sam, hold.call.id, rating, "6")


def test_answers_without_anybody_who_answered_are_no_conversation(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    script = script_of(hold.call.script_version_id)
    walk_to(script.first_rating, script, phone_bank.sam, hold.call)
    save_answer(phone_bank.sam, hold.call.id, script.first_rating, "5")
    call = record(phone_bank.sam, hold.call.id, "no_answer").call
    db.session.commit()
    assert (call.reached, call.conversation) == (False, False)
    assert counts(party(phone_bank)) == (1, 0, 0, 0)


def test_two_yeses_in_one_call_are_one(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, TWO_YESES)
    db.session.commit()
    hold = claim(phone_bank.sam)
    for step in ("vote", "help"):
        save_answer(phone_bank.sam, hold.call.id, step, "yes")
    record(phone_bank.sam, hold.call.id, "talked")
    db.session.commit()
    assert counts(party(phone_bank)) == (1, 1, 1, 1)


def test_an_answer_on_a_way_that_was_left_is_no_conversation(phone_bank: PhoneBank) -> None:
    create_script(phone_bank.campaign, source_of("persuasive-conversation", "en"))
    db.session.commit()
    hold = claim(phone_bank.sam)
    db.session.commit()
    script = script_of(hold.call.script_version_id)
    opening, rating = script.steps[0], script.first_rating
    walk_to(rating, script, phone_bank.sam, hold.call)
    save_answer(phone_bank.sam, hold.call.id, rating, "5")
    leads_away = next(
        choice.key
        for choice in opening.choices
        if rating
        not in {s.id for s in path(script, answers_of(hold.call) | {opening.id: choice.key}, {})}
    )
    save_answer(phone_bank.sam, hold.call.id, opening.id, leads_away)
    db.session.commit()
    call = record(phone_bank.sam, hold.call.id, "bad_time").call
    assert not call.conversation
    assert answers_of(call)[rating] == 5  # kept all the same


def test_a_skip_is_no_call(phone_bank: PhoneBank) -> None:
    call = ring(phone_bank, "skipped")
    assert counts(party(phone_bank)) == (0, 0, 0, 0)
    assert db.session.get_one(Contact, call.contact_id).attempts == 0


def test_a_tally_is_one_caller_in_one_party_in_one_hour(phone_bank: PhoneBank) -> None:
    on_the_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    for minutes, caller in ((1, "sam"), (59, "sam"), (59, "priya"), (61, "sam")):
        with time_machine.travel(on_the_hour + timedelta(minutes=minutes), tick=False):
            ring(phone_bank, "no_answer", getattr(phone_bank, caller))
    rows = db.session.scalars(select(Tally).order_by(Tally.hour, Tally.caller_id))
    hours = [on_the_hour, on_the_hour, on_the_hour + timedelta(hours=1)]
    callers = [phone_bank.sam.id, phone_bank.priya.id, phone_bank.sam.id]
    assert [(row.hour, row.caller_id, row.party_id, row.calls) for row in rows] == [
        (hour, caller_id, phone_bank.party.id, calls)
        for hour, caller_id, calls in zip(hours, callers, (2, 1, 1), strict=True)
    ]


def test_a_tally_that_differs_is_found_and_repaired(phone_bank: PhoneBank) -> None:
    for outcome in ("talked", "no_answer", "refused"):
        ring(phone_bank, outcome)
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
