"""A human pace: budgets, pauses, flags. The clock is moved, and the stores are real."""

import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from phonebank.calls.claim import claim
from phonebank.calls.hold import release_hold
from phonebank.calls.record import record
from phonebank.contact_queue.redis_queue import redis_queue_of
from phonebank.core.db import db
from phonebank.models import Call, Caller, Campaign, PaceFlag, RoleName, now
from phonebank.roster import blocked_addresses, pace
from phonebank.roster.pace import PacePausedError
from phonebank.roster.stop import resume_caller
from phonebank.site.guides import DOCS
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
)
from tests.phone_bank import PhoneBank, come_in
from tests.signing_in import sign_in


@pytest.fixture
def bank(phone_bank: PhoneBank) -> PhoneBank:
    for _ in range(40):
        create_contact(phone_bank.contact_list)
    db.session.commit()
    return phone_bank


def budget(bank: PhoneBank, **budgets: int) -> None:
    for name, number in budgets.items():
        setattr(bank.campaign, name, number)
    db.session.commit()


def call_on(caller: Caller, outcome: str, seconds: float, at_most: int = 30) -> PacePausedError:
    """Call one person after another, each for so many seconds, until paused; at most so many."""
    at = now()
    for number in range(at_most):
        with time_machine.travel(at + timedelta(seconds=number * seconds), tick=False):
            try:
                hold = claim(caller)
            except PacePausedError as pause:
                db.session.commit()
                return pause
            db.session.commit()
        with time_machine.travel(at + timedelta(seconds=(number + 1) * seconds), tick=False):
            if outcome:
                record(caller, hold.call.id, outcome)
            else:
                release_hold(caller, hold.call.id)
            db.session.commit()
    raise AssertionError(f"{at_most} people seen, and no pause")


def seen_by(caller: Caller) -> int:
    return db.session.query(Call).filter_by(caller_id=caller.id).count()


@pytest.mark.parametrize(
    ("kind", "outcome", "seconds", "pause"),
    [
        (pace.A_MINUTE, "no_answer", 5, timedelta(minutes=1)),
        (pace.AN_HOUR, "no_answer", 40, None),
        (pace.NO_CALLS, "skipped", 20, timedelta(minutes=5)),
        (pace.NO_CALLS, "line_fault", 20, timedelta(minutes=5)),
        (pace.NO_CALLS, "", 20, timedelta(minutes=5)),
        (pace.UNRECORDED, "", 20, None),
    ],
)
def test_past_a_budget_a_caller_pauses_and_goes_on_by_themselves(
    bank: PhoneBank, kind: str, outcome: str, seconds: float, pause: timedelta | None
) -> None:
    budget(bank, **{kind: 5})
    began = now()
    paused = call_on(bank.sam, outcome, seconds)
    assert seen_by(bank.sam) == 5
    assert paused.next_at is not None
    at = began + timedelta(seconds=5 * seconds)
    if pause is not None:
        assert abs(paused.next_at - at - pause) < timedelta(seconds=2)
    else:
        # One of the five is more than an hour old by then.
        assert abs(paused.next_at - began - timedelta(hours=1)) < timedelta(seconds=2)
    with (
        time_machine.travel(paused.next_at - timedelta(seconds=2), tick=False),
        pytest.raises(PacePausedError),
    ):
        claim(bank.sam)
    db.session.rollback()
    assert seen_by(bank.sam) == 5
    with time_machine.travel(paused.next_at + timedelta(seconds=1), tick=False):
        assert claim(bank.sam).is_new
    flag = db.session.query(PaceFlag).one()
    assert (flag.caller_id, flag.kind, flag.seen, flag.budget) == (bank.sam.id, kind, 5, 5)


def test_one_caller_s_pause_is_not_another_s(bank: PhoneBank) -> None:
    budget(bank, people_a_minute=3)
    call_on(bank.sam, "no_answer", 1)
    assert claim(bank.priya).is_new


def test_a_person_is_not_lost_to_a_pause(bank: PhoneBank) -> None:
    budget(bank, people_a_minute=3)
    call_on(bank.sam, "no_answer", 1)
    assert redis_queue_of(bank.campaign.id).held_count() == 0
    assert not db.session.query(Call).filter(Call.ended_at.is_(None)).count()


def test_a_real_call_between_two_skips_begins_the_row_anew(bank: PhoneBank) -> None:
    budget(bank, no_calls_in_a_row=3)
    for _ in range(4):
        for outcome in ("skipped", "skipped", "no_answer"):
            hold = claim(bank.sam)
            record(bank.sam, hold.call.id, outcome)
            db.session.commit()
    assert seen_by(bank.sam) == 12


@pytest.mark.parametrize(
    ("budgets", "seconds", "people"),
    [({"fast_do_not_calls_an_hour": 3}, 1, 3), ({"do_not_calls_an_hour": 5}, 60, 5)],
)
def test_do_not_calls_past_a_budget_wait_for_an_organiser(
    bank: PhoneBank, budgets: dict[str, int], seconds: float, people: int
) -> None:
    budget(bank, **budgets)
    paused = call_on(bank.sam, "do_not_call", seconds)
    assert seen_by(bank.sam) == people
    assert paused.next_at is None
    assert "organiser" in paused.message
    with time_machine.travel(now() + timedelta(days=30)), pytest.raises(PacePausedError):
        claim(bank.sam)


def test_the_third_pause_in_a_day_waits_for_an_organiser(bank: PhoneBank) -> None:
    budget(bank, people_a_minute=2)
    at = now()
    ends: list[datetime | None] = []
    for minutes in (0, 5, 10):
        with time_machine.travel(at + timedelta(minutes=minutes)):
            ends.append(call_on(bank.sam, "no_answer", 1).next_at)
    assert [end is None for end in ends] == [False, False, True]
    assert db.session.query(PaceFlag).one().times == 3


def test_the_third_pause_for_the_hours_number_ends_by_itself_too(bank: PhoneBank) -> None:
    budget(bank, people_an_hour=2)
    at = now()
    for hours in (0, 2, 4):
        with time_machine.travel(at + timedelta(hours=hours)):
            assert call_on(bank.sam, "no_answer", 30).next_at is not None
    assert db.session.query(PaceFlag).one().times == 3


def test_the_page_for_organisers_gives_the_same_budgets() -> None:
    page = (DOCS / "calling-rules.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"(?m)^\| ([^|]*(?:people|“Never)[^|]*) \| (\d+)\b", page))
    usual = {name: Campaign.__table__.c[name].default.arg for name in pace.BUDGETS}
    assert told == {
        "people an hour": str(usual[pace.AN_HOUR]),
        "people a minute": str(usual[pace.A_MINUTE]),
        "people in a row without a call (skipped, given back, timed out or “The call failed”)": str(
            usual[pace.NO_CALLS]
        ),
        "people an hour without an outcome": str(usual[pace.UNRECORDED]),
        "“Never call again” an hour": str(usual[pace.DO_NOT_CALLS]),
        "“Never call again” within 3 seconds of seeing the person, an hour": str(
            usual[pace.FAST_DO_NOT_CALLS]
        ),
    }
    assert (
        f"*People an hour for all new callers from one address* ({usual[pace.NEWCOMERS]}, "
        f"and each new caller counts for {blocked_addresses.EACH_AT_LEAST} at least)" in page
    )


def test_pauses_on_different_days_do_not_add_up(bank: PhoneBank) -> None:
    budget(bank, people_a_minute=2)
    at = now()
    for days in range(4):
        with time_machine.travel(at + timedelta(days=2 * days)):
            assert call_on(bank.sam, "no_answer", 1).next_at is not None


def test_an_organiser_lets_them_go_on(bank: PhoneBank) -> None:
    budget(bank, do_not_calls_an_hour=3)
    call_on(bank.sam, "do_not_call", 30)
    organiser = create_account(RoleName.ORGANISER)
    later = now() + timedelta(minutes=5)
    with time_machine.travel(later, tick=False):
        resume_caller(bank.sam, organiser, now())
        db.session.commit()
        assert claim(bank.sam).is_new
    flag = db.session.query(PaceFlag).one()
    assert (flag.looked_by_id, flag.looked_at) == (organiser.id, later)
    assert pace.open_flags(bank.campaign.id) == []


def test_the_usual_budgets_stop_a_reader_and_no_caller(bank: PhoneBank) -> None:
    usual = Campaign.__table__.c
    budget(bank, **{name: usual[name].default.arg for name in pace.BUDGETS})
    assert call_on(bank.sam, "do_not_call", 0.1).next_at is None
    assert seen_by(bank.sam) == 3
    # A busy hour of a fast caller: nobody answers, for half a minute each.
    with pytest.raises(AssertionError, match="no pause"):
        call_on(bank.priya, "no_answer", 31)


@pytest.fixture
def crowd(app: Flask, clean_stores: None) -> Iterator[tuple[int, str]]:
    """A caller at the edge of their budget: their id and token."""
    with app.app_context():
        campaign = create_campaign(people_a_minute=4, door_open=True)
        contact_list = create_list(campaign)
        for _ in range(30):
            create_contact(contact_list)
        caller = create_caller(campaign, promised_at=now())
        db.session.commit()
        yield caller.id, caller.device_token


def test_fifty_requests_at_once_do_not_pass_it(app: Flask, crowd: tuple[int, str]) -> None:
    caller_id, token = crowd
    start = threading.Barrier(25)

    def read() -> None:
        client = app.test_client()
        with client.session_transaction() as session:
            session["caller"] = {"id": caller_id, "token": token}
        start.wait()
        for _ in range(6):
            answer = client.post("/calling/next", headers={"Accept": "application/json"})
            person = (answer.json or {}).get("person")
            if person:
                client.post(
                    f"/calling/person/{person['call_id']}/outcome",
                    json={"outcome": "skipped", "next": False},
                    headers={"Accept": "application/json"},
                )

    threads = [threading.Thread(target=read) for _ in range(25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert db.session.query(Call).count() == 4
    flag = db.session.query(PaceFlag).one()
    assert (flag.kind, flag.times) == (pace.A_MINUTE, 1)


def test_the_page_says_until_when_and_goes_on(bank: PhoneBank, client: FlaskClient) -> None:
    bank.sam.promised_at = now()
    budget(bank, people_a_minute=2)
    call_on(bank.sam, "no_answer", 0)
    come_in(client, bank)
    page = client.get("/calling/wait")
    assert page.status_code == 200
    assert "faster than a phone can dial" in page.text
    assert "data-ends-in=" in page.text
    answer = client.post("/calling/next", headers={"Accept": "application/json"}).json
    assert answer
    assert answer["person"] is None
    assert answer["next_at"]
    with time_machine.travel(now() + timedelta(seconds=61)):
        assert client.get("/calling/wait").status_code in (200, 303)
        assert client.get("/calling/person").status_code == 200


def test_an_outcome_is_kept_when_the_pause_comes_after_it(
    bank: PhoneBank, client: FlaskClient
) -> None:
    bank.sam.promised_at = now()
    budget(bank, people_a_minute=1)
    call_id = claim(bank.sam).call.id
    db.session.commit()
    come_in(client, bank)
    answer = client.post(
        f"/calling/person/{call_id}/outcome",
        json={"outcome": "talked"},
        headers={"Accept": "application/json"},
    )
    assert answer.status_code == 200
    told = answer.json
    assert told
    assert told["changed"]
    assert told["person"] is None
    assert "faster" in told["message"]
    assert db.session.query(PaceFlag).count() == 1, "kept though nobody was handed out"


def test_organisers_see_what_was_done_and_can_let_them_go_on(
    bank: PhoneBank, client: FlaskClient
) -> None:
    budget(bank, do_not_calls_an_hour=3)
    call_on(bank.sam, "do_not_call", 30)
    organiser = create_account(RoleName.ORGANISER)
    db.session.commit()
    sign_in(client, organiser.id)
    campaign = f"/campaigns/{bank.campaign.id}"
    assert (
        "<strong>One caller</strong> has gone over a limit for callers."
        in client.get(campaign).text
    )
    roster = client.get(f"{campaign}/callers").text
    assert "3 people put on the do-not-call list within an hour" in roster
    assert f'href="{campaign}/pace">How fast they may go' in roster
    assert "Paused until you review this" in client.get(f"{campaign}/callers/{bank.sam.id}").text
    page = client.get(f"{campaign}/callers/{bank.sam.id}/history").text
    assert "Paused until you review this" in page
    assert "Do not call" in page
    for figure in ("people seen", "in the last hour", "most in a minute", "seconds per person"):
        assert figure in page
    client.post(f"{campaign}/callers/{bank.sam.id}/history/go-on")
    assert "faster than anyone can dial" not in client.get(campaign).text.lower()
    with time_machine.travel(now() + timedelta(minutes=3)):
        db.session.expire_all()
        assert claim(bank.sam).is_new


def test_organisers_set_the_budgets(bank: PhoneBank, client: FlaskClient) -> None:
    organiser = create_account(RoleName.ORGANISER)
    db.session.commit()
    sign_in(client, organiser.id)
    address = f"/campaigns/{bank.campaign.id}/pace"
    fields: dict[str, object] = dict.fromkeys(pace.BUDGETS, 7)
    for wrong in ("", "0", "many", "1000000", "2.5"):
        refused = client.post(address, data=fields | {"people_an_hour": wrong})
        assert refused.status_code == 422
    db.session.expire_all()
    assert bank.campaign.people_an_hour == pace.BUDGET_AT_MOST
    assert client.post(address, data=fields).status_code == 303
    db.session.expire_all()
    assert {getattr(bank.campaign, name) for name in pace.BUDGETS} == {7}
