"""Setting aside what a caller recorded, and bringing it back: people, do-not-calls, tallies."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phonebank.calls import set_aside, set_aside_worker
from phonebank.calls.claim import claim
from phonebank.calls.jobs import continue_all_set_asides, continue_set_aside
from phonebank.calls.record import record
from phonebank.calls.undo import CannotUndoError, undo
from phonebank.contact_queue.expire_holds import expire_holds
from phonebank.core.db import db
from phonebank.core.errors import ConflictError
from phonebank.models import (
    Account,
    Call,
    Caller,
    CallerAction,
    Contact,
    RoleName,
    SetAside,
    SetAsideState,
    Suppression,
    SuppressionOrigin,
    now,
)
from phonebank.rules.outcomes import OUTCOMES
from phonebank.suppressions.entries import is_suppressed, suppress, suppress_all
from phonebank.tallies.reconcile import differences
from phonebank.tallies.totals import campaign_totals, totals_of_caller
from tests.factories import create_account, create_campaign, create_contact, create_list
from tests.phone_bank import PhoneBank
from tests.phonebank.calls.recorded_calls import recorded
from tests.signing_in import sign_in

COLUMNS = [c.name for c in Contact.__table__.c]


@pytest.fixture
def bank(phone_bank: PhoneBank) -> PhoneBank:
    """Twelve people; among them a household of two, and one with a second number."""
    for number in range(5):
        phone_bank.contacts.append(
            create_contact(
                phone_bank.contact_list,
                other_phones=[f"+44113496{number:04d}"] if number == 1 else [],
            )
        )
    phone = phone_bank.contacts[0].phone
    phone_bank.contacts += [
        create_contact(phone_bank.contact_list, phone=phone),
        create_contact(phone_bank.contact_list, phone=phone, other_phones=["+441134960500"]),
    ]
    db.session.commit()
    return phone_bank


@pytest.fixture
def organiser(bank: PhoneBank) -> Account:
    account = create_account(RoleName.ORGANISER)
    db.session.commit()
    return account


def people() -> dict[int, dict[str, Any]]:
    """Every contact, in every column; whether it is suppressed, but not since when."""
    db.session.expire_all()
    found = {}
    for person in db.session.query(Contact):
        values = {name: getattr(person, name) for name in COLUMNS}
        found[person.id] = values | {"suppressed_at": person.suppressed_at is not None}
    db.session.rollback()
    return found


def call_someone(caller: Caller, outcome: str, after: float = 30) -> Call:
    hold = claim(caller)
    db.session.commit()
    with time_machine.travel(now() + timedelta(seconds=after)):
        call = recorded(caller, hold.call.id, outcome)
        db.session.commit()
    return call


def put_aside(caller: Caller, organiser: Account, only_fast: bool = False) -> SetAside:
    with time_machine.travel(now() + timedelta(hours=1)):
        act = set_aside.begin(caller, organiser, "made up", now(), only_fast=only_fast)
        db.session.commit()
        assert continue_set_aside(act.id, 60)
    return act


def bring_back(act: SetAside, organiser: Account) -> None:
    with time_machine.travel(now() + timedelta(hours=2)):
        set_aside.bring_back(act, organiser, "a mistake", now())
        db.session.commit()
        assert continue_set_aside(act.id, 60)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(outcomes=st.lists(st.sampled_from(sorted(OUTCOMES)), min_size=1, max_size=6))
def test_every_contact_is_as_before_and_once_brought_back_as_after(
    bank: PhoneBank, organiser: Account, outcomes: list[str]
) -> None:
    """With any outcomes, in any order."""
    before, listed = people(), db.session.query(Suppression).count()
    totals = campaign_totals(bank.campaign.id)
    for outcome in outcomes:
        try:
            call_someone(bank.sam, outcome)
        except Exception:
            db.session.rollback()
            break
    after, listed_after = people(), db.session.query(Suppression).count()
    totals_after = campaign_totals(bank.campaign.id)
    act = put_aside(bank.sam, organiser)
    assert people() == before
    assert db.session.query(Suppression).count() == listed
    assert campaign_totals(bank.campaign.id).calls == totals.calls
    assert campaign_totals(bank.campaign.id).yeses == totals.yeses
    assert differences() == []
    bring_back(act, organiser)
    assert people() == after
    assert db.session.query(Suppression).count() == listed_after
    assert campaign_totals(bank.campaign.id).calls == totals_after.calls
    assert campaign_totals(bank.campaign.id).conversations == totals_after.conversations
    assert differences() == []
    # For the next example.
    put_aside(bank.sam, organiser)
    assert people() == before


def test_a_do_not_call_that_somebody_else_made_too_stays(
    bank: PhoneBank, organiser: Account
) -> None:
    calls = [call_someone(bank.sam, "do_not_call") for _ in range(4)]
    phones = [call.phone for call in calls]
    suppress(phones[0], SuppressionOrigin.ORGANISER)
    suppress_all([phones[1]], SuppressionOrigin.LIST)
    other = create_list(create_campaign())
    db.session.commit()
    assert other.id
    look = set_aside.preview(bank.sam)
    assert (look.do_not_calls, look.lifted) == (4, 2)
    put_aside(bank.sam, organiser)
    assert [is_suppressed(phone) for phone in phones] == [True, True, False, False]
    kept_out = [
        db.session.get_one(Contact, call.contact_id).suppressed_at is not None for call in calls
    ]
    assert kept_out == [True, True, False, False]


def test_a_number_listed_before_stays_listed(bank: PhoneBank, organiser: Account) -> None:
    hold = claim(bank.sam)
    suppress_all([hold.call.phone], SuppressionOrigin.LIST)
    record(bank.sam, hold.call.id, "do_not_call")
    db.session.commit()
    put_aside(bank.sam, organiser)
    assert is_suppressed(hold.call.phone)


def test_another_caller_s_do_not_call_stays(bank: PhoneBank, organiser: Account) -> None:
    hold = claim(bank.sam)
    db.session.commit()
    with time_machine.travel(now() + timedelta(minutes=10)):
        expire_holds(bank.campaign)
        db.session.commit()
        second = claim(bank.priya)
        while second.contact.id != hold.contact.id:
            record(bank.priya, second.call.id, "no_answer")
            db.session.commit()
            second = claim(bank.priya)
        record(bank.priya, second.call.id, "do_not_call")
        db.session.commit()
        record(bank.sam, hold.call.id, "do_not_call")
        db.session.commit()
        put_aside(bank.sam, organiser)
    assert is_suppressed(hold.call.phone)


def test_said_twice_by_the_same_caller_is_said_once(bank: PhoneBank, organiser: Account) -> None:
    first = call_someone(bank.sam, "do_not_call")
    suppress(first.phone, "call", call_id=call_someone(bank.sam, "no_answer").id)
    db.session.commit()
    put_aside(bank.sam, organiser)
    assert not is_suppressed(first.phone)


def test_the_same_caller_s_real_call_keeps_the_number_listed(
    bank: PhoneBank, organiser: Account
) -> None:
    first, second = call_someone(bank.sam, "do_not_call"), call_someone(bank.sam, "no_answer")
    first.too_fast = True
    second.outcome, second.phone, second.contact_id = "do_not_call", first.phone, first.contact_id
    db.session.commit()
    look = set_aside.preview(bank.sam, only_fast=True)
    assert (look.do_not_calls, look.lifted) == (1, 0)
    put_aside(bank.sam, organiser, only_fast=True)
    assert is_suppressed(first.phone)


def test_somebody_called_since_stays_as_that_call_left_them(
    bank: PhoneBank, organiser: Account
) -> None:
    call_someone(bank.sam, "talked")  # the household
    mine = call_someone(bank.sam, "no_answer")
    with time_machine.travel(now() + timedelta(days=2)):
        other = None
        while other is None or other.contact_id != mine.contact_id:
            other = call_someone(bank.priya, "talked")
        stands = people()[mine.contact_id]
        assert set_aside.preview(bank.sam).called_since == 1
        put_aside(bank.sam, organiser)
    assert people()[mine.contact_id] == stands
    assert totals_of_caller(bank.sam.id).calls == 0
    assert totals_of_caller(bank.priya.id).calls > 0
    assert differences() == []


def test_only_the_fast_ones(bank: PhoneBank, organiser: Account) -> None:
    slow = call_someone(bank.sam, "do_not_call", after=60)
    fast = call_someone(bank.sam, "do_not_call", after=1)
    put_aside(bank.sam, organiser, only_fast=True)
    db.session.expire_all()
    assert (slow.set_aside_at is None, fast.set_aside_at is None) == (True, False)
    assert is_suppressed(slow.phone)
    assert not is_suppressed(fast.phone)
    assert totals_of_caller(bank.sam.id).calls == 1
    assert differences() == []


def test_they_are_called_again_and_the_calls_are_kept(bank: PhoneBank, organiser: Account) -> None:
    # The household rests after the first of it.
    called = {call_someone(bank.sam, "talked").phone for _ in range(10)}
    act = put_aside(bank.sam, organiser)
    assert db.session.query(Call).filter(Call.set_aside_at.is_not(None)).count() == 10
    again = {call_someone(bank.priya, "talked").phone for _ in range(10)}
    assert again == called
    # Priya's calls stand, also when Sam's come back.
    stands = people()
    bring_back(act, organiser)
    assert people() == stands
    assert totals_of_caller(bank.sam.id).calls == 10
    assert differences() == []


def test_a_call_set_aside_cannot_be_undone_by_its_caller(
    bank: PhoneBank, organiser: Account
) -> None:
    call = call_someone(bank.sam, "talked", after=0)
    act = set_aside.begin(bank.sam, organiser, "", now() + timedelta(seconds=1))
    db.session.commit()
    assert continue_set_aside(act.id, 60)
    with pytest.raises(CannotUndoError):
        undo(bank.sam, call.id)
    db.session.rollback()
    assert differences() == []


def test_many_are_done_some_at_a_time_and_a_killed_process_is_gone_on_after(
    bank: PhoneBank, organiser: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(set_aside_worker, "AT_ONCE", 2)
    before = people()
    for _ in range(7):
        call_someone(bank.sam, "do_not_call")
    with time_machine.travel(now() + timedelta(hours=1)):
        act = set_aside.begin(bank.sam, organiser, "", now())
        db.session.commit()
        assert not continue_set_aside(act.id, 0)
        db.session.expire_all()
        assert (act.state, set_aside.progress(act).calls) == (SetAsideState.WORKING, 2)
        assert differences() == []
        continue_all_set_asides()
    db.session.expire_all()
    assert act.state == SetAsideState.DONE
    assert set_aside.progress(act).calls == 7
    assert people() == before


def test_it_is_brought_back_once(bank: PhoneBank, organiser: Account) -> None:
    call_someone(bank.sam, "talked")
    act = put_aside(bank.sam, organiser)
    bring_back(act, organiser)
    db.session.expire_all()
    with pytest.raises(ConflictError):
        set_aside.bring_back(act, organiser, "", now())
    db.session.rollback()
    assert totals_of_caller(bank.sam.id).calls == 1


def test_an_organiser_looks_first_and_it_is_on_record(
    bank: PhoneBank, organiser: Account, client: FlaskClient
) -> None:
    for _ in range(3):
        call_someone(bank.sam, "do_not_call", after=0)
    sign_in(client, organiser.id)
    address = f"/campaigns/{bank.campaign.id}/callers/{bank.sam.id}/set-aside"
    look = client.get(address).text
    assert "<strong>3</strong> outcomes" in look
    assert "<strong>3</strong> numbers will come" in look
    assert "Nobody has stopped" in look
    assert differences() == []
    assert db.session.query(Suppression).count() == 3, "looking changes nothing"
    done = client.post(address, data={"reason": "nobody was called"}, follow_redirects=True).text
    assert "Set aside: 3 calls by Sam." in done
    assert "“nobody was called”" in done
    assert db.session.query(Suppression).count() == 0
    assert client.post(address).status_code == 409, "there is nothing more"
    back = f"{address}/{db.session.query(SetAside).one().id}/bring-back"
    assert "<strong>3</strong> numbers will go" in client.get(back).text
    assert "Brought back" in client.post(back, follow_redirects=True).text
    assert client.post(back).status_code == 409
    assert db.session.query(Suppression).count() == 3
    actions = db.session.query(CallerAction).order_by(CallerAction.id).all()
    assert [(each.action, each.account_id) for each in actions] == [
        ("set_aside", organiser.id),
        ("brought_back", organiser.id),
    ]
    assert actions[0].figures["calls"] == 3
