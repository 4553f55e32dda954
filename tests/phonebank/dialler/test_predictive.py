"""Predictive calling on the simulated network: a call is nobody's until a caller takes it."""

import pytest
from flask import Flask
from sqlalchemy import func, select

from phonebank.core.db import db
from phonebank.dialler import predictive
from phonebank.models import (
    Caller,
    Campaign,
    CampaignMode,
    Contact,
    DialDecision,
    Line,
    PartyState,
    PhoneSettings,
    RoleName,
    Tally,
    TrainingFor,
    now,
)
from phonebank.pacing.snapshot import Decision, PacingMode
from phonebank.privacy.person import person_of
from phonebank.privacy.subject_access import subject_access_text
from phonebank.telephony.phases import Phase
from phonebank.telephony.sessions import phone_of
from phonebank.trainings.marks import give_mark
from tests.factories import create_account, create_party
from tests.phonebank.dialler.evening import Evening, evening
from tests.signing_in import sign_in

MODE = CampaignMode.PREDICTIVE


def allow(tonight: Evening) -> None:
    settings = db.session.get_one(PhoneSettings, tonight.campaign_id)
    settings.law_confirmed_at = now()
    db.session.commit()


def dial_at_once(monkeypatch, number: int) -> None:
    """Let the rule dial so many lines, once."""
    left = [number]

    def rule(_moment):
        lines, left[0] = left[0], 0
        return Decision(lines, PacingMode.PREDICTIVE, None)

    monkeypatch.setattr(predictive, "lines_to_dial", rule)


def test_a_call_becomes_a_callers_when_the_person_answers(app, clean_stores):
    with evening(app, MODE, people=2, how="answer=1,ring=2,talk=60") as tonight:
        caller = tonight.callers[0]
        allow(tonight)
        tonight.connect_all()
        line = tonight.run(lambda: [x for x in tonight.lines() if x.dialled_at])[0]
        call = tonight.calls()[0]
        assert (call.caller_id, line.caller_id) == (None, None)
        claimed_at = call.started_at
        assert phone_of(caller.id).phase == Phase.WAITING
        tonight.run(lambda: phone_of(caller.id).phase == Phase.TALKING)
        call = tonight.calls()[0]
        assert call.caller_id == caller.id
        assert call.started_at > claimed_at, "the ledger begins when the caller takes the call"
        assert len(tonight.lines()) == 1, (
            "one line for one caller, as long as few answers are known"
        )


def test_calls_that_nobody_answers_change_the_person_and_no_total(app, clean_stores):
    how = "answer=0,busy=0.5,no_such_number=0.5"
    with evening(app, MODE, people=4, how=how) as tonight:
        allow(tonight)
        tonight.connect_all()
        tonight.run(lambda: len([call for call in tonight.calls() if call.outcome]) == 4)
        assert {call.outcome for call in tonight.calls()} == {"busy", "disconnected"}
        assert all(call.caller_id is None and not call.counted for call in tonight.calls())
        people = db.session.scalars(select(Contact)).all()
        assert all(person.attempts == 1 for person in people)
        assert db.session.scalar(select(func.count()).select_from(Tally)) == 0
        tonight.run(lambda: phone_of(tonight.callers[0].id).notice)


def test_a_person_for_whom_nobody_is_free_hears_the_message(app, clean_stores, monkeypatch):
    dial_at_once(monkeypatch, 3)
    with evening(app, MODE, people=3, how="answer=1,ring=0.5,talk=2000") as tonight:
        allow(tonight)
        tonight.connect_all()
        tonight.run(lambda: len([x for x in tonight.lines() if x.ended_at]) == 2)
        joined = [line for line in tonight.lines() if line.joined_at]
        left = [line for line in tonight.lines() if not line.joined_at]
        assert len(joined) == 1
        decisions = db.session.scalars(select(DialDecision)).all()
        assert [decision.lines for decision in decisions] == [3]
        assert {line.decision_id for line in tonight.lines()} == {decisions[0].id}
        for line in left:
            assert line.played_at is not None
            waited = (line.played_at - line.answered_at).total_seconds()
            assert waited < 2 + tonight.message_takes, "it began within two seconds"
        tonight.run(lambda: len([call for call in tonight.calls() if call.ended_at]) == 2)
        for line in left:
            person = db.session.get_one(Contact, line.contact_id)
            assert (person.callable_at - now()).total_seconds() > 71.9 * 3600
        _is_told_of_the_call(app, tonight, left[0].contact_id)


def test_a_caller_of_an_ended_party_is_hung_up_on_while_people_are_called(
    app, clean_stores, monkeypatch
):
    dial_at_once(monkeypatch, 3)
    with evening(app, MODE, people=3, callers=2, how="answer=1,ring=8,talk=60") as tonight:
        allow(tonight)
        tonight.connect_all()
        tonight.run(lambda: any(line.dialled_at for line in tonight.lines()))
        stays, goes = tonight.callers
        party = create_party(tonight.campaign, create_account())
        party.state = PartyState.ENDED
        goes.party_id = party.id
        db.session.commit()
        tonight.run(lambda: phone_of(goes.id).phase == Phase.OFF, seconds=5)
        assert any(not line.ended_at for line in tonight.lines()), "people are still being called"
        tonight.run(lambda: phone_of(stays.id).phase == Phase.TALKING)


def _is_told_of_the_call(app: Flask, tonight: Evening, contact_id: int) -> None:
    """The person may ask who has called them, so an organiser sees the call."""
    organiser = create_account(RoleName.ORGANISER)
    db.session.commit()
    browser = app.test_client()
    sign_in(browser, organiser.id)
    page = browser.get(f"/campaigns/{tonight.campaign.id}/person/{contact_id}").text
    assert "They answered, and no caller was free" in page
    assert "by the telephone service. No caller took the call" in page
    contact = db.session.get_one(Contact, contact_id)
    person, contacts = person_of(contact, Campaign.id == tonight.campaign.id)
    told = subject_access_text(person, contacts)
    assert "the telephone service called you, and no volunteer took the call" in told
    [call] = [one for one in tonight.calls() if one.contact_id == contact_id]
    correction = f"/campaigns/{tonight.campaign.id}/calls/{call.id}/correct"
    assert browser.get(correction).status_code == 404


def test_without_the_tick_it_is_progressive(app, clean_stores):
    with evening(app, MODE, people=2, how="answer=1,ring=2") as tonight:
        tonight.connect_all()
        tonight.run(lambda: [x for x in tonight.lines() if x.dialled_at])
        assert db.session.scalars(
            select(Line.caller_id).where(Line.call_id.is_not(None))
        ).all() == [tonight.callers[0].id]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"practice_first": True}, "one practice call before your first real call"),
        ({"training_for": TrainingFor.CALLERS}, "be trained first"),
    ],
)
def test_a_caller_who_has_to_learn_first_gets_nobody_and_is_told_why(
    app, clean_stores, setting, said
):
    with evening(app, MODE, people=2, how="answer=1,ring=0.3,talk=60") as tonight:
        caller = tonight.callers[0]
        allow(tonight)
        for name, value in setting.items():
            setattr(tonight.campaign, name, value)
        tonight.connect_all()
        assert said in tonight.run(lambda: phone_of(caller.id).notice)
        assert tonight.lines() == []
        caller = db.session.get_one(Caller, caller.id)
        caller.practised_at = now()
        if "training_for" in setting:
            give_mark(caller, None)
        db.session.commit()
        tonight.run(lambda: phone_of(caller.id).phase == Phase.TALKING)
