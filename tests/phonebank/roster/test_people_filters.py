"""Whom to call: a party or a caller gets only the people whom a filter chooses."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.calls.hold import release_hold
from phonebank.contact_queue import refill
from phonebank.contact_queue.empty_reasons import EmptyReason
from phonebank.core.db import db
from phonebank.core.errors import InvalidInputError
from phonebank.models import (
    Account,
    Caller,
    Campaign,
    Contact,
    ContactState,
    Party,
    PeopleFilter,
    RoleName,
    now,
)
from phonebank.persons.tags import set_tags, tags_of
from phonebank.roster.filters import choose_people, choose_people_for_party
from phonebank.roster.jobs import renew_filters
from phonebank.roster.people_filters import (
    Conditions,
    add_filter,
    count_people,
    filters_in_use,
)
from tests.factories import (
    create_account,
    create_caller,
    create_campaign,
    create_contact,
    create_list,
    create_party,
)

PEOPLE = [
    ("Ada", {"ward": "Riverside"}, "CF11 9LL"),
    ("Bo", {"ward": "riverside "}, "CF10 1EP"),
    ("Cy", {"ward": "Canton"}, "CF11 9XX"),
    ("Di", {}, None),
    ("Ed", {}, "90210-1234"),
]


@pytest.fixture
def campaign(app: Flask, clean_stores: None) -> Iterator[Campaign]:
    with app.app_context():
        campaign = create_campaign()
        people = create_list(campaign)
        for name, fields, postcode in PEOPLE:
            create_contact(people, first_name=name, fields=fields, postcode=postcode)
        db.session.commit()
        yield campaign


def made(campaign: Campaign, name: str, conditions: Conditions) -> PeopleFilter:
    added = add_filter(campaign, name, conditions)
    count_people(added.id)
    db.session.commit()
    return added


def everyone_for(caller: Caller) -> set[str]:
    """Claim until nobody is left, and give everyone back. Return whom the caller got."""
    got = {}
    while True:
        try:
            hold = claim(caller)
        except NobodyToCallError:
            break
        db.session.commit()
        got[hold.contact.id] = hold.contact.first_name
        contact = db.session.get_one(Contact, hold.contact.id)
        release_hold(caller, hold.call.id)
        contact.state = ContactState.FINISHED
        db.session.commit()
    for contact_id in got:
        db.session.get_one(Contact, contact_id).state = ContactState.CALLABLE
    db.session.commit()
    return set(got.values())


@pytest.mark.parametrize(
    ("conditions", "fit"),
    [
        (Conditions.parse({"ward": "RIVERSIDE"}, "", ""), {"Ada"}),
        (Conditions.parse({"ward": "riverside, canton", "town": ""}, "", ""), {"Ada", "Cy"}),
        (Conditions.parse({}, "cf11, CF10 1", ""), {"Ada", "Bo", "Cy"}),
        (Conditions.parse({}, "c_1", ""), set()),
        (Conditions.parse({}, "cf_11 9%", ""), {"Ada", "Cy"}),
        (Conditions.parse({}, "90210-12", ""), {"Ed"}),
        (Conditions.parse({"ward": "canton"}, "CF11", ""), {"Cy"}),
        (Conditions.parse({}, "", "Teacher; nurse"), {"Di"}),
        (Conditions.parse({"ward": "%"}, "", ""), set()),
    ],
)
def test_a_filter_finds_who_fits(campaign: Campaign, conditions: Conditions, fit: set[str]) -> None:
    account = create_account(RoleName.ORGANISER)
    people = {one.first_name: one for one in db.session.query(Contact)}
    set_tags(people["Di"], campaign, "Teacher, green", account)
    assert tags_of(people["Di"]).given == ["green", "teacher"]
    added = made(campaign, "Tonight", conditions)
    assert added.people == len(fit)
    caller = create_caller(campaign)
    choose_people(campaign, caller, added.id)
    db.session.commit()
    assert everyone_for(caller) == fit


@pytest.mark.parametrize("few", [0, 20_000])
def test_a_party_s_callers_get_its_people_and_are_told_when_none_are_left(
    campaign: Campaign, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refill, "_FEW", few)
    ward = made(campaign, "Riverside", Conditions.parse({"ward": "riverside"}, "", ""))
    party = create_party(campaign, create_account())
    inside = create_caller(campaign, party)
    outside = create_caller(campaign)
    own = create_caller(campaign, party)
    choose_people_for_party(campaign, party, ward.id)
    canton = made(campaign, "Canton", Conditions.parse({"ward": "canton"}, "", ""))
    choose_people(campaign, own, canton.id)
    db.session.commit()
    assert everyone_for(inside) == {"Ada"}
    assert everyone_for(own) == {"Cy"}
    assert everyone_for(outside) == {"Ada", "Bo", "Cy", "Di", "Ed"}

    db.session.execute(text("UPDATE contact SET state = 'finished' WHERE first_name = 'Ada'"))
    db.session.commit()
    with pytest.raises(NobodyToCallError) as nobody:
        claim(inside)
    assert nobody.value.why is EmptyReason.FILTER
    assert "chosen for you" in nobody.value.message
    db.session.rollback()

    # Somebody moves into the ward, and the clock's job finds them.
    db.session.query(Contact).filter_by(first_name="Di").one().fields = {"ward": "Riverside"}
    db.session.commit()
    assert set(filters_in_use()) == {ward.id, canton.id}
    renew_filters()
    db.session.expire_all()
    assert everyone_for(inside) == {"Di"}

    db.session.delete(db.session.get_one(PeopleFilter, ward.id))
    db.session.commit()
    db.session.expire_all()
    assert db.session.get_one(Party, party.id).filter_id is None
    assert everyone_for(inside) == {"Bo", "Cy", "Di", "Ed"}


def reason_for(caller: Caller) -> EmptyReason:
    with pytest.raises(NobodyToCallError) as nobody:
        claim(caller)
    db.session.rollback()
    return nobody.value.why


@pytest.mark.parametrize(
    ("wards", "reason"),
    [("canton", EmptyReason.RESTING), ("canton, riverside", EmptyReason.ON_SCREENS)],
)
def test_people_on_screens_count_only_if_the_filter_chooses_them(
    campaign: Campaign, wards: str, reason: EmptyReason
) -> None:
    chosen = made(campaign, "Tonight", Conditions.parse({"ward": wards}, "", ""))
    caller = create_caller(campaign)
    choose_people(campaign, caller, chosen.id)
    people = {one.first_name: one for one in db.session.query(Contact)}
    people["Cy"].callable_at = now() + timedelta(hours=2)
    people["Ada"].callable_at = now() - timedelta(days=9)  # the first
    db.session.commit()
    assert claim(create_caller(campaign)).contact.id == people["Ada"].id
    db.session.commit()
    assert reason_for(caller) is reason


def test_nobody_is_left_if_another_caller_calls_the_last_chosen_person_back(
    campaign: Campaign,
) -> None:
    canton = made(campaign, "Canton", Conditions.parse({"ward": "canton"}, "", ""))
    caller, other = create_caller(campaign), create_caller(campaign)
    choose_people(campaign, caller, canton.id)
    [person] = db.session.query(Contact).filter_by(first_name="Cy")
    person.callable_at = person.callback_at = now() - timedelta(minutes=1)
    person.callback_caller_id = other.id
    db.session.commit()
    assert reason_for(caller) is EmptyReason.FILTER
    assert claim(other).contact.id == person.id
    db.session.commit()
    assert reason_for(caller) is EmptyReason.FILTER


def test_a_filter_needs_a_name_of_its_own_and_a_condition(campaign: Campaign) -> None:
    riverside = Conditions.parse({"ward": "riverside"}, "", "")
    add_filter(campaign, " River  side", riverside)
    for name, conditions in (
        ("", riverside),
        ("river side", riverside),
        ("All", Conditions.parse({"ward": " ,"}, "", "")),
        ("Any", Conditions.parse({}, "%", "")),
        ("Some", Conditions.parse({}, "CF11, _", "")),
        ("Many", Conditions.parse({}, ",".join(map(str, range(201))), "")),
    ):
        with pytest.raises(InvalidInputError):
            add_filter(campaign, name, conditions)


def test_a_person_has_a_few_short_tags(campaign: Campaign) -> None:
    account = db.session.query(Account).first() or create_account()
    person = db.session.query(Contact).first()
    for words in ("x" * 41, ",".join(map(str, range(21)))):
        with pytest.raises(InvalidInputError):
            set_tags(person, campaign, words, account)


def test_a_callback_that_somebody_else_promised_goes_to_callers_without_a_filter(
    campaign: Campaign,
) -> None:
    ward = made(campaign, "Riverside", Conditions.parse({"ward": "riverside"}, "", ""))
    inside, outside = create_caller(campaign), create_caller(campaign)
    choose_people(campaign, inside, ward.id)
    ada = db.session.query(Contact).filter_by(first_name="Ada").one()
    ada.callback_at = ada.callable_at = now() - timedelta(minutes=30)
    db.session.commit()
    with pytest.raises(NobodyToCallError):
        claim(inside)
    db.session.rollback()
    assert claim(outside).contact.first_name == "Ada"
