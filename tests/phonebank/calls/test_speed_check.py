"""Outcomes sooner than a call takes: in every total, in no ranking, shown to organisers only."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask, g

from phonebank.calls.claim import claim
from phonebank.calls.speed_check import fast_callers, is_too_fast
from phonebank.calls.undo import undo
from phonebank.core.db import db
from phonebank.models import Call, Caller, Tally, now
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import party_totals
from tests.factories import create_account
from tests.phone_bank import PhoneBank
from tests.phonebank.calls.recorded_calls import recorded
from tests.signing_in import sign_in

EIGHT = datetime(2026, 1, 13, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "conversation", "too_fast"),
    [
        (0, False, True),
        (2.9, False, True),
        (3, False, False),
        (14.9, True, True),
        (15, True, False),
        (600, True, False),
    ],
)
def test_what_is_too_fast(seconds: float, conversation: bool, too_fast: bool) -> None:
    at = EIGHT + timedelta(seconds=seconds)
    assert is_too_fast(EIGHT, at, conversation) is too_fast


def record_after(caller: Caller, outcome: str, seconds: float) -> Call:
    """A person claimed, and an outcome recorded so many seconds later."""
    at = now()
    with time_machine.travel(at):
        hold = claim(caller)
        db.session.commit()
    with time_machine.travel(at + timedelta(seconds=seconds)):
        call = recorded(caller, hold.call.id, outcome)
        db.session.commit()
    return call


def ranked(bank: PhoneBank) -> int:
    rows = db.session.query(Tally).filter_by(party_id=bank.party.id)
    return sum(row.ranked for row in rows)


def test_a_fast_conversation_counts_and_is_not_ranked(phone_bank: PhoneBank) -> None:
    assert record_after(phone_bank.sam, "talked", 2).too_fast
    assert party_totals([phone_bank.party.id])[phone_bank.party.id].conversations == 1
    assert ranked(phone_bank) == 0
    assert not record_after(phone_bank.sam, "talked", 40).too_fast
    assert ranked(phone_bank) == 1
    assert differences() == []


def test_undone_and_recorded_again_it_is_measured_from_the_claim(
    phone_bank: PhoneBank,
) -> None:
    call = record_after(phone_bank.sam, "talked", 2)
    with time_machine.travel(now() + timedelta(seconds=30)):
        undo(phone_bank.sam, call.id)
        db.session.commit()
        assert not call.too_fast
        assert differences() == []
        assert not recorded(phone_bank.sam, call.id, "talked").too_fast
        db.session.commit()
    assert ranked(phone_bank) == 1
    assert differences() == []


def test_passing_somebody_on_at_once_is_no_call_and_never_too_fast(phone_bank: PhoneBank) -> None:
    assert not record_after(phone_bank.sam, "skipped", 1).too_fast


def test_the_organiser_is_told_quietly_of_several(phone_bank: PhoneBank, app: Flask) -> None:
    for _ in range(2):
        record_after(phone_bank.sam, "no_answer", 0)
    assert fast_callers(phone_bank.campaign.id) == []
    record_after(phone_bank.sam, "busy", 0)
    record_after(phone_bank.priya, "no_answer", 60)
    found = fast_callers(phone_bank.campaign.id)
    assert [(row.caller.first_name, row.too_fast, row.calls) for row in found] == [("Sam", 3, 3)]
    organiser = create_account("organiser")
    db.session.commit()
    campaign_id, party_id = phone_bank.campaign.id, phone_bank.party.id
    token, host_id = phone_bank.party.board_token, phone_bank.host.id
    organiser_id = organiser.id
    pages = []
    for account_id, page in (
        (organiser_id, f"/campaigns/{campaign_id}/callers"),
        (host_id, f"/parties/{party_id}"),
        (host_id, f"/board/{token}"),
    ):
        # Requests inside the test's own context would share who is asking.
        g.pop("_login_user", None)
        browser = app.test_client()
        sign_in(browser, account_id)
        pages.append(browser.get(page))
    assert [page.status_code for page in pages] == [200, 200, 200]
    told = ["very fast" in page.text.lower() for page in pages]
    assert told == [True, False, False]
