"""Callers who are limited to lists or languages, however long the queue is."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from phonebank.calls.claim import NobodyToCallError, claim
from phonebank.contact_queue import refill as refilling
from phonebank.contact_queue.jobs import top_up_all_queues
from phonebank.contact_queue.redis_queue import RedisQueue, redis_queue_of
from phonebank.contact_queue.refill import ensure_built, refill
from phonebank.core.db import db
from phonebank.models import Caller, Campaign, Contact, ContactList, now
from tests.factories import create_caller, create_campaign, create_contact, create_list
from tests.phone_bank import contact_of

OLDER, NEWER = timedelta(hours=2), timedelta(hours=1)


@pytest.fixture
def campaign(app_context: Flask, monkeypatch: pytest.MonkeyPatch) -> Campaign:
    """A campaign in English whose lanes hold four contacts each."""
    monkeypatch.setattr(refilling, "READY_AT_LEAST", 4)
    monkeypatch.setattr(refilling, "READY_PER_CALLER", 0)
    return create_campaign()


def people(contact_list: ContactList, number: int, rested: timedelta, language: str = "") -> None:
    for _ in range(number):
        create_contact(contact_list, language=language, callable_at=now() - rested)
    contact_list.languages = sorted({*contact_list.languages, language})


def given(caller: Caller) -> Contact:
    contact = contact_of(claim(caller))
    db.session.commit()
    return contact


def next_caller(campaign: Campaign, **limits: Any) -> Caller:
    caller = create_caller(campaign, **limits)
    db.session.commit()
    return caller


def test_a_caller_limited_to_a_list_gets_its_contacts_from_behind_a_long_queue(
    campaign: Campaign,
) -> None:
    first, last = create_list(campaign), create_list(campaign, priority=1)
    people(first, 10, OLDER)
    people(last, 2, NEWER)
    db.session.commit()
    ensure_built(campaign)
    limited = [next_caller(campaign, list_ids=[last.id]) for _ in range(3)]
    assert [given(caller).contact_list_id for caller in limited[:2]] == [last.id, last.id]
    with pytest.raises(NobodyToCallError):
        claim(limited[2])
    db.session.rollback()
    assert given(next_caller(campaign)).contact_list_id == first.id


def test_people_fetched_for_a_limited_caller_do_not_come_before_a_list_that_goes_first(
    campaign: Campaign,
) -> None:
    first, last = create_list(campaign), create_list(campaign, priority=1)
    people(first, 10, NEWER)
    people(last, 10, OLDER)
    db.session.commit()
    assert given(next_caller(campaign, list_ids=[last.id])).contact_list_id == last.id
    others = [given(next_caller(campaign)).contact_list_id for _ in range(10)]
    assert others == [first.id] * 10


def test_a_caller_of_two_languages_gets_contacts_that_nobody_else_can_talk_with(
    campaign: Campaign,
) -> None:
    both = create_list(campaign)
    people(both, 1, OLDER, "pl")
    people(both, 10, NEWER, "en")
    bilingual = next_caller(campaign, languages=["en", "pl"])
    top_up_all_queues()
    english = [given(next_caller(campaign)).language for _ in range(6)]
    assert english == ["en"] * 6
    assert given(bilingual).language == "pl"


def test_a_caller_of_two_languages_gets_the_first_of_both(campaign: Campaign) -> None:
    both = create_list(campaign)
    for language, minutes in (("en", 4), ("pl", 3), ("en", 2), ("pl", 1)):
        people(both, 1, timedelta(minutes=minutes), language)
    bilingual = [next_caller(campaign, languages=["en", "pl"]) for _ in range(4)]
    top_up_all_queues()
    assert [given(caller).language for caller in bilingual] == ["en", "pl", "en", "pl"]


def test_contacts_of_a_language_that_no_caller_speaks_delay_nobody(campaign: Campaign) -> None:
    both = create_list(campaign)
    people(both, 10, OLDER, "pl")
    people(both, 10, NEWER)
    create_caller(campaign, languages=["pl"])
    db.session.commit()
    for _ in range(10):
        top_up_all_queues()
        assert given(next_caller(campaign)).language == ""


def test_a_contact_whose_language_changed_in_its_lane_is_not_given(
    campaign: Campaign,
) -> None:
    only = create_list(campaign)
    people(only, 1, OLDER)
    db.session.commit()
    ensure_built(campaign)
    db.session.query(Contact).one().language = "pl"
    only.languages = ["", "pl"]
    db.session.commit()
    assert redis_queue_of(campaign.id).lane()
    with pytest.raises(NobodyToCallError):
        claim(next_caller(campaign))
    db.session.rollback()
    assert given(next_caller(campaign, languages=["pl"])).language == "pl"


def test_a_limited_caller_who_waits_hears_when_one_of_their_contacts_becomes_callable(
    campaign: Campaign,
) -> None:
    here, there = create_list(campaign), create_list(campaign)
    people(here, 1, timedelta(hours=-3))
    people(there, 1, timedelta(hours=-1))
    with pytest.raises(NobodyToCallError) as nobody:
        claim(next_caller(campaign, list_ids=[here.id]))
    assert nobody.value.next_at is not None
    assert nobody.value.next_at > now() + timedelta(hours=2)


def test_emptying_the_lanes_empties_all_of_them(campaign: Campaign) -> None:
    only = create_list(campaign)
    people(only, 2, OLDER, "pl")
    people(only, 2, OLDER)
    db.session.commit()
    refill(campaign)
    refill(campaign, languages=["pl"])
    refill(campaign, [only.id])
    store: RedisQueue = redis_queue_of(campaign.id)
    lanes = [("", ()), ("pl", ()), ("", (only.id,))]
    assert all(len(store.lane(language, lists)) == 2 for language, lists in lanes)
    store.clear_lanes()
    assert not any(store.lane(language, lists) for language, lists in lanes)
