"""Callers get the script of the contact's arm, and the call stores which arm that was."""

from collections import Counter

import pytest
from flask import Flask
from sqlalchemy import select

from phonebank.calls.answers import answers_of, save_answer
from phonebank.calls.claim import claim
from phonebank.calls.household import others_in_household, switch_contact
from phonebank.calls.record import record
from phonebank.core.db import db
from phonebank.experiments.script_choice import ScriptChoice, active_version_ids, script_choice_for
from phonebank.models import (
    Call,
    Campaign,
    Contact,
    Experiment,
    ExperimentArm,
    ExperimentState,
    Script,
    now,
)
from scripts_library.library import source_of
from tests.factories import (
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_script,
)
from tests.phone_bank import call_of

SOURCE = source_of("voter-identification", "en")


@pytest.fixture
def campaign(app_context: Flask) -> Campaign:
    """Create a campaign that uses one script and has two more to compare."""
    campaign = create_campaign()
    create_script(campaign, SOURCE, "Long")
    create_script(campaign, SOURCE, "Short")
    create_script(campaign, SOURCE, "Usual")
    db.session.commit()
    return campaign


def start(campaign: Campaign, **values: object) -> Experiment:
    scripts = db.session.scalars(select(Script).order_by(Script.id)).all()
    experiment = Experiment(
        campaign_id=campaign.id,
        name="Long or short",
        state=ExperimentState.RUNNING,
        started_at=now(),
        salt="s",
    )
    experiment.arms = [
        ExperimentArm(script_id=script.id, label=script.name, share=1) for script in scripts[:2]
    ]
    for name, value in values.items():
        setattr(experiment, name, value)
    db.session.add(experiment)
    db.session.commit()
    return experiment


def test_without_an_experiment_a_contact_hears_the_campaigns_script(campaign: Campaign) -> None:
    usual = db.session.get_one(Script, campaign.script_id).published_version_id
    assert script_choice_for(campaign.id, 1) == ScriptChoice(usual)
    start(campaign, state=ExperimentState.STOPPED)
    assert script_choice_for(campaign.id, 1) == ScriptChoice(usual)


def test_a_campaign_without_a_script_has_no_words(app_context: Flask) -> None:
    assert script_choice_for(create_campaign().id, 1) == ScriptChoice(None)


def test_contacts_hear_the_words_of_their_arm(campaign: Campaign) -> None:
    experiment = start(campaign)
    script_of_arm = {arm.id: arm.script_id for arm in experiment.arms}
    counts: Counter[int] = Counter()
    for contact_id in range(1, 201):
        words = script_choice_for(campaign.id, contact_id)
        script = db.session.get_one(Script, script_of_arm[words.experiment_arm_id or 0])
        assert words.script_version_id == script.published_version_id
        assert words == script_choice_for(campaign.id, contact_id)
        counts[script.id] += 1
    assert min(counts.values()) > 70


def test_what_people_hear_just_now_begins_with_what_most_of_them_do(campaign: Campaign) -> None:
    usual = db.session.get_one(Script, campaign.script_id).published_version_id
    assert active_version_ids(campaign.id) == [usual]
    experiment = start(campaign)
    few, most = experiment.arms
    few.share, most.share = 10, 90
    db.session.commit()
    published = [
        db.session.get_one(Script, arm.script_id).published_version_id for arm in (few, most)
    ]
    assert active_version_ids(campaign.id) == published[::-1]
    most.script_id, most.script_version_id = few.script_id, published[0]
    db.session.commit()
    assert active_version_ids(campaign.id) == [published[0]]
    assert active_version_ids(create_campaign().id) == []


def test_an_arm_may_be_fixed_at_a_version(campaign: Campaign) -> None:
    experiment = start(campaign)
    first, second = experiment.arms
    held = db.session.get_one(Script, first.script_id).published_version_id
    second.script_id, second.script_version_id = first.script_id, held
    db.session.get_one(Script, first.script_id).published_version_id = None
    db.session.commit()
    versions = {script_choice_for(campaign.id, n).script_version_id for n in range(40)}
    assert versions == {held, None}


def test_every_call_to_a_contact_is_in_the_same_arm_for_any_caller(campaign: Campaign) -> None:
    start(campaign)
    contact_list = create_list(campaign)
    contacts = [create_contact(contact_list) for _ in range(12)]
    callers = [create_caller(campaign) for _ in range(2)]
    campaign.retry_rules = {}
    db.session.commit()
    for caller in callers:
        for _ in contacts:
            call = call_of(claim(caller))
            record(caller, call.id, "no_answer")
            db.session.commit()
        # Every contact may be called again at once.
        for contact in contacts:
            contact.callable_at, contact.attempts_that_day = now(), 0
        db.session.commit()
    calls = db.session.scalars(select(Call)).all()
    assert len(calls) == 24
    for contact in contacts:
        arms = {call.experiment_arm_id for call in calls if call.contact_id == contact.id}
        assert arms == {script_choice_for(campaign.id, contact.id).experiment_arm_id}
    assert len({call.experiment_arm_id for call in calls}) == 2


def household_of(campaign: Campaign, same_arm: bool) -> list[Contact]:
    """Create a list of only two people, who share a number and have the same arm or two arms."""
    contact_list = create_list(campaign)
    people = [create_contact(contact_list, phone="+442079460900") for _ in range(12)]
    first = people[0]
    arm = script_choice_for(campaign.id, first.id).experiment_arm_id
    other = next(
        person
        for person in people[1:]
        if (script_choice_for(campaign.id, person.id).experiment_arm_id == arm) == same_arm
    )
    for person in people:
        if person not in (first, other):
            db.session.delete(person)
    db.session.commit()
    return [first, other]


@pytest.mark.parametrize("same_arm", [True, False])
def test_of_a_household_each_has_their_own_arm(campaign: Campaign, same_arm: bool) -> None:
    start(campaign)
    household_of(campaign, same_arm)
    sam = create_caller(campaign)
    db.session.commit()
    call = call_of(claim(sam))
    save_answer(sam, call.id, "opening", "speaking")
    db.session.commit()
    [other] = others_in_household(call)
    switch_contact(sam, call.id, other.id)
    db.session.commit()
    expected = script_choice_for(campaign.id, other.id)
    assert ScriptChoice(call.script_version_id, call.experiment_arm_id) == expected
    assert bool(answers_of(call)) == same_arm
